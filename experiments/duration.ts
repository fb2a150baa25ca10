// Durations on the command line and in files: `250ms`, `5s`, `10m`, `2h`, `1d`, also joined (`1h30m`) and with a
// fraction (`1.5s`), to integer microseconds of virtual time.

const UNITS: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

const PART = /([0-9]+)(?:\.([0-9]+))?(us|ms|s|m|h|d)/y;
/** 100 years: far below 2^53 µs, far above any run. */
const MAX_US = 36_525 * 86_400_000_000;

/** Microseconds, or undefined when the text is no duration. Fractions finer than 1 µs are cut off. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let total = 0;
  let at = 0;
  let smallest = Number.POSITIVE_INFINITY;
  while (at < text.length) {
    PART.lastIndex = at;
    const m = PART.exec(text);
    if (m === null) return undefined;
    const unit = UNITS[m[3]!]!;
    // Units come from large to small, each once: `1h30m`, never `30m1h`.
    if (unit >= smallest) return undefined;
    smallest = unit;
    const fraction =
      m[2] === undefined
        ? 0
        : Math.floor((Number(m[2].slice(0, 12)) * unit) / 10 ** Math.min(m[2].length, 12));
    total += Number(m[1]) * unit + fraction;
    at += m[0].length;
  }
  return text.length > 0 && total <= MAX_US ? total : undefined;
}

/** The shortest text of whole units for a number of microseconds: 90_000_000 → `90s`. */
export function formatDuration(us: number): string {
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const size = UNITS[unit]!;
    if (us !== 0 && us % size === 0) return `${us / size}${unit}`;
  }
  return us === 0 ? '0s' : `${us}us`;
}
