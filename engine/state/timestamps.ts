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
  let fraction = us - Math.floor(us / 1_000_000) * 1_000_000;
  const whole = timestampText(us);
  if (fraction === 0) return whole;
  let digits = 6;
  while (fraction % 10 === 0) {
    fraction /= 10;
    digits -= 1;
  }
  return `${whole.slice(0, -1)}.${String(fraction).padStart(digits, '0')}Z`;
}

/** Characters of the date and time, down to the second. */
const SECOND_LENGTH = '2026-01-01T00:00:00'.length;
const DOT = 46;
const ZERO = 48;
const Z = 90;

// The second read last, and its virtual time: proxies read the times of thousands of changes in order.
let readSecond = '';
let readUs = Number.NaN;

/** Virtual time, µs, of an API timestamp; NaN if it is none. */
export function timestampUs(told: string | undefined): number {
  if (told === undefined) return Number.NaN;
  const end = told.length - 1;
  const micros = end <= SECOND_LENGTH + 7 && told.charCodeAt(end) === Z ? microsOf(told, end) : Number.NaN;
  if (Number.isNaN(micros)) return parsedUs(told);
  const wanted = told.slice(0, SECOND_LENGTH);
  if (wanted !== readSecond) {
    readUs = parsedUs(`${wanted}Z`);
    readSecond = wanted;
  }
  return readUs + micros;
}

/** The fraction that stands before `end`, up to six digits; NaN if something else does. */
function microsOf(told: string, end: number): number {
  if (end === SECOND_LENGTH) return 0;
  if (end < SECOND_LENGTH + 2 || told.charCodeAt(SECOND_LENGTH) !== DOT) return Number.NaN;
  let micros = 0;
  let worth = 100_000;
  for (let at = SECOND_LENGTH + 1; at < end; at++) {
    const digit = told.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    micros += digit * worth;
    worth /= 10;
  }
  return micros;
}

/** Any text that Date takes: with an offset, or more than six digits. */
function parsedUs(told: string): number {
  // A Date keeps milliseconds.
  const micros = /\.\d{3}(\d{1,3})/.exec(told)?.[1];
  const more = micros === undefined ? 0 : Number(micros.padEnd(3, '0'));
  return (Date.parse(told) - EPOCH_MS) * 1000 + more;
}

/** Unix time of a virtual time, ms. */
export const clockMs = (us: number): number => EPOCH_MS + us / 1000;

/** Virtual time, µs, of a Unix time in seconds. */
export const unixUs = (seconds: number): number => (seconds * 1000 - EPOCH_MS) * 1000;
