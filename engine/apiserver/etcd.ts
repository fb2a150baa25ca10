// etcd as a queue with batches: a write that is ready waits for the fsync in progress, then goes with all others that
// are ready into the next one. Latency at rest is one fsync, throughput under load grows with the batch, as etcd's
// group commit does (etcd docs op-guide/performance; server/storage/wal).
//
// A batch costs one event, its commit. When it begins is known before: at the end of the last one, or when the first
// write of those that wait for nothing else is ready. A write that turns out to be ready before that moves it forward:
// a new event, and the old one finds nothing to do.
import { type EventKind, type Kernel, NumberHeap, type Sampler } from '../kernel/index.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class Etcd {
  readonly #kernel: Kernel;
  readonly #ready = new NumberHeap();
  readonly #fsyncUs: Sampler;
  readonly #batchMax: number;
  readonly #commit: (request: number) => void;
  readonly #flushed: () => void;
  readonly #commitKind: EventKind;
  readonly #batch: number[] = [];
  /** Begin of the next batch, or of the one being written; Infinity: none waits. */
  #beginUs = NEVER;
  /** Its commit. */
  #commitUs = NEVER;
  #committing = false;
  /** Batches begun so far, and the one that is to begin next. */
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
    this.#commitKind = kernel.on('etcd/commit', () => {
      // Not if the batch has been moved forward since.
      if (kernel.now === this.#commitUs) this.#finish();
    });
  }

  /** A request whose handler has ended its work at `readyUs` (now or later) wants to be written. */
  submit(request: number, readyUs: number): void {
    this.#ready.push(readyUs, request);
    if (this.#committing || readyUs >= this.#beginUs) return;
    if (this.#beginUs === NEVER) this.batches += 1;
    this.#begin(readyUs);
  }

  /** Next revision, for the write being applied. */
  next(): number {
    this.revision += 1;
    return this.revision;
  }

  #begin(atUs: number): void {
    this.#beginUs = atUs;
    this.#commitUs = atUs + this.#fsyncUs(this.batches, 0);
    this.#kernel.at(this.#commitUs, this.#commitKind, 0, 0);
  }

  #finish(): void {
    const ready = this.#ready;
    const batch = this.#batch;
    let size = 0;
    while (ready.peekKey() <= this.#beginUs && size < this.#batchMax) batch[size++] = ready.pop();
    this.#committing = true;
    for (let i = 0; i < size; i++) this.#commit(batch[i]!);
    this.#committing = false;
    this.#flushed();
    this.#beginUs = NEVER;
    this.#commitUs = NEVER;
    if (ready.size === 0) return;
    this.batches += 1;
    this.#begin(Math.max(this.#kernel.now, ready.peekKey()));
  }
}
