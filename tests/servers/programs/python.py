"""Python's own server, with a handler as one writes it: Content-Length is read as a number,
a chunked body line by line. A line a request on standard output, and an answer that repeats it."""
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def body_length(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            wanted = int(self.headers.get("Content-Length", "0"))
            return wanted if len(self.rfile.read(wanted)) == wanted else None
        length = 0
        while True:
            line = self.rfile.readline()
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            length += len(self.rfile.read(size))
            if not self.rfile.readline():
                return None
        while True:
            line = self.rfile.readline()
            if line in (b"\r\n", b"\n"):
                return length
            if not line:
                return None

    def serve(self):
        target = self.requestline.split()[1]
        try:
            length = self.body_length()
        except ValueError:
            length = None
        if length is None:
            say(f"400 0 {self.command} {target}")
            self.close_connection = True
            return
        say(f"200 {length} {self.command} {target}")
        text = f"{self.command} {target} {length}\n".encode("latin-1")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *arguments):
        pass

    def log_error(self, form, *arguments):
        say(f"400 0 {form % arguments!r}")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
say(f"port {server.server_address[1]}")
server.serve_forever()
