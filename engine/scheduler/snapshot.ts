// The scheduler without time: given what exists, what does it decide for each pending pod, one after the other, and
// why? Every plug-in's verdict on every node is kept. `kubetick place` prints it, and recorded verdicts of the real
// scheduler are compared with it.
//
// All nodes are looked at. Among equals the node whose name sorts first is taken, so that the answer is the same
// wherever it is asked. After a decision the pod counts on its node, victims of a preemption are gone at once, and the
// next pod sees that. Objects are given as a user writes them or as the API prints them; they get the API server's
// defaults and their priority here, and no other admission.
import {
  CODE_NAMES,
  Code,
  type PostFilterResult,
  type PreemptionOutcome,
  type Verdict,
} from '../contracts/scheduler.ts';
import { assert, Rng, type Stream } from '../kernel/index.ts';
import { ingestNode } from '../kinds/ingest/node.ts';
import { ingestPod, originalOf } from '../kinds/ingest/pod.ts';
import { podTemplateCompiler } from '../kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { kindOf, listKinds } from '../kinds/registry.ts';
import { ClusterState, type PodId, timestampUs } from '../state/index.ts';
import { SchedulerCache } from './cache.ts';
import { diagnose } from './diagnosis.ts';
import { Extenders } from './extenders.ts';
import { Framework, type Instance, preFilterOf, Verdicts } from './framework.ts';
import { hintsFor } from './hints/index.ts';
import type { CountedRequests, PlaceInput, Placement, PodPlacement, Rejection } from './placement.ts';
import { Attempt, isBeingPreempted, type PodFacts } from './post-filter.ts';
import { BruteSearch } from './search/brute.ts';
import { Decision } from './search/decision.ts';
import { PodCursor } from './views.ts';

/** Pods placed here started at that moment plus their index in seconds: later than whatever ran before. */
const PLACED_START = '2026-01-01T02:00:00Z';
const SECOND_US = 1_000_000;

/** The version whose rules the plug-ins follow. */
const KUBERNETES = 'v1.36.3';

const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isOver = (pod: KubeObject): boolean => {
  const phase = pod['status']?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
};

/** Decides about all pending pods of one snapshot. */
export function place(input: PlaceInput): Placement {
  return new Snapshot(input).run();
}

export class Snapshot {
  readonly state = new ClusterState(podTemplateCompiler);
  readonly cache = new SchedulerCache(this.state, () => 0);
  readonly #input: PlaceInput;
  readonly #verdicts = new Verdicts();
  readonly #instances: Instance[] = [];
  readonly #frameworks = new Map<string, Framework>();
  readonly #search: BruteSearch;
  readonly #extenders: Extenders | null;
  readonly #attempt: Attempt;
  readonly #classes: readonly KubeObject[];
  readonly #cursor = new PodCursor(this.state);
  /** When pods placed here started, µs. */
  readonly #started = new Map<number, number>();
  #revision = 0;
  #hintsLeft: number;
  readonly #hintTies: Stream;

