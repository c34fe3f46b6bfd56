"""A receiver of webhooks: webhook_sink.py PORT FOLDER SECRET

Checks the signature as its documentation says: HMAC-SHA-256 over timestamp "." body, timestamp within five minutes. Each request becomes
FOLDER/N.json: {"path", "headers", "body", "signed"}. What is not signed is answered with 401.
"""
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

PORT, FOLDER, SECRET = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].encode()
NUMBER = count(1)


class Sink(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        timestamp = self.headers.get("research-pacs-timestamp", "")
        expected = "v1=" + hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        signed = hmac.compare_digest(expected, self.headers.get("research-pacs-signature", ""))
        signed = signed and timestamp.isdigit() and abs(time.time() - int(timestamp)) < 300
        request = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body), "signed": signed}
        name = FOLDER / f"{next(NUMBER)}.json"
        name.with_suffix(".part").write_text(json.dumps(request))
        name.with_suffix(".part").rename(name)
        self.send_response(200 if signed else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Sink).serve_forever()
