/**
 * The circuit breaker: after many failures in a row HOSTKEY is left alone for a moment, then one call probes. It judges
 * HOSTKEY, and not a VM: a failure that may be a VM's own is held against that VM once, however often it is met, so that
 * HOSTKEY as a whole is left alone only when as many *different* VMs fail in a row, or when it cannot be reached. Fewer
 * VMs are left alone each by itself, and all others are served. Refusals count as good answers; a call that its caller
 * gave up tells nothing and counts as neither, which is why this is not cockatiel's: there it would be a success, and
 * close a circuit that is open.
 */

import type { World } from '../world.ts'

export interface BreakerOptions {
  /** This many failures in a row open it. */
  failures: number
  /** How long it stays open before a call may probe, in milliseconds. */
  openMs: number
  /** A pause of two seconds must not last for hours because the clock was set back. */
  world: Pick<World, 'monotonic'>
}

/**
 * What a call proves. `good`: HOSTKEY answered; `bad`: no answer that makes sense, perhaps for this VM alone; `away`:
 * HOSTKEY could not be reached or broke the connection, whatever the VM; `nothing`: neither.
 */
export type Verdict = 'good' | 'bad' | 'away' | 'nothing'

/** `probing`: one call may tell, or tells just now, whether it closes. */
export const BREAKER_STATES = ['closed', 'open', 'probing'] as const

/** For how long somebody is left alone. */
interface Pause {
  untilMs: number
  isProbing: boolean
  /** The VM whose probe failed last: others go first when the pause is over. */
  failedBy?: number | undefined
}

export class Breaker {
  readonly #options: BreakerOptions
  /** Failures since HOSTKEY last gave a good answer to anybody. */
  #failures = 0
  /** Those among them that are no VM's, and the VMs that the others are held against. */
  #ownFailures = 0
  readonly #failedVms = new Set<number>()
  /** Everybody's pause, or that of single VMs. */
  #pause: Pause | undefined
  readonly #pauseOfVm = new Map<number, Pause>()

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** For how long no call at all will be made, in milliseconds: 0 when some may be tried. */
  get pausedMs(): number {
    return this.#pause ? this.#leftMs(this.#pause) : 0
  }

  /** For how long no call about this VM will be made, in milliseconds: 0 when one may be tried. */
  heldMs(vmId?: number): number {
    const pause = this.#pauseFor(vmId)
    return pause ? this.#leftMs(pause, vmId) : 0
  }

  /** How HOSTKEY stands, or the VMs that are left alone. */
  get state(): (typeof BREAKER_STATES)[number] {
    const pauses = this.#pause ? [this.#pause] : [...this.#pauseOfVm.values()]
    if (pauses.length === 0) return 'closed'
    return pauses.some(pause => this.#leftMs(pause) > 0) ? 'open' : 'probing'
  }

  /**
   * What `call` gives, or undefined when it is left alone: then it was not called. `vmId` is the VM that the call is
   * about; without one every failure is HOSTKEY's own.
   */
  async run<T>(call: () => Promise<T>, judge: (result: T) => Verdict, vmId?: number): Promise<T | undefined> {
    const pause = this.#pauseFor(vmId)
    if (pause && (pause.isProbing || this.#leftMs(pause, vmId) > 0)) return undefined
    if (pause) pause.isProbing = true
    try {
      const result = await call()
      this.#count(judge(result), vmId, pause)
      return result
    } finally {
      if (pause) pause.isProbing = false
    }
  }

  #pauseFor(vmId: number | undefined): Pause | undefined {
    return this.#pause ?? (vmId === undefined ? undefined : this.#pauseOfVm.get(vmId))
  }

  #leftMs({ untilMs, failedBy }: Pause, vmId?: number): number {
    const { world, openMs } = this.#options
    const turnMs = vmId !== undefined && failedBy === vmId ? openMs / 2 : 0
    return Math.max(0, untilMs + turnMs - world.monotonic())
  }

  #count(verdict: Verdict, vmId: number | undefined, probed: Pause | undefined): void {
    if (verdict === 'good') this.#close()
    else if (verdict !== 'nothing') {
      this.#failures += 1
      if (verdict === 'away' || vmId === undefined) this.#ownFailures += 1
      else this.#failedVms.add(vmId)
      if (probed) {
        probed.untilMs = this.#untilMs()
        if (probed === this.#pause) probed.failedBy = vmId
      }
      if (this.#failures >= this.#options.failures) this.#open()
    }
  }

  /** What was under way when it opened does not keep it open for longer. */
  #open(): void {
    const untilMs = this.#untilMs()
    if (this.#ownFailures + this.#failedVms.size >= this.#options.failures)
      this.#pause ??= { untilMs, isProbing: false }
    else
      for (const vmId of this.#failedVms)
        if (!this.#pauseOfVm.has(vmId)) this.#pauseOfVm.set(vmId, { untilMs, isProbing: false })
  }

  #close(): void {
    this.#failures = 0
    this.#ownFailures = 0
    this.#failedVms.clear()
    this.#pause = undefined
    this.#pauseOfVm.clear()
  }

  #untilMs(): number {
    return this.#options.world.monotonic() + this.#options.openMs
  }
}
