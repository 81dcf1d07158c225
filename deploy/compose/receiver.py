"""A webhook that prints what it is sent, a JSON object a line: stands for whatever takes alerts at your place."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOST_BYTES = 4 * 1024 * 1024


class Receiver(BaseHTTPRequestHandler):
    """Answers every POST of JSON with 204."""

    timeout = 30

    def do_POST(self) -> None:
        """Print the body, the path it was sent to and the key by which a message that comes again is known."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MOST_BYTES:
            self.send_error(413)
            return
        try:
            said = json.loads(self.rfile.read(length))
        except ValueError:
            self.send_error(400)
            return
        line = {"path": self.path, "key": self.headers.get("Idempotency-Key"), "said": said}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing else."""


def main(address: str) -> None:
    """Listen at HOST:PORT until a signal ends it."""
    host, _, port = address.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Receiver) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
