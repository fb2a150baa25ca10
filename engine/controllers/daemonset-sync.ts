// What one sync of a DaemonSet does to its pods: nodes without one get one, pods that have ended, are too many or out
// of place go, and a rolling update replaces old ones within maxUnavailable or maxSurge (manage, podsShouldBeOnNode,
// syncNodes and rollingUpdate of pkg/controller/daemon, v1.36).
import type { Calls, ControllerContext, Reply, SeenObject, Steps } from '../contracts/controller.ts';
import { withoutRequired } from '../kinds/ingest/pinned-node.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { Phase, PodBit, phaseOf } from '../state/index.ts';
import { type Fleet, Roll } from './daemonset-fleet.ts';
import { daemonTolerations } from './daemonset-placement.ts';
import { GENERATION_LABEL, HASH_LABEL, templateGeneration } from './daemonset-revisions.ts';
import type { Expectations } from './expectations.ts';
import { isReady } from './pod-view.ts';
import { isNamespaceTerminating, RequestFailed } from './request-failed.ts';

/** BurstReplicas: pods created, and deleted, in one go at most. */
const BURST_REPLICAS = 250;
/** Back-off for a node whose pods fail (cmd/kube-controller-manager/app/apps.go). */
const BACKOFF_BASE_US = 1_000_000;
const BACKOFF_MAX_US = 15 * 60 * 1_000_000;

/** How soon a failed pod may be replaced, by set, generation and node (client-go util/flowcontrol Backoff). */
export class FailedPodsBackoff {
  readonly #entries = new Map<string, { us: number; sinceUs: number }>();

  /** µs that the key waits for, if it does now; else it is counted on, and null. */
  next(key: string, nowUs: number): number | null {
    const known = this.#entries.get(key);
    if (known === undefined || nowUs - known.sinceUs > 2 * BACKOFF_MAX_US) {
      this.#entries.set(key, { us: BACKOFF_BASE_US, sinceUs: nowUs });
      return null;
    }
    if (nowUs - known.sinceUs < known.us) return known.us;
    known.us = Math.min(2 * known.us, BACKOFF_MAX_US);
    known.sinceUs = nowUs;
    return null;
  }
}

export interface DaemonTools {
  readonly ctx: ControllerContext;
  readonly calls: Calls;
  readonly expectations: Expectations;
  readonly backoff: FailedPodsBackoff;
  /** 0 .. n-1, drawn. */
  readonly below: (n: number) => number;
  /**
   * Drawn: whether the last batch's answers have overtaken the watch, so that the sync goes on without its pods. Both take
   * the same way at the same time; the recorded syncs had not seen them in 16 of 30 cases.
   */
  readonly isOvertaken: () => boolean;
}

/** By the set's template and generation: the template of its pods. */
const templates = new WeakMap<object, Map<string, Json>>();

/** CreatePodTemplate: labels of the revision, tolerations, and no required affinity: each pod has its node instead. */
function podTemplate(set: KubeObject, hash: string): Json {
  const { template } = set['spec'];
  const generation = templateGeneration(set);
  let known = templates.get(template);
  if (known === undefined) {
    known = new Map();
    templates.set(template, known);
  }
  const key = `${generation} ${hash}`;
  let made = known.get(key);
  if (made === undefined) {
    const labels = {
      ...template.metadata?.labels,
      ...(hash === '' ? {} : { [HASH_LABEL]: hash }),
      ...(generation === '' ? {} : { [GENERATION_LABEL]: generation }),
    };
    const spec = { ...withoutRequired(template.spec), tolerations: daemonTolerations(template.spec) };
    made = { metadata: { ...template.metadata, labels }, spec };
    known.set(key, made);
  }
  return made;
}

export class DaemonSetSync {
  readonly #t: DaemonTools;
  readonly #seen: SeenObject;
  readonly #set: KubeObject;
  readonly #hash: string;
  readonly #fleet: Fleet;

  constructor(tools: DaemonTools, seen: SeenObject, set: KubeObject, hash: string, fleet: Fleet) {
    this.#t = tools;
    this.#seen = seen;
    this.#set = set;
    this.#hash = hash;
    this.#fleet = fleet;
  }

