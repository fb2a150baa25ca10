// Values that hold over time (queue lengths, requested CPU): means weighted by virtual time after warm-up, and
// peaks over the whole run. Columns, because there are three of them per node; every change is O(1).

/** Means and peaks of many values; rows are given out by `add` and never reused. */
export class TimeWeighted {
  private readonly warmUpUs: number;
  private rows = 0;
  private values = new Float64Array(16);
  private since = new Float64Array(16);
  private integrals = new Float64Array(16);
  private peaks = new Float64Array(16);

  /** @param warmUpUs what lies before counts for peaks, not for means */
  constructor(warmUpUs: number) {
    this.warmUpUs = warmUpUs;
  }

  /** A new value that starts now; returns its row. */
  add(value: number, nowUs: number): number {
    const row = this.rows++;
    if (row >= this.values.length) {
      this.values = doubled(this.values);
      this.since = doubled(this.since);
      this.integrals = doubled(this.integrals);
      this.peaks = doubled(this.peaks);
    }
    this.values[row] = value;
    this.since[row] = nowUs;
    this.peaks[row] = value;
    return row;
  }

  set(row: number, value: number, nowUs: number): void {
    this.advance(row, nowUs);
    this.values[row] = value;
    if (value > this.peaks[row]!) this.peaks[row] = value;
  }

  value(row: number): number {
    return this.values[row]!;
  }

  /** Largest value that it ever had, for however short. */
  peak(row: number): number {
    return this.peaks[row]!;
  }

  /** Value × µs after warm-up, up to now. */
  integral(row: number, nowUs: number): number {
    this.advance(row, nowUs);
    return this.integrals[row]!;
  }

  /** Mean from `fromUs` (or the end of warm-up, if later) to now; of an empty stretch, the value itself. */
  mean(row: number, fromUs: number, nowUs: number): number {
    const lengthUs = nowUs - Math.max(fromUs, this.warmUpUs);
    return lengthUs > 0 ? this.integral(row, nowUs) / lengthUs : this.values[row]!;
  }

  private advance(row: number, nowUs: number): void {
    const from = Math.max(this.since[row]!, this.warmUpUs);
    if (nowUs > from) this.integrals[row] = this.integrals[row]! + this.values[row]! * (nowUs - from);
    this.since[row] = nowUs;
  }
}

function doubled(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
