// What requests about pods and nodes do at their commit: check, write the tables, append to the logs, tell the metrics.
// Rules: registry/core/pod/{strategy.go,storage/storage.go} (v1.36).
import type { DoomedPod, PodCreation, PodMeta, PodStatusChange } from '../contracts/api.ts';
import type { PodIdentity } from '../contracts/controller.ts';
import { assert, type Fingerprint, type KeyedDraw } from '../kernel/index.ts';
import { JOB_TRACKING } from '../kinds/ingest/pod-template.ts';
import type { Json } from '../kinds/kind.ts';
import { PodStamp, type Recorder } from '../metrics/recorder.ts';
import {
  type ClusterState,
  GENERATED_PREFIX_MAX,
  isTerminal,
  type NodeId,
  ordinalSuffix,
  Phase,
  PodBit,
  type PodId,
  phaseOf,
  SUFFIXES,
  Verb,
} from '../state/index.ts';
import { type ApiRequest, Op } from './request.ts';

/** Tries for a free generated name before 409 (registry/generic/registry/store.go maxNameGenerationCreateAttempts). */
const NAME_ATTEMPTS = 8;

const NO_FINALIZERS: readonly string[] = Object.freeze([]);

/** A template's other metadata with these finalizers; null for none at all. */
function withFinalizers(metadata: Json | null, finalizers: readonly string[]): Json | null {
  const { finalizers: _, ...rest } = metadata ?? {};
  if (finalizers.length > 0) return { ...rest, finalizers };
  return Object.keys(rest).length === 0 ? null : rest;
}

export interface PodWriteHooks {
  readonly state: ClusterState;
  readonly recorder: Recorder;
  readonly draw: KeyedDraw;
  readonly fingerprint: Fingerprint;
  now(): number;
  nextRevision(): number;
  /** The pod log has grown. If `pod` is bound its kubelet is told, unless there is nothing for it to do. */
  podLogged(pod: number, tellsKubelet: boolean): void;
  nodeLogged(): void;
  /** The pod left etcd: its row may be freed once every watcher has passed `position`. */
  podRemoved(pod: PodId, position: number): void;
  /** null if the namespace takes new objects, else why not. */
  namespaceProblem(
    namespace: string,
    resource: string,
    name: string,
  ): { code: number; reason: string; message: string } | null;
}

export class PodWrites {
  readonly #h: PodWriteHooks;
  readonly #namePurpose: number;

  constructor(hooks: PodWriteHooks) {
    this.#h = hooks;
    this.#namePurpose = hooks.draw.purpose('apiserver/generate-name');
  }

  create(r: ApiRequest): void {
    const { state, recorder } = this.#h;
    const body = r.body as PodCreation;
    const { variant } = body;
    const template = variant === undefined ? body.template : state.templates.variant(body.template, variant);
    const namespace = state.texts.text(body.namespace);
    const base = state.texts.text(body.nameBase);
    const nameBase =
      body.generate && base.length > GENERATED_PREFIX_MAX
        ? state.texts.id(base.slice(0, GENERATED_PREFIX_MAX))
        : body.nameBase;
    const problem = this.#h.namespaceProblem(namespace, 'pods', `${base}${body.ordinal ?? ''}`);
    if (problem) return r.fail(problem.code, problem.reason, problem.message);
    const suffix = this.#freeName(body, nameBase);
    if (suffix === null) {
      return r.fail(409, 'AlreadyExists', `pods "${base}${body.ordinal ?? ''}" already exists`);
    }
    const revision = this.#h.nextRevision();
    const now = this.#h.now();
    const pod = state.pods.create({
      namespace: body.namespace,
      nameBase,
      nameSuffix: suffix,
      template: template.id,
      labelSet: template.labelSet,
      owner: body.owner,
      priority: template.priority,
      createdUs: now,
      revision,
      runUs: body.runUs,
      bits: body.tracked ? PodBit.tracked : 0,
      ...(body.pinned === undefined ? {} : { pinned: body.pinned }),
    });
    state.podNames.add(pod);
    recorder.podCreated(pod);
    r.code = 201;
    r.id = pod;
    const node = template.nodeName === '' ? -1 : state.nodes.find(template.nodeName);
    if (node !== -1) this.#place(pod, node);
    this.#log(pod, revision, Verb.added);
  }

