// DynamicResources: pods with claims go where devices for their claims can be had; the devices are taken when the node
// is chosen, and written into the claims before the pod is bound (plugins/dynamicresources/dynamicresources.go, v1.36).
// Pods without claims are the same to it on every node.
import * as z from 'zod';
import {
  ClusterEvent,
  type ClusterView,
  Code,
  definePlugin,
  type Json,
  type KubeObject,
  PASS,
  type PodView,
  type PreBindRebase,
  type PreBindWork,
  SKIP,
  type Verdict,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';
import { AllocationError, allocate } from './device-allocator.ts';
import { bindingState, type DevicesReady, isWaitedFor } from './device-binding.ts';
import {
  allocationOfClaim,
  canBeReserved,
  claimEntries,
  claimsOf,
  FINALIZER,
  isReservedFor,
  reservationsOf,
} from './device-claims.ts';
import { claimTitle } from './device-requests.ts';
import { compileNodeSelector, type NodeSelector } from './node-selector.ts';
import { normalizeByMaximum } from './support.ts';

const NAME = 'DynamicResources';
/** resource/v1 FirstAvailableDeviceRequestMaxSize. */
const ALTERNATIVES_MAX = 8;
/** PreBind looks at binding conditions every 5 s. */
const POLL_US = 5_000_000;

const args = argsSchema({
  /** How long a node may be thought about; the model counts steps instead. */
  filterTimeout: z.string().optional(),
  /** How long devices may take to get ready; default 600 s (apis/config/types.go). */
  bindingTimeout: z.string().optional(),
});

/** What an attempt knows of the pod's claims. */
interface Attempt {
  readonly pod: number;
  readonly claims: readonly KubeObject[];
  /** Those without allocation. */
  readonly open: readonly KubeObject[];
  /** By node: allocations of the open claims. */
  readonly allocations: Map<number, readonly Json[]>;
  /** Allocated claims that cannot be used on some node. */
  readonly unavailable: Set<KubeObject>;
}

/** An allocation that was decided. */
interface Reserved {
  readonly claim: KubeObject;
  readonly allocation: Json;
}

/** Points for the alternatives that were taken: the earlier in the list, the more. */
function pointsOf(claims: readonly KubeObject[], allocations: readonly Json[]): number {
  let points = 0;
  claims.forEach((claim, i) => {
    const used = new Set(allocations[i].devices.results.map(({ request }: Json) => request));
    for (const { name, firstAvailable = [] } of claim['spec'].devices?.requests ?? [])
      firstAvailable.forEach((each: Json, place: number) => {
        if (used.has(`${name}/${each.name}`)) points += ALTERNATIVES_MAX - place;
      });
  });
  return points;
}

/** A class that a request of the claim needs and that does not exist, as the reason to wait. */
function missingClass(cluster: ClusterView, claim: KubeObject): string | null {
  const isMissing = (name: string): boolean => cluster.devices.deviceClass(name) === null;
  for (const request of claim['spec'].devices?.requests ?? [])
    for (const each of request.exactly === undefined ? request.firstAvailable : [request.exactly])
      if (isMissing(each.deviceClassName)) {
        const reference = request.exactly === undefined ? `${request.name}/${each.name}` : request.name;
        return `request ${reference}: device class ${each.deviceClassName} does not exist`;
      }
  return null;
}

export const dynamicResources = definePlugin<z.infer<typeof args>, Attempt, undefined>({
  name: NAME,
  about: "Keeps pods on nodes where their claims' devices can be had, and takes those devices.",
  points: ['preEnqueue', 'preFilter', 'filter', 'postFilter', 'score', 'reserve', 'preBind'],
  args,
  create({ bindingTimeout }, handle) {
    const { devices } = handle.cluster;
    const unresolvable = (text: string): Verdict => handle.verdict(Code.unschedulableAndUnresolvable, text);
    const notAvailable = unresolvable('resourceclaim not available on the node');
    const selectors = new WeakMap<object, NodeSelector>();
    const ready: DevicesReady = bindingState(bindingTimeout);
    let last: Attempt | null = null;
    const reserved = new Map<number, readonly Reserved[]>();

    function reaches(claim: KubeObject, node: number): boolean {
      const terms: Json[] | undefined = allocationOfClaim(claim)?.nodeSelector?.nodeSelectorTerms;
      if (terms === undefined) return true;
      let selector = selectors.get(terms);
      if (selector === undefined) {
        selector = compileNodeSelector(terms);
        selectors.set(terms, selector);
      }
      return selector.matches(handle.cluster, node);
    }

    /** Why no node will do, null: one may. */
    function problemOf(pod: PodView, claims: readonly KubeObject[]): string | null {
      for (const claim of claims) {
        if (allocationOfClaim(claim) !== undefined) {
          if (!canBeReserved(claim) && !isReservedFor(claim, pod.uid)) return 'resourceclaim in use';
        } else if (devices.isPending(claim)) {
          return `resource claim ${claimTitle(claim)} is in the process of being allocated`;
        } else {
          const problem = missingClass(handle.cluster, claim);
          if (problem !== null) return problem;
        }
      }
      return null;
    }

    function attemptOf(pod: PodView, claims: readonly KubeObject[]): Attempt {
      return {
        pod: pod.id,
        claims,
        open: claims.filter((claim) => allocationOfClaim(claim) === undefined),
        allocations: new Map(),
        unavailable: new Set(),
      };
    }

    /** Devices for the open claims on the node, or the verdict. */
    function allocationsOn(attempt: Attempt, node: number): readonly Json[] | Verdict {
      try {
        const found = allocate(devices, handle.cluster, node, attempt.open);
        return 'problem' in found ? unresolvable(found.problem) : found;
      } catch (error) {
        if (!(error instanceof AllocationError)) throw error;
        return handle.verdict(Code.error, `running "${NAME}" filter plugin: ${error.message}`);
      }
    }

    /** Reserves the claim for the pod, with the allocation if it was decided here. */
    function writesFor(pod: PodView, claim: KubeObject, decided: Reserved | undefined): PreBindRebase[] {
      const { uid, name } = pod;
      const title = claimTitle(claim);
      const problem = (current: KubeObject): string | null => {
        if (current.metadata.deletionTimestamp !== undefined)
          return `claim ${title} got deleted in the meantime`;
        return decided !== undefined && allocationOfClaim(current) !== undefined
          ? `claim ${title} got allocated elsewhere in the meantime`
          : null;
      };
      const protect: PreBindRebase = {
        base: claim,
        status: false,
        make(current) {
          const { metadata } = current;
          const finalizers = metadata.finalizers ?? [];
          if (decided === undefined || finalizers.includes(FINALIZER)) return problem(current) ?? current;
          return (
            problem(current) ?? {
              ...current,
              metadata: { ...metadata, finalizers: [...finalizers, FINALIZER] },
            }
          );
        },
        written: () => undefined,
      };
      const reserve: PreBindRebase = {
        base: claim,
        status: true,
        make(current, now) {
          const status = current['status'] ?? {};
          const allocation = decided?.allocation ?? status.allocation;
          const reservedFor = [...(status.reservedFor ?? []), { resource: 'pods', name, uid }];
          return (
            problem(current) ?? {
              ...current,
              status: { ...status, allocation: { allocationTimestamp: now, ...allocation }, reservedFor },
            }
          );
        },
        written(object) {
          devices.assume(object);
          if (decided !== undefined) devices.release(claim);
        },
      };
      return [protect, reserve];
    }

    return {
      locality: 'node',
      reads: 0,
      sign: (pod) => (claimEntries(pod.template).length === 0 ? '' : null),
      events: [
        { events: ClusterEvent.nodeAdd | ClusterEvent.nodeLabel | ClusterEvent.nodeAllocatable },
        {
          events: ClusterEvent.resourceClaim,
          hint(pod, { object, previous }) {
            if (object === undefined) return true;
            const before = previous && allocationOfClaim(previous);
            // Devices are free again, whosever they were.
            if (before !== undefined && allocationOfClaim(object) === undefined) return true;
            const { name, namespace, ownerReferences = [] } = object.metadata;
            const isUsed = claimEntries(pod.template).some(({ resourceClaimName }) =>
              resourceClaimName === undefined
                ? ownerReferences.some(({ uid }) => uid === pod.uid)
                : resourceClaimName === name && pod.namespace === namespace,
            );
            if (!isUsed) return false;
            return !previous || JSON.stringify(previous['status']) !== JSON.stringify(object['status']);
          },
        },
        { events: ClusterEvent.ownUpdate, hint: (pod) => typeof claimsOf(devices, pod) !== 'string' },
        { events: ClusterEvent.deviceClass },
        { events: ClusterEvent.resourceSlice },
      ],
      preEnqueue(pod) {
        if (claimEntries(pod.template).length === 0) return PASS;
        const claims = claimsOf(devices, pod);
        return typeof claims === 'string' ? unresolvable(claims) : PASS;
      },
      preFilter(pod, _cluster, control) {
        last = null;
        if (claimEntries(pod.template).length === 0) return SKIP;
        const claims = claimsOf(devices, pod);
        const problem = typeof claims === 'string' ? claims : problemOf(pod, claims);
        if (typeof claims === 'string' || problem !== null) {
          control.reject(unresolvable(problem!));
          return SKIP;
        }
        if (claims.length === 0) return SKIP;
        last = attemptOf(pod, claims);
        return last;
      },
      filter(_pod, node, attempt) {
        const unavailable = attempt.claims.filter(
          (claim) => !reaches(claim, node.id) || ready.hasFailed(claim),
        );
        if (attempt.open.length > 0) {
          const found = allocationsOn(attempt, node.id);
          if (typeof found === 'number') return found;
          if (unavailable.length === 0) attempt.allocations.set(node.id, found);
        }
        for (const claim of unavailable) attempt.unavailable.add(claim);
        return unavailable.length > 0 ? notAvailable : PASS;
      },
      postFilter(pod, _cluster, attempt) {
        // Its state of the attempt comes from its PreFilter: where that was not reached, reading it fails.
        if (!attempt.preFilterRan(NAME)) return { code: Code.error, message: 'not found', nominate: null };
        const say = (message: string) => ({ code: Code.unschedulable, message, nominate: null });
        if (last === null || last.pod !== pod.id) return say('no new claims to deallocate');
        const idle = [...last.unavailable].filter((claim) =>
          reservationsOf(claim).every(({ uid }, i) => i === 0 && uid === pod.uid),
        );
        if (idle.length === 0) return say('still not schedulable');
        // Upstream takes the first of a Go map.
        const claim = idle[idle.length === 1 ? 0 : attempt.draw(idle.length)]!;
        const { allocation: _a, reservedFor: _r, devices: _d, ...status } = claim['status'];
        devices.writeStatus(claim, { ...claim, status });
        return say('deallocation of ResourceClaim completed');
      },
      score(pod, node) {
        const allocations = last?.pod === pod.id ? last.allocations.get(node.id) : undefined;
        return allocations === undefined ? 0 : pointsOf(last!.open, allocations);
      },
      uniform: (pod) => (claimEntries(pod.template).length === 0 ? 0 : null),
      /** With the normalisation: pods without claims, which are most, have nothing to normalise. */
      scoreBatch(pod, _cluster, nodes, count, _state, out) {
        if (last?.pod !== pod.id || last.open.length === 0) {
          out.fill(0, 0, count);
          return;
        }
        for (let i = 0; i < count; i++) {
          const allocations = last.allocations.get(nodes[i]!);
          out[i] = allocations === undefined ? 0 : pointsOf(last.open, allocations);
        }
        normalizeByMaximum(out, count, false);
      },
      reserve(pod, node) {
        reserved.delete(pod.id);
        if (claimEntries(pod.template).length === 0) return PASS;
        let attempt = last?.pod === pod.id ? last : null;
        if (attempt === null) {
          const claims = claimsOf(devices, pod);
          if (typeof claims === 'string') return unresolvable(claims);
          attempt = attemptOf(pod, claims);
        }
        if (attempt.open.length === 0) return PASS;
        const found = attempt.allocations.get(node) ?? allocationsOn(attempt, node);
        if (typeof found === 'number')
          return handle.verdict(Code.error, 'claim allocation not found for node');
        const decided = attempt.open.map((claim, i) => ({ claim, allocation: found[i]! }));
        for (const { claim, allocation } of decided)
          devices.reserve({ ...claim, status: { ...claim['status'], allocation } });
        reserved.set(pod.id, decided);
        return PASS;
      },
      preBind(pod): PreBindWork | null {
        if (claimEntries(pod.template).length === 0) return null;
        const claims = claimsOf(devices, pod);
        if (typeof claims === 'string' || claims.length === 0) return null;
        const decided = reserved.get(pod.id) ?? [];
        const updates = claims
          .filter((claim) => !isReservedFor(claim, pod.uid))
          .flatMap((claim) =>
            writesFor(
              pod,
              claim,
              decided.find((each) => each.claim === claim),
            ),
          );
        const waits = isWaitedFor(claims, decided);
        const timeoutUs = ready.timeoutUs;
        if (!waits) return { updates, timeoutUs };
        const keys = claims.map(({ metadata }) => [metadata.namespace ?? '', metadata.name!] as const);
        return { updates, timeoutUs, pollUs: POLL_US, ...ready.look(devices, keys) };
      },
      unreserve(pod) {
        for (const { claim } of reserved.get(pod.id) ?? []) devices.release(claim);
        reserved.delete(pod.id);
      },
    };
  },
});
