/** What each problem code means to a stranger: these words are on its page at `/problems/{code}` and in the OpenAPI examples. */

import { problemBody, type Problem, type ProblemCode, type ProblemExtras } from './problem.ts'

interface Words extends ProblemExtras {
  meaning: string
  whatToDo: string
  /** An example of what such an answer says in `detail`; the members of `ProblemExtras` are those that come with it. */
  detail: string
}

const OPERATION = '/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5'
const REFUSED = 'failed to request snapshot removal for 1001 - server must be powered off'
const NO_SNAPSHOT = 'failed to request snapshot removal for 1000 - snapshot not found'
const REJECTED = 'failed to request snapshot creation for 1000 - internal error'

export const WORDS: Readonly<Record<ProblemCode, Words>> = {
  'validation-failed': {
    meaning:
      'A part of the request is not what the route takes: a field is missing, unknown, given twice, in the wrong place, of the wrong type or out of bounds. Nothing was sent to HOSTKEY.',
    whatToDo: 'Correct each field that `errors` names and send the request again.',
    detail: 'Invalid request: name is required; tpye is not a known field, the nearest is `type`.',
    errors: [
      { in: 'body', field: 'name', message: 'is required' },
      { in: 'body', field: 'tpye', message: 'is not a known field, the nearest is `type`' },
    ],
  },
  'malformed-request': {
    meaning:
      'The request could not be read at all: its body is not JSON, or its address is not a well-formed URL. Nothing was sent to HOSTKEY.',
    whatToDo:
      'Check how your client writes JSON and how it encodes the address, then send the request again.',
    detail: 'The body is not well-formed JSON.',
  },
  unauthenticated: {
    meaning:
      'The request carried no key, several that differ, or a key or token that this gateway does not accept.',
    whatToDo:
      'Send your key or token as `Authorization: Bearer <key>`, or a key as `X-API-Key: <key>`. If it is not accepted, ask the operator of the gateway for a new one.',
    detail: 'Send the key of a caller as "Authorization: Bearer <key>" or "X-API-Key: <key>".',
  },
  'scope-missing': {
    meaning: 'Your key is known, but it was not given the scope that this route needs.',
    whatToDo:
      'Ask the operator of the gateway to add the scope that `detail` names, or use a key that has it.',
    detail: 'Caller "dashboard" needs the scope snapshots:create.',
  },
  'vm-not-allowed': {
    meaning: 'Your key is known, but this VM is not in the list of VMs that it may touch.',
    whatToDo:
      'Check the id of the VM in the address, or ask the operator of the gateway to add it to your list.',
    detail: 'VM 1002 is not in the list of caller "dashboard".',
  },
  'route-not-found': {
    meaning: 'The gateway has nothing at this address.',
    whatToDo:
      'Compare the path with those in the documentation; upper and lower case and a slash at the end count.',
    detail: 'GET /vms/1000/snapshot is no route of this gateway.',
  },
  'vm-not-found': {
    meaning: 'HOSTKEY says that its account has no VM with this id.',
    whatToDo: 'Check the id of the VM in the address; it may also have been deleted at HOSTKEY.',
    detail: 'HOSTKEY refused: failed to request stats for 4711 - server not found',
    upstream: { code: '-1', message: 'failed to request stats for 4711 - server not found' },
  },
  'snapshot-not-found': {
    meaning: 'The VM has no snapshot with this name and type.',
    whatToDo: 'List the snapshots of the VM and check the name; a snapshot of another type needs its `type`.',
    detail: `HOSTKEY refused: ${NO_SNAPSHOT}`,
    operation: OPERATION,
    upstream: { code: '-1', message: NO_SNAPSHOT },
  },
  'operation-not-found': {
    meaning:
      'There is no operation with this id, its time to be kept is over, or it is about a VM or a kind of work that your key may not see.',
    whatToDo:
      'Check the id. Ended operations are kept for some days only: look at the VM itself to see how things are now.',
    detail: 'There is no such operation, or it is not yours to see.',
  },
  'method-not-allowed': {
    meaning: 'The address exists, but not for this HTTP method.',
    whatToDo: 'Use one of the methods that the `Allow` header of the answer lists.',
    detail: 'PUT is not for this path; it takes GET, HEAD, POST.',
  },
  'vm-busy': {
    meaning: 'One change runs on a VM at a time, and another one is still running. Yours was not started.',
    whatToDo:
      'Follow the operation at `operation` until it has ended, then send the request again; `Retry-After` says when to ask.',
    detail: 'Operation op_01kaw3v8s0q6m2c5d7e9f1g3h5 (snapshot.create) is changing VM 1000.',
    operation: OPERATION,
  },
  'idempotency-in-progress': {
    meaning: 'A first request with the same `Idempotency-Key` is still being handed to HOSTKEY.',
    whatToDo:
      'Send the same request again after `Retry-After` seconds: it is then answered with the first operation, and nothing is done twice.',
    detail: 'The first request with this Idempotency-Key is still being accepted.',
    operation: OPERATION,
  },
  'newer-snapshots': {
    meaning:
      'A restore deletes, for good, every snapshot that is newer than the one restored. You asked with `if_newer: refuse` that none be lost, and `snapshots` names those that would be, or that might be when their order cannot be told. Nothing was sent to HOSTKEY.',
    whatToDo:
      'Restore the newest one instead, or copy what you need from the newer ones first. To accept the loss send the restore with `if_newer: discard`.',
    detail: 'The restore would discard newer snapshots for good: "after-upgrade".',
    snapshots: ['after-upgrade'],
  },
  'snapshot-ambiguous': {
    meaning:
      'HOSTKEY lists two snapshots of this name and type, so the name alone does not say which one you mean.',
    whatToDo: "Pick one by HOSTKEY's own id: add `?id=` with one of those in `snapshots`.",
    detail: 'VM 1000 has 2 snapshots "before-upgrade" of this type.',
    snapshots: ['501', '502'],
  },
  'upstream-conflict': {
    meaning:
      'HOSTKEY refused because of the state of the VM: for example a snapshot of that name exists already, the VM has as many snapshots as it may have (four), it is powered on, or it is locked.',
    whatToDo:
      'Read in `upstream.message` what is in the way, change that (power the VM off, choose another name, delete a snapshot that you no longer need), and send the request again.',
    detail: `HOSTKEY refused: ${REFUSED}`,
    operation: OPERATION,
    upstream: { code: '-1', message: REFUSED },
  },
  'payload-too-large': {
    meaning: 'The body of the request is larger than the gateway takes. Nothing was sent to HOSTKEY.',
    whatToDo: 'Send only the fields that the documentation lists; they fit many times over.',
    detail: 'The body may have 16384 bytes.',
  },
  'unsupported-media-type': {
    meaning: 'The request has a body that is not declared as JSON. Nothing was sent to HOSTKEY.',
    whatToDo: 'Send the body as JSON, with the header `Content-Type: application/json`.',
    detail: 'Send the body as application/json.',
  },
  'expectation-failed': {
    meaning: 'The header `Expect` asks for something other than `100-continue`.',
    whatToDo: 'Send the request without that header.',
    detail: 'The one expectation that can be met is 100-continue.',
  },
  'idempotency-key-reused': {
    meaning:
      'This `Idempotency-Key` was sent before with another method, path or body. Your request was not started.',
    whatToDo: 'Use a new key for each new request, and the old key only to repeat exactly the old request.',
    detail: 'This Idempotency-Key was sent before with another request.',
    errors: [
      { in: 'header', field: 'Idempotency-Key', message: 'was used with another method, path or body' },
    ],
  },
  'rate-limited': {
    meaning: 'You sent more requests than your quota allows in its window of time.',
    whatToDo:
      'Wait for `Retry-After` seconds. To wait for an operation, use `Prefer: wait=10` or its events instead of asking over and over.',
    detail: 'More than 600 requests within 60 s.',
  },
  internal: {
    meaning: 'Something went wrong inside the gateway. It is not the fault of your request.',
    whatToDo:
      'If this was a change, look at the newest operations before you send it again. Tell the operator of the gateway the id in `instance`: the log has the cause under it.',
    detail: 'Something went wrong in the gateway; its log has the details under the id in `instance`.',
  },
  'upstream-rejected': {
    meaning: 'HOSTKEY refused the request for a reason that the gateway does not know to classify.',
    whatToDo:
      'Read the reason in `upstream.message`. If it does not help, ask the support of HOSTKEY with that message.',
    detail: `HOSTKEY refused: ${REJECTED}`,
    operation: OPERATION,
    upstream: { code: '-1', message: REJECTED },
  },
  'upstream-invalid': {
    meaning:
      'HOSTKEY answered with something that the gateway could not understand, such as a page of HTML or half an answer.',
    whatToDo:
      'Try again in a while. If the answer names an `operation`, a change may have happened: read that operation first.',
    detail: 'The answer of HOSTKEY makes no sense (no JSON).',
  },
  'upstream-unauthorized': {
    meaning:
      'HOSTKEY refused the credentials of the gateway itself. Your own key is fine, and nothing was changed.',
    whatToDo: 'Tell the operator of the gateway: its HOSTKEY token or API key has to be renewed.',
    detail:
      'HOSTKEY refused the token of the gateway. Its operator has to look at HOSTKEY_TOKEN or HOSTKEY_API_KEY.',
  },
  'operation-failed': {
    meaning:
      'The operation ended without success: HOSTKEY accepted it and then reported that it failed, or refused it. This code stands in the `error` of an operation.',
    whatToDo:
      'Read the reason in `upstream.message`, see to it, and send the request again: that starts a new operation.',
    detail: 'HOSTKEY reports: not enough space on the storage',
    upstream: { code: 'Error', message: 'not enough space on the storage' },
  },
  'upstream-unavailable': {
    meaning:
      'HOSTKEY could not be reached, the connection to it broke, or it takes no more requests for now.',
    whatToDo: 'Send the request again after `Retry-After` seconds.',
    detail: 'HOSTKEY could not be reached (ECONNREFUSED); nothing was sent.',
  },
  'keys-unavailable': {
    meaning:
      'The keys of the identity provider, which a signed token is verified with, cannot be fetched now. That says nothing about your token.',
    whatToDo: 'Send the request again after `Retry-After` seconds. Keys of the callers file go on working.',
    detail: 'The token cannot be verified now; send this again in a moment.',
  },
  'store-unavailable': {
    meaning: 'The gateway cannot use the database in which it keeps operations, so it starts nothing new.',
    whatToDo:
      'Send the request again after `Retry-After` seconds. If the answer names an `operation`, read that operation first.',
    detail: 'The operation store cannot be used now; nothing was changed.',
  },
  draining: {
    meaning: 'This instance of the gateway is shutting down and starts no more changes.',
    whatToDo:
      'Send the request again after `Retry-After` seconds; another instance, or the next start of this one, will take it.',
    detail: 'The gateway is shutting down; send this again in a moment.',
  },
  'upstream-timeout': {
    meaning: 'HOSTKEY did not answer, or did not finish the work, in the time that the gateway gives it.',
    whatToDo:
      'Try again in a while. If the answer names an `operation`, a change may have happened: read that operation first.',
    detail: 'HOSTKEY did not answer in time.',
  },
  'outcome-unknown': {
    meaning:
      'The change may have happened or not: the answer of HOSTKEY was lost, and a look at the VM could not tell. This code stands in the `error` of an operation.',
    whatToDo: 'Look at the VM as `detail` says before you send the request again.',
    detail:
      'The answer of HOSTKEY was lost (timeout). Look at the disk of VM 1000 before you restore "before-upgrade" again.',
  },
}

/** Returns an answer with this code as a caller may meet it. */
export function exampleOf(code: ProblemCode, basePath = ''): Problem {
  const { meaning: _, whatToDo: __, detail, operation, ...extras } = WORDS[code]
  // Inside an operation, the instance is the operation.
  const inside = code === 'operation-failed' || code === 'outcome-unknown'
  const instance = inside ? OPERATION.split('/').at(-1)! : '5b1f3c9e-7d52-4a0f-9c37-2e6a8f0d1b44'
  return problemBody(code, detail, instance, basePath, {
    ...extras,
    ...(operation === undefined ? {} : { operation: basePath + operation }),
  })
}
