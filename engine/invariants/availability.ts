// The promise of a rolling update, watched from outside the controllers with `--paranoid`: once a Deployment is at rest,
// its pods that are Ready never become fewer than replicas - maxUnavailable by anything that the controllers do. A fault
// (a pod that fails, or is deleted by somebody else), another number of replicas or another strategy, and a user who
// scales a ReplicaSet past the Deployment end the watch until the Deployment is at rest again.
//
// Ready is less than available where minReadySeconds is set, so that what is checked is implied by the promise.
import { InvariantError } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type ClusterState, isTerminal, PodBit, type RevisionLog, Verb } from '../state/index.ts';

/** Whose deletions of pods are no fault. */
const SCALES_DOWN = 'replicaset-controller';
const MOVES_SIZES = 'deployment-controller';

interface Watched {
  readonly name: string;
  desired: number;
  /** replicas - maxUnavailable; 0 where pods are recreated. */
  least: number;
  /** Pods that neither end nor have ended, and those of them that are Ready. */
  live: number;
  ready: number;
  /** Was at rest, and nothing has disturbed it since. */
  isHeld: boolean;
}

interface SeenPod {
  owner: number;
  isLive: boolean;
  isReady: boolean;
}

/**
 * A number, or a percentage of the replicas. The controller has its own (controllers/deployment-sizes.ts): a watch that
 * shared it would share its mistakes.
 */
function part(value: number | string, replicas: number, round: (value: number) => number): number {
  return typeof value === 'number' ? value : round((Number.parseInt(value, 10) * replicas) / 100);
}

/** Fewest pods that a Deployment may have available (ResolveFenceposts in pkg/controller/deployment/util, v1.36). */
export function leastAvailable(spec: Json): number {
  const replicas: number = spec.replicas ?? 1;
  if (spec.strategy?.type === 'Recreate') return 0;
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec.strategy?.rollingUpdate ?? {};
  const none = part(maxSurge, replicas, Math.ceil) === 0 && part(maxUnavailable, replicas, Math.floor) === 0;
  return Math.max(0, replicas - (none ? 1 : part(maxUnavailable, replicas, Math.floor)));
}

export class Availability {
  readonly #state: ClusterState;
  /** By id of the Deployment. */
  readonly #watched = new Map<number, Watched>();
  /** By serial number. */
  readonly #pods = new Map<number, SeenPod>();
  /** Pods that their ReplicaSet's controller deletes. */
  readonly #chosen = new Set<number>();
  readonly #touched = new Set<Watched>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /** `client` is about to delete a pod. */
  deletesPod(client: string, pod: number): void {
    if (client === SCALES_DOWN) this.#chosen.add(this.#state.pods.serial[pod]!);
  }

  /** `client` is about to change an object. */
  changes(client: string, id: number): void {
    const object = this.#state.objects.get(id);
    if (object?.kind !== 'ReplicaSet' || client === MOVES_SIZES) return;
    this.#disturb(this.#of(id));
  }

  pod(log: RevisionLog, position: number): void {
    const { pods } = this.#state;
    const row = log.id(position);
    const serial = pods.serial[row]!;
    const word = log.word(position);
    const isGone = log.verb(position) === Verb.deleted;
    const before = this.#pods.get(serial) ?? { owner: -1, isLive: false, isReady: false };
    const isLive = !isGone && !isTerminal(word) && (word & PodBit.deleting) === 0;
    const after: SeenPod = {
      owner: pods.owner[row]!,
      isLive,
      isReady: isLive && (word & PodBit.ready) !== 0,
    };
    const isFault = before.isReady && !after.isReady && !this.#chosen.has(serial);
    this.#move(before, -1, isFault || before.owner !== after.owner);
    this.#move(after, 1, isFault);
    if (isGone) {
      this.#pods.delete(serial);
      this.#chosen.delete(serial);
    } else this.#pods.set(serial, after);
  }

  deployment(log: RevisionLog, position: number): void {
    const id = log.id(position);
    const { metadata, ...rest } = log.object(position) as KubeObject;
    if (log.verb(position) === Verb.deleted) {
      this.#watched.delete(id);
      return;
    }
    const spec: Json = rest['spec'];
    const desired: number = spec.replicas ?? 1;
    const least = leastAvailable(spec);
    const known = this.#watched.get(id);
    if (known === undefined) {
      const name = `${metadata.namespace}/${metadata.name}`;
      this.#watched.set(id, { name, desired, least, live: 0, ready: 0, isHeld: false });
      return;
    }
    if (known.desired === desired && known.least === least) return;
    known.desired = desired;
    known.least = least;
    this.#disturb(known);
  }

  /** All entries of a batch are told. */
  check(): void {
    for (const each of this.#touched) {
      if (each.isHeld && each.ready < each.least)
        throw new InvariantError(
          `Deployment ${each.name} has fewer pods available than maxUnavailable allows`,
          {
            available: each.ready,
            least: each.least,
            replicas: each.desired,
          },
        );
      if (each.ready === each.desired && each.live === each.desired) each.isHeld = true;
    }
    this.#touched.clear();
  }

  #disturb(watched: Watched | undefined): void {
    if (watched !== undefined) watched.isHeld = false;
  }

  #move(pod: SeenPod, sign: 1 | -1, disturbs: boolean): void {
    const watched = this.#of(pod.owner);
    if (watched === undefined) return;
    if (pod.isLive) watched.live += sign;
    if (pod.isReady) watched.ready += sign;
    if (disturbs) this.#disturb(watched);
    this.#touched.add(watched);
  }

  /** The Deployment of a ReplicaSet. */
  #of(owner: number): Watched | undefined {
    if (owner < 0) return undefined;
    const set = this.#state.objects.lastVersion(owner);
    if (set?.kind !== 'ReplicaSet') return undefined;
    const reference = set.metadata.ownerReferences?.find(({ controller }) => controller);
    if (reference?.kind !== 'Deployment') return undefined;
    const id = this.#state.objects.find('Deployment', set.metadata.namespace ?? '', reference.name);
    return id < 0 ? undefined : this.#watched.get(id);
  }
}
