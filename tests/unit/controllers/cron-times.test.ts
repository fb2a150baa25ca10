// When schedules are due next: tables, the clock's changes in spring and autumn, and a scan minute by minute as twin.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextTime, zonedText, zoneOf } from '../../../engine/controllers/cron-times.ts';
import { type CronFields, parseCronSchedule } from '../../../engine/kinds/cron-schedule.ts';

const unix = (text: string): number => Date.parse(text) / 1000;
const next = (schedule: string, from: string, zone?: string): string => {
  const clock = zoneOf(zone);
  const time = nextTime(parseCronSchedule(schedule), unix(from), clock);
  return Number.isNaN(time) ? 'never' : zonedText(time, clock);
};

describe('on the clock of UTC', () => {
  it.each([
    ['* * * * *', '2026-01-01T00:00:50Z', '2026-01-01T00:01:00Z'],
    // After the time itself comes the next one; a fraction of a second is no minute yet.
    ['* * * * *', '2026-01-01T00:01:00Z', '2026-01-01T00:02:00Z'],
    ['* * * * *', '2026-01-01T00:00:59.900Z', '2026-01-01T00:01:00Z'],
    ['*/15 * * * *', '2026-01-01T00:46:00Z', '2026-01-01T01:00:00Z'],
    ['5/20 * * * *', '2026-01-01T00:06:00Z', '2026-01-01T00:25:00Z'],
    ['30 6-16/4 * * 1-5', '2026-01-02T14:31:00Z', '2026-01-05T06:30:00Z'],
    ['0 0 1 * *', '2026-01-31T12:00:00Z', '2026-02-01T00:00:00Z'],
    ['0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 31 2 *', '2026-01-01T00:00:00Z', 'never'],
    // Both day fields say something: one of them is enough (the 13th, or a Friday).
    ['0 0 13 * fri', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 0 13 * fri', '2026-01-09T00:00:00Z', '2026-01-13T00:00:00Z'],
    // A star leaves the other alone; a star with a step says something.
    ['0 0 13 * *', '2026-01-01T00:00:00Z', '2026-01-13T00:00:00Z'],
    ['0 0 ? * fri', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
    ['0 0 */10 * fri', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
    ['0 0 */10 * fri', '2026-01-10T00:00:00Z', '2026-01-11T00:00:00Z'],
    ['@hourly', '2026-01-01T00:30:00Z', '2026-01-01T01:00:00Z'],
    ['@weekly', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
    ['@yearly', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['@every 1h30m', '2026-01-01T00:00:10.700Z', '2026-01-01T01:30:10Z'],
  ])('%s after %s: %s', (schedule, from, time) => {
    expect(next(schedule, from)).toBe(time);
  });
});

describe('on the clock of New York, where 2 o’clock is skipped on 8 March and 1 o’clock comes twice on 1 November', () => {
  const ZONE = 'America/New_York';
  it.each([
    ['0 * * * *', '2026-03-08T01:00:00-05:00', '2026-03-08T03:00:00-04:00'],
    // There is no half past two on that day.
    ['30 2 * * *', '2026-03-07T02:30:00-05:00', '2026-03-09T02:30:00-04:00'],
    ['0 12 * * *', '2026-03-07T12:00:00-05:00', '2026-03-08T12:00:00-04:00'],
    ['45 1 * * *', '2026-11-01T00:00:00-04:00', '2026-11-01T01:45:00-04:00'],
    ['45 1 * * *', '2026-11-01T01:45:00-04:00', '2026-11-01T01:45:00-05:00'],
    ['45 1 * * *', '2026-11-01T01:45:00-05:00', '2026-11-02T01:45:00-05:00'],
    ['0 2 * * *', '2026-11-01T00:00:00-04:00', '2026-11-01T02:00:00-05:00'],
  ])('%s after %s: %s', (schedule, from, time) => {
    expect(next(schedule, from, ZONE)).toBe(time);
  });

  it('a day without a midnight is passed over where it has to be looked for', () => {
    // Beirut has none on 29 March 2026: upstream steps back to 23:00 and from there over the whole day.
    expect(next('0 * 29 3 *', '2026-03-28T12:00:00+02:00', 'Asia/Beirut')).toBe('2027-03-29T00:00:00+03:00');
    expect(next('0 * * * *', '2026-03-28T23:00:00+02:00', 'Asia/Beirut')).toBe('2026-03-29T01:00:00+03:00');
  });

  it('an unknown zone is refused', () => {
    expect(() => zoneOf('Mars/Olympus')).toThrow(RangeError);
  });
});

/** The plain twin: looks at every minute. */
function scan(fields: CronFields, from: number, offset: (unix: number) => number, limit: number): number {
  for (let t = (Math.floor(from / 60) + 1) * 60; t < from + limit; t += 60) {
    const local = new Date((t + offset(t)) * 1000);
    const ofMonth = fields.dayOfMonth.values[local.getUTCDate()];
    const ofWeek = fields.dayOfWeek.values[local.getUTCDay()];
    const both = fields.dayOfMonth.star || fields.dayOfWeek.star;
    if (
      fields.minute.values[local.getUTCMinutes()] &&
      fields.hour.values[local.getUTCHours()] &&
      fields.month.values[local.getUTCMonth() + 1] &&
      (both ? ofMonth && ofWeek : ofMonth || ofWeek)
    )
      return t;
  }
  return Number.NaN;
}

it('agrees with a scan minute by minute, whatever the schedule, the zone and the time', () => {
  const field = (min: number, max: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: 2, max: 9 }).map((step) => `*/${step}`),
      fc.integer({ min, max }).map(String),
      fc
        .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
        .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    );
  const schedules = fc
    .tuple(field(0, 59), field(0, 23), field(1, 31), fc.constant('*'), field(0, 6))
    .map((fields) => fields.join(' '));
  const zones = fc.constantFrom(
    'UTC',
    'America/New_York',
    'Europe/Berlin',
    'Asia/Kolkata',
    'Pacific/Auckland',
  );
  const days = 20;
  fc.assert(
    fc.property(schedules, zones, fc.integer({ min: 0, max: 365 * 1440 }), (text, name, minute) => {
      const schedule = parseCronSchedule(text) as CronFields;
      const from = unix('2026-01-01T00:00:00Z') + minute * 60 + 7;
      const zone = zoneOf(name);
      // The twin asks for the offset once an hour: zones change at full hours here.
      const offsets = new Map<number, number>();
      const offset = (t: number): number => {
        const hour = Math.floor(t / 3600);
        if (!offsets.has(hour)) offsets.set(hour, zone(t));
        return offsets.get(hour)!;
      };
      const expected = scan(schedule, from, offset, days * 86_400);
      const found = nextTime(schedule, from, zone);
      if (Number.isNaN(expected)) expect(!(found < from + days * 86_400)).toBe(true);
      else expect(found).toBe(expected);
    }),
    { numRuns: 60 },
  );
});
