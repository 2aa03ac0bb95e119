#!/bin/sh
# usage: kafka-server-start.sh [-daemon] server.properties [--override name=value]...
set -eu

if [ "${1-}" = -daemon ]; then
  shift
  "$0" "$@" >/dev/null 2>&1 &
  exit 0
fi
if [ $# = 0 ]; then
  echo "usage: $0 [-daemon] server.properties [--override name=value]..." >&2
  exit 1
fi
file=$1
shift
set -- "$@" --config "$file"
count=$#
while [ "$count" -gt 0 ]; do
  argument=$1
  shift
  if [ "$argument" = --override ]; then argument=--config; fi
  set -- "$@" "$argument"
  count=$((count - 1))
done
exec ottla start "$@"
