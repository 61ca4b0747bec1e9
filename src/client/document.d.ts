// Written by `npm run openapi`.

export interface paths {
  '/openapi.json': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * This document, as JSON
     * @description The OpenAPI 3.1 description of the gateway.
     */
    get: operations['getOpenApiJson']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/openapi.yaml': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * This document, as YAML
     * @description The OpenAPI 3.1 description of the gateway.
     */
    get: operations['getOpenApiYaml']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/vms/{vm_id}/snapshots': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * List the snapshots of a VM
     * @description Waits for HOSTKEY for some seconds; when that is not enough, answers with an operation whose `result` will be the list. Needs the scope `snapshots:read`.
     */
    get: operations['listSnapshots']
    put?: never
    /**
     * Take a snapshot
     * @description Asks HOSTKEY for a snapshot of the VM. A VM has four at most: one more is refused (`upstream-conflict`), or, on plans with rotation, takes the place of the oldest, which is then lost for good. One change runs on a VM at a time; with `Prefer: wait=N` it waits its turn. Needs the scope `snapshots:create`.
     */
    post: operations['createSnapshot']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/vms/{vm_id}/snapshots/{name}': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * See one snapshot of a VM
     * @description Finds the snapshot in the list of the VM. When HOSTKEY is slow, answers with the operation that reads that list. Needs the scope `snapshots:read`.
     */
    get: operations['getSnapshot']
    put?: never
    post?: never
    /**
     * Delete a snapshot
     * @description Cannot be undone. HOSTKEY wants the VM powered off. Needs the scope `snapshots:delete`.
     */
    delete: operations['deleteSnapshot']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/vms/{vm_id}/snapshots/{name}/restore': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Restore a VM from a snapshot
     * @description Overwrites the disk of the VM with the snapshot: what changed since is lost, and HOSTKEY deletes, for good, **every snapshot that is newer** than the one restored. `if_newer: refuse` keeps that from happening. HOSTKEY wants the VM powered off. Names of snapshots that are known to be lost stand in `result.discarded`. The body may be left out. Needs the scope `snapshots:restore`.
     */
    post: operations['restoreSnapshot']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/vms/{vm_id}/stats': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * See the load of a VM
     * @description Waits for HOSTKEY for some seconds; when that is not enough, answers with an operation whose `result` will be the stats. Needs the scope `stats:read`.
     */
    get: operations['getStats']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/operations': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * List operations
     * @description Newest first, of the VMs and kinds the caller may see. `next_cursor` and the `Link` header lead to the next page. A page is cut at about 1 MiB, and when much had to be looked at: it may have fewer operations than asked for, or none, and still lead on.
     */
    get: operations['listOperations']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/operations/{operation_id}': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * See an operation
     * @description As often as you like, until some days after its end. With `Prefer: wait=N` the answer is held until it ends.
     */
    get: operations['getOperation']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/operations/{operation_id}/events': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * Follow an operation
     * @description Server-sent events: an `operation` event with the Operation as JSON at once and at every change. The stream ends after the last one; comments keep it open until then. A client that lost it connects again and gets the operation as it is; with the `Last-Event-ID` of the last event it gets a 204, so that an `EventSource` stops. A stream also ends when the key of its caller is withdrawn or its token expires.
     */
    get: operations['streamOperation']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/problems': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * All problem codes
     * @description What each code means and what to do. A page for people, or JSON for those who would rather `Accept` that.
     */
    get: operations['listProblems']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/problems/{code}': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * What a problem code means
     * @description Where the `type` of every problem leads: what happened, what to do, and an example. A page for people, or JSON for those who would rather `Accept` that.
     */
    get: operations['getProblem']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/livez': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * Is the process alive
     * @description Answers as long as the process can answer anything. Restart it when this fails.
     */
    get: operations['getLiveness']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/readyz': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * Can it take requests
     * @description Fails while the store is away and from the moment the gateway is asked to shut down. HOSTKEY being away does not fail it: every replica would be taken out at once.
     */
    get: operations['getReadiness']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * The start page
     * @description A page for people: whether the gateway is ready, its version, and links to everything that needs no key. Probes ask `/readyz`.
     */
    get: operations['getStartPage']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/metrics': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * Metrics for Prometheus
     * @description Requests, calls to HOSTKEY, operations, the store and the process, in the text format of Prometheus. Callers appear by name; VMs, operations and keys never do.
     */
    get: operations['getMetrics']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
}
export interface webhooks {
  operationEnded: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * An operation has ended
     * @description Sent to the receiver that the operator has given the caller who started the operation, when it has ended. No request names a receiver.
     *
     *     It is signed as [Standard Webhooks](https://www.standardwebhooks.com) has it: verify the signature over the bytes that came, before anything is read of them.
     *
     *     It comes at least once, in no order that is promised, until a 2xx answers it: at once, then after pauses that grow from 5 seconds to an hour, for a day. 410 stops it.
     *
     *     Whoever asks for the operation by `self` when the message is there sees that it has ended.
     */
    post: operations['operationEnded']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
}
export interface components {
  schemas: {
    /**
     * @description What programs decide on.
     * @example vm-busy
     * @enum {string}
     */
    ProblemCode:
      | 'validation-failed'
      | 'malformed-request'
      | 'unauthenticated'
      | 'scope-missing'
      | 'vm-not-allowed'
      | 'route-not-found'
      | 'vm-not-found'
      | 'snapshot-not-found'
      | 'operation-not-found'
      | 'method-not-allowed'
      | 'vm-busy'
      | 'idempotency-in-progress'
      | 'newer-snapshots'
      | 'snapshot-ambiguous'
      | 'upstream-conflict'
      | 'payload-too-large'
      | 'unsupported-media-type'
      | 'expectation-failed'
      | 'idempotency-key-reused'
      | 'rate-limited'
      | 'internal'
      | 'upstream-rejected'
      | 'upstream-invalid'
      | 'upstream-unauthorized'
      | 'operation-failed'
      | 'upstream-unavailable'
      | 'keys-unavailable'
      | 'store-unavailable'
      | 'draining'
      | 'upstream-timeout'
      | 'outcome-unknown'
    /**
     * @description In which part of a request a field stands.
     * @example body
     * @enum {string}
     */
    FieldPlace: 'body' | 'path' | 'query' | 'header'
    /**
     * @description An invalid field of a request.
     * @example {
     *       "in": "body",
     *       "field": "name",
     *       "message": "is required"
     *     }
     */
    FieldError: {
      in: components['schemas']['FieldPlace']
      /** @description The name of the field. */
      field: string
      /** @description What is wrong with it. */
      message: string
    }
    /**
     * @description What HOSTKEY said.
     * @example {
     *       "code": "-1",
     *       "message": "failed to request stats for 4711 - server not found"
     *     }
     */
    UpstreamError: {
      /** @description The code HOSTKEY gave. */
      code: string
      /** @description The message HOSTKEY gave. */
      message: string
    }
    /**
     * @description An error (RFC 9457).
     * @example {
     *       "type": "/problems/vm-busy",
     *       "title": "Another operation is changing this VM",
     *       "status": 409,
     *       "detail": "Operation op_01kaw3v8s0q6m2c5d7e9f1g3h5 (snapshot.create) is changing VM 1000.",
     *       "instance": "5b1f3c9e-7d52-4a0f-9c37-2e6a8f0d1b44",
     *       "code": "vm-busy",
     *       "operation": "/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5"
     *     }
     */
    Problem: {
      /**
       * Format: uri-reference
       * @description Address of a page that explains the code.
       * @example /problems/vm-busy
       */
      type: string
      /** @description The code in words. */
      title: string
      /**
       * Format: int32
       * @description The HTTP status that belongs to the code.
       * @example 409
       */
      status: number
      /** @description What happened this time. */
      detail: string
      /** @description The id of the request, as in the log of the gateway. */
      instance: string
      code: components['schemas']['ProblemCode']
      /** @description Every invalid field of the request. */
      errors?: components['schemas']['FieldError'][]
      /**
       * Format: uri-reference
       * @description Path of the operation this is about.
       */
      operation?: string
      /** @description The snapshots this is about: names, or ids where two have one name. */
      snapshots?: string[]
      upstream?: components['schemas']['UpstreamError']
    }
    /**
     * @description What an operation does.
     * @example snapshot.create
     * @enum {string}
     */
    Kind: 'snapshot.create' | 'snapshot.list' | 'snapshot.delete' | 'snapshot.restore' | 'stats.load'
    /**
     * @description `running`, then one of the others for good. `unknown` means: it may have happened, and neither HOSTKEY nor a look at the VM could tell.
     * @example succeeded
     * @enum {string}
     */
    Status: 'running' | 'succeeded' | 'failed' | 'unknown'
    /**
     * @description The name of a caller, as the operator gave it.
     * @example backup-scheduler
     */
    CallerName: string
    /**
     * @description What a change brings once it succeeded.
     * @example {
     *       "settled_by": "callback",
     *       "raw": "snapshot created"
     *     }
     */
    ChangeResult: {
      /**
       * @description `callback`: HOSTKEY reported the end. `look`: the VM's snapshots proved it.
       * @enum {string}
       */
      settled_by: 'callback' | 'look'
      /** @description Names of snapshots that are known to be lost by it. */
      discarded?: string[]
      /** @description What HOSTKEY said, as it came; members named like secrets are left out. */
      raw: unknown
    }
    /**
     * @description The message that tells of the end. Only an operation that has ended shows it, and only when its caller is told of ends.
     * @example {
     *       "state": "delivered",
     *       "attempts": 1,
     *       "last_at": "2026-11-24T10:15:41.990Z"
     *     }
     */
    Webhook: {
      /**
       * @description `pending` until the receiver answered with 2xx (`delivered`) or 410 (`stopped`), or it was tried for a day (`given-up`).
       * @enum {string}
       */
      state: 'pending' | 'delivered' | 'stopped' | 'given-up'
      /**
       * Format: int32
       * @description How often it was sent; an attempt under way is not counted yet.
       */
      attempts: number
      /**
       * Format: date-time
       * @description When the last attempt ended; null before the first one.
       * @example 2026-11-24T10:15:30.123Z
       */
      last_at: string | null
    }
    /** @description Takes a snapshot. */
    CreateOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.create'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description What it brought, once it succeeded; else null. */
      result: components['schemas']['ChangeResult'] | null
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
    }
    /** @description Reads the snapshots of a VM. */
    ListOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.list'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description What it brought, once it succeeded; else null. */
      result: components['schemas']['SnapshotList'] | null
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
    }
    /** @description Deletes a snapshot. */
    DeleteOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.delete'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description What it brought, once it succeeded; else null. */
      result: components['schemas']['ChangeResult'] | null
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
    }
    /** @description Restores a VM from a snapshot. */
    RestoreOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.restore'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description What it brought, once it succeeded; else null. */
      result: components['schemas']['ChangeResult'] | null
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
    }
    /** @description Reads the load of a VM. */
    StatsOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'stats.load'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description What it brought, once it succeeded; else null. */
      result: components['schemas']['Stats'] | null
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
    }
    /**
     * @description Something that takes time at HOSTKEY. It is on disk before you hear of it, and never changes again once it ended, but for its `webhook`. Its `kind` tells the type of its `result`.
     * @example {
     *       "id": "op_01kaw3v8s0q6m2c5d7e9f1g3h5",
     *       "self": "/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5",
     *       "resource": "/vms/1000/snapshots/before-upgrade",
     *       "kind": "snapshot.create",
     *       "vm_id": 1000,
     *       "snapshot": "before-upgrade",
     *       "snapshot_type": "snapshot",
     *       "status": "succeeded",
     *       "created_at": "2026-11-24T10:15:30.123Z",
     *       "updated_at": "2026-11-24T10:15:41.870Z",
     *       "finished_at": "2026-11-24T10:15:41.870Z",
     *       "created_by": "backup-scheduler",
     *       "result": {
     *         "settled_by": "callback",
     *         "raw": "snapshot created"
     *       },
     *       "error": null
     *     }
     */
    Operation:
      | components['schemas']['CreateOperation']
      | components['schemas']['ListOperation']
      | components['schemas']['DeleteOperation']
      | components['schemas']['RestoreOperation']
      | components['schemas']['StatsOperation']
    /** @description An event of the stream of an operation, as a client reads it (WHATWG HTML, section 9.2): `data`, which is JSON in one line, is the operation as it is then. Comments between events keep the stream open. */
    OperationEvent: {
      /**
       * @description What happened.
       * @enum {string}
       */
      event: 'operation'
      /**
       * @description The revision of the operation; an `EventSource` that comes back sends it as `Last-Event-ID`.
       * @example 3
       */
      id: string
      data: components['schemas']['Operation']
    }
    /** @description Takes a snapshot. In a list: with `include=result` alone it has its result. */
    ListedCreateOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.create'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
      /** @description What it brought, once it succeeded; else null. */
      result?: components['schemas']['ChangeResult'] | null
    }
    /** @description Reads the snapshots of a VM. In a list: with `include=result` alone it has its result. */
    ListedListOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.list'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
      /** @description What it brought, once it succeeded; else null. */
      result?: components['schemas']['SnapshotList'] | null
    }
    /** @description Deletes a snapshot. In a list: with `include=result` alone it has its result. */
    ListedDeleteOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.delete'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
      /** @description What it brought, once it succeeded; else null. */
      result?: components['schemas']['ChangeResult'] | null
    }
    /** @description Restores a VM from a snapshot. In a list: with `include=result` alone it has its result. */
    ListedRestoreOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'snapshot.restore'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
      /** @description What it brought, once it succeeded; else null. */
      result?: components['schemas']['ChangeResult'] | null
    }
    /** @description Reads the load of a VM. In a list: with `include=result` alone it has its result. */
    ListedStatsOperation: {
      /**
       * @description Opaque, and larger than the id of every older operation.
       * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      id: string
      /**
       * Format: uri-reference
       * @description The path of this operation.
       * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
       */
      self: string
      /**
       * Format: uri-reference
       * @description The path of what the operation is about.
       * @example /vms/1000/snapshots/before-upgrade
       */
      resource: string
      /**
       * @description What the operation does. (enum property replaced by openapi-typescript)
       * @enum {string}
       */
      kind: 'stats.load'
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /** @description The name of the snapshot, where the operation is about one. */
      snapshot: string | null
      /** @description The type of the snapshot, where the operation is about snapshots. */
      snapshot_type: string | null
      status: components['schemas']['Status']
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      updated_at: string
      /**
       * Format: date-time
       * @description When it ended; null while it runs.
       * @example 2026-11-24T10:15:30.123Z
       */
      finished_at: string | null
      created_by: components['schemas']['CallerName']
      /** @description `operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null. */
      error: components['schemas']['Problem'] | null
      webhook?: components['schemas']['Webhook']
      /** @description What it brought, once it succeeded; else null. */
      result?: components['schemas']['Stats'] | null
    }
    /** @description An operation in a list: `result` is there with `include=result` alone, since results may be large. */
    ListedOperation:
      | components['schemas']['ListedCreateOperation']
      | components['schemas']['ListedListOperation']
      | components['schemas']['ListedDeleteOperation']
      | components['schemas']['ListedRestoreOperation']
      | components['schemas']['ListedStatsOperation']
    /**
     * @description A page of operations.
     * @example {
     *       "operations": [],
     *       "next_cursor": null
     *     }
     */
    OperationList: {
      /** @description Newest first. There may be fewer than asked for, and none, before the last page. */
      operations: components['schemas']['ListedOperation'][]
      /** @description Give it as `cursor` for the next page; null on the last one. */
      next_cursor: string | null
    }
    /**
     * @description What is sent when an operation has ended.
     * @example {
     *       "type": "operation.ended",
     *       "timestamp": "2026-11-24T10:15:41.870Z",
     *       "data": {
     *         "id": "op_01kaw3v8s0q6m2c5d7e9f1g3h5",
     *         "self": "/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5",
     *         "resource": "/vms/1000/snapshots/before-upgrade",
     *         "kind": "snapshot.create",
     *         "vm_id": 1000,
     *         "status": "succeeded"
     *       }
     *     }
     */
    OperationEnded: {
      /**
       * @description What the message tells. A receiver passes over types that it does not know.
       * @enum {string}
       */
      type: 'operation.ended'
      /**
       * Format: date-time
       * @description When the operation ended: RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      timestamp: string
      /** @description Which operation it was. */
      data: {
        /**
         * @description Opaque, and larger than the id of every older operation.
         * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
         */
        id: string
        /**
         * Format: uri-reference
         * @description The path of this operation.
         * @example /operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5
         */
        self: string
        /**
         * Format: uri-reference
         * @description The path of what the operation is about.
         * @example /vms/1000/snapshots/before-upgrade
         */
        resource: string
        kind: components['schemas']['Kind']
        /**
         * Format: int32
         * @description The id of the virtual machine at HOSTKEY.
         * @example 1000
         */
        vm_id: number
        /**
         * @description How it ended. What it brought, or why it failed, is told by the operation itself.
         * @enum {string}
         */
        status: 'succeeded' | 'failed' | 'unknown'
      }
    }
    /**
     * @description A snapshot of a VM.
     * @example {
     *       "name": "before-upgrade",
     *       "id": "17",
     *       "type": "snapshot",
     *       "created_at": "2026-11-24T10:15:41.000Z",
     *       "raw": {
     *         "name": "before-upgrade",
     *         "snapshot_id": 17,
     *         "date": "2026-11-24 10:15:41"
     *       }
     *     }
     */
    Snapshot: {
      /**
       * @description The name of the snapshot.
       * @example before-upgrade
       */
      name: string
      /** @description HOSTKEY's own id of it, where it gave one. */
      id: string | null
      /**
       * @description The type of the snapshot.
       * @example snapshot
       */
      type: string
      /**
       * Format: date-time
       * @description When it was taken; null when HOSTKEY gave no date that could be read. A date without a time zone is taken for UTC.
       * @example 2026-11-24T10:15:30.123Z
       */
      created_at: string | null
      /** @description What HOSTKEY said, as it came; members named like secrets are left out. */
      raw: unknown
    }
    /**
     * @description The snapshots of a VM.
     * @example {
     *       "vm_id": 1000,
     *       "type": "snapshot",
     *       "observed_at": "2026-11-24T10:16:00.000Z",
     *       "snapshots": [
     *         {
     *           "name": "before-upgrade",
     *           "id": "17",
     *           "type": "snapshot",
     *           "created_at": "2026-11-24T10:15:41.000Z",
     *           "raw": {
     *             "name": "before-upgrade",
     *             "snapshot_id": 17,
     *             "date": "2026-11-24 10:15:41"
     *           }
     *         }
     *       ],
     *       "raw": [
     *         {
     *           "name": "before-upgrade",
     *           "snapshot_id": 17,
     *           "date": "2026-11-24 10:15:41"
     *         }
     *       ]
     *     }
     */
    SnapshotList: {
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /**
       * @description The type that was asked for.
       * @example snapshot
       */
      type: string
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      observed_at: string
      /** @description Null when the shape of the answer was not recognised: then see `raw`. */
      snapshots: components['schemas']['Snapshot'][] | null
      /** @description What HOSTKEY said, as it came; members named like secrets are left out. */
      raw: unknown
    }
    /**
     * @description The snapshot to take.
     * @example {
     *       "name": "before-upgrade"
     *     }
     */
    SnapshotCreate: {
      /**
       * @description The name of the snapshot: letters, digits, `_`, `.` and `-`, but not `.` or `..`.
       * @example before-upgrade
       */
      name: string
      /**
       * @description The kind of snapshot at HOSTKEY.
       * @default snapshot
       * @example snapshot
       */
      type?: string
    }
    /**
     * @description How to restore. May be empty, or left out.
     * @example {}
     */
    SnapshotRestore: {
      /**
       * @description The kind of snapshot at HOSTKEY.
       * @default snapshot
       * @example snapshot
       */
      type?: string
      /**
       * @description The id of a backup, for types that have one.
       * @example 2026-11-24_01
       */
      backup_id?: string
      /**
       * @description What to do when the VM has newer snapshots, which a restore deletes for good: `discard` them, or `refuse` to restore; then the snapshots are listed first, and the answer is 409 `newer-snapshots` when any would be lost or when their order cannot be told.
       * @default discard
       * @example refuse
       * @enum {string}
       */
      if_newer?: 'discard' | 'refuse'
    }
    /**
     * @description The load of a VM.
     * @example {
     *       "vm_id": 1000,
     *       "observed_at": "2026-11-24T10:16:00.000Z",
     *       "stats": {
     *         "cpu": 0.12,
     *         "mem": {
     *           "used_mb": 812,
     *           "total_mb": 2048
     *         }
     *       }
     *     }
     */
    Stats: {
      /**
       * Format: int32
       * @description The id of the virtual machine at HOSTKEY.
       * @example 1000
       */
      vm_id: number
      /**
       * Format: date-time
       * @description RFC 3339, UTC, with milliseconds.
       * @example 2026-11-24T10:15:30.123Z
       */
      observed_at: string
      /** @description HOSTKEY's own object, untouched; members named like secrets are left out. */
      stats: unknown
    }
    /** @description What a problem code means. */
    ProblemExplanation: {
      /** @description The code. */
      code: string
      /**
       * Format: int32
       * @description The HTTP status that belongs to the code.
       */
      status: number
      /** @description The code in words. */
      title: string
      /** @description What happened. */
      meaning: string
      /** @description What helps. */
      what_to_do: string
      example: components['schemas']['Problem']
    }
    /** @description All problem codes. */
    ProblemExplanationList: {
      /** @description In the order of their status. */
      problems: components['schemas']['ProblemExplanation'][]
    }
    /**
     * @description That the gateway is well.
     * @example {
     *       "status": "ok"
     *     }
     */
    Health: {
      /**
       * @description Always `ok`: anything else is a problem.
       * @enum {string}
       */
      status: 'ok'
    }
  }
  responses: never
  parameters: never
  requestBodies: never
  headers: {
    /** @description The id of the request, as the caller gave it or new; the log has it too. */
    'X-Request-Id': string
    /** @description Whether the answer may be kept. */
    'Cache-Control': string
    /** @description What a browser may load for the answer. */
    'Content-Security-Policy': string
    /** @description For browsers. */
    'Cross-Origin-Resource-Policy': 'same-origin'
    /** @description For browsers. */
    'Referrer-Policy': 'no-referrer'
    /** @description For browsers. */
    'X-Content-Type-Options': 'nosniff'
    /** @description For browsers. */
    'X-Frame-Options': 'SAMEORIGIN'
    /** @description The origin of the page that may read the answer. */
    'Access-Control-Allow-Origin': string
    /** @description The headers that this page may read. */
    'Access-Control-Expose-Headers': string
    /** @description The headers of the request that the answer depends on. */
    Vary: string
    /** @description For browsers. */
    'Cross-Origin-Opener-Policy': 'same-origin'
    /** @description For browsers. */
    'Origin-Agent-Cluster': '?1'
    /** @description For browsers. */
    'X-DNS-Prefetch-Control': 'off'
    /** @description For browsers. */
    'X-Download-Options': 'noopen'
    /** @description For browsers. */
    'X-Permitted-Cross-Domain-Policies': 'none'
    /** @description For browsers. */
    'X-XSS-Protection': '0'
    /** @description Which preference of `Prefer` was honoured. */
    'Preference-Applied': string
    /** @description What is left of the quota: its name, `r` requests, and `t` seconds until it is full again. */
    RateLimit: string
    /** @description The quota: its name, and `q` requests within `w` seconds. */
    'RateLimit-Policy': string
    /** @description What is left of the quota: its name, `r` requests, and `t` seconds until it is full again. */
    'RateLimit.operations': string
    /** @description The quota: its name, and `q` requests within `w` seconds. */
    'RateLimit-Policy.operations': string
    /** @description What is left of the quota: its name, `r` requests, and `t` seconds until it is full again. */
    'RateLimit.any': string
    /** @description The quota: its name, and `q` requests within `w` seconds. */
    'RateLimit-Policy.any': string
  }
  pathItems: never
}
export type $defs = Record<string, never>
export interface operations {
  getOpenApiJson: {
    parameters: {
      query?: never
      header?: {
        /** @description The `ETag` of an answer that you have: as long as it still holds, the answer is a 304 without a body. */
        'If-None-Match'?: string
      }
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The document. */
      200: {
        headers: {
          /** @description Send it as `If-None-Match`: as long as nothing has changed, the answer is a 304 without a body. */
          ETag?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': {
            [key: string]: unknown
          }
        }
      }
      /** @description Nothing has changed since the answer with this `ETag`. */
      304: {
        headers: {
          /** @description Send it as `If-None-Match`: as long as nothing has changed, the answer is a 304 without a body. */
          ETag?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content?: never
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getOpenApiYaml: {
    parameters: {
      query?: never
      header?: {
        /** @description The `ETag` of an answer that you have: as long as it still holds, the answer is a 304 without a body. */
        'If-None-Match'?: string
      }
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The document. */
      200: {
        headers: {
          /** @description Send it as `If-None-Match`: as long as nothing has changed, the answer is a 304 without a body. */
          ETag?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/yaml': string
        }
      }
      /** @description Nothing has changed since the answer with this `ETag`. */
      304: {
        headers: {
          /** @description Send it as `If-None-Match`: as long as nothing has changed, the answer is a 304 without a body. */
          ETag?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content?: never
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  listSnapshots: {
    parameters: {
      query?: {
        /** @description The kind of snapshot at HOSTKEY. */
        type?: string
      }
      header?: {
        /** @description `wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once. */
        Prefer?: string
        /** @description `no-cache` asks HOSTKEY anew instead of taking a result of the last second. */
        'Cache-Control'?: string
      }
      path: {
        /**
         * @description The id of the virtual machine at HOSTKEY.
         * @example 1000
         */
        vm_id: number
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The snapshots. */
      200: {
        headers: {
          /** @description Seconds since HOSTKEY was asked, when the result came from the cache. */
          Age?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['SnapshotList']
        }
      }
      /** @description Not ready in time; follow the operation. */
      202: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description The path of the operation. */
          Location?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-allowed`: The caller may not touch this VM. `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-found`: HOSTKEY knows no such VM. `snapshot-not-found`: The VM has no such snapshot. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-conflict`: The state of the VM does not allow this. */
      409: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-rejected`: HOSTKEY refused the request. `upstream-invalid`: HOSTKEY gave an answer that makes no sense. `upstream-unauthorized`: HOSTKEY refused the credentials of the gateway. */
      502: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-unavailable`: HOSTKEY cannot be reached. `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
      504: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  createSnapshot: {
    parameters: {
      query?: never
      header?: {
        /** @description `wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once. */
        Prefer?: string
        /** @description Makes a retry safe: 1 to 255 visible ASCII characters, bare or quoted, kept for 24 hours for each caller. The same key with the same request answers with the first operation and calls nothing. */
        'Idempotency-Key'?: string
      }
      path: {
        /**
         * @description The id of the virtual machine at HOSTKEY.
         * @example 1000
         */
        vm_id: number
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['SnapshotCreate']
      }
    }
    responses: {
      /** @description The operation, which ended within the wait: `succeeded`, `failed` or `unknown`. */
      200: {
        headers: {
          /** @description The operation was started by an earlier request with this Idempotency-Key. */
          'Idempotency-Replayed'?: 'true'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description HOSTKEY accepted; follow the operation. */
      202: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description The path of the operation. */
          Location?: string
          /** @description The operation was started by an earlier request with this Idempotency-Key. */
          'Idempotency-Replayed'?: 'true'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-allowed`: The caller may not touch this VM. `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-found`: HOSTKEY knows no such VM. `snapshot-not-found`: The VM has no such snapshot. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-busy`: Another operation is changing this VM. `idempotency-in-progress`: The first request with this key is still being accepted. `upstream-conflict`: The state of the VM does not allow this. */
      409: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `payload-too-large`: The request body is too large. */
      413: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unsupported-media-type`: The request body must be JSON. */
      415: {
        headers: {
          /** @description The type of body that is taken. */
          Accept?: 'application/json'
          /** @description The type of body that is taken. */
          'Accept-Post'?: 'application/json'
          /** @description A body is taken as it is, and not compressed. */
          'Accept-Encoding'?: 'identity'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `idempotency-key-reused`: The idempotency key belongs to another request. */
      422: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-rejected`: HOSTKEY refused the request. `upstream-invalid`: HOSTKEY gave an answer that makes no sense. `upstream-unauthorized`: HOSTKEY refused the credentials of the gateway. */
      502: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-unavailable`: HOSTKEY cannot be reached. `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
      504: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getSnapshot: {
    parameters: {
      query?: {
        /** @description The kind of snapshot at HOSTKEY. */
        type?: string
        /** @description HOSTKEY's own id of the snapshot, to pick one of two that have the same name. */
        id?: string
      }
      header?: {
        /** @description `wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once. */
        Prefer?: string
        /** @description `no-cache` asks HOSTKEY anew instead of taking a result of the last second. */
        'Cache-Control'?: string
      }
      path: {
        /**
         * @description The id of the virtual machine at HOSTKEY.
         * @example 1000
         */
        vm_id: number
        /**
         * @description The name of the snapshot: letters, digits, `_`, `.` and `-`, but not `.` or `..`.
         * @example before-upgrade
         */
        name: string
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The snapshot. */
      200: {
        headers: {
          /** @description Seconds since HOSTKEY was asked, when the result came from the cache. */
          Age?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Snapshot']
        }
      }
      /** @description Not ready in time; follow the operation, whose `result` will be the list of snapshots. */
      202: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description The path of the operation. */
          Location?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-allowed`: The caller may not touch this VM. `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-found`: HOSTKEY knows no such VM. `snapshot-not-found`: The VM has no such snapshot. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `snapshot-ambiguous`: The VM has two snapshots of this name. `upstream-conflict`: The state of the VM does not allow this. */
      409: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-rejected`: HOSTKEY refused the request. `upstream-invalid`: HOSTKEY gave an answer that makes no sense. `upstream-unauthorized`: HOSTKEY refused the credentials of the gateway. */
      502: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-unavailable`: HOSTKEY cannot be reached. `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
      504: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  deleteSnapshot: {
    parameters: {
      query?: {
        /** @description The kind of snapshot at HOSTKEY. */
        type?: string
      }
      header?: {
        /** @description `wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once. */
        Prefer?: string
        /** @description Makes a retry safe: 1 to 255 visible ASCII characters, bare or quoted, kept for 24 hours for each caller. The same key with the same request answers with the first operation and calls nothing. */
        'Idempotency-Key'?: string
      }
      path: {
        /**
         * @description The id of the virtual machine at HOSTKEY.
         * @example 1000
         */
        vm_id: number
        /**
         * @description The name of the snapshot: letters, digits, `_`, `.` and `-`, but not `.` or `..`.
         * @example before-upgrade
         */
        name: string
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The operation, which ended within the wait: `succeeded`, `failed` or `unknown`. */
      200: {
        headers: {
          /** @description The operation was started by an earlier request with this Idempotency-Key. */
          'Idempotency-Replayed'?: 'true'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description HOSTKEY accepted; follow the operation. */
      202: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description The path of the operation. */
          Location?: string
          /** @description The operation was started by an earlier request with this Idempotency-Key. */
          'Idempotency-Replayed'?: 'true'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-allowed`: The caller may not touch this VM. `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-found`: HOSTKEY knows no such VM. `snapshot-not-found`: The VM has no such snapshot. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-busy`: Another operation is changing this VM. `idempotency-in-progress`: The first request with this key is still being accepted. `upstream-conflict`: The state of the VM does not allow this. */
      409: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `payload-too-large`: The request body is too large. */
      413: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unsupported-media-type`: The request body must be JSON. */
      415: {
        headers: {
          /** @description The type of body that is taken. */
          Accept?: 'application/json'
          /** @description The type of body that is taken. */
          'Accept-Post'?: 'application/json'
          /** @description A body is taken as it is, and not compressed. */
          'Accept-Encoding'?: 'identity'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `idempotency-key-reused`: The idempotency key belongs to another request. */
      422: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-rejected`: HOSTKEY refused the request. `upstream-invalid`: HOSTKEY gave an answer that makes no sense. `upstream-unauthorized`: HOSTKEY refused the credentials of the gateway. */
      502: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-unavailable`: HOSTKEY cannot be reached. `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
      504: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  restoreSnapshot: {
    parameters: {
      query?: never
      header?: {
        /** @description `wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once. */
        Prefer?: string
        /** @description Makes a retry safe: 1 to 255 visible ASCII characters, bare or quoted, kept for 24 hours for each caller. The same key with the same request answers with the first operation and calls nothing. */
        'Idempotency-Key'?: string
      }
      path: {
        /**
         * @description The id of the virtual machine at HOSTKEY.
         * @example 1000
         */
        vm_id: number
        /**
         * @description The name of the snapshot: letters, digits, `_`, `.` and `-`, but not `.` or `..`.
         * @example before-upgrade
         */
        name: string
      }
      cookie?: never
    }
    requestBody?: {
      content: {
        'application/json': components['schemas']['SnapshotRestore']
      }
    }
    responses: {
      /** @description The operation, which ended within the wait: `succeeded`, `failed` or `unknown`. */
      200: {
        headers: {
          /** @description The operation was started by an earlier request with this Idempotency-Key. */
          'Idempotency-Replayed'?: 'true'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description HOSTKEY accepted; follow the operation. */
      202: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description The path of the operation. */
          Location?: string
          /** @description The operation was started by an earlier request with this Idempotency-Key. */
          'Idempotency-Replayed'?: 'true'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-allowed`: The caller may not touch this VM. `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-found`: HOSTKEY knows no such VM. `snapshot-not-found`: The VM has no such snapshot. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-busy`: Another operation is changing this VM. `idempotency-in-progress`: The first request with this key is still being accepted. `upstream-conflict`: The state of the VM does not allow this. `newer-snapshots`: The restore would discard newer snapshots. */
      409: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `payload-too-large`: The request body is too large. */
      413: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unsupported-media-type`: The request body must be JSON. */
      415: {
        headers: {
          /** @description The type of body that is taken. */
          Accept?: 'application/json'
          /** @description The type of body that is taken. */
          'Accept-Post'?: 'application/json'
          /** @description A body is taken as it is, and not compressed. */
          'Accept-Encoding'?: 'identity'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `idempotency-key-reused`: The idempotency key belongs to another request. */
      422: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-rejected`: HOSTKEY refused the request. `upstream-invalid`: HOSTKEY gave an answer that makes no sense. `upstream-unauthorized`: HOSTKEY refused the credentials of the gateway. */
      502: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-unavailable`: HOSTKEY cannot be reached. `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
      504: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getStats: {
    parameters: {
      query?: never
      header?: {
        /** @description `wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once. */
        Prefer?: string
        /** @description `no-cache` asks HOSTKEY anew instead of taking a result of the last second. */
        'Cache-Control'?: string
      }
      path: {
        /**
         * @description The id of the virtual machine at HOSTKEY.
         * @example 1000
         */
        vm_id: number
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The stats. */
      200: {
        headers: {
          /** @description Seconds since HOSTKEY was asked, when the result came from the cache. */
          Age?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Stats']
        }
      }
      /** @description Not ready in time; follow the operation. */
      202: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description The path of the operation. */
          Location?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-allowed`: The caller may not touch this VM. `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `vm-not-found`: HOSTKEY knows no such VM. `snapshot-not-found`: The VM has no such snapshot. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-conflict`: The state of the VM does not allow this. */
      409: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-rejected`: HOSTKEY refused the request. `upstream-invalid`: HOSTKEY gave an answer that makes no sense. `upstream-unauthorized`: HOSTKEY refused the credentials of the gateway. */
      502: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-unavailable`: HOSTKEY cannot be reached. `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
      504: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  listOperations: {
    parameters: {
      query?: {
        /** @description The id of the virtual machine at HOSTKEY. */
        vm_id?: number
        /** @description What an operation does. */
        kind?: components['schemas']['Kind']
        /** @description `running`, then one of the others for good. `unknown` means: it may have happened, and neither HOSTKEY nor a look at the VM could tell. */
        status?: components['schemas']['Status']
        /** @description Only operations that were created after this. */
        created_after?: string
        /** @description Only operations that were created before this. */
        created_before?: string
        /** @description `result` puts the results in, too; without it see each operation for its own. */
        include?: 'result'
        /** @description How many a page holds. */
        limit?: number
        /** @description The `next_cursor` of the page before. */
        cursor?: string
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A page of operations. */
      200: {
        headers: {
          /** @description `rel="next"`: the address of the next page, where there is one. */
          Link?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['OperationList']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.any']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.any']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.any']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.any']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getOperation: {
    parameters: {
      query?: never
      header?: {
        /** @description `wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once. */
        Prefer?: string
        /** @description The `ETag` of an answer that you have: as long as it still holds, the answer is a 304 without a body. */
        'If-None-Match'?: string
      }
      path: {
        /**
         * @description The id of the operation.
         * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
         */
        operation_id: string
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The operation as it is now. */
      200: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description Send it as `If-None-Match`: as long as nothing has changed, the answer is a 304 without a body. */
          ETag?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Operation']
        }
      }
      /** @description Nothing has changed since the answer with this `ETag`. */
      304: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          /** @description Send it as `If-None-Match`: as long as nothing has changed, the answer is a 304 without a body. */
          ETag?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content?: never
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `operation-not-found`: There is no such operation. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.any']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.any']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Preference-Applied': components['headers']['Preference-Applied']
          RateLimit: components['headers']['RateLimit.any']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.any']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  streamOperation: {
    parameters: {
      query?: never
      header?: {
        /** @description The `id` of the last event that arrived; an `EventSource` sends it by itself. */
        'Last-Event-ID'?: string
      }
      path: {
        /**
         * @description The id of the operation.
         * @example op_01kaw3v8s0q6m2c5d7e9f1g3h5
         */
        operation_id: string
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The stream. */
      200: {
        headers: {
          /** @description For nginx. */
          'X-Accel-Buffering'?: 'no'
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'text/event-stream': string
        }
      }
      /** @description The operation has ended, and `Last-Event-ID` is the id of its last event. */
      204: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content?: never
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `unauthenticated`: A valid caller key is required. */
      401: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `scope-missing`: The caller lacks the scope for this route. */
      403: {
        headers: {
          /** @description How to authenticate, and what was wrong with the credential that was sent (RFC 6750). */
          'WWW-Authenticate'?: string
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `operation-not-found`: There is no such operation. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.any']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.any']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.operations']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.operations']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `keys-unavailable`: The keys to verify tokens with cannot be fetched. `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit.any']
          'RateLimit-Policy': components['headers']['RateLimit-Policy.any']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  listProblems: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The codes. */
      200: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'text/html': string
          'application/json': components['schemas']['ProblemExplanationList']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getProblem: {
    parameters: {
      query?: never
      header?: never
      path: {
        /**
         * @description The code of a problem.
         * @example vm-busy
         */
        code: string
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The explanation. */
      200: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'text/html': string
          'application/json': components['schemas']['ProblemExplanation']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `route-not-found`: There is no such route. */
      404: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getLiveness: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description It is alive. */
      200: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Health']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getReadiness: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description It can. */
      200: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Health']
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `store-unavailable`: The operation store cannot be reached. `draining`: The gateway is shutting down. */
      503: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getStartPage: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The page. */
      200: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'text/html': string
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          'Cross-Origin-Opener-Policy': components['headers']['Cross-Origin-Opener-Policy']
          'Origin-Agent-Cluster': components['headers']['Origin-Agent-Cluster']
          'X-DNS-Prefetch-Control': components['headers']['X-DNS-Prefetch-Control']
          'X-Download-Options': components['headers']['X-Download-Options']
          'X-Permitted-Cross-Domain-Policies': components['headers']['X-Permitted-Cross-Domain-Policies']
          'X-XSS-Protection': components['headers']['X-XSS-Protection']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  getMetrics: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The metrics. */
      200: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'text/plain': string
        }
      }
      /** @description `validation-failed`: The request has invalid fields. `malformed-request`: The request could not be read. */
      400: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `expectation-failed`: The request expects what the gateway cannot do. */
      417: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `rate-limited`: Too many requests. */
      429: {
        headers: {
          /** @description Seconds until asking again makes sense. */
          'Retry-After'?: number
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
      /** @description `internal`: The gateway failed. */
      500: {
        headers: {
          'X-Request-Id': components['headers']['X-Request-Id']
          'Cache-Control': components['headers']['Cache-Control']
          'Content-Security-Policy': components['headers']['Content-Security-Policy']
          'Cross-Origin-Resource-Policy': components['headers']['Cross-Origin-Resource-Policy']
          'Referrer-Policy': components['headers']['Referrer-Policy']
          'X-Content-Type-Options': components['headers']['X-Content-Type-Options']
          'X-Frame-Options': components['headers']['X-Frame-Options']
          'Access-Control-Allow-Origin': components['headers']['Access-Control-Allow-Origin']
          'Access-Control-Expose-Headers': components['headers']['Access-Control-Expose-Headers']
          Vary: components['headers']['Vary']
          RateLimit: components['headers']['RateLimit']
          'RateLimit-Policy': components['headers']['RateLimit-Policy']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem']
        }
      }
    }
  }
  operationEnded: {
    parameters: {
      query?: never
      header: {
        /** @description Of the message; the same each time that it is sent. */
        'webhook-id': string
        /** @description When it was sent, in seconds since 1970. */
        'webhook-timestamp': string
        /** @description One signature, or two with a space between them while secrets are rotated. */
        'webhook-signature': string
      }
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        /**
         * @example {
         *       "type": "operation.ended",
         *       "timestamp": "2026-11-24T10:15:41.870Z",
         *       "data": {
         *         "id": "op_01kaw3v8s0q6m2c5d7e9f1g3h5",
         *         "self": "/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5",
         *         "resource": "/vms/1000/snapshots/before-upgrade",
         *         "kind": "snapshot.create",
         *         "vm_id": 1000,
         *         "status": "succeeded"
         *       }
         *     }
         */
        'application/json': components['schemas']['OperationEnded']
      }
    }
    responses: {
      /** @description The receiver has it, and it is not sent again. */
      '2XX': {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
      /** @description 410: the receiver wants this message no more. Anything else, and no answer within 10 seconds: it is sent again. */
      default: {
        headers: {
          [name: string]: unknown
        }
        content?: never
      }
    }
  }
}
