/** A receiver: where the ends of a caller's operations are told. Only the callers file names one, and never a request. */

export interface Receiver {
  /** The name of the caller. */
  readonly name: string
  readonly url: URL
  /**
   * The secrets that sign, now: one, or two while they are rotated. There is none while the file of the secret cannot be
   * used; then nothing can be sent.
   */
  secrets(): readonly string[]
}
