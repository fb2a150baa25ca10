// Rows as API objects again: what `kubectl get -o yaml` would show of a pod or a node at this moment. The way back of
// ingest; what the model does not read rides along in the template or the node's object.

import { mix32 } from '../../kernel/index.ts';
import {
  type ClusterState,
  derivedPodUid,
  type Labels,
  type NodeVolumes,
  PHASE_NAMES,
  PodBit,
  phaseOf,
  SUFFIXES,
  suffixText,
  timestampText,
  uidText,
  unscheduledReason,
} from '../../state/index.ts';
import type { Json, KubeObject } from '../kind.ts';
import { withPin } from './pinned-node.ts';
import { originalOf } from './pod.ts';
import { JOB_TRACKING, normalizedImage } from './pod-template.ts';
import { withOwnToken } from './token-volume.ts';

export { TOKEN_SUFFIX } from './token-volume.ts';

/** Separates UIDs of nodes from those of pods and objects. */
const NODE_UID_SALT = 0x40de;

/** UID of a pod: its own where it came with one, else derived from its serial number. */
export const podUid = (state: ClusterState, pod: number): string =>
  originalOf(state, pod)?.metadata.uid ?? derivedPodUid(state.pods.serial[pod]!);

const dotted = (n: number): string => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

/** IPv4 address of a pod as text, '' if it has none. */
export const podIp = (state: ClusterState, pod: number): string => {
  const ip = state.pods.ip[pod]!;
  return ip === 0 ? '' : dotted(ip >>> 0);
};

const nonEmpty = (labels: Labels): boolean => Object.keys(labels).length > 0;

/** Reason of the condition DisruptionTarget, '' without it. */
export const disruptionReason = (word: number): string => {
  if (word & PodBit.preempted) return 'PreemptionByScheduler';
  if (word & PodBit.orphaned) return 'DeletionByPodGC';
  if (word & PodBit.evicted) return 'EvictionByEvictionAPI';
  if (word & PodBit.pressed) return 'TerminationByKubelet';
  if (word & PodBit.deviceTainted) return 'DeletionByDeviceTaintManager';
  return word & PodBit.tainted ? 'DeletionByTaintManager' : '';
};

function conditions(word: number): Json[] {
  const list: Json[] = [];
  const add = (type: string, status: boolean, reason?: string): void => {
    list.push({ type, status: status ? 'True' : 'False', ...(reason === undefined ? {} : { reason }) });
  };
  if (word & PodBit.acknowledged) {
    add('PodReadyToStartContainers', (word & PodBit.sandbox) !== 0);
    add('Initialized', (word & PodBit.initialized) !== 0);
    add('Ready', (word & PodBit.ready) !== 0, word & PodBit.ready ? undefined : 'ContainersNotReady');
    add(
      'ContainersReady',
      (word & PodBit.containersReady) !== 0,
      word & PodBit.ready ? undefined : 'ContainersNotReady',
    );
  }
  const disruption = disruptionReason(word);
  if (disruption !== '') add('DisruptionTarget', true, disruption);
  if (word & PodBit.scheduled) add('PodScheduled', true);
  else if (word & PodBit.unschedulable) add('PodScheduled', false, unscheduledReason(word));
  return list;
}

/** A pod that waits for its gates has this condition from its creation. */
const GATED = {
  type: 'PodScheduled',
  status: 'False',
  lastProbeTime: null,
  lastTransitionTime: null,
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
};

/** Fields of a given status that no later write changes. */
function lasting(status: Json | undefined): Json {
  const { startTime, hostIP, hostIPs } = status ?? {};
  return {
    ...(startTime === undefined ? {} : { startTime }),
    ...(hostIP === undefined ? {} : { hostIP }),
    ...(hostIPs === undefined ? {} : { hostIPs }),
  };
}

function claimStatuses(claims: ReadonlyMap<string, string | null>): Json[] {
  return [...claims].map(([name, claim]) => ({
    name,
    ...(claim === null ? {} : { resourceClaimName: claim }),
  }));
}

function podStatus(state: ClusterState, pod: number): Json {
  const { pods } = state;
  const reason = pods.reason[pod]! < 0 ? '' : state.texts.text(pods.reason[pod]!);
  const template = state.template(pod);
  const word = pods.word[pod]!;
  const list = conditions(word);
  const gated = (template.spec.schedulingGates?.length ?? 0) > 0;
  if (gated && !list.some(({ type }) => type === 'PodScheduled')) list.push(GATED);
  const ip = podIp(state, pod);
  const message = pods.messages.get(pod);
  const nominated = pods.nominatedNode[pod]!;
  const claims = pods.claimNames.get(pod);
  return {
    ...lasting(originalOf(state, pod)?.status),
    phase: PHASE_NAMES[phaseOf(word)]!,
    ...(list.length > 0 ? { conditions: list } : {}),
    ...(ip === '' ? {} : { podIP: ip, podIPs: [{ ip }] }),
    ...(reason === '' ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(nominated >= 0 ? { nominatedNodeName: state.nodeName(nominated) } : {}),
    ...(claims === undefined ? {} : { resourceClaimStatuses: claimStatuses(claims) }),
    qosClass: template.qosClass,
  };
}

/** References to owners: the template's own, or the one controller that created the pod. */
function owners(state: ClusterState, pod: number): Json {
  const owner = state.pods.owner[pod]! < 0 ? null : state.objects.lastVersion(state.pods.owner[pod]!);
  if (owner === null || state.template(pod).metadata?.ownerReferences !== undefined) return {};
  const { name, uid } = owner.metadata;
  const { apiVersion, kind } = owner;
  return { ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }] };
}

