// The device taint eviction controller (pkg/controller/devicetainteviction, v1.36; KEP 5055): a pod on a node that uses
// a device with a NoExecute taint which its claim does not tolerate is deleted at once; one whose claim tolerates it for
// some seconds is deleted then, counted from when the taint was added, unless the taint goes. Each pod is a key of the
// queue: GET, condition DisruptionTarget, DELETE.
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
import { deviceId } from '../contracts/devices.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { keyOf, PodBit, timestampUs, Verb } from '../state/index.ts';

const SECOND = 1_000_000;
const NONE: readonly Json[] = Object.freeze([]);
const MARK = { phase: -1, set: PodBit.deviceTainted, clear: 0, restarts: -1, reason: -1, ip: 0 };

/** A pod that is to go, and when, µs. */
interface Eviction {
  readonly generation: number;
  readonly us: number;
}

/** The slices of a pool by key, and NoExecute taints of its devices by their IDs; devices without are left out. */
interface Pool {
  readonly slices: Map<string, KubeObject>;
  taints: Map<string, readonly DeviceTaint[]>;
}

/** A NoExecute taint, and since when the device has it, µs. */
interface DeviceTaint {
  readonly taint: Json;
  readonly addedUs: number;
}

const resultsOf = (claim: KubeObject | null | undefined): readonly Json[] =>
  claim?.['status']?.allocation?.devices?.results ?? NONE;
const idOf = ({ driver, pool, device }: Json): string => deviceId(driver, pool, device);

