// Node's own server: a line a request on standard output, and an answer that repeats it.
const server = require("node:http").createServer({ keepAliveTimeout: 60000 }, (request, answer) => {
  let length = 0;
  request.on("data", (octets) => (length += octets.length));
  request.on("end", () => {
    console.log(`200 ${length} ${request.method} ${request.url}`);
    const text = `${request.method} ${request.url} ${length}\n`;
    answer.writeHead(200, { "Content-Type": "text/plain", "Content-Length": text.length });
    answer.end(text);
  });
});
server.on("clientError", (error, socket) => {
  console.log(`400 0 ${error.code}`);
  if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
