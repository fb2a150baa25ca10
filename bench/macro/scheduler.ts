// One scheduling decision: the index against the plain search, CPU time and bytes of heap per decision. Pods of 50
// templates arrive in random order at a cluster that is half full. "Turnover": each arrival is preceded by the departure
// of a pod, oldest first, so that nodes differ in load as in a running cluster and each decision finds about a hundred
// nodes changed since the last one for a pod of its template. "Arrivals": nobody leaves, which is about fifty. A decision
// under turnover is the course's time less that of its moves of pods: as many of them are made after it in a loop without
// decisions, from and to the same nodes. That takes off too little rather than too much, since nothing else is in the
// CPU's caches meanwhile. Arrivals cannot be made twice and stay in, and beside the plain search moves are nothing. Both
// searches play the same course; the hash is over the chosen nodes, and the benchmark fails if they differ.
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { hex32, mix32 } from '../../engine/kernel/hash.ts';
import { Rng } from '../../engine/kernel/index.ts';
import { ingestNode } from '../../engine/kinds/ingest/node.ts';
import { podTemplateCompiler } from '../../engine/kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../engine/scheduler/cache.ts';
import { Framework, type Instance, Verdicts } from '../../engine/scheduler/framework.ts';
import { loadProfiles } from '../../engine/scheduler/profiles.ts';
import { BruteSearch } from '../../engine/scheduler/search/brute.ts';
import { IndexSearch } from '../../engine/scheduler/search/index-search.ts';
import { PodCursor } from '../../engine/scheduler/views.ts';
import { ClusterState, type PodId } from '../../engine/state/index.ts';
import { schedulerRegistry } from '../../policies/scheduler/index.ts';

const TEMPLATES = 50;
/** Decisions whose heap is measured: few enough that none of it is collected meanwhile. */
const HEAP_DECISIONS = 500;
/** Pods kept per node: half of what fits. */
const PODS_PER_NODE = 8;
const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';

interface Line {
  readonly name: string;
  /** Each template has a Service: its pods are under the default spread constraints. */
  readonly services?: boolean;
  readonly percentage?: number;
  /** Nobody leaves. */
  readonly fills?: boolean;
  /** Laid over the pod's spec. */
  over?(app: string): Json;
}

const selects = (app: string): Json => ({ labelSelector: { matchLabels: { app } } });
const term = (app: string, topologyKey: string): Json => ({ topologyKey, ...selects(app) });
const required = (kind: string, app: string, key: string): Json => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term(app, key)] } },
});
const preferred = (kind: string, app: string, key: string): Json => ({
  affinity: {
    [kind]: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 50, podAffinityTerm: term(app, key) }],
    },
  },
});

