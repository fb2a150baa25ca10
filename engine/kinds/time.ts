// RFC 3339 times of API objects: parsed with Go's error texts, printed in UTC (metav1.Time keeps seconds, MicroTime
// microseconds).

export class TimeError extends Error {}

const LAYOUT = '2006-01-02T15:04:05Z07:00';

interface Piece {
  readonly pattern: RegExp;
  /** How Go names the element in "cannot parse … as …". */
  readonly element: string;
  readonly low: number;
  readonly high: number;
  readonly range: string;
}

const PIECES: readonly Piece[] = [
  { pattern: /^\d{4}/, element: '2006', low: 0, high: 9999, range: '' },
  { pattern: /^-/, element: '-', low: 0, high: 0, range: '' },
  { pattern: /^\d{2}/, element: '01', low: 1, high: 12, range: 'month' },
  { pattern: /^-/, element: '-', low: 0, high: 0, range: '' },
  { pattern: /^\d{2}/, element: '02', low: 1, high: 31, range: 'day' },
  { pattern: /^T/, element: 'T', low: 0, high: 0, range: '' },
  { pattern: /^\d{2}/, element: '15', low: 0, high: 23, range: 'hour' },
  { pattern: /^:/, element: ':', low: 0, high: 0, range: '' },
  { pattern: /^\d{2}/, element: '04', low: 0, high: 59, range: 'minute' },
  { pattern: /^:/, element: ':', low: 0, high: 0, range: '' },
  { pattern: /^\d{2}/, element: '05', low: 0, high: 59, range: 'second' },
];

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** Normalises a time to UTC with `fraction` digits of seconds (0 or 6); throws TimeError with Go's text. */
export function canonicalTime(text: string, fraction: 0 | 6): string {
  const fail = (detail: string): never => {
    throw new TimeError(`parsing time ${JSON.stringify(text)}${detail}`);
  };
  let rest = text;
  const numbers: number[] = [];
  for (const piece of PIECES) {
    const match = piece.pattern.exec(rest);
    if (match === null) {
      return fail(` as "${LAYOUT}": cannot parse ${JSON.stringify(rest)} as "${piece.element}"`);
    }
    rest = rest.slice(match[0].length);
    if (piece.range !== '' || piece.element === '2006') {
      const value = Number(match[0]);
      if (value < piece.low || value > piece.high) return fail(`: ${piece.range} out of range`);
      numbers.push(value);
    }
  }
  const digits = /^[.,](\d+)/.exec(rest);
  if (digits !== null) rest = rest.slice(digits[0].length);
  const zone = /^(?:Z|([+-])(\d{2}):(\d{2}))/.exec(rest);
  if (zone === null) return fail(` as "${LAYOUT}": cannot parse ${JSON.stringify(rest)} as "Z07:00"`);
  rest = rest.slice(zone[0].length);
  if (rest !== '') return fail(`: extra text: ${JSON.stringify(rest)}`);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = numbers;
  if (day > daysIn(year, month)) return fail(': day out of range');
  const offset =
    zone[1] === undefined ? 0 : (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]));
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute - offset, second));
  const date = `${pad(utc.getUTCFullYear(), 4)}-${pad(utc.getUTCMonth() + 1, 2)}-${pad(utc.getUTCDate(), 2)}`;
  const clock = `${pad(utc.getUTCHours(), 2)}:${pad(utc.getUTCMinutes(), 2)}:${pad(utc.getUTCSeconds(), 2)}`;
  const micros = (digits?.[1] ?? '').padEnd(6, '0').slice(0, 6);
  return fraction === 0 ? `${date}T${clock}Z` : `${date}T${clock}.${micros}Z`;
}
