// A case of upstream's scheduler benchmark (test/integration/scheduler_perf, v1.36) to a resolved scenario: its table of workloads and
// its folder of templates, `PATH/workloads.csv#CASE/WORKLOAD`. Nodes exist at 0 s; the initial pods are created at 0 s; the measured ones when these must
// have been scheduled. Nothing runs on the nodes, as in the benchmark.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type {
  NodeGroup,
  ResolvedScenario,
  SourcedObject,
  WorkloadUse,
} from '../engine/contracts/scenario.ts';
import type { KubeObject } from '../engine/kinds/kind.ts';
import { costPresets } from '../policies/costs/index.ts';
import { readDocuments } from '../workloads/manifests.ts';
import { UserError, type UserProblem } from './problems.ts';
import { DEFAULT_SEED, type RunSettings } from './settings.ts';
import { didYouMean } from './suggest.ts';

const SECOND = 1_000_000;
/** No case schedules fewer pods a second than this, so that initial pods are placed when the measured ones come. */
const SLOWEST_PER_SECOND = 12;

export const SCHEDULER_PERF_PATH = /^(.+\.csv)#(.+)$/;

interface Row {
  readonly case: string;
  readonly workload: string;
  readonly feature_gates: string;
  readonly init_nodes: string;
  readonly init_pods: string;
  readonly measure_pods: string;
  readonly other_params: string;
  readonly threshold_pods_per_s: string;
  readonly measure_pod_template: string;
  readonly init_pod_template: string;
  readonly setup: string;
}

export interface SchedulerPerfCase {
  readonly scenario: ResolvedScenario;
  /** Namespace of the measured pods, and how many there are. */
  readonly measured: { readonly namespace: string; readonly pods: number; readonly fromUs: number };
  /** Average scheduling throughput that upstream's CI demands, pods/s; null: none. */
  readonly threshold: number | null;
  readonly initPods: number;
}

/** Names of all workloads of a table, in its order: `CASE/WORKLOAD`. */
export function schedulerPerfNames(file: string): string[] {
  return rowsOf(file).map((row) => `${row.case}/${row.workload}`);
}

function rowsOf(file: string): Row[] {
  const fail = (message: string, code = 'E1105'): never => {
    throw new UserError([{ code, file, message }]);
  };
  if (!existsSync(file)) fail('no such file', 'E1101');
  const rows = parse(readFileSync(file, 'utf8'), { columns: true }) as Row[];
  const missing = ['case', 'workload', 'init_nodes', 'measure_pods', 'measure_pod_template'].filter(
    (column) => rows[0] === undefined || !(column in rows[0]),
  );
  if (missing.length > 0)
    fail(`not a table of scheduler_perf workloads: no column ${missing.join(', ')} (or no row)`);
  return rows;
}

/** One workload as a scenario. Throws UserError with every problem. */
export function schedulerPerfCase(file: string, name: string, settings?: RunSettings): SchedulerPerfCase {
  const rows = rowsOf(file);
  const names = rows.map((row) => `${row.case}/${row.workload}`);
  const row = rows[names.indexOf(name)];
  if (row === undefined) {
    const hint = didYouMean(name, names);
    throw new UserError([
      { code: 'E1105', file, message: `no workload ${name}`, ...(hint === undefined ? {} : { hint }) },
    ]);
  }
  return new CaseReader(file, row, settings).case();
}

class CaseReader {
  readonly #file: string;
  readonly #row: Row;
  readonly #settings: RunSettings | undefined;
  readonly #problems: UserProblem[] = [];
  readonly #loss: { source: string; kind: string; field: string; count: number; note: string }[] = [];
  readonly #classes = new Map<string, KubeObject>();
  /** Parts of the description that nothing has read yet. */
  #rest: string;

  constructor(file: string, row: Row, settings: RunSettings | undefined) {
    this.#file = file;
    this.#row = row;
    this.#settings = settings;
    this.#rest = row.setup;
  }