  /** Pods where they are missing, and none where they are not wanted. */
  *manage(): Steps<void> {
    const { attention, strays } = this.#fleet;
    const needing: number[] = [];
    const deleting: number[] = [];
    for (const node of attention.sample(attention.size, this.#t.below)) this.#settle(node, needing, deleting);
    const { pods } = this.#t.ctx;
    for (const pod of strays) if ((pods.word(pod) & PodBit.deleting) === 0) deleting.push(pod);
    yield* this.#syncNodes(deleting, needing);
  }

  #settle(node: number, needing: number[], deleting: number[]): void {
    const { pods } = this.#t.ctx;
    const fleet = this.#fleet;
    const list = fleet.podsOf(node);
    const { shouldRun, shouldContinue } = fleet.placement(node);
    if (shouldRun && list.length === 0) {
      needing.push(node);
      return;
    }
    const standing = list.filter((pod) => (pods.word(pod) & PodBit.deleting) === 0);
    if (!shouldContinue) {
      deleting.push(...standing);
      return;
    }
    const running = standing.filter((pod) => !this.#hasEnded(pod, node, deleting));
    if (!fleet.surges) {
      deleting.push(...fleet.oldestFirst(running).slice(1));
    } else if (running.length === 0) {
      if (shouldRun) needing.push(node);
    } else if (running.length > 1) this.#prunePair(running, deleting);
  }

  /** A pod that has ended goes, a failed one not more often than its node's back-off allows. */
  #hasEnded(pod: number, node: number, deleting: number[]): boolean {
    const { ctx, backoff } = this.#t;
    const phase = phaseOf(ctx.pods.word(pod));
    if (phase !== Phase.failed && phase !== Phase.succeeded) return false;
    const { state, kernel } = ctx.run;
    const name = `${this.#seen.namespace}/${state.podName(pod)} on node ${state.nodeName(node)}`;
    if (phase === Phase.failed) {
      const generation = this.#set['status']?.observedGeneration ?? 0;
      const key = `${this.#set.metadata.uid}/${generation}/${state.nodeName(node)}`;
      const waitUs = backoff.next(key, kernel.now);
      if (waitUs !== null) {
        ctx.queue.addAfter(this.#seen.key, waitUs);
        return true;
      }
      this.#event('Warning', 'FailedDaemonPod', `Found failed daemon pod ${name}, will try to kill it`);
    } else {
      this.#event(
        'Normal',
        'SucceededDaemonPod',
        `Found succeeded daemon pod ${name}, will try to delete it`,
      );
    }
    deleting.push(pod);
    return true;
  }

  /** Surge: an old and a new pod may stand side by side until the new one is available or the old one is not ready. */
  #prunePair(running: readonly number[], deleting: number[]): void {
    const { pods, run } = this.#t.ctx;
    const fleet = this.#fleet;
    let fresh = -1;
    let old = -1;
    for (const pod of fleet.oldestFirst(running)) {
      const isFresh = run.state.labels.get(pods.labelSet(pod))[HASH_LABEL] === this.#hash;
      if (isFresh && fresh < 0) fresh = pod;
      else if (!isFresh && old < 0) old = pod;
      else deleting.push(pod);
    }
    if (fresh >= 0 && old >= 0 && (!isReady(pods.word(old)) || fleet.isAvailable(fresh))) deleting.push(old);
  }

  /** One step of a rolling update. */
  *roll(): Steps<void> {
    const { maxSurge, maxUnavailable } = this.#fleet.limits();
    if (maxSurge === 0) yield* this.#replace(maxUnavailable);
    else yield* this.#surge(maxSurge);
  }

  #oldOn(nodes: readonly number[]): number[] {
    return nodes.map((node) => this.#fleet.pairOn(node)!.old);
  }

  /** Old pods go, those that are not available first; the next sync creates the new ones. */
  *#replace(maxUnavailable: number): Steps<void> {
    const fleet = this.#fleet;
    const broken = fleet.nodesTo(Roll.broken);
    const candidates = fleet.nodesTo(Roll.candidate);
    const unavailable = fleet.nodesTo(Roll.busy).size + broken.size;
    const room = Math.max(0, maxUnavailable - unavailable);
    const nodes = [
      ...broken.sample(broken.size, this.#t.below),
      ...(room > 0 ? candidates.sample(room, this.#t.below) : []),
    ];
    yield* this.#syncNodes(this.#oldOn(nodes), []);
  }

  /** New pods come first; old ones go when they are available. */
  *#surge(maxSurge: number): Steps<void> {
    const fleet = this.#fleet;
    const { below } = this.#t;
    const lost = fleet.nodesTo(Roll.lost);
    if (lost.size > 0) {
      const message = `couldn't get node for nodeName "${this.#t.ctx.run.state.nodeName(lost.at(0))}"`;
      throw new RequestFailed({ code: 404, reason: 'NotFound', message, id: -1, object: null, revision: 0 });
    }
    const outdated = fleet.nodesTo(Roll.outdated);
    const misplaced = fleet.nodesTo(Roll.misplaced);
    const broken = fleet.nodesTo(Roll.broken);
    const candidates = fleet.nodesTo(Roll.candidate);
    // A pod that should be elsewhere stays until there is one more available than asked for.
    const spare = Math.max(0, fleet.served - fleet.counts.desired);
    const room = Math.max(0, maxSurge - fleet.nodesTo(Roll.busy).size);
    yield* this.#syncNodes(
      this.#oldOn([...outdated.sample(outdated.size, below), ...misplaced.sample(spare, below)]),
      [...broken.sample(broken.size, below), ...(room > 0 ? candidates.sample(room, below) : [])],
    );
  }

