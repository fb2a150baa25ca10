// When a cron schedule is due next, by the rules of robfig/cron v3 (spec.go SpecSchedule.Next): the next minute whose
// fields fit, on the clock of a time zone. A time that the clock skips in spring does not happen; one that it shows
// twice in autumn happens twice. If neither day field is a star it is enough that one of them fits.
//
// Times are whole seconds of Unix time. What zones do is the platform's own data (Intl), the only thing here that is
// not in the engine.
import type { CronFields, CronSchedule } from '../kinds/cron-schedule.ts';

const MINUTE = 60;
const HOUR = 3600;
/** Years to look ahead: there may be no such date. */
const YEARS = 5;

/** A time zone: seconds that its clock is ahead of UTC at a time. */
export type Zone = (unix: number) => number;

export const UTC: Zone = () => 0;

/** The zone of an IANA name. Throws RangeError if the platform does not know it. */
export function zoneOf(name: string | undefined): Zone {
  if (name === undefined || name === 'UTC') return UTC;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (unix) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(unix * 1000)) parts[type] = Number(value);
    const { year, month, day, hour, minute, second } = parts as Record<string, number>;
    return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) / 1000 - unix;
  };
}

/** The clock of a zone; months from 1, Sunday is 0. */
interface Clock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly weekday: number;
}

function clockAt(unix: number, zone: Zone): Clock {
  const date = new Date((unix + zone(unix)) * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
  };
}

/** Unix time of a clock's reading; where there are none or two, as Go's time.Date decides. */
function unixOf(zone: Zone, year: number, month: number, day: number, rest: number): number {
  const local = Date.UTC(year, month - 1, day) / 1000 + rest;
  const guess = zone(local);
  const there = zone(local - guess);
  return local - there;
}

function dayFits({ dayOfMonth, dayOfWeek }: CronFields, { day, weekday }: Clock): boolean {
  const ofMonth = dayOfMonth.values[day]!;
  const ofWeek = dayOfWeek.values[weekday]!;
  return dayOfMonth.star || dayOfWeek.star ? ofMonth && ofWeek : ofMonth || ofWeek;
}

/** The first time after `unix` (which may have a fraction) at which the schedule is due; NaN if there is none. */
export function nextTime(schedule: CronSchedule, unix: number, zone: Zone): number {
  if ('everySeconds' in schedule) return Math.floor(unix) + schedule.everySeconds;
  let t = Math.floor(unix) + 1;
  // The next whole minute: seconds are always 0.
  t += (MINUTE - clockAt(t, zone).second) % MINUTE;
  const lastYear = clockAt(t, zone).year + YEARS;
  for (;;) {
    const clock = clockAt(t, zone);
    if (clock.year > lastYear) return Number.NaN;
    const { year, month, hour } = clock;
    if (!schedule.month.values[month]) t = unixOf(zone, year, month + 1, 1, 0);
    else if (!dayFits(schedule, clock)) t = nextMidnight(zone, clock);
    else if (!schedule.hour.values[hour]) t += HOUR - clock.minute * MINUTE;
    else if (!schedule.minute.values[clock.minute]) t += minutesLeft(schedule, clock) * MINUTE;
    else return t;
  }
}

/** To the next fitting minute of the hour, or to the next hour. */
function minutesLeft({ minute }: CronFields, clock: Clock): number {
  for (let m = clock.minute + 1; m < 60; m++) if (minute.values[m]) return m - clock.minute;
  return 60 - clock.minute;
}

/** The next day's start. A day whose clock has no midnight is passed over, as upstream's correction does. */
function nextMidnight(zone: Zone, { year, month, day }: Clock): number {
  const t = unixOf(zone, year, month, day + 1, 0);
  const { hour } = clockAt(t, zone);
  if (hour === 0) return t;
  return hour > 12 ? t + (24 - hour) * HOUR : unixOf(zone, year, month, day + 2, 0);
}

/** RFC 3339 with the zone's offset. */
export function zonedText(unix: number, zone: Zone): string {
  const offset = zone(unix);
  const local = new Date((unix + offset) * 1000).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const two = (value: number): string => `${value}`.padStart(2, '0');
  const ahead = Math.abs(offset);
  const minutes = Math.floor((ahead % HOUR) / MINUTE);
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(ahead / HOUR))}:${two(minutes)}`;
}