const LOCAL: Line = { name: 'node-local, all nodes scored', percentage: 100 };
const SERVICE: Line = { name: 'default spread (Services)', services: true };
const FILLING: readonly Line[] = [LOCAL, SERVICE].map((line) => ({
  ...line,
  name: `${line.name}, arrivals`,
  fills: true,
}));
const OTHERS: readonly Line[] = [
  {
    name: 'explicit zone and hostname spread',
    over: (app) => ({
      topologySpreadConstraints: [
        { maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', ...selects(app) },
        { maxSkew: 2, topologyKey: HOST, whenUnsatisfiable: 'DoNotSchedule', ...selects(app) },
        { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'ScheduleAnyway', ...selects(app) },
      ],
    }),
  },
  { name: 'required affinity, zone', over: (app) => required('podAffinity', app, ZONE) },
  { name: 'preferred affinity, zone', over: (app) => preferred('podAffinity', app, ZONE) },
  { name: 'required anti-affinity, hostname', over: (app) => required('podAntiAffinity', app, HOST) },
  { name: 'preferred anti-affinity, hostname', over: (app) => preferred('podAntiAffinity', app, HOST) },
];

interface Figures {
  /** Without the moves of pods, where those were measured. */
  readonly usPerDecision: number;
  /** With them: the departure before a decision, and the arrival that follows from it. */
  readonly usWithMoves: number;
  /** The same moves alone; null: not measured. */
  readonly usOfMoves: number | null;
  readonly scored: number;
  /** Heap taken by searching. */
  readonly bytesPerDecision: number;
  readonly decisions: number;
  readonly hash: string;
  /** Decisions that the index left to the plain search. */
  readonly plain: number;
}

/** Numbers of decisions. */
interface Course {
  /** By both searches. */
  readonly compared: number;
  /** The last of those are timed for the plain search. */
  readonly timedBrute: number;
  /** By the index alone: further ones before it is timed, and timed ones. */
  readonly warm: number;
  readonly timed: number;
}

const NODE: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {},
  status: { allocatable: { cpu: '16', memory: '64Gi', pods: '110' } },
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function measure(line: Line, nodes: number, course: Course, kind: 'index' | 'brute'): Figures {
  const state = new ClusterState(podTemplateCompiler);
  const cache = new SchedulerCache(state, () => 0);
  for (let i = 0; i < nodes; i++) {
    const how = { name: `node-${i}`, zone: `zone-${i % 3}`, hostname: true, us: 0, revision: 1 };
    cache.nodeChanged(ingestNode(state, NODE, how));
  }
  const loaded = loadProfiles(undefined, schedulerRegistry);
  if ('problems' in loaded) throw new Error('the default profile has problems');
  const verdicts = new Verdicts();
  const instances: Instance[] = [];
  const profile = loaded.settings.profiles[0]!;
  const framework = new Framework(profile, cache, verdicts, instances, line.percentage ?? 0);
  const ties = new Rng(1, 0).stream('scheduler/ties');
  const index = kind === 'index' ? new IndexSearch(cache, verdicts, ties) : null;
  const search = index ?? new BruteSearch(cache, verdicts, ties);
  // As in runs without a trace.
  search.explains = false;
  const pod = new PodCursor(state);
  const templates = Array.from({ length: TEMPLATES }, (_, i) =>
    state.templates.intern({
      labels: { app: `app-${i}` },
      annotations: {},
      spec: {
        containers: [
          {
            name: 'c',
            image: `app-${i}:v1`,
            resources: { requests: { cpu: `${250 + 30 * i}m`, memory: `${512 + 128 * (i % 7)}Mi` } },
          },
        ],
        ...line.over?.(`app-${i}`),
      },
      metadata: null,
    }),
  );
  const namespace = state.texts.id('default');
  for (let i = 0; line.services === true && i < TEMPLATES; i++) {
    cache.objects.set({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name: `app-${i}` },
      spec: { selector: { app: `app-${i}` } },
    });
  }
  const draw = new Rng(2, 0).stream('templates');
  const rows: PodId[] = [];
  const placed = nodes * PODS_PER_NODE;
  const arrivals = course.compared + course.warm + course.timed + HEAP_DECISIONS;
  const created = line.fills === true ? placed + arrivals : placed;
  for (let i = 0; i < created; i++) {
    const template = templates[draw.int(TEMPLATES)]!;
    rows.push(
      state.pods.create({
        namespace,
        nameBase: namespace,
        nameSuffix: -1,
        template: template.id,
        labelSet: template.labelSet,
        owner: -1,
        priority: 0,
        createdUs: 0,
        revision: 1,
        runUs: Number.NaN,
      }),
    );
  }
  // Dealt out, since the plain search would take minutes to fill a large cluster.
  for (let i = 0; i < placed; i++) cache.addPod(rows[i]!, (i * 7919) % nodes, state.template(rows[i]!));

  let hash = 1;
  let scored = 0;
  let next = line.fills === true ? placed : 0;
  const chosen = new Int32Array(Math.max(HEAP_DECISIONS, course.timed));
  const decide = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const row = rows[next++ % rows.length]!;
      if (line.fills !== true) cache.removePod(row);
      const d = search.select(pod.at(row), framework);
      if (d.node < 0) throw new Error('the cluster is never full');
      cache.addPod(row, d.node, state.template(row));
      hash = mix32(Math.imul(hash, 31) + d.node);
      scored += d.scored;
      chosen[i % chosen.length] = d.node;
    }
  };
  /** The same moves of pods without a search. */
  const replay = (from: number): void => {
    for (let i = 0; i < HEAP_DECISIONS; i++) {
      const row = rows[(from + i) % rows.length]!;
      cache.removePod(row);
      cache.addPod(row, chosen[i]!, state.template(row));
    }
  };
  /** Departures and arrivals, as decisions would make them, without a search. */
  const move = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const row = rows[next++ % rows.length]!;
      cache.removePod(row);
      cache.addPod(row, chosen[i]!, state.template(row));
    }
  };
  const bytesOf = (action: () => void): number => {
    collect();
    const { heapUsed } = process.memoryUsage();
    action();
    return (process.memoryUsage().heapUsed - heapUsed) / HEAP_DECISIONS;
  };
  decide(course.compared - course.timedBrute);
  if (index === null) scored = 0;
  const brute = process.cpuUsage();
  decide(course.timedBrute);
  let cpu = process.cpuUsage(brute);
  let decisions = course.timedBrute;
  const told = hex32(hash);
  if (index !== null) {
    decide(course.warm);
    scored = 0;
    decisions = course.timed;
    const before = process.cpuUsage();
    decide(decisions);
    cpu = process.cpuUsage(before);
  }
  const places = chosen.slice();
  const nodesScored = Math.round(scored / decisions);
  const answered = index?.answered ?? 0;
  const from = next;
  const bytes = bytesOf(() => decide(HEAP_DECISIONS)) - bytesOf(() => replay(from));
  const rounded = (us: number): number => Math.round(100 * us) / 100;
  const usOf = ({ user, system }: NodeJS.CpuUsage, times: number): number => rounded((user + system) / times);
  let usOfMoves: number | null = null;
  if (index !== null && line.fills !== true) {
    chosen.set(places);
    const before = process.cpuUsage();
    move(decisions);
    usOfMoves = usOf(process.cpuUsage(before), decisions);
  }
  const usWithMoves = usOf(cpu, decisions);
  return {
    usPerDecision: rounded(usWithMoves - (usOfMoves ?? 0)),
    usWithMoves,
    usOfMoves,
    scored: nodesScored,
    bytesPerDecision: Math.max(0, Math.round(bytes)),
    decisions,
    hash: told,
    plain: index === null ? 0 : course.compared + course.warm + decisions - answered,
  };
}

