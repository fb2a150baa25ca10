// Finds devices of one node for the claims of a pod: claim by claim, request by request, alternative by alternative,
// device by device, and back where it leads nowhere; the first solution is taken
// (structured/internal/experimental/allocator_experimental.go, v1.36).
//
// Upstream tries the devices of one request in every order. Whether a set of devices will do does not depend on the
// order in which they are chosen, so that here each set is looked at once, in the order of the list: the first solution
// is the same. Where upstream gives up after so many seconds, this search does after so many steps.
import type { ClusterView, DeviceView, Json, KubeObject } from '../../../engine/index.ts';
import { consumption, PoolCounters, SharedCapacity } from './device-capacity.ts';
import { type Constraint, constraintOf } from './device-constraints.ts';
import { nodeSelectorOf, type PooledDevice, poolsOf } from './device-pools.ts';
import {
  AllocationError,
  type Candidate,
  claimTitle,
  RESULTS_MAX,
  Requests,
  type Wanted,
  type WantedClaim,
} from './device-requests.ts';
import { allocationOf, type Chosen } from './device-results.ts';

export { AllocationError } from './device-requests.ts';

/**
 * Devices that are tried for one pod on one node. It stands for DynamicResourcesArgs.filterTimeout, 10 s by default
 * (pkg/scheduler/apis/config/types.go): a step of upstream's search takes some microseconds.
 */
const STEPS_MAX = 1_000_000;

/** done: all is found; none: this way leads nowhere; full: too many devices in the claim, whichever are chosen. */
type Found = 'done' | 'none' | 'full';

/** Only this node is out of the question. */
export interface NodeProblem {
  readonly problem: string;
}

const CANNOT: NodeProblem = { problem: 'cannot allocate all claims' };
const INVALID: NodeProblem = { problem: 'invalid resource pools were encountered' };
const TIMED_OUT: NodeProblem = { problem: 'timed out trying to allocate devices' };

class OutOfSteps extends Error {}

/** Effects other than these keep nobody away. */
const KEEPS_AWAY = new Set(['NoSchedule', 'NoExecute']);

function tolerates(toleration: Json, taint: Json): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

const isTainted = (device: PooledDevice, request: Json): boolean =>
  (device.spec.taints ?? []).some(
    (taint: Json) =>
      KEEPS_AWAY.has(taint.effect) &&
      !(request.tolerations ?? []).some((each: Json) => tolerates(each, taint)),
  );

class Search {
  readonly #devices: DeviceView;
  readonly #claims: readonly WantedClaim[];
  readonly #candidates: readonly Candidate[];
  readonly #constraints: readonly (readonly Constraint[])[];
  readonly #capacity: SharedCapacity;
  readonly #counters: PoolCounters;
  /** By device: claims that this search gives it to. */
  readonly #given = new Map<string, Set<number>>();
  /** By claim. */
  readonly chosen: Chosen[][];
  #steps = 0;

