// Virtual time as the API prints it: RFC 3339 with whole seconds, counted from a fixed epoch.

/** Virtual second 0. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

// The text made last: thousands of objects are written within one second.
let second = Number.NaN;
let text = '';

/** API timestamp of a virtual time; whole seconds, cut off, as metav1.Time has them. */
export function timestampText(us: number): string {
  const wanted = Math.floor(us / 1_000_000);
  if (wanted !== second) {
    text = new Date(EPOCH_MS + wanted * 1000).toISOString().replace('.000Z', 'Z');
    second = wanted;
  }
  return text;
}

/** The same to the microsecond, without zeros at the end of the fraction (Go's RFC3339Nano). */
export function exactTimestampText(us: number): string {
  const fraction = us - Math.floor(us / 1_000_000) * 1_000_000;
  const whole = timestampText(us);
  if (fraction === 0) return whole;
  let digits = 6;
  let shown = fraction;
  for (; shown % 10 === 0; shown /= 10) digits -= 1;
  return `${whole.slice(0, -1)}.${String(shown).padStart(digits, '0')}Z`;
}

/** Of a fraction as `exactTimestampText` writes it, µs; NaN for any other. */
function fractionUs(told: string): number {
  const last = told.length - 1;
  if (last === 19 && told[19] === 'Z') return 0;
  if (told[19] !== '.' || told[last] !== 'Z' || last < 21 || last > 26) return Number.NaN;
  let us = 0;
  for (let at = 20; at < 26; at++) {
    const digit = at < last ? told.charCodeAt(at) - 48 : 0;
    if (digit < 0 || digit > 9) return Number.NaN;
    us = us * 10 + digit;
  }
  return us;
}

/** Virtual time, µs, of an API timestamp; NaN if it is none. */
export function timestampUs(told: string | undefined): number {
  if (told === undefined) return Number.NaN;
  // Most that is read was written just now.
  if (told.startsWith(text.slice(0, 19)) && text !== '') {
    const us = fractionUs(told);
    if (!Number.isNaN(us)) return second * 1_000_000 + us;
  }
  // A Date keeps milliseconds.
  const micros = /\.\d{3}(\d{1,3})/.exec(told)?.[1];
  const more = micros === undefined ? 0 : Number(micros.padEnd(3, '0'));
  return (Date.parse(told) - EPOCH_MS) * 1000 + more;
}

/** Unix time of a virtual time, ms. */
export const clockMs = (us: number): number => EPOCH_MS + us / 1000;

/** Virtual time, µs, of a Unix time in seconds. */
export const unixUs = (seconds: number): number => (seconds * 1000 - EPOCH_MS) * 1000;