  constructor(input: PlaceInput) {
    this.#input = input;
    this.#hintsLeft = input.hints ?? 0;
    const { cluster, pending, settings } = input;
    for (const kind of listKinds()) {
      if (kind.kind === 'Pod' || kind.kind === 'Node') continue;
      if (this.state.objects.findKind(kind.kind) !== undefined) continue;
      this.state.objects.register(kind.kind, kind.apiVersion, kind.resource, kind.namespaced);
    }
    for (const profile of settings.profiles) {
      const all = { ...profile, percentageOfNodesToScore: 100 };
      const framework = new Framework(all, this.cache, this.#verdicts, this.#instances, 100);
      this.#frameworks.set(profile.schedulerName, framework);
    }
    const rng = new Rng(1, 0);
    this.#hintTies = rng.stream('scheduler/hints');
    this.#search = new BruteSearch(this.cache, this.#verdicts, rng.stream('scheduler/ties'));
    this.#extenders =
      settings.extenders === undefined
        ? null
        : new Extenders(settings.extenders, this.cache, this.#verdicts, this.#instances, null);
    this.#search.extenders = this.#extenders;
    const facts: PodFacts = {
      startUs: (pod) => this.#startUs(pod),
      isPreempted: (pod) =>
        isBeingPreempted(this.state.pods.word[pod]!) || input.run?.preempted.has(this.#nameOf(pod)) === true,
      budgets: () => this.#objects('PodDisruptionBudget'),
    };
    const draws = rng.stream('scheduler/preemption');
    this.#attempt = new Attempt(
      this.cache,
      this.#verdicts,
      this.#search.filters,
      facts,
      draws,
      this.#extenders,
    );
    this.cache.storage.controllers = input.run === undefined;
    // What is written here is seen by the next pod.
    this.cache.devices.writeStatus = (_base, next) => void this.cache.devices.set(next);
    this.#classes = cluster.filter(({ kind }) => kind === 'PriorityClass');
    this.#load(cluster);
    this.#pending = pending.map((pod) => (isOver(pod) ? -1 : this.#row(pod)));
    for (const pod of this.#pending) {
      if (pod < 0) continue;
      const node = this.state.pods.nominatedNode[pod]!;
      if (node >= 0) this.cache.nominations.set(pod, node);
    }
  }
  /** Rows of the pending pods; -1: it has ended and does not exist for the scheduler. */
  readonly #pending: readonly number[];

  get pendingRows(): readonly number[] {
    return this.#pending;
  }

  run(): Placement {
    const { name, family } = this.#input;
    const nodes = this.#nodes();
    const pods: PodPlacement[] = [];
    this.#pending.forEach((pod, i) => {
      if (pod >= 0) pods.push(this.#decide(pod as PodId, i));
    });
    return { name, family, kubernetes: KUBERNETES, nodes, pods };
  }

  // ---- what exists ----

  #load(cluster: readonly KubeObject[]): void {
    const { objects } = this.state;
    for (const object of cluster) {
      if (object.kind !== 'Node') continue;
      const how = { name: object.metadata.name!, zone: '', hostname: false, us: 0, revision: this.#next() };
      this.cache.nodeChanged(ingestNode(this.state, object, how));
    }
    for (const object of cluster) {
      if (object.kind === 'Node' || object.kind === 'Pod') continue;
      const definition = kindOf(object.apiVersion, object.kind);
      const store = objects.findKind(object.kind);
      if (definition === undefined || store === undefined) continue;
      const stored = withDefaults(object);
      objects.create(store, stored, this.#next(), 0);
      this.cache.objects.set(stored);
      this.cache.storage.set(stored);
      this.cache.devices.set(stored);
    }
    for (const object of cluster) {
      if (object.kind !== 'Pod' || isOver(object)) continue;
      const pod = this.#row(object);
      const node = this.state.pods.node[pod]!;
      if (node >= 0) this.cache.addPod(pod, node, this.state.template(pod));
    }
  }

  #next(): number {
    this.#revision += 1;
    return this.#revision;
  }

  #objects(kind: string): KubeObject[] {
    return [...this.state.objects.kind(kind).ids.values()].map((id) => this.state.objects.get(id)!);
  }

  #row(object: KubeObject): PodId {
    const reference = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
    const namespace = object.metadata.namespace ?? 'default';
    const store = reference && this.state.objects.findKind(reference.kind);
    const owner = store ? this.state.objects.find(store.kind, namespace, reference.name) : -1;
    return ingestPod(this.state, this.#prepared(object), { owner, us: 0, revision: this.#next() });
  }

