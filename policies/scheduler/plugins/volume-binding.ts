// VolumeBinding: nodes must reach the volumes of bound claims, and have or be able to get one for each claim that
// waits for its pod; the choice is taken when the node is (plugins/volumebinding and
// component-helpers/storage/volume/pv_helpers.go, v1.36). Scoring by storage capacity is off by default upstream, so
// the scorer sits every attempt out.
import * as z from 'zod';
import {
  ClusterEvent,
  type ClusterView,
  Code,
  compareQuantities,
  definePlugin,
  type Json,
  type KubeObject,
  NodeField,
  PASS,
  type PodView,
  type PreBindWork,
  quantityValue,
  SKIP,
  storageClassOf,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';
import { volumeTerms } from './csi-migration.ts';
import { compileNodeSelector, type NodeSelector } from './node-selector.ts';
import { boundVolume, candidates, type WaitingClaim } from './volume-candidates.ts';
import {
  asksFor,
  claimName,
  claimVolumes,
  delaysBinding,
  isFullyBound,
  missingClaim,
  NO_PROVISIONER,
  ownershipProblem,
  requestedSize,
  SELECTED_NODE,
  volumesOf,
} from './volumes.ts';

const REASON_AFFINITY = "node(s) didn't match PersistentVolume's node affinity";
const REASON_NO_VOLUME = "node(s) didn't find available persistent volumes to bind";
const REASON_NO_SPACE = 'node(s) did not have enough free storage';
const REASON_VOLUME_GONE = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
const REASON_IMMEDIATE = 'pod has unbound immediate PersistentVolumeClaims';
const MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins';

const args = argsSchema({
  /** How long binding may take; default 600 (apis/config/v1/defaults.go). */
  bindTimeoutSeconds: z.number().int().min(0).optional(),
  /** Of the scorer that is off by default. */
  shape: z
    .array(
      z.strictObject({
        utilization: z.number().int().min(0).max(100),
        score: z.number().int().min(0).max(10),
      }),
    )
    .optional(),
});

/** What the pod would get on a node. */
interface Choice {
  readonly reasons: readonly string[];
  readonly bindings: readonly { readonly claim: KubeObject; readonly volume: KubeObject }[];
  readonly provisions: readonly KubeObject[];
}

/** A choice that was taken, and what it writes. */
interface Reserved extends Choice {
  readonly updates: PreBindWork['updates'];
}

interface Attempt {
  readonly pod: number;
  readonly bound: readonly KubeObject[];
  readonly waiting: readonly WaitingClaim[];
  readonly choices: Map<number, Choice>;
}

/** Answers for nodes, remembered by the object that they are about. */
class NodeMatches {
  readonly #selectors = new WeakMap<object, NodeSelector>();
  readonly #cluster: ClusterView;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  #matches(key: object, node: number, terms: () => readonly Json[]): boolean {
    let selector = this.#selectors.get(key);
    if (selector === undefined) {
      selector = compileNodeSelector(terms());
      this.#selectors.set(key, selector);
    }
    return selector.matches(this.#cluster, node);
  }

  /** The volume can be used on the node. */
  volume(volume: KubeObject, node: number, csiNode: KubeObject | null): boolean {
    const terms = volumeTerms(volume, csiNode);
    return terms === null || this.#matches(terms, node, () => terms);
  }

  /** The class can provision for the node. */
  topologies(allowed: readonly Json[] | undefined, node: number): boolean {
    if (allowed === undefined || allowed.length === 0) return true;
    return this.#matches(allowed, node, () =>
      allowed.map(({ matchLabelExpressions }) => ({
        matchExpressions: (matchLabelExpressions ?? []).map(({ key, values }: Json) => ({
          key,
          operator: 'In',
          values,
        })),
      })),
    );
  }

  /** The storage pool can be reached from the node; one without topology from none. */
  pool(selector: Json | undefined, node: number): boolean {
    if (!selector) return false;
    const labels: Record<string, string> = selector.matchLabels ?? {};
    const expressions: readonly Json[] = [
      ...Object.keys(labels).map((key) => ({ key, operator: 'In', values: [labels[key]] })),
      ...(selector.matchExpressions ?? []),
    ];
    return (
      expressions.length === 0 || this.#matches(selector, node, () => [{ matchExpressions: expressions }])
    );
  }
}