  bind(r: ApiRequest): void {
    const { state, recorder, fingerprint } = this.#h;
    const pod = r.subject as PodId;
    if (!this.#found(r, pod)) return;
    const { pods } = state;
    const name = state.podName(pod);
    if (!Number.isNaN(pods.deletionUs[pod]!)) {
      return r.fail(409, 'Conflict', `pod ${name} is being deleted, cannot be assigned to a host`);
    }
    if (pods.node[pod]! >= 0) {
      const node = state.nodeName(pods.node[pod]!);
      return r.fail(409, 'Conflict', `pod ${name} is already assigned to node ${JSON.stringify(node)}`);
    }
    this.#place(pod, r.a as NodeId);
    // ClearingNominatedNodeNameAfterBinding, on by default.
    pods.nominatedNode[pod] = -1;
    recorder.stamp(pod, PodStamp.bound);
    fingerprint.decision(pods.serial[pod]!, r.a);
    r.code = 201;
    r.id = pod;
    this.#write(pod, Verb.modified);
  }

  patchStatus(r: ApiRequest): void {
    const { state, recorder } = this.#h;
    const { pods } = state;
    const pod = r.subject as PodId;
    if (!this.#found(r, pod)) return;
    const change = r.body as PodStatusChange;
    const before = pods.word[pod]!;
    let word = (before & ~change.clear) | change.set;
    // A pod that has ended stays ended (kubelet status_manager; the API refuses the way back).
    if (change.phase >= 0 && !isTerminal(before)) word = (word & ~PodBit.phaseMask) | change.phase;
    if (change.restarts >= 0) pods.restarts[pod] = change.restarts;
    if (change.reason >= 0) pods.reason[pod] = change.reason;
    if (change.message !== undefined) pods.messages.set(pod, change.message);
    if (change.ip !== 0) pods.ip[pod] = change.ip;
    if (change.nominatedNode !== undefined) pods.nominatedNode[pod] = change.nominatedNode;
    if (change.claimNames !== undefined) pods.claimNames.set(pod, change.claimNames);
    pods.word[pod] = word;
    if ((word ^ before) & PodBit.ready) {
      pods.readyUs[pod] = this.#h.now();
      if (word & PodBit.ready) recorder.stamp(pod, PodStamp.ready);
    }
    if (isTerminal(word) && !isTerminal(before)) {
      if (pods.node[pod]! >= 0) this.#account(pod, -1);
      pods.exitCode[pod] = change.exitCode ?? -1;
      pods.finishedUs[pod] = change.finishedUs ?? this.#h.now();
      recorder.podFinished(pod, phaseOf(word) === Phase.succeeded);
    }
    r.code = 200;
    r.id = pod;
    // A kubelet does nothing about the status of a pod, its own word mostly, as long as nothing else is to be done.
    const isNews = (word & PodBit.deleting) !== 0 || state.template(pod).ephemeral.length > 0;
    this.#log(pod, this.#h.nextRevision(), Verb.modified, null, isNews);
  }

  /** The pod leaves the template of its like for one with its own metadata. */
  patch(r: ApiRequest): void {
    const { state } = this.#h;
    const { pods } = state;
    const pod = r.subject as PodId;
    if (!this.#found(r, pod)) return;
    const { annotations, spec, metadata } = state.template(pod);
    const labels = state.labels.get(pods.labelSet[pod]!);
    const others: readonly string[] = metadata?.finalizers ?? NO_FINALIZERS;
    const isTracked = (pods.word[pod]! & PodBit.tracked) !== 0;
    const finalizers = isTracked ? [...others, JOB_TRACKING] : others;
    const before: PodMeta = { labels, annotations, finalizers, owner: pods.owner[pod]! };
    let after: PodMeta;
    try {
      after = (r.body as (meta: PodMeta) => PodMeta)(before);
    } catch (error) {
      if (error instanceof RangeError) return r.fail(422, 'Invalid', error.message);
      throw error;
    }
    r.code = 200;
    r.id = pod;
    if (after === before) return;
    const track = after.finalizers.includes(JOB_TRACKING);
    const left = after.finalizers.filter((name) => name !== JOB_TRACKING);
    // The finalizer of Jobs is the row's own: taking it away, pod by pod, makes no template.
    const sameTemplate =
      after.labels === labels && after.annotations === annotations && `${left}` === `${others}`;
    const next = sameTemplate
      ? state.template(pod)
      : state.templates.intern({
          labels: after.labels,
          annotations: after.annotations,
          spec,
          metadata: withFinalizers(metadata, left),
        });
    const labelSet = sameTemplate ? pods.labelSet[pod]! : next.labelSet;
    const sameLabels = labelSet === pods.labelSet[pod];
    const sameOwner = after.owner === before.owner;
    if (next.id === pods.template[pod] && sameLabels && sameOwner && track === isTracked) return;
    pods.template[pod] = next.id;
    pods.labelSet[pod] = labelSet;
    pods.owner[pod] = after.owner;
    if (track) pods.word[pod]! |= PodBit.tracked;
    else pods.word[pod]! &= ~PodBit.tracked;
    // The last finalizer of a pod whose time is over: the PATCH is its end (store.go deleteWithoutFinalizers).
    const over = !Number.isNaN(pods.deletionUs[pod]!) && pods.graceSeconds[pod] === 0;
    if (over && after.finalizers.length === 0) return this.#remove(pod);
    const identity: PodIdentity = { labelSet, owner: after.owner };
    this.#log(pod, this.#h.nextRevision(), Verb.modified, sameLabels && sameOwner ? null : identity);
  }

  /** One more ephemeral container (podEphemeralContainersStrategy; ValidatePodEphemeralContainersUpdate). */
  debug(r: ApiRequest): void {
    const { state } = this.#h;
    const pod = r.subject as PodId;
    if (!this.#found(r, pod)) return;
    const { labels, annotations, spec, metadata } = state.template(pod);
    const given = r.body as Json;
    const before: readonly Json[] = spec.ephemeralContainers ?? [];
    const at = `spec.ephemeralContainers[${before.length}]`;
    const names = [...(spec.initContainers ?? []), ...spec.containers].map((c: Json) => c.name);
    const problem = [...names, ...before.map((c) => c.name)].includes(given.name)
      ? `${at}.name: Duplicate value: ${JSON.stringify(given.name)}`
      : given.targetContainerName !== undefined && !names.includes(given.targetContainerName)
        ? `${at}.targetContainerName: Not found: ${JSON.stringify(given.targetContainerName)}`
        : null;
    if (problem !== null)
      return r.fail(422, 'Invalid', `Pod ${JSON.stringify(state.podName(pod))} is invalid: ${problem}`);
    const tag = String(given.image).split('@')[0]!.split('/').at(-1)!.split(':')[1];
    const policy = tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
    const container = { imagePullPolicy: policy, ...given };
    const next = state.templates.intern({
      labels,
      annotations,
      spec: { ...spec, ephemeralContainers: [...before, container] },
      metadata,
    });
    state.pods.template[pod] = next.id;
    r.code = 200;
    r.id = pod;
    this.#write(pod, Verb.modified);
  }

  /** Has finalizers: it stays, marked as deleted, until they are gone. */
  #isHeld(pod: PodId): boolean {
    const { state } = this.#h;
    if (state.pods.word[pod]! & PodBit.tracked) return true;
    return (state.template(pod).metadata?.finalizers ?? NO_FINALIZERS).length > 0;
  }

  /** Its DELETE makes two writes: no grace period is left to a pod of no node, or that has ended. */
  goesAtOnce(r: ApiRequest): boolean {
    const { pods } = this.#h.state;
    const pod = r.subject;
    if (!pods.alive(pod, r.generation)) return false;
    return r.a === 0 || pods.node[pod]! < 0 || isTerminal(pods.word[pod]!);
  }

  /**
   * Graceful deletion: podStrategy.CheckGracefulDelete and rest.BeforeDelete. A pod that goes at once is written with a
   * grace period of 0 first and removed by a second write (registry/generic/registry/store.go
   * updateForGracefulDeletionAndFinalizers, v1.36): watchers see both.
   */
  delete(r: ApiRequest): void {
    const { state, recorder } = this.#h;
    const { pods } = state;
    const pod = r.subject as PodId;
    if (r.unfinished) return this.#finishDelete(r, pod);
    if (!this.#found(r, pod)) return;
    r.code = 200;
    r.id = pod;
    const unbound = pods.node[pod]! < 0;
    let grace = r.a >= 0 ? r.a : state.template(pod).graceSeconds;
    if (unbound || isTerminal(pods.word[pod]!)) grace = 0;
    const deleting = !Number.isNaN(pods.deletionUs[pod]!);
    // A second delete may only shorten the period.
    if (deleting && grace > 0 && grace >= pods.graceSeconds[pod]!) return;
    const held = this.#isHeld(pod);
    if (held && deleting && pods.graceSeconds[pod] === grace) return;
    r.unfinished = grace === 0 && !held;
    const askedUs = deleting ? pods.deletionUs[pod]! - pods.graceSeconds[pod]! * 1_000_000 : this.#h.now();
    pods.graceSeconds[pod] = grace;
    pods.deletionUs[pod] = askedUs + grace * 1_000_000;
    pods.word[pod]! |= PodBit.deleting;
    if (!deleting) recorder.podDeleting(pod);
    this.#write(pod, Verb.modified);
  }

  #finishDelete(r: ApiRequest, pod: PodId): void {
    r.unfinished = false;
    // Another DELETE may have been faster: the pod is gone all the same.
    if (this.#h.state.pods.alive(pod, r.generation)) this.#remove(pod);
  }

  /** DELETECOLLECTION: one after the other, a write or two each; those that are gone are passed over. */
  deleteAll(r: ApiRequest): void {
    const doomed = r.body as readonly DoomedPod[];
    if (r.subject >= 0) this.#finishDelete(r, r.subject as PodId);
    else {
      const { pod, generation } = doomed[r.b]!;
      r.subject = pod;
      r.generation = generation;
      r.unfinished = false;
      this.delete(r);
      // The second write of this pod is left.
      if (r.unfinished) return;
    }
    r.code = 200;
    r.b += 1;
    r.subject = -1;
    r.unfinished = r.b < doomed.length;
  }

  /** An eviction that is allowed: the pod gets its condition by one write, then it is deleted as by DELETE. */
  evict(r: ApiRequest): void {
    const { pods } = this.#h.state;
    const pod = r.subject as PodId;
    if (!this.#found(r, pod)) return;
    r.unfinished = (pods.word[pod]! & PodBit.evicted) === 0;
    if (r.unfinished) {
      pods.word[pod]! |= PodBit.evicted;
      this.#write(pod, Verb.modified);
      return;
    }
    r.op = Op.deletePod;
    this.delete(r);
    r.code = 201;
  }

  patchNodeImages(r: ApiRequest): void {
    const { nodes, nodeLog } = this.#h.state;
    const node = r.subject;
    if (nodes.removed[node] === 1) return r.fail(404, 'NotFound', `nodes "${nodes.name[node]}" not found`);
    nodes.images[node] = r.body as readonly number[];
    const revision = this.#h.nextRevision();
    nodes.revision[node] = revision;
    nodeLog.append(revision, this.#h.now(), Verb.modified, node, 0, node, r.body);
    r.code = 200;
    r.id = node;
    this.#h.nodeLogged();
  }

  /** A bound pod's share of its node's sums; `sign` +1 or -1. */
  #account(pod: PodId, sign: 1 | -1): void {
    const { state, recorder } = this.#h;
    const { nodes } = state;
    const node = state.pods.node[pod]!;
    const template = state.template(pod);
    nodes.podCount[node]! += sign;
    nodes.cpuRequested[node]! += sign * template.cpuMilli;
    nodes.memoryRequested[node]! += sign * template.memoryBytes;
    recorder.nodeUsage(
      node,
      nodes.cpuRequested[node]!,
      nodes.memoryRequested[node]!,
      nodes.podCount[node]!,
      sign === 1 ? 1 : 0,
    );
  }

  #place(pod: PodId, node: NodeId): void {
    const { pods } = this.#h.state;
    pods.node[pod] = node;
    pods.word[pod] = (pods.word[pod]! | PodBit.scheduled) & ~(PodBit.unschedulable | PodBit.schedulerError);
    this.#account(pod, 1);
  }

  #freeName(body: PodCreation, base: number): number | null {
    const { state } = this.#h;
    const { podNames, pods, texts } = state;
    if (!body.generate) {
      const { ordinal } = body;
      if (state.findPod(body.namespace, texts.text(base) + (ordinal ?? '')) >= 0) return null;
      return ordinal === undefined ? -1 : ordinalSuffix(ordinal);
    }
    for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
      const suffix = this.#h.draw.below(this.#namePurpose, pods.created + 1, attempt, SUFFIXES);
      if (podNames.find(body.namespace, base, suffix) < 0) return suffix;
    }
    return null;
  }

  #found(r: ApiRequest, pod: number): boolean {
    if (this.#h.state.pods.alive(pod, r.generation)) return true;
    r.fail(404, 'NotFound', 'pods not found');
    return false;
  }

  #remove(pod: PodId): void {
    const { state, recorder } = this.#h;
    if (state.pods.node[pod]! >= 0 && !isTerminal(state.pods.word[pod]!)) this.#account(pod, -1);
    recorder.podGone(pod);
    state.podNames.remove(pod);
    state.pods.remove(pod);
    this.#write(pod, Verb.deleted);
    this.#h.podRemoved(pod, state.podLog.head);
  }

  #write(pod: PodId, verb: Verb): void {
    this.#log(pod, this.#h.nextRevision(), verb);
  }

  #log(
    pod: PodId,
    revision: number,
    verb: Verb,
    identity: PodIdentity | null = null,
    tellsKubelet = true,
  ): void {
    const { pods, podLog } = this.#h.state;
    assert(revision > 0, 'a write has a revision');
    pods.revision[pod] = revision;
    podLog.append(revision, this.#h.now(), verb, pod, pods.word[pod]!, pods.node[pod]!, identity);
    this.#h.podLogged(pod, tellsKubelet);
  }
}
