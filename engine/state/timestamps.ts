// Virtual time as the API prints it: RFC 3339 with whole seconds, counted from a fixed epoch.

/** Virtual second 0. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** API timestamp of a virtual time; whole seconds, cut off, as metav1.Time has them. */
export function timestampText(us: number): string {
  return new Date(EPOCH_MS + Math.floor(us / 1_000_000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** The same to the microsecond, without zeros at the end of the fraction (Go's RFC3339Nano). */
export function exactTimestampText(us: number): string {
  const fraction = us - Math.floor(us / 1_000_000) * 1_000_000;
  const whole = timestampText(us);
  if (fraction === 0) return whole;
  return `${whole.slice(0, -1)}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`;
}

/** Virtual time, µs, of an API timestamp; NaN if it is none. */
export function timestampUs(text: string | undefined): number {
  if (text === undefined) return Number.NaN;
  // A Date keeps milliseconds.
  const micros = /\.\d{3}(\d{1,3})/.exec(text)?.[1];
  const more = micros === undefined ? 0 : Number(micros.padEnd(3, '0'));
  return (Date.parse(text) - EPOCH_MS) * 1000 + more;
}

/** Unix time of a virtual time, ms. */
export const clockMs = (us: number): number => EPOCH_MS + us / 1000;

/** Virtual time, µs, of a Unix time in seconds. */
export const unixUs = (seconds: number): number => (seconds * 1000 - EPOCH_MS) * 1000;
