// One run looked at closely, for the HTML report: its tables read once, row by row, into digests of a fixed size.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../engine/contracts/result.ts';
import type { ResolvedScenario, TimedStep } from '../engine/contracts/scenario.ts';
import { Histogram } from '../engine/metrics/histogram.ts';
import { PodStamp } from '../engine/metrics/pod-stamps.ts';
import type { Mark, RunDetail, Series, SlowPod, Timeline } from '../reports/html/model.ts';
import { type PlacedNode, Placement } from '../reports/html/placement.ts';
import { specText } from '../reports/html/spec.ts';
import { newStamps, type StartDigest } from '../reports/html/start-digest.ts';
import { Rate } from '../reports/html/steps.ts';
import { readRun } from './run-directory.ts';
import { type ScannedRow, scanTable } from './table-scan.ts';

export interface DetailLimits {
  /** Cells of the heat map, and its frames. */
  readonly cells: number;
  readonly frames: number;
}

/** Cells of time of rates and latencies. */
const TIMELINE_CELLS = 120;
const SLOWEST = 10;
const REASONS = 10;
/** Reasons told apart while reading. */
const REASONS_MAX = 2000;
const MARKS_MAX = 40;
/** Of texts of a run: what fits a cell of a table. */
const TEXT_MAX = 300;

const POD_COLUMNS = [
  'created_s',
  'first_attempt_s',
  'scheduled_s',
  'bound_s',
  'sandbox_s',
  'pulled_s',
  'started_s',
  'ready_s',
  'finished_s',
  'deleting_s',
  'deleted_s',
  'queued_s',
  'seen_s',
  'watched_s',
  'namespace',
  'pod',
  'node',
  'phase',
  'cpu_milli',
  'memory_bytes',
  'attempts',
  'reason',
  'owner_kind',
  'owner',
  'labels',
] as const;
const column = (name: (typeof POD_COLUMNS)[number]): number => POD_COLUMNS.indexOf(name);
const NAMESPACE = column('namespace');
const POD = column('pod');
const NODE = column('node');
const PHASE = column('phase');
const CPU = column('cpu_milli');
const MEMORY = column('memory_bytes');
const ATTEMPTS = column('attempts');
const REASON = column('reason');
const OWNER_KIND = column('owner_kind');
const OWNER = column('owner');
const LABELS = column('labels');
/** The first columns are the stamps, in the order of PodStamp. */
const STAMPS = Object.keys(PodStamp).length;

const cut = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);

/** Adds the pods of a run to a digest, without looking closer. */
export function addStarts(directory: string, digest: StartDigest, progress: (bytes: number) => void): void {
  const added = nodesByName(readNodes(directory));
  const stamps = newStamps();
  scanTable(
    directory,
    'pods',
    POD_COLUMNS,
    (row) => {
      readStamps(row, stamps);
      digest.add(stamps, row.number(ATTEMPTS), joined(row, stamps, added), workloadOf(row));
    },
    { progress, required: ['pod', 'created_s'] },
  );
}

/** Reads a run once; its pods are also added to the digest of its variant. */
export function readDetail(
  directory: string,
  summary: RunSummary,
  digest: StartDigest,
  limits: DetailLimits,
  progress: (bytes: number) => void,
): RunDetail {
  const { manifest, scenario } = readRun(directory);
  const endUs = Math.max(1, Math.round(summary.virtualSeconds * 1e6));
  const nodes = readNodes(directory);
  const placement = new Placement(nodes, endUs, limits.cells, limits.frames);
  const pods = new PodReader(endUs, placement, nodesByName(nodes), digest);
  scanTable(directory, 'pods', POD_COLUMNS, (row) => pods.row(row), {
    progress,
    required: ['pod', 'created_s'],
  });
  return {
    directory,
    replication: summary.replication,
    virtualSeconds: summary.virtualSeconds,
    endReason: manifest.endReason,
    versions: manifest.versions,
    ingredients: manifest.ingredients,
    nodes: nodes.length,
    costs: `${scenario.costs.name}: ${scenario.costs.about}`,
    spec: specText(withoutCosts(scenario)),
    marks: marksOf(scenario),
    series: readSeries(directory, progress),
    timeline: pods.timeline(),
    placement: nodes.length === 0 ? null : placement.grid(),
    slowest: pods.slowest,
    pending: pods.pending(),
  };
}

export function readSummary(directory: string): RunSummary {
  return JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8')) as RunSummary;
}

