// Virtual time as the API prints it: RFC 3339 with whole seconds, counted from a fixed epoch.

/** Virtual second 0. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** API timestamp of a virtual time; whole seconds, cut off, as metav1.Time has them. */
export function timestampText(us: number): string {
  return new Date(EPOCH_MS + Math.floor(us / 1_000_000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Virtual time, µs, of an API timestamp; NaN if it is none. */
export function timestampUs(text: string | undefined): number {
  return text === undefined ? Number.NaN : (Date.parse(text) - EPOCH_MS) * 1000;
}

/** Unix time of a virtual time, ms. */
export const clockMs = (us: number): number => EPOCH_MS + us / 1000;

/** Virtual time, µs, of a Unix time in seconds. */
export const unixUs = (seconds: number): number => (seconds * 1000 - EPOCH_MS) * 1000;
