/** The least that a server in Node can be: what a broker's start and memory are held against. CommonJS starts faster. */
const { createServer } = require('node:net')

const port = Number(process.argv[2])
createServer((socket) => {
  socket.on('data', (chunk) => socket.write(chunk))
  socket.on('error', () => {})
}).listen(port, '127.0.0.1')
