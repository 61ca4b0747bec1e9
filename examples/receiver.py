#!/usr/bin/env python3
"""Receives the webhooks of a gateway and prints each message once:

    WEBHOOK_SECRET=whsec_... python3 examples/receiver.py PORT

It verifies what comes by Standard Webhooks with nothing but the standard library. While the secret is rotated,
WEBHOOK_SECRET may hold the new one and the old one, with a blank between. It listens on 127.0.0.1, behind a proxy with TLS.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

SECRETS = os.environ["WEBHOOK_SECRET"].split()
# Clocks differ, and messages travel; what is older may have been recorded and sent again.
TOLERANCE_S = 5 * 60
LONGEST_BODY = 64 * 1024


def key_of(secret):
    text = secret.removeprefix("whsec_").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def is_genuine(headers, body):
    """The body is verified as it came: what was parsed and written again is another text."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = [
        b"v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()) for secret in SECRETS
    ]
    came = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(one, other) for one in came for other in expected)


class Receiver(http.server.BaseHTTPRequestHandler):
    # A message comes at least once. A service keeps these where it keeps what it makes of them.
    seen = set()

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length <= LONGEST_BODY else b""
        if not is_genuine(self.headers, body):
            return self.answer(401)
        if self.headers["webhook-id"] not in self.seen:
            self.seen.add(self.headers["webhook-id"])
            ended = json.loads(body)["data"]
            print(ended["self"], ended["kind"], ended["vm_id"], ended["status"], flush=True)
        # Answer soon, and do what takes long afterwards: after 10 s the gateway takes it for a failure.
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


with Server(("127.0.0.1", int(sys.argv[1])), Receiver) as server:
    print(f"listening on http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()