  constructor(devices: DeviceView, claims: readonly WantedClaim[], candidates: readonly Candidate[]) {
    this.#devices = devices;
    this.#claims = claims;
    this.#candidates = candidates;
    this.#capacity = new SharedCapacity(devices.taken);
    this.#counters = new PoolCounters(devices.taken);
    this.chosen = claims.map(() => []);
    this.#constraints = claims.map(({ claim }) =>
      (claim['spec'].devices?.constraints ?? []).map((spec: Json, i: number) => {
        const constraint = constraintOf(spec);
        if (constraint !== null) return constraint;
        throw new AllocationError(
          `claim ${claimTitle(claim)}, constraint #${i}: empty constraint (unsupported constraint type?)`,
        );
      }),
    );
  }

  claim(at: number): Found {
    if (at === this.#claims.length) return 'done';
    return this.#request(at, 0);
  }

  #request(claim: number, request: number): Found {
    const { requests } = this.#claims[claim]!;
    if (request === requests.length) {
      // Another choice before may leave the next claim an alternative with fewer devices.
      return this.claim(claim + 1) === 'done' ? 'done' : 'none';
    }
    const alternatives = requests[request]!;
    let isFull = true;
    for (const wanted of alternatives) {
      const found = this.#some(claim, request, wanted, 0, 0);
      if (found === 'done') return 'done';
      if (found !== 'full') isFull = false;
    }
    return isFull ? 'full' : 'none';
  }

  /** Device number `at` of the request and all after it; `from`: where candidates are left. */
  #some(claim: number, request: number, wanted: Wanted, at: number, from: number): Found {
    if (wanted.all?.length === 0) return 'none';
    if (at >= wanted.count) return this.#request(claim, request + 1);
    if (this.chosen[claim]!.length + wanted.count - at > RESULTS_MAX) return 'full';
    if (wanted.all !== null) {
      const back = this.#take(claim, wanted, wanted.all[at]!, true);
      if (back === null) return 'none';
      const found = this.#some(claim, request, wanted, at + 1, 0);
      if (found !== 'done') back();
      return found;
    }
    for (let i = from; i < this.#candidates.length; i++) {
      const candidate = this.#candidates[i]!;
      if (this.#isOccupied(claim, wanted, candidate.device) || !wanted.selects(candidate.device)) continue;
      const back = this.#take(claim, wanted, candidate, false);
      if (back === null) continue;
      const found = this.#some(claim, request, wanted, at + 1, candidate.device.shared ? i : i + 1);
      if (found === 'done') return found;
      back();
      if (found === 'full') return found;
    }
    return 'none';
  }

  #isOccupied(claim: number, { adminAccess }: Wanted, { id }: PooledDevice): boolean {
    const given = this.#given.get(id);
    if (adminAccess) return given?.has(claim) === true;
    return this.#devices.taken.has(id) || (given !== undefined && given.size > 0);
  }

  /** Gives the device to the claim, if nothing is against it; what takes it back again. */
  #take(claim: number, wanted: Wanted, { pool, device }: Candidate, must: boolean): (() => void) | null {
    this.#steps += 1;
    if (this.#steps > STEPS_MAX) throw new OutOfSteps();
    if (this.#isOccupied(claim, wanted, device) || isTainted(device, wanted.spec)) return null;
    const amounts = consumption(device, wanted.spec);
    if (amounts === null || !this.#capacity.fits(device, amounts)) return null;
    // A shared device that somebody uses already has its counters.
    const counts = !(device.shared && this.#capacity.isUsed(device));
    if (counts && !this.#counters.take(pool, device)) return null;
    const constraints = this.#constraints[claim]!;
    for (let i = 0; i < constraints.length; i++) {
      if (constraints[i]!.add(wanted.name, wanted.sub, device)) continue;
      if (must)
        throw new AllocationError(
          `claim ${claimTitle(this.#claims[claim]!.claim)}, request ${wanted.sub || wanted.name}: cannot add device ${device.id} because a claim constraint would not be satisfied`,
        );
      for (let k = 0; k < i; k++) constraints[k]!.remove(wanted.name, wanted.sub, device);
      if (counts) this.#counters.giveBack(pool, device);
      return null;
    }
    const chosen = this.chosen[claim]!;
    if (device.shared) this.#capacity.give(device, amounts, 1n);
    else this.#hold(device.id, claim);
    chosen.push({ wanted, device, consumed: device.shared ? amounts : null });
    return () => {
      chosen.pop();
      if (device.shared) this.#capacity.give(device, amounts, -1n);
      else this.#given.get(device.id)!.delete(claim);
      for (const constraint of constraints) constraint.remove(wanted.name, wanted.sub, device);
      if (counts) this.#counters.giveBack(pool, device);
    };
  }

  #hold(device: string, claim: number): void {
    const known = this.#given.get(device);
    if (known === undefined) this.#given.set(device, new Set([claim]));
    else known.add(claim);
  }
}

/**
 * status.allocation for each of the claims if the pod goes to the node, or why it cannot go there. Throws
 * AllocationError.
 */
export function allocate(
  devices: DeviceView,
  cluster: ClusterView,
  node: number,
  claims: readonly KubeObject[],
): readonly Json[] | NodeProblem {
  const pools = poolsOf(devices, cluster, node);
  const requests = new Requests(devices, cluster, node, pools);
  const wanted = claims.map((claim) => requests.of(claim));
  const candidates = pools.flatMap((pool) => pool.devices.map((device) => ({ pool, device })));
  const search = new Search(devices, wanted, candidates);
  try {
    if (search.claim(0) !== 'done') return pools.some(({ state }) => state === 'invalid') ? INVALID : CANNOT;
  } catch (error) {
    if (error instanceof OutOfSteps) return TIMED_OUT;
    throw error;
  }
  return wanted.map((each, i) => {
    const chosen = search.chosen[i]!;
    return allocationOf(each, chosen, nodeSelectorOf(chosen.map(({ device }) => device)));
  });
}
