// A log-linear histogram of durations in whole µs, in the manner of HdrHistogram (same buckets, same percentile
// rule; a property test compares the two). Ours because it grows with the largest value seen, so a run may keep
// hundreds of them, and because its count, sum, min and max are exact.
//
// Values below 2048 have a bucket each; above, every power of two is cut into 1024 equal buckets, so a
// percentile is too high by at most 1/1024 of itself: 3 significant digits.
import { assert } from '../kernel/assert.ts';

/** 1024 buckets an octave: the smallest power of two that keeps 3 significant digits. */
const HALF = 1024;
const HALF_BITS = 10;
/** The sum is kept in two parts, so that it is exact (and independent of order) however many values come. */
const CARRY = 2 ** 50;
const TWO_32 = 2 ** 32;

/** Bucket of a value in 0..2^50: octaves above the first 2048 values follow each other, 1024 buckets each. */
function bucketOf(value: number): number {
  if (value < 2 * HALF) return value;
  const bits = value < TWO_32 ? 32 - Math.clz32(value) : 64 - Math.clz32(Math.floor(value / TWO_32));
  const shift = bits - HALF_BITS - 1;
  return shift * HALF + (shift < 21 ? value >>> shift : Math.floor(value / 2 ** shift));
}

/** Largest value that falls into the bucket. */
function bucketTop(bucket: number): number {
  if (bucket < 2 * HALF) return bucket;
  const shift = Math.floor(bucket / HALF) - 1;
  const sub = bucket - shift * HALF;
  return (sub + 1) * 2 ** shift - 1;
}

// Where things are among the cells: the exact numbers first, side by side and unboxed, then the buckets. Dozens of
// histograms are written to in turn, so what counts is how many places of memory a record touches.
const COUNT = 0;
const MIN = 1;
const MAX = 2;
/** The sum in units of 1 and of `CARRY`. */
const LOW = 3;
const HIGH = 4;
const FIRST = 8;

export class Histogram {
  private cells = new Float64Array(FIRST + HALF);

  constructor() {
    this.cells[MIN] = Number.POSITIVE_INFINITY;
    this.cells[MAX] = Number.NEGATIVE_INFINITY;
  }

  get count(): number {
    return this.cells[COUNT]!;
  }

  /** Exact; Infinity while empty. */
  get min(): number {
    return this.cells[MIN]!;
  }

  /** Exact; -Infinity while empty. */
  get max(): number {
    return this.cells[MAX]!;
  }

  /** Adds one duration, or so many equal ones: whole µs, 0..2^50 (35 years). */
  record(us: number, times = 1): void {
    assert(us >= 0 && us < CARRY && Number.isInteger(us), () => `histogram: ${us} is no whole number of µs`);
    const at = FIRST + bucketOf(us);
    if (at >= this.cells.length) this.grow(at);
    const { cells } = this;
    cells[at]! += times;
    cells[COUNT]! += times;
    if (us < cells[MIN]!) cells[MIN] = us;
    if (us > cells[MAX]!) cells[MAX] = us;
    if (times === 1) this.addSum(us, 0);
    else {
      const product = us * times;
      if (product <= Number.MAX_SAFE_INTEGER) {
        const high = Math.floor(product / CARRY);
        this.addSum(product - high * CARRY, high);
      } else {
        const exact = BigInt(us) * BigInt(times);
        this.addSum(Number(exact % BigInt(CARRY)), Number(exact / BigInt(CARRY)));
      }
    }
  }

  /** Mean in µs, from the exact sum; NaN while empty. */
  mean(): number {
    const [low, high] = [this.cells[LOW]!, this.cells[HIGH]!];
    return high === 0 ? low / this.count : (high / this.count) * CARRY + low / this.count;
  }

  /**
   * The smallest recorded bucket such that at least `percent` (0..100) of the values lie in it or below, given as
   * the largest value of that bucket, but never beyond the exact min and max. NaN while empty.
   */
  percentile(percent: number): number {
    const { cells, count } = this;
    if (count === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil((percent * count) / 100));
    let seen = 0;
    for (let at = FIRST; at < cells.length; at++) {
      seen += cells[at]!;
      if (seen >= wanted) return Math.max(this.min, Math.min(this.max, bucketTop(at - FIRST)));
    }
    return this.max;
  }

  /** Adds all values of another histogram, as if they had been recorded here. */
  merge(other: Histogram): void {
    if (other.count === 0) return;
    if (other.cells.length > this.cells.length) this.grow(other.cells.length - 1);
    const { cells } = this;
    cells[COUNT]! += other.count;
    cells[MIN] = Math.min(this.min, other.min);
    cells[MAX] = Math.max(this.max, other.max);
    this.addSum(other.cells[LOW]!, other.cells[HIGH]!);
    for (let at = FIRST; at < other.cells.length; at++) cells[at]! += other.cells[at]!;
  }

  private addSum(low: number, high: number): void {
    const { cells } = this;
    const sum = cells[LOW]! + low;
    cells[LOW] = sum >= CARRY ? sum - CARRY : sum;
    cells[HIGH]! += sum >= CARRY ? high + 1 : high;
  }

  /** Makes room for the cell `at`, whole octaves at a time. */
  private grow(at: number): void {
    const larger = new Float64Array(FIRST + (Math.floor((at - FIRST) / HALF) + 1) * HALF);
    larger.set(this.cells);
    this.cells = larger;
  }
}
