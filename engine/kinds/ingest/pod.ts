// A pod that exists already, of a dump or a snapshot, as a row of the pod table: what its status says becomes columns,
// the rest of the status and its identity are kept beside the table until somebody writes the pod.
//
// The object is one that the server stores: defaulted, with its priority. Sums per node are the caller's.
import {
  type ClusterState,
  ordinalSuffix,
  PHASE_NAMES,
  Phase,
  PodBit,
  type PodId,
  phaseOf,
  timestampUs,
  Verb,
} from '../../state/index.ts';
import type { Json, KubeObject, ObjectMeta } from '../kind.ts';
import { pinOf, withoutRequired } from './pinned-node.ts';
import { heldRequests } from './pod-requests.ts';
import { type HeldRequests, isTracked, RAISED_REQUESTS, templateParts } from './pod-template.ts';
import { withSharedToken } from './token-volume.ts';

export interface PodIngest {
  /** ObjectId of the controlling owner, -1 for none. */
  readonly owner: number;
  /** Creation time of the row, µs of virtual time. */
  readonly us: number;
  readonly revision: number;
}

/** What neither the row nor its template can hold. */
export interface PodOriginal {
  readonly metadata: Json;
  readonly status: Json;
  /** The status, if there was one, is the given one up to this revision of the row. */
  readonly revision: number;
  /** Ending of the token volume's name, ''. */
  readonly tokenSuffix: string;
}

/** By run and serial number of the pod. */
const originals = new WeakMap<ClusterState, Map<number, PodOriginal>>();

/** What was given of a pod that was ingested; undefined for one that the run created. */
export function originalOf(state: ClusterState, pod: number): PodOriginal | undefined {
  return originals.get(state)?.get(state.pods.serial[pod]!);
}

const CONDITION_BITS: Readonly<Record<string, number>> = {
  PodScheduled: PodBit.scheduled,
  Initialized: PodBit.initialized,
  ContainersReady: PodBit.containersReady,
  Ready: PodBit.ready,
  PodReadyToStartContainers: PodBit.sandbox,
};

/** Phase and conditions as the row packs them. */
function wordOf(status: Json, bound: boolean): number {
  const phase = PHASE_NAMES.indexOf(status.phase);
  let word: number = phase < 0 ? Phase.pending : phase;
  if (status.startTime !== undefined) word |= PodBit.acknowledged;
  for (const { type, status: value, reason } of status.conditions ?? []) {
    if (type === 'DisruptionTarget' && value === 'True' && reason === 'PreemptionByScheduler') {
      word |= PodBit.preempted;
    }
    if (type === 'DisruptionTarget' && value === 'True' && reason === 'EvictionByEvictionAPI') {
      word |= PodBit.evicted;
    }
    if (type === 'DisruptionTarget' && value === 'True' && reason === 'TerminationByKubelet') {
      word |= PodBit.pressed;
    }
    if (value === 'True') word |= CONDITION_BITS[type] ?? 0;
    else if (type === 'PodScheduled' && reason === 'Unschedulable') word |= PodBit.unschedulable;
    else if (type === 'PodScheduled' && reason === 'SchedulerError')
      word |= PodBit.unschedulable | PodBit.schedulerError;
  }
  if (bound) word = (word | PodBit.scheduled) & ~(PodBit.unschedulable | PodBit.schedulerError);
  // What runs has been through all that comes before, whether or not the dump says so.
  if (bound && phase === Phase.running) word |= PodBit.acknowledged | PodBit.initialized | PodBit.sandbox;
  return word;
}

/** IPv4 address as the column holds it; 0 for none and for others. */
function addressNumber(text: string | undefined): number {
  const parts = (text ?? '').split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return 0;
  return (parts[0]! << 24) | (parts[1]! << 16) | (parts[2]! << 8) | parts[3]!;
}

const restartsOf = (status: Json): number =>
  [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].reduce(
    (sum: number, one: Json) => sum + (one.restartCount ?? 0),
    0,
  );

