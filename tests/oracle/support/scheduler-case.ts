// Turns a recorded scheduling case into the scheduler's cache, asks the plain search about each pending pod in order,
// applies each decision, and writes what was found in the form of the recorded verdicts.
import { CODE_NAMES, type PluginRegistry } from '../../../engine/contracts/scheduler.ts';
import { Rng } from '../../../engine/kernel/index.ts';
import { ingestNode } from '../../../engine/kinds/ingest/node.ts';
import { podTemplateCompiler } from '../../../engine/kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { quantityMilli } from '../../../engine/kinds/quantity.ts';
import { kindOf } from '../../../engine/kinds/registry.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { diagnose } from '../../../engine/scheduler/diagnosis.ts';
import { Framework, type Instance, Verdicts } from '../../../engine/scheduler/framework.ts';
import { loadProfiles } from '../../../engine/scheduler/profiles.ts';
import { BruteSearch } from '../../../engine/scheduler/search/brute.ts';
import { PodCursor } from '../../../engine/scheduler/views.ts';
import { ClusterState, PodBit, type PodId } from '../../../engine/state/index.ts';

export interface SchedulingCase {
  readonly name: string;
  readonly family: string;
  readonly scheduler: KubeObject;
  readonly cluster: { readonly items: readonly KubeObject[] };
  readonly pending: { readonly items: readonly KubeObject[] };
}

export interface Rejection {
  plugin: string;
  code: string;
  reasons: string[];
}

/** A verdict as recorded; our own holds the same fields as far as the plug-ins in scope can tell. */
export interface PodVerdict {
  pod: string;
  priority: number;
  requests: Json;
  result: string;
  gate?: Rejection;
  prefilter?: Json;
  rejected?: Record<string, Rejection>;
  feasible?: string[];
  scores?: Record<string, Record<string, number>>;
  totals?: Record<string, number>;
  best?: string[];
  nominated?: boolean;
  node?: string;
  placed?: boolean;
  preemption?: Json;
  message?: string;
}

const SYSTEM_PRIORITIES: Record<string, number> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** The API server's defaults and the Priority admission plug-in; nothing else ran when the verdicts were taken. */
function prepared(pod: KubeObject, classes: readonly KubeObject[]): KubeObject {
  const copy: KubeObject = structuredClone({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: pod.metadata,
    spec: pod.spec,
  });
  kindOf('v1', 'Pod')!.defaults(copy);
  const { spec } = copy;
  const own = classes.find(({ metadata }) => metadata.name === spec.priorityClassName);
  const chosen = spec.priorityClassName ? own : classes.find((each) => each.globalDefault === true);
  spec.priority ??= SYSTEM_PRIORITIES[spec.priorityClassName] ?? chosen?.value ?? 0;
  spec.preemptionPolicy ??= chosen?.preemptionPolicy ?? 'PreemptLowerPriority';
  return copy;
}

/**
 * A resize under way: a running container holds the largest of what it asks, was allocated and has, per resource; what
 * it asks does not count while the resize is infeasible (component-helpers/resource/helpers.go, v1.36).
 */
function withResizes(pod: KubeObject, status: Json): KubeObject {
  const isInfeasible = (status?.conditions ?? []).some(
    (c: Json) => c.type === 'PodResizePending' && c.reason === 'Infeasible',
  );
  const statuses: Json[] = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  for (const container of [...pod['spec'].containers, ...(pod['spec'].initContainers ?? [])]) {
    const own = statuses.find(({ name }) => name === container.name);
    if (own?.allocatedResources === undefined && own?.resources === undefined) continue;
    const lists: Json[] = [own.allocatedResources, own.resources?.requests];
    if (!isInfeasible) lists.push(container.resources?.requests);
    const largest: Record<string, string> = {};
    for (const list of lists) {
      for (const [name, quantity] of Object.entries<string>(list ?? {})) {
        if (quantityMilli(quantity) >= quantityMilli(largest[name] ?? '0')) largest[name] = quantity;
      }
    }
    container.resources = { ...container.resources, requests: largest };
  }
  return pod;
}

export class CaseRun {
  readonly state = new ClusterState(podTemplateCompiler);
  readonly cache = new SchedulerCache(this.state, () => 0);
  readonly verdicts = new Verdicts();
  readonly instances: Instance[] = [];
  readonly frameworks = new Map<string, Framework>();
  readonly search: BruteSearch;
  readonly #classes: readonly KubeObject[];
  readonly #cursor = new PodCursor(this.state);

