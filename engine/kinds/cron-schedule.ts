// Cron schedules as the API server and the CronJob controller read them (robfig/cron v3, ParseStandard): five fields or
// a descriptor. When such a schedule is due next is asked in engine/controllers/cron-times.ts.

export class CronError extends Error {}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

/** Values that a field allows, by value; `star`: it says nothing (`*` or `?`, without a step). */
export interface CronField {
  readonly values: readonly boolean[];
  readonly star: boolean;
}

export interface CronFields {
  readonly minute: CronField;
  readonly hour: CronField;
  readonly dayOfMonth: CronField;
  readonly month: CronField;
  readonly dayOfWeek: CronField;
}

/** Fields, or a fixed distance (`@every`), s. */
export type CronSchedule = CronFields | { readonly everySeconds: number };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Minute, hour, day of month, month, day of week. Names count from `min`. */
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];
const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const EVERY = '@every ';
/** Seconds of the units of a Go duration. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    const quoted = JSON.stringify(text);
    throw new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing ${quoted}: invalid syntax`);
  }
  const value = Number(text);
  if (value < 0) throw new CronError(`negative number (${value}) not allowed: ${text}`);
  return value;
}

function parseNumberOrName(text: string, bounds: Bounds): number {
  const named = bounds.names.indexOf(text.toLowerCase());
  return named >= 0 ? named + bounds.min : parseNumber(text);
}

/** Marks the values of a range; true if it says nothing. */
function readRange(text: string, bounds: Bounds, values: boolean[]): boolean {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const limits = range.split('-');
  let start = bounds.min;
  let end = bounds.max;
  const star = limits[0] === '*' || limits[0] === '?';
  if (!star) {
    start = parseNumberOrName(limits[0] as string, bounds);
    if (limits.length > 2) throw new CronError(`too many hyphens: ${text}`);
    end = limits.length === 2 ? parseNumberOrName(limits[1] as string, bounds) : start;
  }
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${text}`);
  let step = 1;
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    if (limits.length === 1) end = bounds.max;
  }
  if (start < bounds.min)
    throw new CronError(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`);
  if (end > bounds.max) throw new CronError(`end of range (${end}) above maximum (${bounds.max}): ${text}`);
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new CronError(`step of range should be a positive number: ${text}`);
  for (let value = start; value <= end; value += step) values[value] = true;
  return star && step === 1;
}

function readField(text: string, bounds: Bounds): CronField {
  const values: boolean[] = new Array(bounds.max + 1).fill(false);
  let star = false;
  for (const range of text.split(',')) if (range !== '' && readRange(range, bounds, values)) star = true;
  return { values, star };
}

/** Whole seconds of `1h30m`, at least 1 (cron.Every). */
function everySeconds(descriptor: string): number {
  const duration = descriptor.slice(EVERY.length);
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(duration)) {
    throw new CronError(
      `failed to parse duration ${descriptor}: time: invalid duration ${JSON.stringify(duration)}`,
    );
  }
  let seconds = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    seconds += Number(amount) * UNITS[unit!]!;
  return Math.max(1, Math.floor(seconds));
}

/** Throws CronError with the server's text when the schedule cannot be read. */
export function parseCronSchedule(schedule: string): CronSchedule {
  let rest = schedule;
  if (rest.startsWith('TZ=') || rest.startsWith('CRON_TZ=')) {
    const blank = rest.indexOf(' ');
    rest = blank < 0 ? '' : rest.slice(blank).trim();
  }
  if (rest.startsWith('@')) {
    if (rest.startsWith(EVERY)) return { everySeconds: everySeconds(rest) };
    const standard = Object.hasOwn(DESCRIPTORS, rest) ? DESCRIPTORS[rest] : undefined;
    if (standard === undefined) throw new CronError(`unrecognized descriptor: ${rest}`);
    rest = standard;
  }
  const texts = rest.split(/\s+/).filter((field) => field !== '');
  if (texts.length !== FIELDS.length) {
    throw new CronError(`expected exactly 5 fields, found ${texts.length}: [${texts.join(' ')}]`);
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = texts.map((text, i) => readField(text, FIELDS[i]!));
  return {
    minute: minute!,
    hour: hour!,
    dayOfMonth: dayOfMonth!,
    month: month!,
    dayOfWeek: dayOfWeek!,
  };
}
