// The requests of claims that wait for devices, made ready for one node: classes looked up, selectors compiled, and for
// requests that want all devices which those are (structured/internal/experimental/allocator_experimental.go
// validateDeviceRequest and isSelectable, v1.36).
import type { ClusterView, DeviceView, Json, KubeObject } from '../../../engine/index.ts';
import type { Pool, PooledDevice } from './device-pools.ts';
import { deviceSelector, SelectorError } from './device-selectors.ts';

/** resource/v1 AllocationResultsMaxSize: devices that one claim may hold. */
export const RESULTS_MAX = 32;

/** The claim, a class or a selector is at fault: the attempt fails, whatever other nodes there are. */
export class AllocationError extends Error {}

/** A device that a node can reach, with its pool. */
export interface Candidate {
  readonly pool: Pool;
  readonly device: PooledDevice;
}

/** A request, or one alternative of a request with several. */
export interface Wanted {
  /** Name of the request, and of the alternative, ''. */
  readonly name: string;
  readonly sub: string;
  /** `name`, or `name/sub`. */
  readonly reference: string;
  readonly spec: Json;
  readonly adminAccess: boolean;
  readonly deviceClass: KubeObject;
  /** null: as many as `count`; else exactly these. */
  readonly all: readonly Candidate[] | null;
  readonly count: number;
  /** Class and selectors let the device pass. Throws AllocationError. */
  selects(device: PooledDevice): boolean;
}

export interface WantedClaim {
  readonly claim: KubeObject;
  /** By request: its alternatives, in order; one where it has none. */
  readonly requests: readonly (readonly Wanted[])[];
}

export const claimTitle = ({ metadata }: KubeObject): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`;

/** Answers of selectors, by device: an expression says the same of a device as long as that is the same object. */
const answers = new WeakMap<PooledDevice, Map<string, boolean | string>>();

function answerOf(device: PooledDevice, expression: string): boolean | string {
  let known = answers.get(device);
  if (known === undefined) {
    known = new Map();
    answers.set(device, known);
  }
  let answer = known.get(expression);
  if (answer !== undefined) return answer;
  const selector = deviceSelector(expression);
  if (selector instanceof SelectorError) answer = `CEL compile error: ${selector.message}`;
  else {
    try {
      answer = selector.matches(device.value());
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      answer = `CEL runtime error: ${error.message}`;
    }
  }
  known.set(expression, answer);
  return answer;
}

function selectorsPass(device: PooledDevice, selectors: readonly Json[], whose: string): boolean {
  for (const [i, { cel }] of selectors.entries()) {
    const answer = answerOf(device, cel?.expression ?? '');
    if (typeof answer === 'string') throw new AllocationError(`${whose}: selector #${i}: ${answer}`);
    if (!answer) return false;
  }
  return true;
}

export class Requests {
  readonly #devices: DeviceView;
  readonly #cluster: ClusterView;
  readonly #node: number;
  readonly #pools: readonly Pool[];

  constructor(devices: DeviceView, cluster: ClusterView, node: number, pools: readonly Pool[]) {
    this.#devices = devices;
    this.#cluster = cluster;
    this.#node = node;
    this.#pools = pools;
  }

  /** Throws AllocationError. */
  of(claim: KubeObject): WantedClaim {
    const specs: readonly Json[] = claim['spec'].devices?.requests ?? [];
    const requests = specs.map((request) =>
      request.exactly === undefined
        ? (request.firstAvailable as readonly Json[]).map((each) =>
            this.#wanted(claim, request.name, each.name, each),
          )
        : [this.#wanted(claim, request.name, '', request.exactly)],
    );
    const least = requests.reduce((sum, each) => sum + Math.min(...each.map(({ count }) => count)), 0);
    if (least > RESULTS_MAX)
      throw new AllocationError(
        `claim ${claimTitle(claim)}: number of requested devices ${least} exceeds the claim limit of ${RESULTS_MAX}`,
      );
    return { claim, requests };
  }

  #wanted(claim: KubeObject, name: string, sub: string, spec: Json): Wanted {
    const own = sub === '' ? name : sub;
    const deviceClass = this.#devices.deviceClass(spec.deviceClassName);
    if (deviceClass === null)
      throw new AllocationError(
        `claim ${claimTitle(claim)}, request ${own}: could not retrieve device class ${spec.deviceClassName}: deviceclass.resource.k8s.io "${spec.deviceClassName}" not found`,
      );
    const selects = (device: PooledDevice): boolean =>
      selectorsPass(device, deviceClass['spec']?.selectors ?? [], `class ${spec.deviceClassName}`) &&
      selectorsPass(device, spec.selectors ?? [], `claim ${claimTitle(claim)}`) &&
      (device.reach === null || device.reach(this.#cluster, this.#node));
    const all = spec.allocationMode === 'All' ? this.#all(claim, own, selects) : null;
    return {
      name,
      sub,
      reference: sub === '' ? name : `${name}/${sub}`,
      spec,
      adminAccess: spec.adminAccess === true,
      deviceClass,
      all,
      count: all?.length ?? spec.count ?? 1,
      selects,
    };
  }

  #all(claim: KubeObject, request: string, selects: Wanted['selects']): Candidate[] {
    const candidates: Candidate[] = [];
    for (const pool of this.#pools) {
      if (pool.state !== 'ready') {
        const why = pool.state === 'invalid' ? 'invalid' : 'being updated';
        throw new AllocationError(
          `claim ${claimTitle(claim)}, request ${request}: asks for all devices, but resource pool ${pool.id} is currently ${why}`,
        );
      }
      for (const device of pool.devices) if (selects(device)) candidates.push({ pool, device });
    }
    return candidates;
  }
}
