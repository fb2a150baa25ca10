// Asks the extenders of the configuration: who is interested in a pod, which nodes are left, what they add to the
// totals, which preemptions they allow (pkg/scheduler/extender.go; schedule_one.go findNodesThatPassExtenders and
// prioritizeNodes; framework/preemption/preemption.go callExtenders, v1.36). Binding is in binder.ts.
//
// An answer takes the virtual time that its policy file says; one that takes longer than the extender's httpTimeout is
// an error. Extenders filter one after the other, and prioritize at the same time.
import {
  type ConfiguredExtender,
  EXTENDER_VERBS,
  type ExtendedCandidates,
  type ExtenderDefinition,
  type ExtenderVerb,
  type ExtenderVictims,
  MAX_EXTENDER_PRIORITY,
  type PreemptionCandidate,
} from '../contracts/extender.ts';
import {
  type ClusterView,
  Code,
  NODE_SCORE_MAX,
  PASS,
  type PodView,
  type Verdict,
} from '../contracts/scheduler.ts';
import type { Durations, Sampler } from '../kernel/index.ts';
import type { Framework, Instance, Verdicts } from './framework.ts';
import type { Decision } from './search/decision.ts';
import { NodeCursor, type PodCursor } from './views.ts';

/** Points of an extender in points of a plug-in. */
const SCALE = NODE_SCORE_MAX / MAX_EXTENDER_PRIORITY;

/** What asking reads of the cache. */
export interface ExtendedCluster extends ClusterView {
  podCursor(): PodCursor;
}

/** An extender of the configuration, ready to be asked. */
export interface Asked {
  readonly config: ConfiguredExtender;
  readonly definition: ExtenderDefinition;
  /** Its rejections carry it, as those of a plug-in would. */
  readonly instance: number;
  /** A node that it dropped without a word. */
  readonly dropped: Verdict;
  /** null: no time passes. */
  readonly latency: Readonly<Record<ExtenderVerb, Sampler>> | null;
}

export class Extenders {
  readonly #all: readonly Asked[];
  readonly cluster: ExtendedCluster;
  readonly #verdicts: Verdicts;
  /** By template id. */
  readonly #interested: (readonly Asked[] | undefined)[] = [];
  readonly #nodes: NodeCursor[] = [];
  readonly #other: PodCursor;
  readonly #kept = new Set<number>();
  /** Some extender filters or prioritizes, so that one feasible node is not as good as another. */
  readonly areChoosing: boolean;
  #serial = 0;
  #attempt = 0;
  #filterings = 0;
  /** Time that answers took in this attempt, µs. */
  spentUs = 0;

