#!/bin/sh
# usage: copy-program.sh FROM TO
# Copies the program with those chunks that it comes to: the others are the library's.
set -eu

from=$1 to=$2

copy() {
  if [ -e "$to/$1" ]; then return; fi
  cp "$from/$1" "$to/"
  for chunk in $(grep -o 'chunk-[A-Z0-9]*\.js' "$from/$1" | sort -u); do copy "$chunk"; done
}

copy cli.js
cp "$from/cli.licenses.txt" "$to/"
