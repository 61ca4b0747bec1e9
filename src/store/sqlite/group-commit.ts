/**
 * Writes to a SQLite database in WAL mode, many at a time. The writes of one turn of the event loop, or those that came
 * during an fsync, share one transaction and one fsync. Each of them is answered after that fsync.
 *
 * With `synchronous=FULL`, SQLite would make the fsync inside COMMIT and hold up the event loop for as long as it takes.
 * With `synchronous=NORMAL`, COMMIT only writes the WAL file and leaves out the fsync
 * (https://www.sqlite.org/pragma.html#pragma_synchronous: "the WAL file is synced before each checkpoint"). This class
 * makes it instead, in one of the threads of libuv.
 */

import type { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from '../../operations/store.ts'
import { realWorld, type World } from '../../world.ts'

/** The WAL file of an open database. */
export interface Wal {
  /** Brings what was written to it to the disk. */
  sync: (done: (error: Error | null) => void) => void
  /** The same, before it returns. @throws Error when the disk does not take it */
  syncNow: () => void
  close: () => void
}

export interface GroupCommitOptions {
  world?: World
  /**
   * Called when the disk did not take what was committed. The kernel may then have dropped the data from its memory, and
   * a second fsync would not say so. What SQLite shows is no longer what a power cut would leave, and only a new
   * process can tell. From then on every call rejects.
   */
  onBroken?: (error: Error) => void
}

interface Write {
  /** What it writes about. */
  subject: string | null
  /** Makes the changes, inside the transaction. */
  run: () => void
  /** Called when the changes are on the disk, before anybody hears of it. */
  onStored: () => void
  resolve: () => void
  reject: (error: Error) => void
}

/** The writes of one transaction. */
class Batch {
  readonly writes: Write[] = []
  readonly subjects = new Set<string>()
  readonly #stored = Promise.withResolvers<void>()
  /** Resolves when the batch is on the disk. */
  readonly whenStored = this.#stored.promise

  constructor() {
    // Mostly nobody waits for it, and then its failure must not count as unhandled.
    this.whenStored.catch(() => {})
  }

  add(write: Write): void {
    this.writes.push(write)
    if (write.subject !== null) this.subjects.add(write.subject)
  }

  resolve(): void {
    for (const write of this.writes) write.resolve()
    this.#stored.resolve()
  }

  reject(error: Error): void {
    for (const write of this.writes) write.reject(error)
    this.#stored.reject(error)
  }
}

export class GroupCommit {
  readonly #db: DatabaseSync
  readonly #wal: Wal
  readonly #world: World
  readonly #onBroken: (error: Error) => void
  /** What the next transaction will write. */
  #queue = new Batch()
  /** What was committed, and is on its way to the disk. */
  #syncing: Batch | undefined
  #isFailing = false
  #storedAtMs = -Infinity
  #end: StoreUnavailable | undefined

  /** Takes an open database in WAL mode. `close` closes the database and the WAL file too. */
  constructor(db: DatabaseSync, wal: Wal, options: GroupCommitOptions) {
    this.#db = db
    this.#world = options.world ?? realWorld
    this.#wal = wal
    this.#onBroken = options.onBroken ?? (() => {})
  }

  /** Whether the last transaction could not be written. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** How long ago the disk last took a transaction. */
  get storedAgoMs(): number {
    return this.#world.monotonic() - this.#storedAtMs
  }

  /** Why no call can succeed any more, or undefined while calls can. */
  get end(): StoreUnavailable | undefined {
    return this.#end
  }

  /**
   * Queues a write for the next transaction and resolves with what `work` returns, once it is on the disk.
   *
   * @param subject names what is written about; `isOnItsWay` and `whenStored` take the same name.
   * @param work makes the changes. When it throws, the whole transaction is undone and all of its writes reject.
   * @param onStored is called when the changes are on the disk, before anybody hears of it.
   * @throws StoreUnavailable when the changes are not stored.
   */
  write<T>(subject: string | null, work: () => T, onStored: (result: T) => void = () => {}): Promise<T> {
    if (this.#end) return Promise.reject(this.#end)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let result: T
    this.#queue.add({
      subject,
      run: () => (result = work()),
      onStored: () => onStored(result),
      resolve: () => resolve(result),
      reject,
    })
    if (this.#queue.writes.length === 1 && !this.#syncing) this.#world.soon(() => this.#flush())
    return promise
  }

  /** Whether a write about this subject is queued, or not yet on the disk. */
  isOnItsWay(subject: string): boolean {
    return this.#queue.subjects.has(subject) || this.#syncing?.subjects.has(subject) === true
  }

  /**
   * Resolves when everything that the database shows is on the disk, or everything that it shows about one subject.
   * @throws StoreUnavailable when the disk does not take it.
   */
  async whenStored(subject?: string): Promise<void> {
    if (subject === undefined || this.#syncing?.subjects.has(subject)) await this.#syncing?.whenStored
  }

  /** What `read` gives. @throws StoreUnavailable when the database cannot be read */
  attempt<T>(read: () => T): T {
    if (this.#end) throw this.#end
    try {
      return read()
    } catch (error) {
      throw new StoreUnavailable('the store could not be read', { cause: error })
    }
  }

  /** Brings to the disk what was asked for, and closes the database. From then on every call rejects. */
  async close(): Promise<void> {
    while (!this.#end && (this.#syncing || this.#queue.writes.length > 0)) {
      this.#flush()
      await this.#syncing?.whenStored.catch(() => {})
    }
    this.#end ??= new StoreUnavailable('the store is closed')
    if (!this.#db.isOpen) return
    this.#db.close()
    this.#wal.close()
  }

  /** Commits what is queued, unless a commit is still on its way to the disk. */
  #flush(): void {
    if (this.#syncing || this.#queue.writes.length === 0) return
    const batch = this.#queue
    this.#queue = new Batch()
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      for (const write of batch.writes) write.run()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#isFailing = true
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      batch.reject(new StoreUnavailable('the store could not be written', { cause: error }))
      return
    }
    this.#isFailing = false
    this.#syncing = batch
    this.#wal.sync(error => this.#synced(batch, error))
  }

  #synced(batch: Batch, error: Error | null): void {
    if (error) {
      this.#syncing = undefined
      this.#end = new StoreUnavailable('the disk did not take what was written', { cause: error })
      batch.reject(this.#end)
      this.#queue.reject(this.#end)
      this.#onBroken(error)
      return
    }
    this.#storedAtMs = this.#world.monotonic()
    for (const write of batch.writes) write.onStored()
    this.#syncing = undefined
    batch.resolve()
    // Whoever waited for this batch reads before the next one is committed, because nobody may see that one yet.
    if (this.#queue.writes.length > 0) this.#world.soon(() => this.#flush())
  }
}