  /** @param durations null: no time passes */
  constructor(
    configured: readonly ConfiguredExtender[],
    cluster: ExtendedCluster,
    verdicts: Verdicts,
    instances: Instance[],
    durations: Durations | null,
  ) {
    this.cluster = cluster;
    this.#verdicts = verdicts;
    this.#other = cluster.podCursor();
    this.areChoosing = configured.some(({ verbs }) => verbs.filter !== '' || verbs.prioritize !== '');
    this.#all = configured.flatMap((config) => {
      const { definition, urlPrefix } = config;
      if (definition === null) return [];
      const index = instances.length;
      // No events: whatever happens may help, because an extender cannot say what it waits for.
      instances.push({
        index,
        name: urlPrefix,
        plugin: { locality: 'global', reads: 0, filter: () => PASS },
      });
      const sampler = (verb: ExtenderVerb): Sampler =>
        durations!.sampler(`extender/${urlPrefix}/${verb}`, definition.latency[verb]);
      const latency =
        durations === null
          ? null
          : (Object.fromEntries(EXTENDER_VERBS.map((verb) => [verb, sampler(verb)])) as Record<
              ExtenderVerb,
              Sampler
            >);
      const dropped = verdicts.register(index, Code.unschedulableAndUnresolvable, []);
      return [{ config, definition, instance: index, dropped, latency }];
    });
  }

  /** An attempt begins. `serial` and `attempt` name the draws of its latencies. */
  begin(serial: number, attempt: number): void {
    this.#serial = serial;
    this.#attempt = attempt;
    this.#filterings = 0;
    this.spentUs = 0;
  }

  /** Extenders that are asked about the pod: their managedResources stand in its containers, or they have none. */
  interested(pod: PodView): readonly Asked[] {
    const { id, spec } = pod.template;
    let asked = this.#interested[id];
    if (asked === undefined) {
      const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
      const resources = new Set<string>();
      for (const container of containers) {
        for (const name of Object.keys(container.resources?.requests ?? {})) resources.add(name);
        for (const name of Object.keys(container.resources?.limits ?? {})) resources.add(name);
      }
      asked = this.#all.filter(
        ({ config: { managedResources } }) =>
          managedResources.length === 0 || managedResources.some((name) => resources.has(name)),
      );
      this.#interested[id] = asked;
    }
    return asked;
  }

  /** Whether an attempt for the pod is no matter of plug-ins alone. */
  take(pod: PodView, framework: Framework): boolean {
    return framework.score.length === 0 || this.interested(pod).length > 0;
  }

  /** Leaves the nodes that all interested extenders let pass, or none and an error. */
  filter(pod: PodCursor, d: Decision): void {
    this.#filterings += 1;
    for (const asked of this.interested(pod)) {
      if (d.feasible === 0) return;
      if (asked.config.verbs.filter === '') continue;
      const error = this.#filter(asked, pod, d);
      if (error === '' || asked.config.ignorable) continue;
      d.error = error;
      d.feasible = 0;
      return;
    }
  }

  #filter(asked: Asked, pod: PodCursor, d: Decision): string {
    const { urlPrefix } = asked.config;
    const call = this.time(asked, 'filter', 2 * this.#attempt + this.#filterings - 1);
    this.spentUs += call.us;
    if (call.error !== '') return call.error;
    const cluster = this.cluster;
    const answer = asked.definition.serves.filter!(pod, this.#views(d), cluster);
    if (answer.error !== undefined) return answer.error;
    const { failed = {}, failedAndUnresolvable = {} } = answer;
    const given = d.feasibleNodes.slice(0, d.feasible);
    const kept = this.#kept;
    kept.clear();
    if (answer.nodes === undefined) {
      for (const node of given) {
        const name = cluster.nodeName(node);
        if (failed[name] === undefined && failedAndUnresolvable[name] === undefined) kept.add(node);
      }
    } else {
      const input = new Set(given);
      for (const name of answer.nodes) {
        const node = cluster.nodeByName(name);
        if (!input.has(node))
          return `extender ${JSON.stringify(urlPrefix)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`;
        kept.add(node);
      }
    }
    for (const node of given) {
      if (kept.has(node)) continue;
      const name = cluster.nodeName(node);
      const last = failedAndUnresolvable[name];
      const reason = last ?? failed[name];
      const code = last === undefined ? Code.unschedulable : Code.unschedulableAndUnresolvable;
      d.verdicts[node] =
        reason === undefined ? asked.dropped : this.#verdicts.register(asked.instance, code, [reason]);
    }
    let feasible = 0;
    for (const node of kept) d.feasibleNodes[feasible++] = node;
    d.feasible = feasible;
    return '';
  }

  /** Adds the points of extenders to the totals. Errors add nothing. */
  prioritize(pod: PodCursor, d: Decision): void {
    let slowestUs = 0;
    for (const asked of this.interested(pod)) {
      const { config, definition } = asked;
      if (config.verbs.prioritize === '') continue;
      const call = this.time(asked, 'prioritize', this.#attempt);
      slowestUs = Math.max(slowestUs, call.us);
      if (call.error !== '') continue;
      const points = definition.serves.prioritize!(pod, this.#views(d), this.cluster);
      if (typeof points['error'] === 'string') continue;
      const scores = new Int32Array(d.feasible);
      for (let i = 0; i < d.feasible; i++) {
        const own = (points as Record<string, number>)[this.cluster.nodeName(d.feasibleNodes[i]!)] ?? 0;
        scores[i] = own * config.weight * SCALE;
        d.totals[i]! += scores[i]!;
      }
      d.extended.push({ name: config.urlPrefix, scores, chosen: 0 });
    }
    this.spentUs += slowestUs;
  }

  /** What extenders leave of the nodes where preemption would make room; null: none is asked. */
  preempt(pod: PodView, candidates: readonly PreemptionCandidate[]): ExtendedCandidates | null {
    const asked = this.interested(pod).filter(({ config }) => config.verbs.preempt !== '');
    if (asked.length === 0 || candidates.length === 0) return null;
    let left = candidates;
    for (const each of asked) {
      const answer = this.#preempt(each, pod, left);
      if ('error' in answer) {
        if (each.config.ignorable) continue;
        return answer;
      }
      left = answer;
      if (left.length === 0) break;
    }
    return left;
  }

  #preempt(asked: Asked, pod: PodView, candidates: readonly PreemptionCandidate[]): ExtendedCandidates {
    const { config, definition } = asked;
    const call = this.time(asked, 'preempt', this.#attempt);
    this.spentUs += call.us;
    if (call.error !== '') return { error: call.error };
    const cluster = this.cluster;
    const victims: Record<string, ExtenderVictims> = {};
    for (const { node, victims: rows, violations } of candidates) {
      const pods = rows.map((row) => {
        const { uid, namespace, name, priority } = this.#other.at(row);
        return { uid, namespace, name, priority };
      });
      victims[cluster.nodeName(node)] = { pods, numPDBViolations: violations };
    }
    const answer = definition.serves.preempt!(pod, victims, cluster);
    if (typeof answer['error'] === 'string') return { error: answer['error'] };
    const left: PreemptionCandidate[] = [];
    for (const [name, meta] of Object.entries(answer)) {
      const node = cluster.nodeByName(name);
      if (node < 0) return { error: `nodeinfo not found for node name ${JSON.stringify(name)}` };
      const rows: number[] = [];
      for (const uid of meta.pods) {
        const row = cluster.podsOn(node).find((each) => this.#other.at(each).uid === uid);
        if (row === undefined)
          return {
            error: `extender: ${config.urlPrefix} claims to preempt pod (UID: ${uid}) on node: ${name}, but the pod is not found on that node`,
          };
        rows.push(row);
      }
      if (rows.length > 0) left.push({ node, victims: rows, violations: meta.numPDBViolations ?? 0 });
      else if (!config.ignorable)
        return { error: `expected at least one victim pod on node ${JSON.stringify(name)}` };
    }
    return left;
  }

  /** The extender that binds the pod, null: the bind plug-ins do. */
  binder(pod: PodView): Asked | null {
    return this.interested(pod).find(({ config }) => config.verbs.bind !== '') ?? null;
  }

  /** How long the answer takes, and the error if that is too long. `k` names the draw. */
  time({ config, latency }: Asked, verb: ExtenderVerb, k = this.#attempt): { us: number; error: string } {
    const us = latency?.[verb](this.#serial, k) ?? 0;
    if (us <= config.timeoutUs) return { us, error: '' };
    const url = `${config.urlPrefix.replace(/\/+$/, '')}/${config.verbs[verb]}`;
    return {
      us: config.timeoutUs,
      error: `Post ${JSON.stringify(url)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    };
  }

  #views(d: Decision): readonly NodeCursor[] {
    while (this.#nodes.length < d.feasible) this.#nodes.push(new NodeCursor(this.cluster));
    const views = this.#nodes.slice(0, d.feasible);
    views.forEach((view, i) => {
      view.at(d.feasibleNodes[i]!);
    });
    return views;
  }
}
