/** The parts of the OpenAPI document that routes refer to by name. */

import type { TSchema } from 'typebox'
import { OperationEnded } from './message.ts'
import {
  CallerName,
  ChangeResult,
  Kind,
  LISTED_SCHEMAS,
  ListedOperation,
  Operation,
  OPERATION_SCHEMAS,
  OperationEvent,
  OperationList,
  Status,
  Webhook,
} from './operation.ts'
import { Code, FieldError, FieldPlace, Problem, UpstreamError } from './problem.ts'
import { Snapshot, SnapshotCreate, SnapshotList, SnapshotRestore } from './snapshot.ts'
import { Stats } from './stats.ts'

export const COMPONENTS: readonly TSchema[] = [
  Code,
  FieldPlace,
  FieldError,
  UpstreamError,
  Problem,
  Kind,
  Status,
  CallerName,
  ChangeResult,
  Webhook,
  ...OPERATION_SCHEMAS,
  Operation,
  OperationEvent,
  ...LISTED_SCHEMAS,
  ListedOperation,
  OperationList,
  OperationEnded,
  Snapshot,
  SnapshotList,
  SnapshotCreate,
  SnapshotRestore,
  Stats,
]
