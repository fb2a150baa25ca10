// Which pods belong to an owner at the moment of a sync: it lets go of pods whose labels its selector no longer matches
// and takes matching pods that nobody controls (controller_ref_manager.go PodControllerRefManager, v1.36). Only pods that
// neither ended nor are being deleted are looked at.
import type { Calls, ControllerContext, Reply, SeenObject, Steps } from '../contracts/controller.ts';
import type { Selector } from '../state/index.ts';
import type { OrphanPods } from './orphan-pods.ts';
import { isActive, isReady } from './pod-view.ts';
import type { PodCounts } from './replica-status.ts';
import { RequestFailed } from './request-failed.ts';

/** What a sync changed, which the watch may not have brought yet. */
export interface Claims {
  readonly adopted: readonly number[];
  readonly released: ReadonlySet<number>;
}

const NONE: Claims = Object.freeze({ adopted: Object.freeze([]), released: new Set<number>() });

/** Adopts and releases; RequestFailed where the server refused, as upstream ends the sync then. */
export function* claimPods(
  ctx: ControllerContext,
  orphans: OrphanPods,
  seen: SeenObject,
  selector: Selector,
  calls: Calls,
): Steps<Claims> {
  const { pods } = ctx;
  const isDeleting = seen.object.metadata.deletionTimestamp !== undefined;
  if (isDeleting) return NONE;
  const strangers: number[] = [];
  const owned = pods.owned(seen.id);
  for (const labelSet of owned?.activeByLabels.keys() ?? []) {
    if (selector.matchesSet(labelSet)) continue;
    for (let pod = pods.firstOwned(seen.id); pod >= 0; pod = pods.nextOwned(pod))
      if (pods.labelSet(pod) === labelSet && isActive(pods.word(pod))) strangers.push(pod);
  }
  const wanted = orphans
    .matching(ctx.run.state.texts.find(seen.namespace), selector)
    .filter((pod) => isActive(pods.word(pod)));
  if (strangers.length === 0 && wanted.length === 0) return NONE;
  const adopted: number[] = [];
  const released = new Set<number>();
  const trace = (pod: number, what: string): void => {
    const { tracer } = ctx.run.recorder;
    const { state } = ctx.run;
    if (tracer.enabled)
      tracer.hop(ctx.client.name, 'Pod', state.podNamespace(pod), state.podName(pod), `${what} ${seen.name}`);
  };
  for (const pod of strangers) {
    trace(pod, 'its labels do not match any more: released by');
    const reply = yield* patchOwner(ctx, pod, seen.id, -1, calls);
    if (reply.code >= 400 && reply.code !== 404) throw new RequestFailed(reply);
    released.add(pod);
  }
  if (wanted.length > 0) {
    // Before anything is adopted, it is made sure that the owner itself has not been deleted meanwhile.
    const live = yield calls.get(seen.id);
    if (live.object === null || live.object.metadata.deletionTimestamp !== undefined)
      throw new RequestFailed(live);
    if (live.object.metadata.uid !== seen.object.metadata.uid) throw new RequestFailed(live);
  }
  for (const pod of wanted) {
    trace(pod, 'nobody controls it: adopted by');
    const reply = yield* patchOwner(ctx, pod, -1, seen.id, calls);
    if (reply.code === 404) continue;
    if (reply.code >= 400) throw new RequestFailed(reply);
    adopted.push(pod);
  }
  return { adopted, released };
}

function* patchOwner(
  ctx: ControllerContext,
  pod: number,
  from: number,
  to: number,
  calls: Calls,
): Steps<Reply> {
  const generation = ctx.pods.table.generation[pod]!;
  return yield calls.patchPod(pod, generation, (meta) =>
    meta.owner === from ? { ...meta, owner: to } : meta,
  );
}

/** The owner's counts with what the claims changed and the watch has not brought yet. */
export function withClaims(
  ctx: ControllerContext,
  owner: number,
  counts: PodCounts,
  claims: Claims,
  isLabeled: (labelSet: number) => boolean,
): PodCounts {
  if (claims.adopted.length === 0 && claims.released.size === 0) return counts;
  const { pods } = ctx;
  let { active, ready, fullyLabeled } = counts;
  const since = counts.readySinceUs === null ? null : [...counts.readySinceUs];
  const count = (pod: number, sign: 1 | -1): void => {
    const word = pods.word(pod);
    active += sign;
    if (isLabeled(pods.labelSet(pod))) fullyLabeled += sign;
    if (!isReady(word)) return;
    ready += sign;
    if (since === null) return;
    if (sign === 1) since.push(pods.readyUs(pod));
    else since.splice(since.indexOf(pods.readyUs(pod)), 1);
  };
  for (const pod of claims.adopted)
    if (pods.has(pod) && pods.owner(pod) !== owner && isActive(pods.word(pod))) count(pod, 1);
  for (const pod of claims.released)
    if (pods.has(pod) && pods.owner(pod) === owner && isActive(pods.word(pod))) count(pod, -1);
  return { ...counts, active, ready, fullyLabeled, readySinceUs: since };
}