/** The assume cache of the scheduler has lost the object (NotFoundError of pkg/scheduler/util/assumecache). */
function notCached({ kind, metadata: { namespace, name } }: KubeObject): string {
  return `could not find v1.${kind} "${namespace === undefined ? '' : `${namespace}/`}${name}"`;
}

/** Most that the pool gives to one volume, in bytes. */
function limitOf(capacity: KubeObject): number {
  const limit = capacity['maximumVolumeSize'] ?? capacity['capacity'];
  return limit === undefined ? -1 : quantityValue(limit);
}

class Binder {
  readonly #cluster: ClusterView;
  readonly #matches: NodeMatches;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
    this.#matches = new NodeMatches(cluster);
  }

  /** What the pod would get on the node, or why it cannot run there. */
  choose({ bound, waiting }: Attempt, node: number): Choice {
    const name = this.#cluster.nodeName(node);
    const csiNode = this.#cluster.storage.csiNode(name);
    const reasons: string[] = [];
    const unreachable = this.#boundProblem(bound, node, csiNode);
    if (unreachable === REASON_AFFINITY) reasons.push(unreachable);
    let bindings: Choice['bindings'] = [];
    let provisions: readonly KubeObject[] = [];
    if (waiting.some(({ selectedNode }) => selectedNode !== undefined && selectedNode !== name)) {
      reasons.push(REASON_NO_VOLUME);
    } else {
      const matched = this.#match(waiting, node, csiNode);
      bindings = matched.bindings;
      provisions = matched.unmatched;
      const problem = this.#provisionProblem(provisions, node);
      if (problem !== null) reasons.push(problem);
    }
    if (unreachable === REASON_VOLUME_GONE) reasons.push(unreachable);
    return { reasons, bindings, provisions };
  }

  /** The volume can be used on the node. */
  reaches(volumeName: string, node: number): boolean {
    const { storage } = this.#cluster;
    const volume = storage.volume(volumeName);
    const csiNode = storage.csiNode(this.#cluster.nodeName(node));
    return volume === null || this.#matches.volume(volume, node, csiNode);
  }

  /** The first bound claim whose volume is gone or cannot be used on the node. */
  #boundProblem(claims: readonly KubeObject[], node: number, csiNode: KubeObject | null): string | null {
    for (const claim of claims) {
      const volume = this.#cluster.storage.volume(claim['spec'].volumeName);
      if (volume === null) return REASON_VOLUME_GONE;
      if (!this.#matches.volume(volume, node, csiNode)) return REASON_AFFINITY;
    }
    return null;
  }

  /** Volumes for claims, the smallest claim first; claims with a selected node are past that. */
  #match(
    waiting: readonly WaitingClaim[],
    node: number,
    csiNode: KubeObject | null,
  ): { readonly bindings: Choice['bindings']; readonly unmatched: KubeObject[] } {
    const taken = new Set<string>();
    const bindings: { claim: KubeObject; volume: KubeObject }[] = [];
    const unmatched = waiting.filter((each) => each.selectedNode !== undefined).map(({ claim }) => claim);
    const left = waiting
      .filter((each) => each.selectedNode === undefined)
      .sort((a, b) => compareQuantities(requestedSize(a.claim), requestedSize(b.claim)));
    for (const { claim, prebound, free } of left) {
      const isLeft = (volume: KubeObject): boolean => !taken.has(volume.metadata.name!);
      const isReachable = (volume: KubeObject): boolean => this.#matches.volume(volume, node, csiNode);
      const own = prebound.find(isLeft);
      const volume =
        own === undefined
          ? free.find((each) => isLeft(each) && isReachable(each))
          : isReachable(own)
            ? own
            : undefined;
      if (volume === undefined) {
        unmatched.push(claim);
      } else {
        taken.add(volume.metadata.name!);
        bindings.push({ claim, volume });
      }
    }
    return { bindings, unmatched };
  }

  /** The first claim that cannot be provisioned for the node decides. */
  #provisionProblem(claims: readonly KubeObject[], node: number): string | null {
    for (const claim of claims) {
      const storageClass = this.#cluster.storage.storageClass(storageClassOf(claim));
      const provisioner = storageClass?.['provisioner'] ?? '';
      if (storageClass === null || provisioner === '' || provisioner === NO_PROVISIONER)
        return REASON_NO_VOLUME;
      if (!this.#matches.topologies(storageClass['allowedTopologies'], node)) return REASON_NO_VOLUME;
      if (!this.#hasSpace(claim, provisioner, node)) return REASON_NO_SPACE;
    }
    return null;
  }

  /** Only drivers that tell their capacity are asked. */
  #hasSpace(claim: KubeObject, provisioner: string, node: number): boolean {
    const { storage } = this.#cluster;
    const request = claim['spec'].resources?.requests?.storage;
    if (request === undefined) return true;
    if (storage.csiDriver(provisioner)?.['spec']?.storageCapacity !== true) return true;
    const size = quantityValue(request);
    for (const capacity of storage.capacitiesOfClass(storageClassOf(claim))) {
      if (limitOf(capacity) >= size && this.#matches.pool(capacity['nodeTopology'], node)) return true;
    }
    return false;
  }
}

