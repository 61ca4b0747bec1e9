"""A client of the gateway in Python's standard library, for the programs beside it."""

import json
import os
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("GATEWAY_KEY", "")
# How long to go on against a busy VM, a spent quota or a gateway that restarts.
PATIENCE_S = float(os.environ.get("GATEWAY_PATIENCE_S", "900"))
# What goes away by itself; everything else would be refused again.
PASSING = {"vm-busy", "idempotency-in-progress", "rate-limited", "draining", "store-unavailable", "upstream-unavailable"}


class Refused(Exception):
    """A problem (RFC 9457): decide on `code`."""

    def __init__(self, problem):
        self.code = problem.get("code", "no-problem")
        super().__init__(f"{self.code}: {problem.get('detail', problem)}")


def call(method, path, body=None, say=print):
    """The answer; for an operation, its end. Raises Refused."""
    headers = {"Authorization": f"Bearer {KEY}", "Prefer": "wait=20", "Idempotency-Key": str(uuid.uuid4())}
    if body is not None:
        headers["Content-Type"] = "application/json"
    data = None if body is None else json.dumps(body).encode()
    deadline = time.monotonic() + PATIENCE_S
    while True:
        request = urllib.request.Request(URL + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, answer, again_s = response.status, json.load(response), response.headers["Retry-After"]
            running = answer.get("status") == "running"
        except urllib.error.HTTPError as error:
            status, running, again_s = error.code, False, error.headers["Retry-After"]
            text = error.read().decode()
            is_problem = error.headers.get_content_type() == "application/problem+json"
            refused = Refused(json.loads(text) if is_problem else {"detail": f"HTTP {status}: {text[:200]}"})
            if refused.code not in PASSING or time.monotonic() > deadline:
                raise refused from None
            say(f"{refused}; again in {again_s} s")
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            # The same Idempotency-Key: what did arrive is not done twice.
            status, running, again_s = 0, False, 2
            if time.monotonic() > deadline:
                raise Refused({"code": "unreachable", "detail": str(error)}) from None
            say(f"{URL}: {error}; again in {again_s} s")
        if running:
            method, path, data = "GET", f"/operations/{answer['id']}", None
        elif status in range(200, 300):
            return answer
        time.sleep(float(again_s or 1))
