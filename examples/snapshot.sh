#!/usr/bin/env bash
# Takes a snapshot and waits for it: GATEWAY_URL=… GATEWAY_KEY=… examples/snapshot.sh VM_ID NAME
set -euo pipefail
vm=$1 name=$2 url=${GATEWAY_URL:-http://127.0.0.1:8080}

# The key comes from a pipe, so that no list of processes shows it. What curl repeats on its own (429, 503, …), it repeats
# after `Retry-After`; the Idempotency-Key makes that safe.
gateway() {
  curl -sS --fail-with-body --retry 5 -H 'Prefer: wait=20' -H @<(printf 'Authorization: Bearer %s' "$GATEWAY_KEY") "$@"
}

# The first member of the answer that has this name: those of the operation come before those of its result.
member() {
  [[ $answer =~ \"$1\":\"([^\"]*)\" ]] && printf %s "${BASH_REMATCH[1]}"
}

# A refusal is a problem, and its detail says why.
refused() {
  printf '%s: %s\n' "$(member code)" "$(member detail)" >&2
  exit 1
}

answer=$(gateway -X POST "$url/vms/$vm/snapshots" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $(date +%s)-$$-$RANDOM" -d "{\"name\":\"$name\"}") || refused
while [[ $(member status) == running ]]; do
  sleep 1
  answer=$(gateway "$url/operations/$(member id)") || refused
done
printf '%s %s\n' "$(member id)" "$(member status)"
[[ $(member status) == succeeded ]] || refused
