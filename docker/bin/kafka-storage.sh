#!/bin/sh
# usage: kafka-storage.sh random-uuid
#        kafka-storage.sh format -t CLUSTER_ID -c FILE [options]
# The broker makes its directory by itself when it starts. To format one is to say which cluster it belongs to.
set -eu

fail() {
  echo "kafka-storage: $*" >&2
  exit 1
}

# The last value of a config in the file, or nothing.
config() {
  sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$file" | tail -n 1
}

random_uuid() {
  while :; do
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
    # An id that begins with a dash would be taken for an option.
    case "$id" in -*) ;; *) break ;; esac
  done
  echo "$id"
}

format() {
  id='' file=''
  while [ $# -gt 0 ]; do
    case "$1" in
      -t | --cluster-id) id=${2-} && shift ;;
      -c | --config) file=${2-} && shift ;;
      --cluster-id=*) id=${1#*=} ;;
      --config=*) file=${1#*=} ;;
    esac
    shift
  done
  [ -n "$id" ] || fail 'format needs the id of the cluster, as in -t "$(kafka-storage.sh random-uuid)"'
  [ -n "$file" ] || fail 'format needs the configs, as in -c server.properties'
  # Without the file the environment says where the data are, and the broker formats them.
  [ -r "$file" ] || { echo "$file is not there: the broker formats its directory when it starts" && exit 0; }
  directory=$(config log.dirs)
  [ -n "$directory" ] || directory=$(config log.dir)
  [ -n "$directory" ] || { echo "$file names no log.dirs: there is nothing to format" && exit 0; }
  [ ! -e "$directory/meta.properties" ] || { echo "$directory is formatted already" && exit 0; }
  node=$(config node.id)
  mkdir -p "$directory"
  printf 'version=1\ncluster.id=%s\nnode.id=%s\n' "$id" "${node:-1}" >"$directory/meta.properties"
  echo "Formatting $directory for cluster $id"
}

case "${1-}" in
  random-uuid) random_uuid ;;
  format) shift && format "$@" ;;
  *) fail "there is no command ${1-}: choose random-uuid or format" ;;
esac
