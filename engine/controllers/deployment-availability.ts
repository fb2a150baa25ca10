// The promise of a rolling update, asserted where a scale-down is decided, in every run: what the informers see to be
// Ready may not fall below replicas - maxUnavailable. The controller decides by the statuses of its ReplicaSets; this
// looks at the pods. Where a status does not tell what the pods are yet (a fault, or news under way), nothing is promised.
import { assert } from '../kernel/index.ts';

/** A ReplicaSet as a decision finds it. */
export interface SetNow {
  /** Asked for by its spec. */
  readonly replicas: number;
  /** As its status tells. */
  readonly available: number;
  /** Pods that are Ready and stay, as the informers see them. */
  readonly ready: number;
}

/** Pods of a ReplicaSet of that size that stay Ready: what is not Ready goes first. */
const staying = (replicas: number, ready: number): number => Math.min(replicas, ready);

/**
 * `sets[index]` is about to become smaller, `to` pods. Throws InvariantError if that takes the Deployment from at least
 * `least` Ready pods to fewer although every status is up to date.
 */
export function assertStaysAvailable(
  deployment: string,
  least: number,
  sets: readonly SetNow[],
  index: number,
  to: number,
): void {
  let before = 0;
  for (const { replicas, available, ready } of sets) {
    const stay = staying(replicas, ready);
    if (available !== stay) return;
    before += stay;
  }
  if (before < least) return;
  const { replicas, ready } = sets[index]!;
  const after = before - staying(replicas, ready) + staying(to, ready);
  assert(
    after >= least,
    () => `Deployment ${deployment} would have ${after} pods available of at least ${least}`,
  );
}
