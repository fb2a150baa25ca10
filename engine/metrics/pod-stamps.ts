// When each stage of a pod's life was reached: sixteen times, a count of attempts and a few flags per pod, in pages
// of typed arrays by pod index. Pages are never copied, so memory grows by one page at a time (136 bytes a pod
// that exists at once). A time may lie ahead (the kubelet computes when a sandbox will be ready): a reader says
// up to when times count as having happened.
import { assert } from '../kernel/assert.ts';

/** Stages in the order of the columns of pods.csv; the last five stand at the end of a row. */
export const PodStamp = {
  created: 0,
  firstAttempt: 1,
  scheduled: 2,
  bound: 3,
  sandbox: 4,
  pulled: 5,
  started: 6,
  ready: 7,
  finished: 8,
  deleting: 9,
  deleted: 10,
  /** The scheduler has seen it and put it in its queue. */
  queued: 11,
  /** The kubelet of its node has seen it. */
  seen: 12,
  /** A client that watches pods has seen it Ready. */
  watched: 13,
  /** All of its volumes were mounted; only where its kubelet had to wait for them. */
  volumes: 14,
  /** A client that watches pods has seen it Running. */
  running: 15,
} as const;
export const POD_STAMPS = 16;
/** Of these, those that stand side by side in pods.csv, and those that stand between there and the labels. */
export const ROW_STAMPS = 11;
export const LATE_STAMPS = 14;

/** The column after the stamps: flags in its lowest 4 bits, the number of attempts above them. */
const STATE = POD_STAMPS;
const STRIDE = POD_STAMPS + 1;
const ATTEMPT = 16;
const PAGE_BITS = 12;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

/** `placed`: no longer waits for a node. */
export const PodFlag = { open: 1, observed: 2, existed: 4, placed: 8 } as const;

export class PodStamps {
  private readonly pages: Float64Array[] = [];

  /** Starts a pod's record anew: nothing has happened yet. */
  open(pod: number, flags: number): void {
    const wanted = pod >>> PAGE_BITS;
    while (this.pages.length <= wanted) this.pages.push(new Float64Array(STRIDE << PAGE_BITS));
    const page = this.pages[wanted]!;
    const at = (pod & PAGE_MASK) * STRIDE;
    assert((page[at + STATE]! & PodFlag.open) === 0, () => `pod row ${pod} is created while it still exists`);
    page.fill(Number.NaN, at, at + POD_STAMPS);
    page[at + STATE] = flags | PodFlag.open;
  }

  close(pod: number): void {
    this.page(pod)[(pod & PAGE_MASK) * STRIDE + STATE] = 0;
  }

  isOpen(pod: number): boolean {
    const page = this.pages[pod >>> PAGE_BITS];
    return page !== undefined && (page[(pod & PAGE_MASK) * STRIDE + STATE]! & PodFlag.open) !== 0;
  }

  has(pod: number, flag: number): boolean {
    return (this.page(pod)[(pod & PAGE_MASK) * STRIDE + STATE]! & flag) !== 0;
  }

  raise(pod: number, flag: number): void {
    const page = this.page(pod);
    const at = (pod & PAGE_MASK) * STRIDE + STATE;
    page[at] = page[at]! | flag;
  }

  /** Keeps the first time given; returns whether this was it. */
  stamp(pod: number, which: number, timeUs: number): boolean {
    const page = this.page(pod);
    const at = (pod & PAGE_MASK) * STRIDE + which;
    if (!Number.isNaN(page[at]!)) return false;
    page[at] = timeUs;
    return true;
  }

  /** µs; NaN if it did not happen. */
  get(pod: number, which: number): number {
    return this.page(pod)[(pod & PAGE_MASK) * STRIDE + which]!;
  }

  countAttempt(pod: number): void {
    const page = this.page(pod);
    const at = (pod & PAGE_MASK) * STRIDE + STATE;
    page[at] = page[at]! + ATTEMPT;
  }

  attempts(pod: number): number {
    return Math.floor(this.page(pod)[(pod & PAGE_MASK) * STRIDE + STATE]! / ATTEMPT);
  }

  private page(pod: number): Float64Array {
    const page = this.pages[pod >>> PAGE_BITS];
    assert(
      page !== undefined && page[(pod & PAGE_MASK) * STRIDE + STATE] !== 0,
      () => `pod row ${pod} is written to, but no pod was created there`,
    );
    return page;
  }
}
