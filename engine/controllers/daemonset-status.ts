// The status of a DaemonSet (storeDaemonSetStatus of pkg/controller/daemon/daemon_controller.go, v1.36).
import type { Calls, ControllerContext, SeenObject, Steps } from '../contracts/controller.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { Fleet, FleetCounts } from './daemonset-fleet.ts';
import { RequestFailed } from './request-failed.ts';

const SECOND = 1_000_000;

/** A version that a sync works from. */
export interface SyncedVersion {
  readonly seen: SeenObject;
  readonly set: KubeObject;
  readonly revision: number;
}

const NUMBERS: readonly (readonly [string, (counts: FleetCounts) => number])[] = [
  ['currentNumberScheduled', (c) => c.current],
  ['numberMisscheduled', (c) => c.misscheduled],
  ['desiredNumberScheduled', (c) => c.desired],
  ['numberReady', (c) => c.ready],
  ['updatedNumberScheduled', (c) => c.updated],
  ['numberAvailable', (c) => c.available],
  ['numberUnavailable', (c) => c.desired - c.available],
];
/** Numbers that are told when they are 0, too. */
const ALWAYS = new Set([
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
]);

function statusWith(old: Json, counts: FleetCounts, observedGeneration: number | undefined): Json {
  const status: Json = { ...old };
  if (observedGeneration !== undefined) status.observedGeneration = observedGeneration;
  for (const [name, of] of NUMBERS) {
    const number = of(counts);
    if (number === 0 && !ALWAYS.has(name)) delete status[name];
    else status[name] = number;
  }
  return status;
}

/**
 * Writes the fleet's counts if they are news; after a failure once more upon the newest version. Null: all is well.
 * `observed`: the set's generation has been acted on.
 */
export function* writeDaemonStatus(
  ctx: ControllerContext,
  { seen, set, revision }: SyncedVersion,
  fleet: Fleet,
  observed: boolean,
  calls: Calls,
): Steps<RequestFailed | null> {
  const { counts } = fleet;
  const old: Json = set['status'] ?? {};
  const generation = set.metadata.generation ?? 0;
  const isNews =
    NUMBERS.some(([name, of]) => (old[name] ?? 0) !== of(counts)) ||
    (old.observedGeneration ?? 0) < generation;
  const observedGeneration = observed ? generation : undefined;
  if (isNews) {
    const status = statusWith(old, counts, observedGeneration);
    const first = yield calls.updateStatus(seen.id, { ...set, status }, revision);
    if (first.code >= 400) {
      const live = yield calls.get(seen.id);
      if (live.object === null) return new RequestFailed(live);
      const again = statusWith(live.object['status'] ?? {}, counts, observedGeneration);
      const second = yield calls.updateStatus(seen.id, { ...live.object, status: again }, live.revision);
      if (second.code >= 400) return new RequestFailed(second);
    }
  }
  const minReadySeconds: number = set['spec'].minReadySeconds ?? 0;
  if (minReadySeconds > 0 && counts.ready !== counts.available)
    ctx.queue.addAfter(seen.key, fleet.nextAvailableUs() ?? minReadySeconds * SECOND);
  return null;
}