function readNodes(directory: string): PlacedNode[] {
  const nodes: PlacedNode[] = [];
  const columns = ['node', 'zone', 'cpu_milli', 'memory_bytes', 'pods_max', 'added_s', 'removed_s'];
  scanTable(
    directory,
    'nodes',
    columns,
    (row) => {
      const or0 = (value: number): number => (Number.isNaN(value) ? 0 : value);
      nodes.push({
        name: row.text(0),
        zone: row.text(1),
        cpuMilli: or0(row.number(2)),
        memoryBytes: or0(row.number(3)),
        podsMax: or0(row.number(4)),
        fromUs: or0(row.micros(5)),
        toUs: row.micros(6),
      });
    },
    { required: ['node'], optional: true },
  );
  return nodes;
}

/** When nodes joined, by name; of several of one name in order. */
function nodesByName(nodes: readonly PlacedNode[]): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  for (const { name, fromUs } of nodes) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [fromUs]);
    else known.push(fromUs);
  }
  return byName;
}

function readStamps(row: ScannedRow, stamps: Float64Array): void {
  for (let i = 0; i < STAMPS; i++) stamps[i] = row.micros(i);
}

/** When the node of the pod had joined: the last of that name before the pod was scheduled. */
function joined(
  row: ScannedRow,
  stamps: Float64Array,
  nodes: ReadonlyMap<string, readonly number[]>,
): number {
  const times = nodes.get(row.text(NODE));
  if (times === undefined) return Number.NaN;
  const scheduled = stamps[PodStamp.scheduled]!;
  let found = Number.NaN;
  for (const us of times) if (!(us > scheduled)) found = us;
  return found;
}

/** `Deployment`'s pods carry the hash of their ReplicaSet: without it all revisions are one workload. */
function workloadOf(row: ScannedRow): string {
  const owner = row.text(OWNER);
  const namespace = row.text(NAMESPACE);
  if (owner === '') return 'pods without an owner';
  const kind = row.text(OWNER_KIND);
  const hash =
    kind === 'ReplicaSet' ? /(?:^| )pod-template-hash=(\S+)/.exec(row.text(LABELS))?.[1] : undefined;
  if (hash !== undefined && owner.endsWith(`-${hash}`))
    return `Deployment ${namespace}/${owner.slice(0, -hash.length - 1)}`;
  return `${kind} ${namespace}/${owner}`;
}

/** What is kept of the pods of one run. */
class PodReader {
  readonly slowest: SlowPod[] = [];
  readonly #digest: StartDigest;
  readonly #placement: Placement;
  readonly #added: ReadonlyMap<string, readonly number[]>;
  readonly #cellUs: number;
  readonly #rates: Readonly<Record<'created' | 'bound' | 'ready' | 'gone', Rate>>;
  readonly #starts: Histogram[] = Array.from({ length: TIMELINE_CELLS }, () => new Histogram());
  readonly #reasons = new Map<string, number>();
  readonly #stamps = newStamps();
  #pods = 0;