/** resourceclaim.ToleratesTaint; only tolerations of this very effect count here. */
function tolerates(toleration: Json, taint: Json): boolean {
  if (toleration.effect !== 'NoExecute') return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

/** When a user of the device has to go, µs: Infinity for never (evictionTime). */
export function leavesUs(tolerations: readonly Json[], { taint, addedUs }: DeviceTaint): number {
  const used = tolerations.filter((each) => tolerates(each, taint));
  if (used.some((each) => each.tolerationSeconds === undefined)) return Number.POSITIVE_INFINITY;
  if (used.length === 0) return addedUs;
  return addedUs + Math.min(...used.map((each) => Math.max(0, each.tolerationSeconds))) * SECOND;
}

class DeviceTaintEviction implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;
  readonly #evictions = new Map<number, Eviction>();
  readonly #pools = new Map<string, Pool>();
  /** By device: its NoExecute taints; devices without are left out. */
  readonly #taints = new Map<string, readonly DeviceTaint[]>();
  /** By device: keys of claims that hold it. */
  readonly #holders = new Map<string, Set<string>>();
  /** Rows of pods with claims, by UID. */
  readonly #pods = new Map<string, number>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('ResourceClaim');
    const { state } = ctx.run;
    ctx.onObjects('ResourceSlice', (seen, verb) => this.#sliceChanged(seen, verb === Verb.deleted));
    ctx.onObjects('ResourceClaim', (seen, verb, old) => {
      if (verb === Verb.deleted) this.#claimChanged(seen.key, null, seen.object);
      else this.#claimChanged(seen.key, seen.object, old);
    });
    ctx.onPods((pod, verb, _word, node, oldWord, oldNode) => {
      if (state.template(pod).spec.resourceClaims === undefined) return;
      const uid = podUid(state, pod);
      if (verb === Verb.deleted) {
        this.#pods.delete(uid);
        this.#evictions.delete(pod);
        return;
      }
      this.#pods.set(uid, pod);
      if (oldWord < 0 || node !== oldNode) this.#judge(pod);
    });
  }

  /** maybeDeletePod: the pod goes if it still is to, and not later. */
  *reconcile(key: string, calls: Calls): Steps {
    const [pod, generation] = key.split(' ').map(Number) as [number, number];
    const { queue, run } = this.#ctx;
    const eviction = this.#evictions.get(pod);
    if (eviction === undefined || eviction.generation !== generation) return DONE;
    const waitsUs = eviction.us - run.kernel.now;
    if (waitsUs > 0) {
      queue.addAfter(key, waitsUs);
      return DONE;
    }
    const code = yield* this.#evict(pod, generation, calls);
    if (code >= 400 && code !== 404) return RETRY;
    if (this.#evictions.get(pod)?.generation === generation) this.#evictions.delete(pod);
    return DONE;
  }

  /** addConditionAndDeletePod: the code of the last answer. */
  *#evict(pod: number, generation: number, calls: Calls): Steps<number> {
    const { pods } = this.#ctx.run.state;
    const found = yield calls.getPod(pod, generation);
    if (found.code >= 400 || (pods.word[pod]! & PodBit.deleting) !== 0) return found.code;
    this.#say(pod, 'Marking for deletion');
    if ((pods.word[pod]! & PodBit.deviceTainted) === 0) {
      const marked = yield calls.send((api, reply, worker) =>
        api.patchPodStatus(pod, generation, MARK, reply, worker),
      );
      if (marked.code >= 400) return marked.code;
    }
    return (yield calls.deletePod(pod, generation, -1)).code;
  }

  #say(pod: number, what: string): void {
    this.#ctx.client.podEvent('Normal', 'DeviceTaintManagerEviction', pod, what);
  }

  #sliceChanged({ key, object }: SeenObject, isGone: boolean): void {
    const { driver, pool: named } = object['spec'];
    const id = `${driver}/${named.name}`;
    const pool = this.#pools.get(id) ?? { slices: new Map(), taints: new Map() };
    if (isGone) pool.slices.delete(key);
    else pool.slices.set(key, object);
    if (pool.slices.size === 0) this.#pools.delete(id);
    else this.#pools.set(id, pool);
    const before = pool.taints;
    pool.taints = this.#taintsOf(pool, before);
    for (const device of new Set([...before.keys(), ...pool.taints.keys()])) {
      const taints = pool.taints.get(device);
      if (taints === undefined) this.#taints.delete(device);
      else this.#taints.set(device, taints);
    }
    for (const device of new Set([...before.keys(), ...pool.taints.keys()]))
      for (const claim of this.#holders.get(device) ?? []) this.#judgeUsers(this.#claims.get(claim)?.object);
  }

  /** Slices of older generations do not count any more. */
  #taintsOf({ slices }: Pool, before: Pool['taints']): Pool['taints'] {
    const taints = new Map<string, readonly DeviceTaint[]>();
    const specs = [...slices.values()].map((slice) => slice['spec']);
    const newest = specs.reduce((most, { pool }) => Math.max(most, pool.generation), 0);
    for (const { driver, pool, devices } of specs) {
      if (pool.generation !== newest) continue;
      for (const device of devices ?? NONE) {
        const evicting = (device.taints ?? NONE).filter(({ effect }: Json) => effect === 'NoExecute');
        if (evicting.length === 0) continue;
        const id = deviceId(driver, pool.name, device.name);
        const known = before.get(id) ?? [];
        taints.set(
          id,
          evicting.map((taint: Json) => ({ taint, addedUs: this.#addedUs(taint, known) })),
        );
      }
    }
    return taints;
  }

  /** The server fills in the time, of full seconds, where a taint names none: taken here when it is first seen. */
  #addedUs({ key, value, timeAdded }: Json, known: readonly DeviceTaint[]): number {
    if (timeAdded !== undefined) return timestampUs(timeAdded);
    const same = known.find(({ taint }) => taint.key === key && taint.value === value);
    return same?.addedUs ?? Math.floor(this.#ctx.run.kernel.now / SECOND) * SECOND;
  }

  #claimChanged(key: string, claim: KubeObject | null, old: KubeObject | null): void {
    if (resultsOf(claim) !== resultsOf(old)) {
      for (const result of resultsOf(old)) this.#holders.get(idOf(result))?.delete(key);
      for (const result of resultsOf(claim)) {
        const id = idOf(result);
        const holders = this.#holders.get(id);
        if (holders === undefined) this.#holders.set(id, new Set([key]));
        else holders.add(key);
      }
    }
    if (this.#taints.size === 0 && this.#evictions.size === 0) return;
    this.#judgeUsers(old);
    if (claim !== null) this.#judgeUsers(claim);
  }

  #judgeUsers(claim: KubeObject | null | undefined): void {
    for (const { uid } of claim?.['status']?.reservedFor ?? NONE) {
      const pod = this.#pods.get(uid);
      if (pod !== undefined) this.#judge(pod);
    }
  }

  /** handlePod: the earliest time at which one of the pod's devices has to be left. */
  #judge(pod: number): void {
    const { pods, run } = this.#ctx;
    const { state, kernel } = run;
    if (pods.node(pod) < 0) return;
    let us = Number.POSITIVE_INFINITY;
    if (this.#taints.size > 0) {
      const uid = podUid(state, pod);
      for (const entry of state.template(pod).spec.resourceClaims ?? NONE) {
        const name = entry.resourceClaimName ?? state.pods.claimNames.get(pod)?.get(entry.name);
        const claim = name ? this.#claims.get(keyOf(state.podNamespace(pod), name))?.object : undefined;
        const isUser = claim?.['status']?.reservedFor?.some((each: Json) => each.uid === uid);
        if (isUser === true) us = Math.min(us, this.#leavesUs(claim!));
      }
    }
    const generation = state.pods.generation[pod]!;
    if (us < Number.POSITIVE_INFINITY) {
      this.#evictions.set(pod, { generation, us });
      this.#ctx.queue.addAfter(`${pod} ${generation}`, Math.max(0, us - kernel.now));
    } else if (this.#evictions.delete(pod)) this.#say(pod, 'Cancelling deletion');
  }

  #leavesUs(claim: KubeObject): number {
    let least = Number.POSITIVE_INFINITY;
    for (const result of resultsOf(claim))
      for (const taint of this.#taints.get(idOf(result)) ?? [])
        least = Math.min(least, leavesUs(result.tolerations ?? NONE, taint));
    return least;
  }
}

export const deviceTaintEvictionController: ControllerDefinition = {
  name: 'device-taint-eviction',
  clientName: 'device-taint-eviction-controller',
  about: 'deletes pods whose devices have NoExecute taints that their claims do not tolerate',
  workers: 8,
  create: (context) => new DeviceTaintEviction(context),
};