  case(): SchedulerPerfCase {
    const row = this.#row;
    const [initSpace, measureSpace] = this.#namespaces();
    const { existing, spaces } = this.#labelledNamespaces(initSpace, measureSpace);
    const nodes = this.#nodes();
    const workloads: WorkloadUse[] = [];
    const params = this.#parameters();
    const init = this.#initPods(params);
    for (const [i, { template, count }] of init.entries()) {
      workloads.push(copies(template, { name: `init${i}`, namespace: spaces, count, startAt: '0s' }));
    }
    const initPods = init.reduce((sum, one) => sum + one.count, 0);
    const fromUs = (5 + Math.ceil(initPods / SLOWEST_PER_SECOND)) * SECOND;
    const measured = this.#count('measure_pods', row.measure_pods);
    const measurePod = this.#template(row.measure_pod_template);
    const startAt = `${fromUs / SECOND}s`;
    if (measurePod !== null && measured > 0)
      workloads.push(
        copies(measurePod, { name: 'measured', namespace: [measureSpace], count: measured, startAt }),
      );
    this.#churn(workloads, startAt, measured);
    this.#service(existing);
    for (const object of this.#classes.values()) existing.push({ source: this.#file, object });
    for (const part of this.#rest
      .split(';')
      .map((text) => text.trim())
      .filter((text) => text !== ''))
      this.#lose('setup', `not acted on: ${part}`);
    if (row.feature_gates) this.#lose('feature_gates', `not acted on: ${row.feature_gates}`);
    if (this.#problems.length > 0) throw new UserError(this.#problems);
    const untilUs =
      this.#settings?.untilUs ?? fromUs + Math.ceil((measured / SLOWEST_PER_SECOND + 60) * SECOND);
    const scenario: ResolvedScenario = {
      experiment: `${row.case}-${row.workload}`.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-'),
      variant: 'default',
      replication: 1,
      seed: this.#settings?.seed ?? DEFAULT_SEED,
      nodes,
      existing,
      steps: [],
      workloads,
      policies: {},
      costs: costPresets['scheduler-perf']!,
      queue: 'heap',
      untilUs,
      warmUpUs: 0,
      stopWhenIdle: true,
      expect: [],
      loss: this.#loss,
    };
    const threshold = row.threshold_pods_per_s === '' ? null : Number(row.threshold_pods_per_s);
    return { scenario, measured: { namespace: measureSpace, pods: measured, fromUs }, threshold, initPods };
  }

  #lose(field: string, note: string): void {
    this.#loss.push({ source: this.#file, kind: this.#row.case, field, count: 1, note });
  }

  /** Takes what the pattern finds out of the description. */
  #take(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(this.#rest);
    if (found !== null) this.#rest = this.#rest.replace(found[0], '');
    return found;
  }

