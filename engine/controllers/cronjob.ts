// The CronJob controller (pkg/controller/cronjob/cronjob_controllerv2.go, v1.36): creates a Job at each time of the
// schedule, at most one a look, and deletes old ones. It looks 100 ms after the time.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObject,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import { CronError, parseCronSchedule } from '../kinds/cron-schedule.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { clockMs, timestampText, timestampUs, unixUs, Verb } from '../state/index.ts';
import { zonedText, zoneOf } from './cron-times.ts';
import { type CronPlan, dueStart, secondsToNext } from './cronjob-schedule.ts';
import { finishedCondition } from './job-status.ts';
import { controllerReference, controllerUid } from './owner.ts';
import { isNamespaceTerminating } from './request-failed.ts';

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** Reference to a Job in status.active. */
interface ActiveJob {
  readonly name: string;
  readonly uid: string;
  readonly [field: string]: unknown;
}

/** What one look works on. */
interface Look {
  readonly seen: SeenObject;
  active: readonly ActiveJob[];
  lastScheduleTime: string | undefined;
  lastSuccessfulTime: string | undefined;
  changed: boolean;
}

type Ended = { readonly requeueSeconds?: number; readonly failed?: boolean };

class CronJobController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #cronJobs: SeenObjects;
  readonly #jobs: SeenObjects;
  /** ObjectIds of Jobs by UID, also of those that are gone: asking for them costs a request all the same. */
  readonly #ids = new Map<string, number>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#cronJobs = ctx.objects('CronJob');
    this.#jobs = ctx.objects('Job');
    ctx.onObjects('CronJob', (seen, verb, old) => this.#cronJobSeen(seen, verb, old));
    ctx.onObjects('Job', (job) => {
      const owner = controllerUid(job.object);
      if (owner === undefined) return;
      this.#ids.set(job.object.metadata.uid!, job.id);
      for (const cronJob of this.#cronJobs.inNamespace(job.namespace))
        if (cronJob.object.metadata.uid === owner) ctx.queue.add(cronJob.key);
    });
  }

  /** A new schedule is looked at when it is due, any other change at once. */
  #cronJobSeen({ key, object }: SeenObject, verb: Verb, old: KubeObject | null): void {
    const { queue } = this.#ctx;
    const { schedule, timeZone } = object['spec'];
    const sameTimes =
      old === null || (old['spec'].schedule === schedule && old['spec'].timeZone === timeZone);
    const plan = verb === Verb.deleted || sameTimes ? null : planOf(object);
    if (plan === null) queue.add(key);
    else queue.addAfter(key, Math.ceil(secondsToNext(object, this.#now(), plan) * 1e6));
  }

  /** Unix time, s. */
  #now(): number {
    return clockMs(this.#ctx.run.kernel.now) / 1000;
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#cronJobs.get(key);
    if (seen === undefined) return DONE;
    const status: Json = seen.object['status'] ?? {};
    const look: Look = {
      seen,
      active: status.active ?? [],
      lastScheduleTime: status.lastScheduleTime,
      lastSuccessfulTime: status.lastSuccessfulTime,
      changed: false,
    };
    const jobs = this.#jobs.controlledBy(seen.object.metadata.uid!);
    yield* this.#cleanUp(look, jobs, calls);
    const { requeueSeconds, failed } = yield* this.#sync(look, jobs, calls);
    if (look.changed) {
      const reply = yield calls.updateStatus(
        seen.id,
        { ...seen.object, status: statusOf(look) },
        seen.revision,
      );
      if (reply.code >= 400) return RETRY;
    }
    if (requeueSeconds === undefined) return failed ? RETRY : DONE;
    this.#ctx.queue.addAfter(key, Math.ceil(requeueSeconds * 1e6));
    return DONE;
  }

  // Old Jobs.

  *#cleanUp(look: Look, jobs: readonly SeenObject[], calls: Calls): Steps<void> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = look.seen.object['spec'];
    const ended = (type: string): SeenObject[] =>
      jobs.filter(({ object }) => finishedCondition(object)?.type === type);
    yield* this.#removeOldest(look, ended('Complete'), successfulJobsHistoryLimit, calls);
    yield* this.#removeOldest(look, ended('Failed'), failedJobsHistoryLimit, calls);
  }

  *#removeOldest(look: Look, jobs: SeenObject[], limit: number | undefined, calls: Calls): Steps<void> {
    if (limit === undefined || jobs.length <= limit) return;
    jobs.sort(byStart);
    for (const job of jobs.slice(0, jobs.length - limit)) yield* this.#delete(look, job, calls);
  }

  /** Deletes a Job, its pods follow in the background. False: refused. */
  *#delete(
    look: Look,
    job: { id: number; name: string; uid?: string; object?: KubeObject },
    calls: Calls,
  ): Steps<boolean> {
    const reply = yield calls.delete(job.id);
    if (reply.code >= 400) {
      this.#event(look, 'Warning', 'FailedDelete', `Deleted job: ${reply.message}`);
      return false;
    }
    const uid = job.uid ?? job.object!.metadata.uid!;
    look.active = look.active.filter((one) => one.uid !== uid);
    look.changed = true;
    this.#event(look, 'Normal', 'SuccessfulDelete', `Deleted job ${job.name}`);
    return true;
  }

  // The look itself.

  *#sync(look: Look, jobs: readonly SeenObject[], calls: Calls): Steps<Ended> {
    yield* this.#follow(look, jobs, calls);
    const { object } = look.seen;
    const { spec } = object as Json;
    if (object.metadata.deletionTimestamp !== undefined || spec.suspend === true) return {};
    const plan = planOf(object);
    if (plan === null) return {};
    const now = this.#now();
    const current: KubeObject = { ...object, status: statusOf(look) };
    const { at, tooMany, impossible } = dueStart(current, now, plan);
    if (tooMany) {
      const text =
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      this.#event(look, 'Warning', 'TooManyMissedTimes', text);
    }
    if (impossible) {
      const why = 'time difference between two schedules is less than 1 second';
      this.#event(look, 'Warning', 'InvalidSchedule', `invalid schedule: ${spec.schedule} : ${why}`);
      return {};
    }
    const later = (): Ended => ({
      requeueSeconds: secondsToNext({ ...object, status: statusOf(look) }, now, plan),
    });
    if (at === null) return later();
    if (spec.startingDeadlineSeconds !== undefined && at + spec.startingDeadlineSeconds < now) {
      this.#event(look, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${rfc1123(at)}`);
      return later();
    }
    const name = `${look.seen.name}-${Math.floor(at / 60)}`;
    const atText = timestampText(unixUs(at));
    if (look.active.some((one) => one.name === name) || look.lastScheduleTime === atText) return later();
    if (spec.concurrencyPolicy === 'Forbid' && look.active.length > 0) {
      const text = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      this.#event(look, 'Normal', 'JobAlreadyActive', text);
      return later();
    }
    if (spec.concurrencyPolicy === 'Replace') {
      for (const { name: running, uid } of look.active) {
        const id = this.#ids.get(uid) ?? -1;
        const read = id < 0 ? null : yield calls.get(id);
        if (read === null || read.object === null) {
          this.#event(look, 'Warning', 'FailedGet', `Get job: jobs.batch "${running}" not found`);
          return { failed: true };
        }
        if (!(yield* this.#delete(look, { id, name: running, uid }, calls))) return { failed: true };
      }
    }
    const created = yield* this.#create(look, name, at, plan, calls);
    if (created === 'foreign') return {};
    if (created === 'refused') return { failed: true };
    look.lastScheduleTime = atText;
    look.changed = true;
    return later();
  }

  /** Jobs that have ended leave the list of active ones, and so do those that are gone. */
  *#follow(look: Look, jobs: readonly SeenObject[], calls: Calls): Steps<void> {
    const children = new Set<string>();
    for (const { name, object } of jobs) {
      const uid = object.metadata.uid!;
      children.add(uid);
      const isActive = look.active.some((one) => one.uid === uid);
      const finished = finishedCondition(object);
      if (finished === undefined) {
        if (!isActive) yield* this.#unexpected(look, name, uid, calls);
        continue;
      }
      if (isActive) {
        look.active = look.active.filter((one) => one.uid !== uid);
        this.#event(
          look,
          'Normal',
          'SawCompletedJob',
          `Saw completed job: ${name}, condition: ${finished.type}`,
        );
        look.changed = true;
      }
      const ended: string | undefined = object['status'].completionTime;
      if (finished.type !== 'Complete' || ended === undefined) continue;
      const known = look.lastSuccessfulTime;
      if (known !== undefined && timestampUs(ended) <= timestampUs(known)) continue;
      look.lastSuccessfulTime = ended;
      look.changed = true;
    }
    for (const { name, uid } of look.active) {
      if (children.has(uid)) continue;
      const id = this.#ids.get(uid) ?? -1;
      if (id >= 0 && (yield calls.get(id)).object !== null) continue;
      this.#event(look, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
      look.active = look.active.filter((one) => one.uid !== uid);
      look.changed = true;
    }
  }

  /** A Job that runs and is not in the list: perhaps the list that was seen is old. */
  *#unexpected(look: Look, name: string, uid: string, calls: Calls): Steps<void> {
    const { object } = yield calls.get(look.seen.id);
    const live: Json = object?.['status'] ?? {};
    if (live.active?.some((one: ActiveJob) => one.uid === uid)) {
      look.active = live.active;
      look.lastScheduleTime = live.lastScheduleTime;
      return;
    }
    const text = `Saw a job that the controller did not create or forgot: ${name}`;
    this.#event(look, 'Warning', 'UnexpectedJob', text);
  }

  /** Creates the Job of a start and takes it into the list; `foreign`: somebody else has made one of that name. */
  *#create(
    look: Look,
    name: string,
    at: number,
    plan: CronPlan,
    calls: Calls,
  ): Steps<'created' | 'refused' | 'foreign'> {
    const { seen } = look;
    const { metadata, spec } = seen.object['spec'].jobTemplate;
    const reply = yield calls.create({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        namespace: seen.namespace,
        ...(metadata?.labels === undefined ? {} : { labels: { ...metadata.labels } }),
        annotations: { ...metadata?.annotations, [SCHEDULED_AT]: zonedText(at, plan.zone) },
        ownerReferences: [controllerReference(seen.object)],
      },
      spec,
    });
    let job = reply.object;
    if (reply.code === 409) {
      // Made by an earlier look whose status was not written, or by somebody else.
      const known = this.#jobs.get(seen.key.replace(/[^/]*$/, name));
      const uid = known?.object.metadata.uid;
      const isOwn = known !== undefined && controllerUid(known.object) === seen.object.metadata.uid;
      if (!isOwn || look.active.some((one) => one.uid === uid)) return 'foreign';
      job = known.object;
    } else if (reply.code >= 400) {
      if (!isNamespaceTerminating(reply.code, reply.message))
        this.#event(look, 'Warning', 'FailedCreate', `Error creating job: ${reply.message}`);
      return 'refused';
    } else {
      this.#event(look, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      this.#ids.set(job!.metadata.uid!, reply.id);
    }
    const reference: ActiveJob = {
      kind: 'Job',
      namespace: seen.namespace,
      name,
      uid: job!.metadata.uid!,
      apiVersion: 'batch/v1',
    };
    look.active = [...look.active, reference];
    return 'created';
  }

  #event({ seen }: Look, type: 'Normal' | 'Warning', reason: string, text: string): void {
    this.#ctx.client.event(type, reason, seen.kind, seen.namespace, seen.name, text);
  }
}

