// A handler behind node's own HTTP server: node server.js HANDLER-FILE
const http = require('http');
const { handler } = require(process.argv[2]);

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    const event = JSON.parse(parts.length === 1 ? parts[0] : Buffer.concat(parts));
    const answer = Buffer.from(JSON.stringify(await handler(event)));
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length });
    response.end(answer);
  });
});
server.keepAliveTimeout = 0; // Connections stay.
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