export const volumeBinding = definePlugin<z.infer<typeof args>, Attempt, undefined>({
  name: 'VolumeBinding',
  about:
    "Keeps pods on nodes that reach their claims' volumes, and picks volumes for claims that wait for a pod.",
  points: ['preFilter', 'filter', 'preScore', 'score', 'reserve', 'preBind'],
  args,
  create({ bindTimeoutSeconds = 600 }, handle) {
    const { storage } = handle.cluster;
    const binder = new Binder(handle.cluster);
    const unresolvable = (...texts: string[]) => handle.verdict(Code.unschedulableAndUnresolvable, ...texts);
    const immediate = unresolvable(REASON_IMMEDIATE);
    let last: Attempt | null = null;
    /** What is assumed for a pod on its way to its node. */
    const reserved = new Map<number, Reserved>();

    /** The writes and the look each second (bindAPIUpdate and checkBindings of binder.go). */
    function preBindWork(choice: Reserved, node: number, timeoutSeconds: number): PreBindWork {
      const name = handle.cluster.nodeName(node);
      const check = (): boolean | string => {
        let isReady = true;
        for (const { claim, volume } of choice.bindings) {
          const seen = storage.volume(volume.metadata.name!);
          if (seen === null) return `failed to check binding: ${notCached(volume)}`;
          const now = storage.claim(claim.metadata.namespace ?? '', claim.metadata.name!);
          if (now === null) return `failed to check binding: ${notCached(claim)}`;
          if (!seen['spec'].claimRef?.uid) return `ClaimRef got reset for pv "${volume.metadata.name}"`;
          if (!isFullyBound(now)) isReady = false;
        }
        for (const claim of choice.provisions) {
          const { metadata } = claim;
          const now = storage.claim(metadata.namespace ?? '', metadata.name!);
          if (now === null) return `failed to check provisioning pvc: ${notCached(claim)}`;
          if (now.metadata.annotations?.[SELECTED_NODE] !== name) {
            return `provisioning failed for PVC "${metadata.name}"`;
          }
          if (!isFullyBound(now)) isReady = false;
          else if (!binder.reaches(now['spec'].volumeName, node)) {
            return `pv "${now['spec'].volumeName}" node affinity doesn't match node "${name}": no matching NodeSelectorTerms`;
          }
        }
        return isReady;
      };
      const prefixed = (): boolean | string => {
        const ready = check();
        return typeof ready === 'string' ? `binding volumes: ${ready}` : ready;
      };
      return { updates: choice.updates, check: prefixed, timeoutUs: timeoutSeconds * 1_000_000 };
    }

    /** Why one of the pod's claims cannot be used at all; null: they can. */
    function claimsProblem(pod: PodView): string | null {
      for (const volume of claimVolumes(pod.template)) {
        const name = claimName(pod, volume);
        const claim = storage.claim(pod.namespace, name);
        if (claim === null) {
          if (!volume.ephemeral) return missingClaim(name);
          if (!storage.controllers) continue;
          return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
        }
        if (claim['status']?.phase === 'Lost') {
          return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim['spec'].volumeName ?? ''}"`;
        }
        if (claim.metadata.deletionTimestamp !== undefined) {
          return `persistentvolumeclaim "${name}" is being deleted`;
        }
        const problem = volume.ephemeral ? ownershipProblem(pod, claim) : null;
        if (problem !== null) return problem;
      }
      return null;
    }

    /** null: a claim waits for a controller that binds it whatever the scheduler does. */
    function attemptOf(pod: PodView): Attempt | null {
      const bound: KubeObject[] = [];
      const waiting: WaitingClaim[] = [];
      for (const volume of claimVolumes(pod.template)) {
        const claim = storage.claim(pod.namespace, claimName(pod, volume));
        if (claim === null) continue;
        if (isFullyBound(claim)) bound.push(claim);
        else if (delaysBinding(storage, storageClassOf(claim)) && !claim['spec'].volumeName) {
          waiting.push(candidates(handle.cluster, claim));
        } else if (storage.controllers) return null;
      }
      return { pod: pod.id, bound, waiting, choices: new Map() };
    }

    function choiceOf(attempt: Attempt, node: number): Choice {
      const choice = binder.choose(attempt, node);
      attempt.choices.set(node, choice);
      return choice;
    }

    return {
      locality: 'global',
      reads: NodeField.labels | NodeField.name,
      sign: (pod) => (claimVolumes(pod.template).length === 0 ? '' : null),
      // Pods without claims are all the same to it, on every node.
      strata: (pod) => claimVolumes(pod.template).length === 0,
      events: [
        { events: ClusterEvent.nodeAdd | ClusterEvent.nodeLabel },
        { events: ClusterEvent.volume },
        { events: ClusterEvent.claim, hint: (pod, { object }) => !object || asksFor(pod, object) },
        {
          events: ClusterEvent.storageClass,
          hint: (_pod, { object, previous }) =>
            !object ||
            !previous ||
            JSON.stringify(object['allowedTopologies']) !== JSON.stringify(previous['allowedTopologies']),
        },
        {
          events: ClusterEvent.csiNode,
          hint: (_pod, { object, previous }) =>
            !object ||
            !previous ||
            object.metadata.annotations?.[MIGRATED_PLUGINS] !==
              previous.metadata.annotations?.[MIGRATED_PLUGINS],
        },
        {
          events: ClusterEvent.csiDriver,
          hint: (pod, { object, previous }) =>
            !object ||
            (previous?.['spec']?.storageCapacity === true &&
              object['spec']?.storageCapacity !== true &&
              volumesOf(pod.template).some(({ csi }) => csi?.driver === object.metadata.name)),
        },
        {
          events: ClusterEvent.storageCapacity,
          hint: (_pod, { object, previous }) => !object || !previous || limitOf(object) > limitOf(previous),
        },
      ],
      preFilter(pod, _cluster, control) {
        last = null;
        if (claimVolumes(pod.template).length === 0) return SKIP;
        const problem = claimsProblem(pod);
        if (problem !== null) {
          control.reject(unresolvable(problem));
          return SKIP;
        }
        last = attemptOf(pod);
        if (last !== null) return last;
        control.reject(immediate);
        return SKIP;
      },
      /** Pods that come and go change no volume. */
      podChanged() {},
      filter(_pod, node, attempt) {
        const { reasons } = choiceOf(attempt, node.id);
        return reasons.length === 0 ? PASS : unresolvable(...reasons);
      },
      preScore: () => SKIP,
      score: () => 0,
      reserve(pod, node) {
        reserved.delete(pod.id);
        if (claimVolumes(pod.template).length === 0) return PASS;
        const attempt = last?.pod === pod.id ? last : attemptOf(pod);
        if (attempt === null || attempt.waiting.length === 0) return PASS;
        const choice = attempt.choices.get(node) ?? choiceOf(attempt, node);
        const updates: { base: KubeObject; next: KubeObject }[] = [];
        for (const { claim, volume } of choice.bindings) {
          const next = boundVolume(volume, claim);
          if (next === null) continue;
          storage.assumeVolume(next);
          updates.push({ base: volume, next });
        }
        const name = handle.cluster.nodeName(node);
        for (const claim of choice.provisions) {
          const { metadata } = claim;
          const annotations = { ...metadata.annotations, [SELECTED_NODE]: name };
          const next = { ...claim, metadata: { ...metadata, annotations } };
          storage.assumeClaim(next);
          updates.push({ base: claim, next });
        }
        reserved.set(pod.id, { ...choice, updates });
        return PASS;
      },
      preBind(pod, node) {
        const choice = reserved.get(pod.id);
        return choice === undefined ? null : preBindWork(choice, node, bindTimeoutSeconds);
      },
      unreserve(pod) {
        const choice = reserved.get(pod.id);
        if (choice === undefined) return;
        reserved.delete(pod.id);
        for (const { volume } of choice.bindings) storage.forgetVolume(volume.metadata.name!);
        for (const { metadata } of choice.provisions)
          storage.forgetClaim(metadata.namespace ?? '', metadata.name!);
      },
    };
  },
});