  /** Creates in batches of 1, 2, 4 … that stop at the first failure, then deletes, all at once. */
  *#syncNodes(deleting: readonly number[], nodes: readonly number[]): Steps<void> {
    const { ctx, expectations } = this.#t;
    const { key } = this.#seen;
    const create = Math.min(nodes.length, BURST_REPLICAS);
    const doomed = deleting.slice(0, BURST_REPLICAS);
    const serials = doomed.map((pod) => ctx.pods.table.serial[pod]!);
    expectations.expect(key, create, serials, ctx.run.kernel.now);
    let failure: Reply | null = null;
    if (create > 0) failure = yield* this.#createPods(nodes.slice(0, create));
    if (doomed.length > 0) {
      const refused = yield* this.#deletePods(doomed);
      failure ??= refused;
    }
    if (failure !== null) throw new RequestFailed(failure);
  }

  *#createPods(nodes: readonly number[]): Steps<Reply | null> {
    const { ctx, calls, expectations } = this.#t;
    const { state, recorder, api } = ctx.run;
    const { kind, namespace, name, key, id } = this.#seen;
    if (recorder.tracer.enabled) {
      const names = nodes.map((node) => state.nodeName(node)).join(', ');
      recorder.tracer.hop(ctx.client.name, kind, namespace, name, `creating pods on ${names}`);
    }
    const base = {
      template: api.podTemplate(namespace, podTemplate(this.#set, this.#hash)),
      namespace: state.texts.id(namespace),
      owner: id,
      nameBase: state.texts.id(`${name}-`),
      generate: true,
      runUs: Number.NaN,
    };
    let tried = 0;
    let failure: Reply | null = null;
    let made = new Set<number>();
    for (let batch = 1; tried < nodes.length && failure === null; batch *= 2) {
      const size = Math.min(batch, nodes.length - tried);
      made = new Set();
      calls.each = (reply) => {
        if (reply.code < 400) {
          made.add(reply.id);
          const podName = state.podName(reply.id);
          if (recorder.tracer.enabled) recorder.tracer.link('Pod', namespace, podName, kind, namespace, name);
          this.#event('Normal', 'SuccessfulCreate', `Created pod: ${podName}`);
          return;
        }
        // A namespace that is going away takes no pods; trying again would not help.
        if (isNamespaceTerminating(reply.code, reply.message)) return;
        expectations.creationObserved(key);
        failure ??= reply;
        this.#event('Warning', 'FailedCreate', `Error creating: ${reply.message}`);
      };
      const create = (i: number) =>
        calls.createPod({ ...base, pinned: state.texts.id(state.nodeName(nodes[i]!)) });
      for (let i = tried; i < tried + size - 1; i++) create(i);
      yield create(tried + size - 1);
      tried += size;
    }
    if (tried < nodes.length) expectations.creationObserved(key, nodes.length - tried);
    if (made.size > 0 && this.#t.isOvertaken()) this.#fleet.overlook(made);
    return failure;
  }

  *#deletePods(doomed: readonly number[]): Steps<Reply | null> {
    const { ctx, calls, expectations } = this.#t;
    const { table } = ctx.pods;
    const { state, recorder } = ctx.run;
    const { kind, namespace, name, key } = this.#seen;
    const names = doomed.map((pod) => state.podName(pod));
    const serials = doomed.map((pod) => table.serial[pod]!);
    if (recorder.tracer.enabled)
      recorder.tracer.hop(ctx.client.name, kind, namespace, name, `deleting ${names.join(', ')}`);
    let failure: Reply | null = null;
    calls.each = (reply, i) => {
      if (reply.code < 400) {
        this.#event('Normal', 'SuccessfulDelete', `Deleted pod: ${names[i]}`);
        return;
      }
      expectations.deletionObserved(key, serials[i]!);
      if (reply.code === 404) return;
      failure ??= reply;
      this.#event('Warning', 'FailedDelete', `Error deleting: ${reply.message}`);
    };
    const last = doomed.length - 1;
    const remove = (i: number) => calls.deletePod(doomed[i]!, table.generation[doomed[i]!]!, -1, i);
    for (let i = 0; i < last; i++) remove(i);
    yield remove(last);
    return failure;
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { kind, namespace, name } = this.#seen;
    this.#t.ctx.client.event(type, reason, kind, namespace, name, message);
  }
}