  #count(field: string, text: string): number {
    const value = text === '' ? 0 : Number(text);
    if (Number.isInteger(value) && value >= 0) return value;
    this.#problem(field, `found ${JSON.stringify(text)}, expected a whole number`);
    return 0;
  }

  #problem(field: string, message: string, hint?: string): void {
    this.#problems.push({
      code: 'E1105',
      file: this.#file,
      path: `${this.#row.case}/${this.#row.workload} ${field}`,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #parameters(): ReadonlyMap<string, number> {
    const pairs = this.#row.other_params.split(';').filter((text) => text !== '');
    return new Map(pairs.map((pair) => [pair.split('=')[0]!, Number(pair.split('=')[1])]));
  }

  #namespaces(): [string, string] {
    const named = this.#take(/namespaces (\S+) \(init pods\) and (\S+) \(measured pods\)/);
    if (named !== null) return [named[1]!, named[2]!];
    const all = this.#take(/ in (sched-0)$/);
    const measured = this.#take(/measured pods in (\S+)/);
    return [all?.[1] ?? 'init', measured?.[1] ?? 'measured'];
  }

  /** Namespaces with labels: many for the initial pods, one for the measured ones. */
  #labelledNamespaces(init: string, measure: string): { existing: SourcedObject[]; spaces: string[] } {
    const labelled = this.#take(/namespaces labelled (\S+)=([^\s;]+);?/);
    if (labelled === null) return { existing: [], spaces: [init] };
    const count = this.#parameters().get('initNamespaces') ?? 1;
    const spaces = Array.from({ length: count }, (_, i) => `init-ns-${i}`);
    const existing = [...spaces, measure].map(
      (name): SourcedObject => ({
        source: this.#file,
        object: {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name, labels: { 'kubernetes.io/metadata.name': name, [labelled[1]!]: labelled[2]! } },
          spec: { finalizers: ['kubernetes'] },
          status: { phase: 'Active' },
        },
      }),
    );
    return { existing, spaces };
  }

  #nodes(): NodeGroup[] {
    const groups: NodeGroup[] = [];
    const oneZone = this.#take(/nodes labelled topology\.kubernetes\.io\/zone=([\w-]+)/);
    const zones = this.#take(/nodes labelled round-robin topology\.kubernetes\.io\/zone in \{([^}]*)\}/);
    const list = zones === null ? oneZone?.[1] : zones[1];
    const dealt = list === undefined ? [] : list.split(',');
    const count = this.#count('init_nodes', this.#row.init_nodes);
    const extra = this.#take(/1 node from node-with-name, then initNodes from node-default/);
    const only = this.#take(/1 node \(node-with-name[^)]*\)/);
    if (extra !== null || only !== null) {
      const named = this.#template('node-with-name');
      if (named !== null)
        groups.push({ ...group(named, 1, []), names: [named.metadata.name ?? 'scheduler-perf-node'] });
    }
    if (only === null) {
      const node = this.#template('node-default');
      if (node !== null) groups.push(group(node, count, dealt));
    }
    return groups;
  }

  #initPods(params: ReadonlyMap<string, number>): { template: KubeObject; count: number }[] {
    const name = this.#row.init_pod_template;
    const perNamespace = params.get('initPodsPerNamespace');
    const gated = params.get('gatedPods');
    const count =
      perNamespace === undefined
        ? this.#count('init_pods', this.#row.init_pods)
        : perNamespace * (params.get('initNamespaces') ?? 1);
    this.#take(/gatedPods stay gated;?/);
    this.#take(/1 node\s*;?/);
    if (name.startsWith('(') || name === '') {
      if (count === 0) return [];
      // "(unset: …)": the pods of the benchmark's own default.
      const own = this.#template('pod-default');
      return own === null ? [] : [{ template: own, count }];
    }
    if (this.#take(/initPods are created 5 times \([^)]*\)/) !== null || name === 'five templates') {
      return FIVE.flatMap((each) => {
        const template = this.#template(each);
        return template === null ? [] : [{ template, count }];
      });
    }
    const template = this.#template(name);
    return template === null ? [] : [{ template, count: gated ?? count }];
  }

  #churn(workloads: WorkloadUse[], startAt: string, measured: number): void {
    this.#take(/4 low-priority pods per node[^;]*|as PreemptionBasic[^;]*/);
    this.#take(/every measured pod is node-affine[^;]*|each high-priority pod \([^)]*\) must preempt 3/);
    const churn = this.#take(
      /churn: create one unschedulable (\S+) \([^)]*\) every (\d+) ms while measuring/,
    );
    if (churn === null) return;
    const template = this.#template(churn[1]!);
    if (template === null) return;
    const everyMs = Number(churn[2]);
    // As long as measuring takes at upstream's rate; what comes later changes no figure.
    const seconds = measured / (Number(this.#row.threshold_pods_per_s) || 500);
    const count = Math.max(1, Math.floor((seconds * 1000) / everyMs));
    const use = { name: 'churn', namespace: ['churn'], count, startAt, ratePerSecond: 1000 / everyMs };
    workloads.push(copies(template, use));
  }

  #service(existing: SourcedObject[]): void {
    const service = this.#take(/a Service in namespace (\S+) selects the measured pods \([^)]*\)/);
    if (service === null) return;
    const labels = this.#template(this.#row.measure_pod_template)?.metadata.labels ?? {};
    existing.push({
      source: this.#file,
      object: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'service', namespace: service[1]! },
        spec: { selector: labels, ports: [{ port: 80 }] },
      },
    });
  }

  /** The benchmark's API server has no priority admission, which refuses numbers: each gets a class of its own. */
  #withPriorityClass(object: KubeObject): KubeObject {
    const value: unknown = object['spec']?.priority;
    if (typeof value !== 'number') return object;
    const name = `priority-${value}`;
    this.#classes.set(name, {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
    });
    const { priority: _number, ...spec } = object['spec'];
    return { ...object, spec: { ...spec, priorityClassName: name } };
  }

  #template(name: string): KubeObject | null {
    const file = join(dirname(this.#file), 'templates', `${name}.yaml`);
    if (!existsSync(file)) {
      this.#problem('template', `no template ${file}`, 'templates stand beside the table, one file each');
      return null;
    }
    const { documents, problems } = readDocuments(file, readFileSync(file, 'utf8'));
    this.#problems.push(...problems);
    const object = documents[0]?.raw as unknown as KubeObject | undefined;
    return object === undefined ? null : this.#withPriorityClass(object);
  }
}

/** affinity/performance-config.yaml MixedSchedulingBasePod. */
const FIVE = [
  'pod-default',
  'pod-with-pod-affinity',
  'pod-with-pod-anti-affinity',
  'pod-with-preferred-pod-affinity',
  'pod-with-preferred-pod-anti-affinity',
];

function copies(
  object: KubeObject,
  {
    startAt,
    ...args
  }: { name: string; namespace: string[]; count: number; startAt: string; ratePerSecond?: number },
): WorkloadUse {
  return { use: 'copies', args: { object, startAt, ...args } };
}

/** Equal nodes of a template; what they have to give is all of their capacity. */
function group(template: KubeObject, count: number, zones: readonly string[]): NodeGroup {
  const { generateName, name: _name, ...metadata } = template.metadata;
  const capacity = template['status']?.capacity ?? {};
  return {
    prefix: generateName ?? 'scheduler-perf-',
    first: 0,
    count,
    object: { ...template, metadata, status: { ...template['status'], capacity, allocatable: capacity } },
    zones,
  };
}