export function materialisePod(state: ClusterState, pod: number): KubeObject {
  const { pods } = state;
  const template = state.template(pod);
  const labels = state.labels.get(pods.labelSet[pod]!);
  const deletionUs = pods.deletionUs[pod]!;
  const node = pods.node[pod]!;
  const pinned = pods.pinned[pod]!;
  const original = originalOf(state, pod);
  const suffix = (): string =>
    original?.tokenSuffix || suffixText((mix32(pods.serial[pod]!) >>> 0) % SUFFIXES);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      ...(pods.word[pod]! & PodBit.tracked
        ? { finalizers: [...(template.metadata?.finalizers ?? []), JOB_TRACKING] }
        : {}),
      name: state.podName(pod),
      ...(pods.nameSuffix[pod]! >= 0 ? { generateName: state.texts.text(pods.nameBase[pod]!) } : {}),
      namespace: state.podNamespace(pod),
      uid: podUid(state, pod),
      resourceVersion: String(pods.revision[pod]!),
      generation: original?.metadata.generation ?? 1,
      creationTimestamp: original?.metadata.creationTimestamp ?? timestampText(pods.createdUs[pod]!),
      ...(nonEmpty(labels) ? { labels } : {}),
      ...(nonEmpty(template.annotations) ? { annotations: template.annotations } : {}),
      ...owners(state, pod),
      ...(Number.isNaN(deletionUs)
        ? {}
        : {
            deletionTimestamp: timestampText(deletionUs),
            deletionGracePeriodSeconds: pods.graceSeconds[pod]!,
          }),
    },
    spec: {
      ...withOwnToken(pinned < 0 ? template.spec : withPin(template.spec, state.texts.text(pinned)), suffix),
      ...(node >= 0 ? { nodeName: state.nodeName(node) } : {}),
    },
    status: (original?.revision === pods.revision[pod]! && original.status) || podStatus(state, pod),
  };
}

/** Images on a node: the entries it came with, as far as they are still there, then those that were pulled. */
function nodeImages(state: ClusterState, node: number, given: readonly Json[]): Json[] {
  const left = new Set(state.nodes.images[node]!);
  const shown: Json[] = [];
  for (const entry of given) {
    const ids: number[] = (entry.names ?? []).map((name: string) => state.images.id(normalizedImage(name)));
    if (!ids.some((id) => left.has(id))) continue;
    for (const id of ids) left.delete(id);
    shown.push(entry);
  }
  for (const id of left) shown.push({ names: [state.images.text(id)], sizeBytes: state.imageBytes[id] ?? 0 });
  return shown;
}

export function materialiseNode(state: ClusterState, node: number): KubeObject {
  const { nodes } = state;
  const object = nodes.object[node]!;
  const labels = nodes.labels(node);
  const { taints: _taints, unschedulable: _unschedulable, ...spec } = object['spec'] ?? {};
  const { images: given = [], ...status } = object['status'] ?? {};
  const images = nodeImages(state, node, given);
  const taints = nodes.taints[node]!;
  const posted = nodes.conditions[node]!;
  const volumes = nodes.knownVolumes(node);
  const { labels: _labels, ...metadata } = object.metadata;
  const addedUs = nodes.addedUs[node]!;
  return {
    ...object,
    metadata: {
      ...metadata,
      name: nodes.name[node]!,
      uid: metadata.uid || uidText(NODE_UID_SALT, node + 1),
      ...(nonEmpty(labels) ? { labels } : {}),
      resourceVersion: String(nodes.revision[node]!),
      // A node that was there from the start keeps the age it came with.
      creationTimestamp: (addedUs === 0 && metadata.creationTimestamp) || timestampText(addedUs),
    },
    spec: {
      ...spec,
      ...(taints.length > 0 ? { taints } : {}),
      ...(nodes.unschedulable[node] === 1 ? { unschedulable: true } : {}),
    },
    status: {
      ...status,
      ...(posted === null ? {} : { conditions: [...posted] }),
      ...(images.length > 0 ? { images } : {}),
      ...(volumes === null ? {} : volumeStatus(state, volumes)),
    },
  };
}

/** Volumes are told by unique name, `kubernetes.io/csi/<driver>^<handle>`; those without driver are not attached. */
function volumeStatus(state: ClusterState, { attached, inUse }: NodeVolumes): Json {
  const uniqueName = (volume: string): string => {
    const id = state.objects.find('PersistentVolume', '', volume);
    const csi = id < 0 ? undefined : state.objects.get(id)!['spec'].csi;
    return `kubernetes.io/csi/${csi?.driver ?? ''}^${csi?.volumeHandle ?? volume}`;
  };
  return {
    ...(attached.length > 0
      ? { volumesAttached: attached.map((volume) => ({ name: uniqueName(volume), devicePath: '' })) }
      : {}),
    ...(inUse.length > 0 ? { volumesInUse: inUse.map(uniqueName) } : {}),
  };
}