/** How the containers of a pod that has ended did so: the first exit code that is not 0, and the last time, µs. */
function endOf(status: Json, phase: number): { readonly code: number; readonly us: number } {
  let code = -1;
  let us = Number.NaN;
  if (phase !== Phase.succeeded && phase !== Phase.failed) return { code, us };
  for (const { state } of status.containerStatuses ?? []) {
    if (!state?.terminated) continue;
    const { exitCode = 0, finishedAt } = state.terminated;
    if (code <= 0) code = exitCode;
    const endUs = timestampUs(finishedAt);
    if (!(endUs < us)) us = endUs;
  }
  return { code, us };
}

/** The template's spec: what differs between equal pods, their node and token volume, is the row's. */
function sharedSpec(spec: Json, bound: boolean, held: HeldRequests | null): Json {
  const shared = { ...spec };
  if (bound) delete shared.nodeName;
  if (held !== null) shared[RAISED_REQUESTS] = held;
  return shared;
}

/** Ordinal of a StatefulSet's pod, whose name is its generateName and a number; -1 for other pods. */
function ordinalOf({ name = '', generateName, ownerReferences }: ObjectMeta): number {
  const owned = ownerReferences?.some((owner) => owner.controller && owner.kind === 'StatefulSet');
  if (!owned || !generateName || !name.startsWith(generateName)) return -1;
  const digits = name.slice(generateName.length);
  return /^(0|[1-9]\d{0,8})$/.test(digits) ? Number(digits) : -1;
}

/** Adds the row and its log entry. `object` is not changed; its status and metadata are kept. */
export function ingestPod(state: ClusterState, object: KubeObject, how: PodIngest): PodId {
  const { pods, podNames, podLog, nodes, texts } = state;
  const { metadata } = object;
  const status = object['status'] ?? {};
  const node = nodes.find(object['spec'].nodeName ?? '');
  const pin = pinOf(object['spec']);
  const { spec, suffix } = withSharedToken(pin === '' ? object['spec'] : withoutRequired(object['spec']));
  const ordinal = ordinalOf(metadata);
  const template = state.templates.intern(
    templateParts({ ...object, spec: sharedSpec(spec, node >= 0, heldRequests(spec, status)) }),
  );
  const pod = pods.create({
    namespace: texts.id(metadata.namespace ?? 'default'),
    nameBase: texts.id(ordinal < 0 ? metadata.name! : metadata.generateName!),
    nameSuffix: ordinal < 0 ? -1 : ordinalSuffix(ordinal),
    template: template.id,
    labelSet: template.labelSet,
    owner: how.owner,
    priority: template.priority,
    createdUs: how.us,
    revision: how.revision,
    runUs: Number.NaN,
    ...(pin === '' ? {} : { pinned: texts.id(pin) }),
  });
  podNames.add(pod);
  let word = wordOf(status, node >= 0) | (isTracked(object) ? PodBit.tracked : 0);
  pods.node[pod] = node;
  pods.nominatedNode[pod] = nodes.find(status.nominatedNodeName ?? '');
  pods.ip[pod] = addressNumber(status.podIP);
  pods.restarts[pod] = restartsOf(status);
  if (status.reason !== undefined) pods.reason[pod] = texts.id(status.reason);
  if (status.resourceClaimStatuses !== undefined) {
    const named = status.resourceClaimStatuses.map((each: Json) => [
      each.name,
      each.resourceClaimName ?? null,
    ]);
    pods.claimNames.set(pod, new Map(named));
  }
  if (word & PodBit.ready) pods.readyUs[pod] = how.us;
  if (metadata.deletionTimestamp !== undefined) {
    word |= PodBit.deleting;
    pods.deletionUs[pod] = timestampUs(metadata.deletionTimestamp);
    pods.graceSeconds[pod] = metadata.deletionGracePeriodSeconds ?? 0;
  }
  pods.word[pod] = word;
  const end = endOf(status, phaseOf(word));
  pods.exitCode[pod] = end.code;
  pods.finishedUs[pod] = end.us;
  let known = originals.get(state);
  if (known === undefined) {
    known = new Map();
    originals.set(state, known);
  }
  known.set(pods.serial[pod]!, {
    metadata,
    status: object['status'],
    revision: how.revision,
    tokenSuffix: suffix,
  });
  podLog.append(how.revision, how.us, Verb.added, pod, word, node, null);
  return pod;
}
