// A step function of virtual time in at most 500 points, however long the run: each point says "this value from
// this time on". Time is cut into cells; of several changes in a cell the last stays, with its own time, and when
// there are too many points the cells double. So every point is a true (time, value) of the run and the last one
// is the final value; what is lost is how it moved within a cell (peaks are kept elsewhere, exactly).

export const SERIES_POINTS_MAX = 500;

export class ThinnedSeries {
  private readonly times = new Float64Array(SERIES_POINTS_MAX + 1);
  private readonly values = new Float64Array(SERIES_POINTS_MAX + 1);
  private points = 0;
  private cellUs = 1;

  get length(): number {
    return this.points;
  }

  timeUs(point: number): number {
    return this.times[point]!;
  }

  value(point: number): number {
    return this.values[point]!;
  }

  /** The value from `nowUs` on; times never go backwards. */
  add(nowUs: number, value: number): void {
    const last = this.points - 1;
    if (last >= 0) {
      if (this.values[last] === value) return;
      if (this.sameCell(this.times[last]!, nowUs)) {
        this.times[last] = nowUs;
        this.values[last] = value;
        return;
      }
    }
    this.times[this.points] = nowUs;
    this.values[this.points] = value;
    this.points++;
    while (this.points > SERIES_POINTS_MAX) this.thin();
  }

  private sameCell(aUs: number, bUs: number): boolean {
    return Math.floor(aUs / this.cellUs) === Math.floor(bUs / this.cellUs);
  }

  private thin(): void {
    this.cellUs *= 2;
    let kept = 0;
    for (let i = 0; i < this.points; i++) {
      const lastOfCell = i === this.points - 1 || !this.sameCell(this.times[i]!, this.times[i + 1]!);
      if (!lastOfCell) continue;
      this.times[kept] = this.times[i]!;
      this.values[kept] = this.values[i]!;
      kept++;
    }
    this.points = kept;
  }
}
