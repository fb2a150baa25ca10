// Cron schedules as the API server reads them (robfig/cron v3, ParseStandard): five fields or a descriptor. Only the
// form is checked here.

export class CronError extends Error {}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

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
const DESCRIPTORS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

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

function checkRange(text: string, bounds: Bounds): void {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const limits = range.split('-');
  let start = bounds.min;
  let end = bounds.max;
  if (limits[0] !== '*' && limits[0] !== '?') {
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
}

/** Throws CronError with the server's text when the schedule cannot be read. */
export function checkCronSchedule(schedule: string): void {
  let rest = schedule;
  if (rest.startsWith('TZ=') || rest.startsWith('CRON_TZ=')) {
    const blank = rest.indexOf(' ');
    rest = blank < 0 ? '' : rest.slice(blank).trim();
  }
  if (rest.startsWith('@')) {
    const every = /^@every (?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(rest);
    if (!every && rest.startsWith('@every ')) {
      const duration = rest.slice('@every '.length);
      throw new CronError(
        `failed to parse duration ${rest}: time: invalid duration ${JSON.stringify(duration)}`,
      );
    }
    if (!every && !DESCRIPTORS.includes(rest)) throw new CronError(`unrecognized descriptor: ${rest}`);
    return;
  }
  const fields = rest.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== FIELDS.length) {
    throw new CronError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  }
  for (const [index, field] of fields.entries()) {
    for (const range of field.split(',')) if (range !== '') checkRange(range, FIELDS[index] as Bounds);
  }
}
