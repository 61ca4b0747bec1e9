#!/usr/bin/env python3
"""Takes a snapshot and waits for it: GATEWAY_URL=... GATEWAY_KEY=... python3 examples/snapshot.py VM_ID NAME"""

import sys

from gateway import Refused, call

vm, name = sys.argv[1:]
try:
    operation = call("POST", f"/vms/{vm}/snapshots", {"name": name})
except Refused as refused:
    sys.exit(str(refused))
print(operation["id"], operation["status"])
if operation["status"] != "succeeded":
    sys.exit(f"{operation['error']['code']}: {operation['error']['detail']}")
