#!/usr/bin/env python3
"""Takes today's snapshot of each VM and keeps the newest N, for cron:

    GATEWAY_URL=... GATEWAY_KEY=... python3 examples/rotate.py --keep 7 1000 1001

The names are PREFIX-YYYY-MM-DD (UTC). Only snapshots named like that are ever deleted, and only after today's is there.
Run it as often as you like: what is done is not done again. Exit status: 0 done, 1 refused or failed (the other VMs were
still seen to), 3 unknown: it stopped at once, and somebody has to look.
"""

import argparse
import datetime
import re
import sys

from gateway import Refused, call


class Unknown(Exception):
    pass


def change(method, path, body=None):
    """A change and its end. Raises Refused, also when it failed; Unknown when nobody can tell."""
    operation = call(method, path, body)
    if operation["status"] == "unknown":
        raise Unknown(f"{operation['id']}: {operation['error']['detail']}")
    if operation["status"] == "failed":
        raise Refused(operation["error"])


def rotate(vm, prefix, keep):
    path = f"/vms/{vm}/snapshots"
    listed = call("GET", path)
    # A slow list comes as an operation, with the list in its result.
    if "kind" in listed:
        if listed["status"] != "succeeded":
            raise Refused(listed["error"])
        listed = listed["result"]
    if listed["snapshots"] is None:
        raise Refused({"code": "list-unreadable", "detail": f"the snapshots of VM {vm} could not be read: {listed['raw']}"})

    ours = re.compile(re.escape(prefix) + r"-\d{4}-\d\d-\d\d")
    names = {snapshot["name"] for snapshot in listed["snapshots"] if ours.fullmatch(snapshot["name"])}
    today = f"{prefix}-{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"
    if today not in names:
        change("POST", path, {"name": today})
        print(f"{vm}: took {today}")
    # The date is in the name: sorted by name is sorted by age.
    for name in sorted(names | {today})[:-keep]:
        try:
            change("DELETE", f"{path}/{name}")
            print(f"{vm}: deleted {name}")
        except Refused as refused:
            if refused.code != "snapshot-not-found":
                raise


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


parser = argparse.ArgumentParser(description="Takes today's snapshot of each VM and keeps the newest N.")
parser.add_argument("--keep", type=positive, default=7, metavar="N")
parser.add_argument("--prefix", default="daily")
parser.add_argument("vms", nargs="+", type=int, metavar="VM_ID")
options = parser.parse_args()

status = 0
for vm in options.vms:
    try:
        rotate(vm, options.prefix, options.keep)
    except Refused as refused:
        print(f"{vm}: {refused}", file=sys.stderr)
        status = 1
    except Unknown as unknown:
        print(f"{vm}: STOPPED, nobody can tell whether it happened. Look at the VM, then run this again. {unknown}", file=sys.stderr)
        sys.exit(3)
sys.exit(status)
