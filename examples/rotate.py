#!/usr/bin/env python3
"""Takes today's snapshot of each VM and keeps the newest N, for cron:

    GATEWAY_URL=... GATEWAY_KEY=... python3 examples/rotate.py --keep 3 1000 1001

The names are PREFIX-YYYY-MM-DD (UTC). Only snapshots named like that are ever deleted. A VM has four snapshots at most: on
one that has as many, room is made first, by deleting the oldest of these; the last of them never goes before today's is
there. HOSTKEY deletes snapshots of VMs that are powered off only. What is deleted is printed.
Run it as often as you like: what is done is not done again. Exit status: 0 done, 1 refused or failed (the other VMs were
still seen to), 3 unknown: it stopped at once, and somebody has to look.
"""

import argparse
import datetime
import re
import sys

from gateway import Refused, call


# HOSTKEY keeps no more than these of a VM.
LIMIT = 4


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
    everything = [snapshot["name"] for snapshot in listed["snapshots"]]
    today = f"{prefix}-{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"
    # The date is in the name: sorted by name is sorted by age.
    names = sorted({name for name in everything if ours.fullmatch(name)})
    count = len(everything)
    if today not in names:
        # Before today's is there, no more than its place needs, and never the last one.
        while count >= LIMIT and len(names) > 1:
            delete(vm, path, names.pop(0), "to make room")
            count -= 1
        if count >= LIMIT:
            what = f"VM {vm} has {count} snapshots, and at most {LIMIT} are possible; delete one by hand: {', '.join(everything)}"
            raise Refused({"code": "no-room", "detail": what})
        change("POST", path, {"name": today})
        print(f"{vm}: took {today}")
        names.append(today)
    for name in sorted(names)[:-keep]:
        delete(vm, path, name, f"to keep {keep}")


def delete(vm, path, name, why):
    try:
        change("DELETE", f"{path}/{name}")
        print(f"{vm}: deleted {name} {why}")
    except Refused as refused:
        if refused.code != "snapshot-not-found":
            raise


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


parser = argparse.ArgumentParser(description="Takes today's snapshot of each VM and keeps the newest N.")
parser.add_argument("--keep", type=positive, default=3, metavar="N")
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