  /** The API server's defaults and the priority; a pod that has a priority keeps it. */
  #prepared(pod: KubeObject): KubeObject {
    const copy = withDefaults({ ...pod, metadata: { namespace: 'default', ...pod.metadata } });
    const { spec } = copy;
    const named = this.#classes.find(({ metadata }) => metadata.name === spec.priorityClassName);
    const chosen = spec.priorityClassName
      ? named
      : this.#classes.find((each) => each['globalDefault'] === true);
    spec.priority ??= SYSTEM_PRIORITIES[spec.priorityClassName] ?? chosen?.['value'] ?? 0;
    spec.preemptionPolicy ??= chosen?.['preemptionPolicy'] ?? 'PreemptLowerPriority';
    if (pod['status'] !== undefined) copy['status'] = pod['status'];
    return copy;
  }

  #nameOf(pod: number): string {
    return `${this.state.podNamespace(pod)}/${this.state.podName(pod)}`;
  }

  #startUs(pod: number): number {
    const here = this.#started.get(pod);
    if (here !== undefined) return here;
    const { run } = this.#input;
    if (run !== undefined) return run.started.get(this.#nameOf(pod)) ?? Number.POSITIVE_INFINITY;
    const text = originalOf(this.state, pod)?.status?.startTime;
    return text === undefined ? Number.POSITIVE_INFINITY : timestampUs(text);
  }

  // ---- decisions ----

  #decide(pod: PodId, index: number): PodPlacement {
    const { state, cache } = this;
    const template = state.template(pod);
    const cursor = this.#cursor.at(pod);
    const verdict: PodPlacement = {
      pod: `${cursor.namespace}/${cursor.name}`,
      priority: cursor.priority,
      requests: this.#requests(pod),
      result: 'ignored',
    };
    const assigned = state.pods.node[pod]!;
    if (assigned >= 0 || template.nodeName !== '') {
      verdict.result = 'assigned';
      verdict.node = assigned >= 0 ? state.nodeName(assigned) : template.nodeName;
      cache.nominations.clear(pod);
      if (assigned >= 0) this.#put(pod, assigned, index);
      return verdict;
    }
    const framework = this.#frameworks.get(template.schedulerName);
    if (framework === undefined) return verdict;
    for (const { plugin } of framework.preEnqueue) {
      const gate = plugin.preEnqueue!(cursor);
      if (gate === 0) continue;
      verdict.result = 'gated';
      verdict.gate = this.#rejection(gate);
      this.#hint(pod, verdict, framework);
      return verdict;
    }
    const decision = this.#search.select(cursor, framework, true);
    if (decision.error !== '') {
      verdict.result = 'unschedulable';
      verdict.message = decision.error;
      cache.nominations.clear(pod);
      return verdict;
    }
    this.#describe(verdict, decision, framework);
    if (decision.feasible > 0) {
      verdict.result = 'scheduled';
      verdict.node = verdict.best![0]!;
      cache.nominations.clear(pod);
      this.#bind(pod, this.#nodeNamed(verdict.node), framework, index);
      return verdict;
    }
    this.#fail(pod, verdict, decision, framework, index);
    if (verdict.result === 'unschedulable') this.#hint(pod, verdict, framework);
    return verdict;
  }

  /** What would make it fit; the cluster is as before afterwards. */
  #hint(pod: PodId, verdict: PodPlacement, framework: Framework): void {
    if (this.#hintsLeft === 0) return;
    this.#hintsLeft -= 1;
    verdict.hints = hintsFor({
      state: this.state,
      cache: this.cache,
      verdicts: this.#verdicts,
      framework,
      extenders: this.#extenders,
      ties: this.#hintTies,
      pod,
      rowOf: (object) => this.#row(object),
    });
  }

  #fail(pod: PodId, verdict: PodPlacement, d: Decision, framework: Framework, index: number): void {
    const { message } = diagnose(d, this.#verdicts, (name) => preFilterOf(framework, name));
    const nominations = this.cache.nominations;
    if (d.nodeCount === 0) {
      verdict.result = 'unschedulable';
      verdict.message = message;
      nominations.clear(pod);
      return;
    }
    const result = this.#attempt.run(framework, this.#cursor, d);
    verdict.message = result.message === '' ? message : `${message} ${result.message}`;
    if (result.code === Code.success && result.outcomes !== undefined) {
      this.#preempt(pod, verdict, result, framework, index);
      return;
    }
    verdict.result = 'unschedulable';
    if (result.message !== '') verdict.preemption = { message: result.message };
    if (result.nominate === -1) nominations.clear(pod);
  }

  #preempt(
    pod: PodId,
    verdict: PodPlacement,
    result: PostFilterResult,
    framework: Framework,
    index: number,
  ): void {
    const { cache, state } = this;
    const { nominations } = cache;
    verdict.result = 'preempting';
    const named = result
      .outcomes!.map((outcome) => ({ outcome, name: state.nodeName(outcome.node) }))
      .sort((a, b) => byCodeUnit(a.name, b.name));
    verdict.preemption = {
      outcomes: named.map(({ name, outcome }) => ({
        node: name,
        victims: outcome.victims.map((row) => this.#nameOf(row)),
      })),
    };
    const { name, outcome }: { name: string; outcome: PreemptionOutcome } = named[0]!;
    const { node, victims } = outcome;
    verdict.node = name;
    const priority = state.pods.priority[pod]!;
    for (const other of [...nominations.podsOn(node)]) {
      if (state.pods.priority[other]! < priority) nominations.clear(other);
    }
    for (const victim of victims) cache.removePod(victim);
    nominations.clear(pod);
    // As in a new attempt: PostFilter plug-ins may have changed more than the pods.
    const fits = this.#search.filters.begin(this.#cursor.at(pod), framework, new Decision());
    verdict.placed = fits && this.#search.filters.both(node) === 0;
    if (verdict.placed) this.#bind(pod, node, framework, index);
  }

  #bind(pod: PodId, node: number, framework: Framework, index: number): void {
    this.#put(pod, node, index);
    const cursor = this.#cursor.at(pod);
    for (const { plugin } of framework.reserve) plugin.reserve?.(cursor, node);
  }

  #put(pod: PodId, node: number, index: number): void {
    this.#started.set(pod, timestampUs(PLACED_START) + index * SECOND_US);
    this.cache.addPod(pod, node, this.state.template(pod));
  }

  #nodeNamed(name: string): number {
    const node = this.cache.nodeByName(name);
    assert(node >= 0, () => `no node ${name}`);
    return node;
  }

  // ---- what is told ----

  /** What filters and scores said. */
  #describe(verdict: PodPlacement, d: Decision, framework: Framework): void {
    const { state } = this;
    if (d.preFilterVerdict !== 0) {
      verdict.prefilter = this.#rejection(d.preFilterVerdict);
      return;
    }
    if (d.restrictedBy.length > 0) verdict.prefilter = { nodes: d.restrictedTo, plugins: d.restrictedBy };
    const feasible = [...d.feasibleNodes.subarray(0, d.feasible)];
    if (d.nominated) {
      verdict.nominated = true;
      verdict.feasible = [state.nodeName(feasible[0]!)];
      verdict.best = verdict.feasible;
      return;
    }
    const isFeasible = new Set(feasible);
    const examined =
      d.restrictedBy.length > 0
        ? d.restrictedTo.map((name) => this.cache.nodeByName(name)).filter((node) => node >= 0)
        : [...this.cache.nodeOrder.list().subarray(0, this.cache.nodeCount)];
    const rejected: Record<string, Rejection> = {};
    for (const node of examined) {
      if (!isFeasible.has(node) && d.verdict(node) !== 0) {
        rejected[state.nodeName(node)] = this.#rejection(d.verdict(node));
      }
    }
    if (Object.keys(rejected).length > 0) verdict.rejected = rejected;
    if (feasible.length === 0) return;
    verdict.feasible = feasible.map((node) => state.nodeName(node)).sort(byCodeUnit);
    if (d.scored > 0) this.#describeScores(verdict, d, framework, feasible);
    else verdict.best = feasible.length === 1 ? verdict.feasible : [...verdict.feasible];
  }

  #describeScores(
    verdict: PodPlacement,
    d: Decision,
    framework: Framework,
    feasible: readonly number[],
  ): void {
    const scores: Record<string, Record<string, number>> = {};
    const totals: Record<string, number> = {};
    feasible.forEach((node, i) => {
      const own: Record<string, number> = {};
      framework.score.forEach((scorer, s) => {
        if (d.scorerSkipped[s] === 0) own[scorer.name] = d.scores[s]![i]! * framework.weights[s]!;
      });
      for (const extended of d.extended) own[extended.name] = extended.scores[i]!;
      const name = this.state.nodeName(node);
      scores[name] = own;
      totals[name] = d.totals[i]!;
    });
    verdict.scores = scores;
    verdict.totals = totals;
    const most = Math.max(...Object.values(totals));
    verdict.best = Object.keys(totals)
      .filter((name) => totals[name] === most)
      .sort(byCodeUnit);
  }

  #rejection(verdict: Verdict): Rejection {
    return {
      plugin: this.#instances[this.#verdicts.instance(verdict)]!.name,
      code: CODE_NAMES[this.#verdicts.code(verdict)],
      reasons: [...this.#verdicts.reasons(verdict)].sort(byCodeUnit),
    };
  }

  #nodes(): Placement['nodes'] {
    const result: Record<string, { pods: number; requested: CountedRequests }> = {};
    const { columns, resources } = this.cache;
    for (const node of this.cache.nodeOrder.list().subarray(0, this.cache.nodeCount)) {
      const scalars: [number, number][] = [];
      for (let id = 0; id < resources.size; id++) scalars.push([id, this.cache.requested(node, id)]);
      result[this.state.nodeName(node)] = {
        pods: columns.podCount[node]!,
        requested: this.#counted(
          columns.cpuRequested[node]!,
          columns.memoryRequested[node]!,
          columns.ephemeralRequested[node]!,
          scalars,
          columns.nonZeroCpu[node]!,
          columns.nonZeroMemory[node]!,
        ),
      };
    }
    return result;
  }

  #requests(pod: number): CountedRequests {
    const t = this.state.template(pod);
    return this.#counted(
      t.cpuMilli,
      t.memoryBytes,
      t.ephemeralBytes,
      t.scalars,
      t.nonZeroCpuMilli,
      t.nonZeroMemoryBytes,
    );
  }

  #counted(
    cpu: number,
    memory: number,
    ephemeral: number,
    scalars: readonly (readonly [number, number])[],
    nonZeroCpu: number,
    nonZeroMemory: number,
  ): CountedRequests {
    const scalar: Record<string, number> = {};
    for (const [id, amount] of scalars) if (amount > 0) scalar[this.state.resources.text(id)] = amount;
    return {
      cpu,
      memory,
      ...(ephemeral > 0 ? { ephemeralStorage: ephemeral } : {}),
      ...(Object.keys(scalar).length > 0 ? { scalar } : {}),
      nonZeroCpu,
      nonZeroMemory,
    };
  }
}

/** As stored: defaults in place. Status is what the defaults of a new object would clear, so it is put back. */
function withDefaults(object: KubeObject): KubeObject {
  const copy: KubeObject = structuredClone(object);
  const { deletionTimestamp, deletionGracePeriodSeconds, ...metadata } = copy.metadata;
  const status: Json = copy['status'];
  kindOf(object.apiVersion, object.kind)?.defaults(copy);
  copy.metadata = {
    ...copy.metadata,
    ...metadata,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
  if (status === undefined) delete copy['status'];
  else copy['status'] = structuredClone(object['status']);
  return copy;
}