const statusOf = ({ active, lastScheduleTime, lastSuccessfulTime }: Look): Json => ({
  ...(active.length > 0 ? { active } : {}),
  ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
  ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
});

/** Jobs that started first go first; those without a start last; names decide between equal ones. */
function byStart(a: SeenObject, b: SeenObject): number {
  const [x, y] = [a, b].map(({ object }) => timestampUs(object['status']?.startTime));
  if (x !== y && !(Number.isNaN(x!) && Number.isNaN(y!)))
    return Number.isNaN(x!) ? 1 : Number.isNaN(y!) ? -1 : x! - y!;
  return a.name < b.name ? -1 : 1;
}

/** Schedule and zone; null if they cannot be read, which the server does not accept. */
function planOf(cronJob: KubeObject): CronPlan | null {
  const { schedule, timeZone } = cronJob['spec'];
  try {
    return { schedule: parseCronSchedule(schedule), zone: zoneOf(timeZone) };
  } catch (error) {
    if (error instanceof CronError || error instanceof RangeError) return null;
    throw error;
  }
}

/** Go's time.RFC1123Z in UTC. */
const rfc1123 = (unix: number): string => new Date(unix * 1000).toUTCString().replace('GMT', '+0000');

export const cronJobController: ControllerDefinition = {
  name: 'cronjob',
  clientName: 'cronjob-controller',
  about: 'creates Jobs at the times of a schedule',
  create: (context) => new CronJobController(context),
};
