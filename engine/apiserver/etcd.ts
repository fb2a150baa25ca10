// etcd as a queue with batches: a write that is ready waits for the fsync in progress, then goes with all others that
// are ready into the next one. Latency at rest is one fsync, throughput under load grows with the batch, as etcd's
// group commit does (etcd docs op-guide/performance; server/storage/wal).
import { assert, type EventKind, type Kernel, NumberHeap, type Sampler } from '../kernel/index.ts';

export class Etcd {
  readonly #kernel: Kernel;
  readonly #ready = new NumberHeap();
  readonly #fsyncUs: Sampler;
  readonly #batchMax: number;
  readonly #commit: (request: number) => void;
  readonly #flushed: () => void;
  readonly #wakeKind: EventKind;
  readonly #commitKind: EventKind;
  readonly #batch: number[] = [];
  #batched = 0;
  #busy = false;
  /** Earliest wake that is scheduled; Infinity: none. */
  #wakeAt = Number.POSITIVE_INFINITY;
  /** Batches written so far. */
  batches = 0;
  /** Global revision of the newest write. */
  revision = 0;

  /** `commit` applies one request at the moment of its commit; `flushed` follows each batch. */
  constructor(
    kernel: Kernel,
    options: { fsyncUs: Sampler; batchMax: number; commit: (request: number) => void; flushed: () => void },
  ) {
    this.#kernel = kernel;
    this.#fsyncUs = options.fsyncUs;
    this.#batchMax = options.batchMax;
    this.#commit = options.commit;
    this.#flushed = options.flushed;
    this.#wakeKind = kernel.on('etcd/wake', () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      if (!this.#busy) this.#begin();
    });
    this.#commitKind = kernel.on('etcd/commit', () => this.#finish());
  }

  /** A request whose handler has ended its work at `readyUs` (now or later) wants to be written. */
  submit(request: number, readyUs: number): void {
    this.#ready.push(readyUs, request);
    if (!this.#busy) this.#arm();
  }

  /** Next revision, for the write being applied. */
  next(): number {
    this.revision += 1;
    return this.revision;
  }

  #arm(): void {
    if (this.#ready.size === 0) return;
    const at = Math.max(this.#kernel.now, this.#ready.peekKey());
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    this.#kernel.at(at, this.#wakeKind, 0, 0);
  }

  #begin(): void {
    const now = this.#kernel.now;
    while (this.#ready.size > 0 && this.#ready.peekKey() <= now && this.#batched < this.#batchMax) {
      this.#batch[this.#batched++] = this.#ready.pop();
    }
    if (this.#batched === 0) {
      this.#arm();
      return;
    }
    this.#busy = true;
    this.batches += 1;
    this.#kernel.after(this.#fsyncUs(this.batches, 0), this.#commitKind, 0, 0);
  }

  #finish(): void {
    assert(this.#busy, 'a commit ends a batch');
    const batch = this.#batch;
    for (let i = 0; i < this.#batched; i++) this.#commit(batch[i]!);
    this.#batched = 0;
    this.#busy = false;
    this.#flushed();
    this.#begin();
  }
}
