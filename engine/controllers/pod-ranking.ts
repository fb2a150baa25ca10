// Which pods go first when there are too many: the order of pkg/controller/controller_utils.go ActivePodsWithRanks, and
// the plainer ActivePods by which Jobs go (v1.36). Pure: the same candidates give the same answer, so recorded choices
// of a real cluster can be checked.
import { Phase } from '../state/index.ts';

export interface ActiveCandidate {
  /** '' while unassigned. */
  readonly node: string | number;
  readonly phase: number;
  readonly ready: boolean;
  /** Transition to Ready, whole seconds as µs; NaN if not Ready. */
  readonly readyUs: number;
  readonly restarts: number;
  /** Whole seconds as µs. */
  readonly createdUs: number;
}

export interface DeletionCandidate extends ActiveCandidate {
  /** controller.kubernetes.io/pod-deletion-cost, 0 if absent. */
  readonly deletionCost: number;
  /** Active pods on the same node that belong to the same Deployment; 0 for a bare ReplicaSet. */
  readonly rank: number;
  /** Asked for only when all else is equal but the times within one age bucket. */
  readonly uid: () => string;
}

/** Pending goes before Unknown before Running (podPhaseToOrdinal); the ended are never candidates. */
const PHASE_ORDER: readonly number[] = (() => {
  const order: number[] = [];
  order[Phase.pending] = 0;
  order[Phase.unknown] = 1;
  order[Phase.running] = 2;
  return order;
})();

const isAssigned = (node: string | number): boolean => node !== '' && node !== -1;

/** Largest power of two in an age in nanoseconds; -1 for none. Ages are compared by it. */
export function ageBucket(ageUs: number): number {
  if (ageUs <= 0) return -1;
  // Exact: Math.log2 may round up just below a power of two, as Go's does, so the exponent is counted instead.
  let bucket = Math.floor(Math.log2(ageUs * 1000));
  if (2 ** bucket > ageUs * 1000) bucket -= 1;
  return bucket;
}

/** Negative: the time `a` means a younger pod, which goes first; 0 for equal times. */
function compareAge(a: number, b: number, nowUs: number, byUid: () => number): number {
  if (a === b) return 0;
  const difference = ageBucket(nowUs - a) - ageBucket(nowUs - b);
  return difference === 0 ? byUid() : difference;
}

/** What every ranking begins with: unassigned, by phase, not ready. */
function compareProgress(a: ActiveCandidate, b: ActiveCandidate): number {
  if (isAssigned(a.node) !== isAssigned(b.node)) return isAssigned(a.node) ? 1 : -1;
  if (a.phase !== b.phase) return (PHASE_ORDER[a.phase] ?? 0) - (PHASE_ORDER[b.phase] ?? 0);
  return a.ready === b.ready ? 0 : a.ready ? 1 : -1;
}

/**
 * Negative if a Job deletes `a` before `b` (ActivePods): without costs and ranks, and by the times themselves. 0: the
 * sort keeps them as they are.
 */
export function compareActive(a: ActiveCandidate, b: ActiveCandidate): number {
  const progress = compareProgress(a, b);
  if (progress !== 0) return progress;
  if (a.ready && b.ready && a.readyUs !== b.readyUs) return b.readyUs - a.readyUs;
  if (a.restarts !== b.restarts) return b.restarts - a.restarts;
  return b.createdUs - a.createdUs;
}

/** Negative if `a` is deleted before `b`. */
export function compareForDeletion(a: DeletionCandidate, b: DeletionCandidate, nowUs: number): number {
  const byUid = (): number => (a.uid() < b.uid() ? -1 : 1);
  const progress = compareProgress(a, b);
  if (progress !== 0) return progress;
  if (a.deletionCost !== b.deletionCost) return a.deletionCost - b.deletionCost;
  if (a.rank !== b.rank) return b.rank - a.rank;
  if (a.ready && b.ready) {
    const younger = compareAge(a.readyUs, b.readyUs, nowUs, byUid);
    if (younger !== 0) return younger;
  }
  if (a.restarts !== b.restarts) return b.restarts - a.restarts;
  return compareAge(a.createdUs, b.createdUs, nowUs, byUid);
}

/** The `count` candidates that go, in order. Of candidates that are equal in everything, those listed first go. */
export function chooseForDeletion<C extends DeletionCandidate>(
  candidates: readonly C[],
  count: number,
  nowUs: number,
): C[] {
  if (count >= candidates.length) return [...candidates];
  return [...candidates].sort((a, b) => compareForDeletion(a, b, nowUs)).slice(0, count);
}