interface Row {
  readonly name: string;
  readonly nodes: number;
  readonly brute: Figures;
  readonly index: Figures;
}

export async function run({ size, json }: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const isFull = size === 'full';
  const rows: Row[] = [];
  const add = (line: Line, nodes: number): void => {
    const all = line.percentage === 100;
    const course: Course = {
      compared: all ? 400 : 1500,
      timedBrute: all && nodes > 5000 ? 50 : 200,
      // The compiler has done its work by then.
      warm: isFull && line.fills !== true ? 20_000 : 3000,
      // A cluster of 5,000 nodes has room for 30,000 more.
      timed: !isFull ? (line.fills === true ? 2_000 : 10_000) : line.fills === true ? 20_000 : 50_000,
    };
    const row = {
      name: line.name,
      nodes,
      brute: measure(line, nodes, course, 'brute'),
      index: measure(line, nodes, course, 'index'),
    };
    rows.push(row);
    if (json) return;
    const { brute, index } = row;
    const moves =
      index.usOfMoves === null ? '' : ` (${index.usWithMoves} with ${index.usOfMoves} of moves of pods)`;
    console.log(
      `${line.name}, ${nodes} nodes, ${index.scored} scored: index ${index.usPerDecision} µs${moves}, plain ${brute.usPerDecision} µs CPU a decision; ` +
        `${index.bytesPerDecision} and ${brute.bytesPerDecision} bytes; ${index.plain} left to the plain search; hashes ${index.hash} ${brute.hash}`,
    );
  };
  const sizes = isFull ? [5000, 20_000, 100_000] : [1000, 5000];
  for (const nodes of sizes) add(LOCAL, nodes);
  for (const nodes of sizes) add(SERVICE, nodes);
  for (const line of OTHERS) add(line, 5000);
  for (const line of FILLING) for (const nodes of sizes) add(line, nodes);
  const local = rows.filter(({ name }) => name === LOCAL.name);
  const exponent = slope(
    local.map(({ nodes }) => Math.log(nodes)),
    local.map(({ index }) => Math.log(index.usPerDecision)),
  );
  const differing = rows.filter(({ brute, index }) => brute.hash !== index.hash);
  if (json) console.log(JSON.stringify({ benchmark: 'scheduler', exponent, rows }));
  else console.log(`node-local: CPU grows as nodes^${exponent.toFixed(2)}`);
  if (differing.length > 0)
    throw new Error(`the searches differ: ${differing.map(({ name }) => name).join('; ')}`);
}

/** Of the line of least squares. */
function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const top = xs.reduce((sum, each, i) => sum + (each - x) * (ys[i]! - y), 0);
  return top / xs.reduce((sum, each) => sum + (each - x) ** 2, 0);
}