  constructor(source: SchedulingCase, registry: PluginRegistry) {
    const loaded = loadProfiles(source.scheduler, registry);
    if ('problems' in loaded) throw new Error(`${source.name}: ${JSON.stringify(loaded.problems)}`);
    for (const profile of loaded.settings.profiles) {
      const framework = new Framework(profile, this.cache, this.verdicts, this.instances, 100);
      this.frameworks.set(profile.schedulerName, framework);
    }
    this.search = new BruteSearch(this.cache, this.verdicts, new Rng(1, 0).stream('scheduler/ties'));
    const { items } = source.cluster;
    this.#classes = items.filter(({ kind }) => kind === 'PriorityClass');
    for (const object of items) {
      if (object.kind !== 'Node') continue;
      const how = { name: object.metadata.name!, zone: '', hostname: false, us: 0, revision: 1 };
      this.cache.nodeChanged(ingestNode(this.state, object, how));
    }
    for (const object of items) {
      const phase = object['status']?.phase;
      if (object.kind !== 'Pod' || phase === 'Succeeded' || phase === 'Failed') continue;
      const node = this.state.nodes.find(object['spec'].nodeName ?? '');
      if (node >= 0)
        this.cache.addPod(this.#row(object), node, this.state.template(this.state.pods.used - 1));
    }
  }

  /** What each node counts before the first pod. */
  nodes(): Record<string, Json> {
    const result: Record<string, Json> = {};
    const { columns, resources } = this.cache;
    for (const node of this.cache.nodeOrder.list()) {
      const scalar: Record<string, number> = {};
      for (let id = 0; id < resources.size; id++) {
        const amount = this.cache.requested(node, id);
        if (amount > 0) scalar[resources.text(id)] = amount;
      }
      result[this.state.nodeName(node)] = {
        pods: columns.podCount[node],
        requested: {
          cpu: columns.cpuRequested[node],
          memory: columns.memoryRequested[node],
          ...(columns.ephemeralRequested[node]! > 0
            ? { ephemeralStorage: columns.ephemeralRequested[node] }
            : {}),
          ...(Object.keys(scalar).length > 0 ? { scalar } : {}),
          nonZeroCpu: columns.nonZeroCpu[node],
          nonZeroMemory: columns.nonZeroMemory[node],
        },
      };
    }
    return result;
  }

  /**
   * One attempt. The pod then counts where `recorded` put it, so that one difference does not become many; where the
   * recorded scheduler evicted pods to make room, the victims go too.
   */
  decide(object: KubeObject, recorded: PodVerdict): PodVerdict {
    const pod = this.#row(object);
    const template = this.state.template(pod);
    const verdict: PodVerdict = {
      pod: `${object.metadata.namespace}/${object.metadata.name}`,
      priority: template.priority,
      requests: this.#requests(pod),
      result: 'ignored',
    };
    const framework = this.frameworks.get(template.schedulerName);
    if (template.nodeName !== '') {
      verdict.result = 'assigned';
      verdict.node = template.nodeName;
    } else if (framework !== undefined) this.#attempt(pod, framework, verdict);
    for (const victim of recorded.preemption?.outcomes?.[0]?.victims ?? []) {
      const [namespace, name] = victim.split('/');
      const row = this.state.podNames.find(this.state.texts.id(namespace), this.state.texts.id(name), -1);
      this.cache.removePod(row);
    }
    if (recorded.node !== undefined && recorded.placed !== false) {
      this.cache.addPod(pod, this.state.nodes.find(recorded.node) as number, template);
    }
    return verdict;
  }

  #attempt(pod: PodId, framework: Framework, verdict: PodVerdict): void {
    const cursor = this.#cursor.at(pod);
    for (const { plugin } of framework.preEnqueue) {
      const gate = plugin.preEnqueue!(cursor);
      if (gate === 0) continue;
      verdict.result = 'gated';
      verdict.gate = this.#rejection(gate);
      return;
    }
    const decision = this.search.select(cursor, framework);
    if (decision.preFilterVerdict !== 0) verdict.prefilter = this.#rejection(decision.preFilterVerdict);
    else if (decision.restrictedBy.length > 0) {
      verdict.prefilter = { nodes: decision.restrictedTo, plugins: decision.restrictedBy };
    }
    const feasible = new Set(decision.feasibleNodes.subarray(0, decision.feasible));
    const examined =
      decision.restrictedBy.length > 0
        ? decision.restrictedTo.map((name) => this.cache.nodeByName(name)).filter((node) => node >= 0)
        : [...this.cache.nodeOrder.list()];
    const rejected: Record<string, Rejection> = {};
    if (decision.preFilterVerdict === 0) {
      for (const node of examined) {
        // A profile without scorers stops at the first feasible node.
        if (!feasible.has(node) && decision.verdict(node) !== 0)
          rejected[this.state.nodeName(node)] = this.#rejection(decision.verdict(node));
      }
    }
    if (Object.keys(rejected).length > 0) verdict.rejected = rejected;
    if (decision.feasible === 0) {
      verdict.result = 'unschedulable';
      verdict.message = diagnose(decision, this.verdicts, (name) => {
        return framework.preFilter.find((each) => each.name === name)!.index;
      }).message;
      return;
    }
    verdict.result = 'scheduled';
    verdict.feasible = [...feasible].map((node) => this.state.nodeName(node)).sort();
    if (decision.feasible === 1) {
      verdict.best = verdict.feasible;
      verdict.node = verdict.feasible[0]!;
      return;
    }
    const scores: Record<string, Record<string, number>> = {};
    const totals: Record<string, number> = {};
    for (let i = 0; i < decision.feasible; i++) {
      const name = this.state.nodeName(decision.feasibleNodes[i]!);
      scores[name] = {};
      framework.score.forEach((scorer, s) => {
        if (decision.scorerSkipped[s] === 0)
          scores[name]![scorer.name] = decision.scores[s]![i]! * framework.weights[s]!;
      });
      totals[name] = decision.totals[i]!;
    }
    verdict.scores = scores;
    verdict.totals = totals;
    const most = Math.max(...Object.values(totals));
    verdict.best = Object.keys(totals)
      .filter((name) => totals[name] === most)
      .sort();
    verdict.node = verdict.best[0]!;
    if (!verdict.best.includes(this.state.nodeName(decision.node)) || decision.ties !== verdict.best.length) {
      throw new Error(`the search chose ${this.state.nodeName(decision.node)}, which is not among the best`);
    }
  }

