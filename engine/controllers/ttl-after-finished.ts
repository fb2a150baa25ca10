// The TTL controller: a Job that has ended and says spec.ttlSecondsAfterFinished is deleted that long after its end, in
// the foreground: its pods first (pkg/controller/ttlafterfinished, v1.36). Ends are told in whole seconds.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { timestampUs, Verb } from '../state/index.ts';
import { finishedCondition } from './job-status.ts';

const SECOND = 1_000_000;

/** When the Job is to go, µs; undefined: it has not ended, may stay or goes already. */
function expiryUs(job: KubeObject): number | undefined {
  const seconds: number | undefined = job['spec'].ttlSecondsAfterFinished;
  const finished = finishedCondition(job);
  if (job.metadata.deletionTimestamp !== undefined || seconds === undefined || finished === undefined)
    return undefined;
  return timestampUs(finished.lastTransitionTime) + seconds * SECOND;
}

class TtlAfterFinished implements Controller {
  readonly #ctx: ControllerContext;
  readonly #jobs: SeenObjects;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#jobs = ctx.objects('Job');
    ctx.onObjects('Job', ({ key, object }, verb) => {
      if (verb !== Verb.deleted && expiryUs(object) !== undefined) ctx.queue.add(key);
    });
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#jobs.get(key);
    if (seen === undefined || !this.#isOver(key, seen.object)) return DONE;
    // What was seen may be old: asked once more.
    const fresh = yield calls.get(seen.id);
    if (fresh.object === null || !this.#isOver(key, fresh.object)) return DONE;
    const reply = yield calls.delete(seen.id, 'Foreground');
    return reply.code < 400 ? DONE : RETRY;
  }

  /** True if its time is over; otherwise the Job is looked at again when it will be. */
  #isOver(key: string, job: KubeObject): boolean {
    const us = expiryUs(job);
    if (us === undefined) return false;
    const leftUs = us - this.#ctx.run.kernel.now;
    if (leftUs > 0) this.#ctx.queue.addAfter(key, leftUs);
    return leftUs <= 0;
  }
}

export const ttlAfterFinishedController: ControllerDefinition = {
  name: 'ttl-after-finished',
  clientName: 'ttl-after-finished-controller',
  about: 'deletes Jobs some time after their end',
  create: (context) => new TtlAfterFinished(context),
};
