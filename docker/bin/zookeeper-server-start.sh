#!/bin/sh
# There is no ZooKeeper here and no need for one. Who starts it, or waits for its port, is content with an open one.
set -eu

port=$(sed -n 's/^clientPort=//p' "${1:?usage: $0 zookeeper.properties}" | tail -n 1)
exec node -e 'require("node:net").createServer((socket) => socket.destroy()).listen(Number(process.argv[1]))' \
  "${port:-2181}"
