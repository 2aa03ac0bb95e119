#!/bin/sh
# usage: compile-program.sh PROGRAM
# Runs the program until it has kept its compiled code beside it.
set -eu

node "$1" --port 0 --log-level warn &
broker=$!
tries=0
until ls "$(dirname "$1")"/*.cache > /dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then
    echo "$1 has kept no compiled code" >&2
    exit 1
  fi
  sleep 0.1
done
kill "$broker"
wait "$broker" || true
