// Which start of a CronJob is due, and when it is to be looked at next (pkg/controller/cronjob/utils.go, v1.36). Times
// are Unix seconds, `now` with a fraction.

import type { CronSchedule } from '../kinds/cron-schedule.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { nextTime, type Zone } from './cron-times.ts';

/** nextScheduleDelta: added to the next look, for clocks that differ. */
const PADDING_S = 0.1;
const MANY = 100;

export interface CronPlan {
  readonly schedule: CronSchedule;
  readonly zone: Zone;
}

interface MostRecent {
  /** The last start, or the creation; not before the deadline if that counts. */
  readonly earliest: number;
  /** The latest start that is due; null: none. */
  readonly due: number | null;
  readonly missed: 'none' | 'few' | 'many';
  /** The schedule has no two times. */
  readonly impossible: boolean;
}

const unixSeconds = (timestamp: string): number => Date.parse(timestamp) / 1000;

/** The latest of the starts since the last one, and roughly how many there were (mostRecentScheduleTime). */
function mostRecent(cronJob: KubeObject, now: number, plan: CronPlan, withDeadline: boolean): MostRecent {
  const { spec, status } = cronJob as Json;
  const next = (unix: number): number => nextTime(plan.schedule, unix, plan.zone);
  let earliest = unixSeconds(status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp!);
  const deadline: number | undefined = spec.startingDeadlineSeconds;
  if (withDeadline && deadline !== undefined) earliest = Math.max(earliest, now - deadline);
  const first = next(earliest);
  const second = Number.isNaN(first) ? Number.NaN : next(first);
  const told = (due: number | null, missed: MostRecent['missed'], impossible = false): MostRecent => ({
    earliest,
    due,
    missed,
    impossible,
  });
  if (Number.isNaN(first) || Number.isNaN(second)) return told(null, 'none', true);
  if (now < first) return told(null, 'none');
  if (now < second) return told(first, 'none');
  const distance = Math.round(second - first);
  const count = Math.floor(Math.floor(now - first) / distance) + 1;
  // One back, because distances may differ; from there each one is looked at.
  let due: number | null = null;
  for (let t = next(first + (count - 2) * distance); t <= now; t = next(t)) due = t;
  return told(due, count > MANY ? 'many' : count > 0 ? 'few' : 'none');
}

/** Seconds until the CronJob is to be looked at again (nextScheduleTimeDuration). */
export function secondsToNext(cronJob: KubeObject, now: number, plan: CronPlan): number {
  const recent = mostRecent(cronJob, now, plan, false);
  let from = recent.due;
  if (recent.impossible) from = now;
  else if (from === null) from = recent.missed === 'none' ? recent.earliest : now;
  return nextTime(plan.schedule, from, plan.zone) + PADDING_S - now;
}

export interface DueStart {
  /** null: none. */
  readonly at: number | null;
  readonly tooMany: boolean;
  readonly impossible: boolean;
}

/** The start that is due within the deadline (nextScheduleTime). */
export function dueStart(cronJob: KubeObject, now: number, plan: CronPlan): DueStart {
  const { due, missed, impossible } = mostRecent(cronJob, now, plan, true);
  return { at: due, tooMany: due !== null && missed === 'many', impossible };
}