  #rejection(verdict: number): Rejection {
    return {
      plugin: this.instances[this.verdicts.instance(verdict)]!.name,
      code: CODE_NAMES[this.verdicts.code(verdict)],
      reasons: [...this.verdicts.reasons(verdict)].sort(),
    };
  }

  #requests(pod: number): Json {
    const t = this.state.template(pod);
    const scalar: Record<string, number> = {};
    for (const [id, amount] of t.scalars) if (amount > 0) scalar[this.state.resources.text(id)] = amount;
    return {
      cpu: t.cpuMilli,
      memory: t.memoryBytes,
      ...(t.ephemeralBytes > 0 ? { ephemeralStorage: t.ephemeralBytes } : {}),
      ...(Object.keys(scalar).length > 0 ? { scalar } : {}),
      nonZeroCpu: t.nonZeroCpuMilli,
      nonZeroMemory: t.nonZeroMemoryBytes,
    };
  }

  #row(object: KubeObject): PodId {
    const { state } = this;
    const pod = withResizes(prepared(object, this.#classes), object['status']);
    const template = state.templates.intern({
      labels: pod.metadata.labels ?? {},
      annotations: {},
      spec: pod['spec'],
      metadata: null,
    });
    const row = state.pods.create({
      namespace: state.texts.id(object.metadata.namespace ?? 'default'),
      nameBase: state.texts.id(object.metadata.name!),
      nameSuffix: -1,
      template: template.id,
      labelSet: template.labelSet,
      owner: -1,
      priority: template.priority,
      createdUs: 0,
      revision: 1,
      runUs: Number.NaN,
    });
    state.podNames.add(row);
    if (object.metadata.deletionTimestamp !== undefined) state.pods.word[row]! |= PodBit.deleting;
    return row;
  }
}

/** Plug-ins whose verdicts are recorded but which the simulation does not have. */
export const OUT_OF_SCOPE = new Set([
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'PodTopologySpread',
  'InterPodAffinity',
  'DynamicResources',
  'DefaultPreemption',
  'NodeDeclaredFeatures',
]);

/** Whether the recorded verdict depends on a plug-in that is out of scope: such a pod is not compared. */
export function dependsOnOthers(recorded: PodVerdict): boolean {
  if (recorded.gate !== undefined && OUT_OF_SCOPE.has(recorded.gate.plugin)) return true;
  if (recorded.nominated === true) return true;
  if (recorded.prefilter?.plugin !== undefined && OUT_OF_SCOPE.has(recorded.prefilter.plugin)) return true;
  if (Object.values(recorded.rejected ?? {}).some(({ plugin }) => OUT_OF_SCOPE.has(plugin))) return true;
  // Scores of others that are equal for all nodes decide nothing.
  const rows = Object.values(recorded.scores ?? {});
  for (const plugin of OUT_OF_SCOPE) {
    if (rows.some((row) => row[plugin] !== rows[0]![plugin])) return true;
  }
  return false;
}

/** The recorded verdict without what plug-ins out of scope contributed, which `dependsOnOthers` found to be nothing. */
export function inScope(recorded: PodVerdict): PodVerdict {
  const wanted: PodVerdict = structuredClone(recorded);
  if (wanted.scores !== undefined) {
    for (const [node, row] of Object.entries(wanted.scores)) {
      for (const plugin of OUT_OF_SCOPE) {
        if (row[plugin] === undefined) continue;
        wanted.totals![node]! -= row[plugin];
        delete row[plugin];
      }
    }
  }
  if (wanted.message !== undefined) {
    // What PostFilter plug-ins add follows the sentence about the nodes.
    const added = / (no new claims|preemption:|not found|still not).*$/s.exec(wanted.message);
    if (added !== null) wanted.message = wanted.message.slice(0, added.index);
  }
  if (wanted.result === 'preempting') {
    wanted.result = 'unschedulable';
    delete wanted.node;
  }
  delete wanted.placed;
  delete wanted.preemption;
  return wanted;
}
