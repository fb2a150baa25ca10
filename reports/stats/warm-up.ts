// How much of the start of a series to leave out: MSER-5 (White, Cobb, Spratt 2000, A comparison of five steady-state
// truncation heuristics for simulation). The series is averaged in batches of five; the cut is where the standard error
// of the mean of what remains is least. A cut in the second half means that the series is too short to tell.

const BATCH = 5;

export interface WarmUp {
  /** Observations to leave out. */
  readonly cut: number;
  /** False where the least is in the second half: the run is too short. */
  readonly settled: boolean;
}

/** Where the warm-up of a series ends. Less than ten observations are all kept. */
export function mser5(series: readonly number[]): WarmUp {
  const batches = Math.floor(series.length / BATCH);
  if (batches < 2) return { cut: 0, settled: false };
  const means: number[] = [];
  for (let b = 0; b < batches; b++) {
    let sum = 0;
    for (let i = 0; i < BATCH; i++) sum += series[b * BATCH + i]!;
    means.push(sum / BATCH);
  }
  // From the end: mean and sum of squares of what remains, each in O(1) (Welford).
  let mean = 0;
  let squares = 0;
  let best = Number.POSITIVE_INFINITY;
  let cut = 0;
  for (let b = batches - 1, n = 1; b >= 0; b--, n++) {
    const delta = means[b]! - mean;
    mean += delta / n;
    squares += delta * (means[b]! - mean);
    // Of the last few batches the spread says nothing.
    if (n < 5 && batches >= 10) continue;
    const statistic = squares / (n * n);
    if (statistic <= best) {
      best = statistic;
      cut = b;
    }
  }
  return { cut: cut * BATCH, settled: cut <= batches / 2 };
}
