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

export class Histogram {
  count = 0;
  /** Exact; Infinity and -Infinity while empty. */
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  private sumLow = 0;
  private sumHigh = 0;
  private counts = new Float64Array(HALF);

  /** Adds one duration, or so many equal ones: whole µs, 0..2^50 (35 years). */
  record(us: number, times = 1): void {
    assert(us >= 0 && us < CARRY && Number.isInteger(us), () => `histogram: ${us} is no whole number of µs`);
    this.count += times;
    if (us < this.min) this.min = us;
    if (us > this.max) this.max = us;
    if (times === 1) this.sumLow += us;
    else {
      const product = us * times;
      if (product <= Number.MAX_SAFE_INTEGER) {
        const high = Math.floor(product / CARRY);
        this.sumHigh += high;
        this.sumLow += product - high * CARRY;
      } else {
        const exact = BigInt(us) * BigInt(times);
        this.sumHigh += Number(exact / BigInt(CARRY));
        this.sumLow += Number(exact % BigInt(CARRY));
      }
    }
    if (this.sumLow >= CARRY) {
      this.sumLow -= CARRY;
      this.sumHigh++;
    }
    const bucket = bucketOf(us);
    if (bucket >= this.counts.length) this.grow(bucket);
    this.counts[bucket] = this.counts[bucket]! + times;
  }

  /** Mean in µs, from the exact sum; NaN while empty. */
  mean(): number {
    return this.sumHigh === 0
      ? this.sumLow / this.count
      : (this.sumHigh / this.count) * CARRY + this.sumLow / this.count;
  }

  /**
   * The smallest recorded bucket such that at least `percent` (0..100) of the values lie in it or below, given as
   * the largest value of that bucket, but never beyond the exact min and max. NaN while empty.
   */
  percentile(percent: number): number {
    if (this.count === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil((percent * this.count) / 100));
    let seen = 0;
    for (let bucket = 0; bucket < this.counts.length; bucket++) {
      seen += this.counts[bucket]!;
      if (seen >= wanted) return Math.max(this.min, Math.min(this.max, bucketTop(bucket)));
    }
    return this.max;
  }

  /** Adds all values of another histogram, as if they had been recorded here. */
  merge(other: Histogram): void {
    if (other.count === 0) return;
    this.count += other.count;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.sumHigh += other.sumHigh;
    this.sumLow += other.sumLow;
    if (this.sumLow >= CARRY) {
      this.sumLow -= CARRY;
      this.sumHigh++;
    }
    if (other.counts.length > this.counts.length) this.grow(other.counts.length - 1);
    for (let i = 0; i < other.counts.length; i++) this.counts[i] = this.counts[i]! + other.counts[i]!;
  }

  private grow(bucket: number): void {
    const larger = new Float64Array((Math.floor(bucket / HALF) + 1) * HALF);
    larger.set(this.counts);
    this.counts = larger;
  }
}
