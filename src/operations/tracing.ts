/** What traces have to do with operations. `observability/` implements it; without traces it does nothing. */

import type { Ended, Operation, Subject } from './operation.ts'

export interface OperationTracing {
  /** What an operation that begins now keeps, so that its steps and its end join the trace; nothing when there is none. */
  begin(): Pick<Subject, 'trace'>
  /** Makes a step in the trace of its operation. */
  step<T>(operation: Operation, make: () => T): T
  /** Makes what is part of no request, whichever one set it off. */
  apart<T>(make: () => T): T
  /** The operation ended, and its end is stored. */
  end(operation: Ended): void
}
