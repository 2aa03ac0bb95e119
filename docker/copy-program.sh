#!/bin/sh
# usage: copy-program.sh FROM TO
# Copies the program, without the library.
set -eu

cp "$1/cli.cjs" "$1"/program-*.cjs "$1/cli.licenses.txt" "$2/"
mkdir -p "$2/cjs"
cp "$1/cjs/wasm-zstd.js" "$1/cjs/package.json" "$2/cjs/"
