/** How calls and operations fail. */

import type { components } from './document.d.ts'

/** Something that takes time at HOSTKEY; its `kind` tells the type of its `result`. */
export type Operation = components['schemas']['Operation']
/** An error as the gateway tells it (RFC 9457): decide on its `code`. */
export type Problem = components['schemas']['Problem']

/** The gateway answered with a problem. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`)
    this.name = new.target.name
    this.problem = problem
  }
}

/** An operation did not succeed. */
export abstract class OperationError extends ProblemError {
  readonly operation: Operation

  constructor(operation: Operation) {
    super(operation.error!)
    this.operation = operation
  }
}

/** An operation ended as `failed`. */
export class OperationFailedError extends OperationError {}

/** An operation ended as `unknown`: it may have happened. Look at the VM before anything is sent again. */
export class OutcomeUnknownError extends OperationError {}