  constructor(
    endUs: number,
    placement: Placement,
    added: ReadonlyMap<string, readonly number[]>,
    digest: StartDigest,
  ) {
    this.#digest = digest;
    this.#placement = placement;
    this.#added = added;
    this.#cellUs = endUs / TIMELINE_CELLS;
    const rate = (): Rate => new Rate(TIMELINE_CELLS, this.#cellUs);
    this.#rates = { created: rate(), bound: rate(), ready: rate(), gone: rate() };
  }

  row(row: ScannedRow): void {
    const stamps = this.#stamps;
    readStamps(row, stamps);
    this.#pods++;
    const start = this.#digest.add(
      stamps,
      row.number(ATTEMPTS),
      joined(row, stamps, this.#added),
      workloadOf(row),
    );
    const created = stamps[PodStamp.created]!;
    if (!Number.isNaN(start)) {
      const cell = Math.min(TIMELINE_CELLS - 1, Math.floor(created / this.#cellUs));
      this.#starts[cell]!.record(start);
      this.#rank(row, created, start);
    }
    const deleted = stamps[PodStamp.deleted]!;
    const finished = stamps[PodStamp.finished]!;
    const gone = Number.isNaN(finished)
      ? deleted
      : Number.isNaN(deleted)
        ? finished
        : Math.min(finished, deleted);
    this.#rates.created.add(created);
    this.#rates.bound.add(stamps[PodStamp.bound]!);
    this.#rates.ready.add(stamps[PodStamp.ready]!);
    this.#rates.gone.add(gone);
    const node = row.text(NODE);
    if (node !== '') {
      // Of a pod that was bound before the run began the time is not known.
      const bound = stamps[PodStamp.bound]!;
      this.#placement.add(node, Number.isNaN(bound) ? 0 : bound, gone, row.number(CPU), row.number(MEMORY));
    }
    if (Number.isNaN(deleted) && row.text(PHASE) === 'Pending') {
      const reason =
        cut(row.text(REASON)) || (node === '' ? 'no node, no reason given' : 'has a node, not started');
      if (this.#reasons.size < REASONS_MAX || this.#reasons.has(reason))
        this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    }
  }

  /** Null without pods. */
  timeline(): Timeline | null {
    if (this.#pods === 0) return null;
    const cellSeconds = this.#cellUs / 1e6;
    const seconds = this.#starts.map((_, i) => i * cellSeconds);
    const quantile = (percent: number, name: string): Series => ({
      name,
      seconds,
      values: this.#starts.map((starts) => starts.percentile(percent) / 1e6),
    });
    return {
      cellSeconds,
      series: [
        ...(['created', 'bound', 'ready', 'gone'] as const).map((name) =>
          this.#rates[name].series(`rate.${name}`),
        ),
        quantile(50, 'start.p50'),
        quantile(90, 'start.p90'),
        quantile(99, 'start.p99'),
      ],
    };
  }

  pending(): [string, number][] {
    return [...this.#reasons].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, REASONS);
  }

  /** Keeps the slowest, the first of equals. */
  #rank(row: ScannedRow, created: number, start: number): void {
    const { slowest } = this;
    const startSeconds = start / 1e6;
    if (slowest.length === SLOWEST && startSeconds <= slowest.at(-1)!.startSeconds) return;
    const { phase, us } = this.#digest.longest(created);
    const pod: SlowPod = {
      pod: `${row.text(NAMESPACE)}/${row.text(POD)}`,
      node: row.text(NODE),
      createdSeconds: created / 1e6,
      startSeconds,
      phase,
      phaseSeconds: us / 1e6,
    };
    const at = slowest.findIndex((one) => one.startSeconds < startSeconds);
    slowest.splice(at < 0 ? slowest.length : at, 0, pod);
    slowest.length = Math.min(slowest.length, SLOWEST);
  }
}

/** timeseries.csv by series, in the order of the file. */
function readSeries(directory: string, progress: (bytes: number) => void): Series[] {
  const found = new Map<string, { seconds: number[]; values: number[] }>();
  scanTable(
    directory,
    'timeseries',
    ['t_s', 'series', 'value'],
    (row) => {
      const name = row.text(1);
      let series = found.get(name);
      if (series === undefined) {
        series = { seconds: [], values: [] };
        found.set(name, series);
      }
      series.seconds.push(row.micros(0) / 1e6);
      series.values.push(row.number(2));
    },
    { progress, optional: true, required: ['t_s', 'series', 'value'] },
  );
  return [...found].map(([name, series]) => ({ name, ...series }));
}

/** Steps of the scenario after its start, in order of time; those of one time in a line together. */
function marksOf(scenario: ResolvedScenario): Mark[] {
  const byTime = new Map<number, string[]>();
  for (const step of scenario.steps) {
    if (step.atUs <= 0) continue;
    const texts = byTime.get(step.atUs) ?? [];
    texts.push(stepText(step));
    byTime.set(step.atUs, texts);
  }
  return [...byTime]
    .sort(([a], [b]) => a - b)
    .slice(0, MARKS_MAX)
    .map(([us, texts]) => {
      const more = texts.length > 3 ? `, and ${texts.length - 3} more` : '';
      return { seconds: us / 1e6, text: cut(`${texts.slice(0, 3).join(', ')}${more}`) };
    });
}

function stepText({ do: what, target, objects, nodes }: TimedStep): string {
  if (target !== undefined) {
    const to = target.replicas === undefined ? '' : ` to ${target.replicas}`;
    return `${what} ${target.kind}/${target.name}${to}`;
  }
  if (nodes !== undefined) {
    const { names, zone, count } = nodes;
    const where = names?.join(' ') ?? (zone === undefined ? '' : `zone ${zone}`);
    return `${what} ${where || `${count ?? 'all'} nodes`}`;
  }
  const [first] = objects;
  if (first === undefined) return what;
  const { kind, metadata } = first.object;
  return `${what} ${kind}/${metadata?.name ?? ''}${objects.length > 1 ? ` and ${objects.length - 1} more` : ''}`;
}

/** The costs are a preset, named apart; labels of the run stand above. */
function withoutCosts({ costs, experiment, variant, replication, seed, ...rest }: ResolvedScenario): unknown {
  return rest;
}
