// One run looked at closely, for the HTML report: its tables read once, row by row, into digests of a fixed size.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../engine/contracts/result.ts';
import type { ResolvedScenario, TimedStep } from '../engine/contracts/scenario.ts';
import type { Mark, RequestErrors, RunDetail, Series } from '../reports/html/model.ts';
import { type PlacedNode, Placement } from '../reports/html/placement.ts';
import { cut, POD_COLUMNS, PodReader, StartReader } from '../reports/html/pod-reader.ts';
import { specText } from '../reports/html/spec.ts';
import type { StartDigest } from '../reports/html/start-digest.ts';
import { readRun } from './run-directory.ts';
import { scanTable } from './table-scan.ts';

export interface DetailLimits {
  /** Cells of the heat map, and its frames. */
  readonly cells: number;
  readonly frames: number;
}

const MARKS_MAX = 40;
const ERRORS_MAX = 8;
/** Pods whose last message is kept. */
const MESSAGES_MAX = 50_000;
/** Columns without which pods.csv is no such table. */
const REQUIRED = ['pod', 'created_s'];

/** Adds the pods of a run to a digest, without looking closer. */
export function addStarts(directory: string, digest: StartDigest, progress: (bytes: number) => void): void {
  const pods = new StartReader(digest, nodesByName(readNodes(directory)));
  scanTable(directory, 'pods', POD_COLUMNS, (row) => pods.row(row), { progress, required: REQUIRED });
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
  const messages = summary.pods.pending > 0 ? readMessages(directory) : new Map<string, string>();
  const pods = new PodReader({ endUs, placement, added: nodesByName(nodes), digest, messages });
  scanTable(directory, 'pods', POD_COLUMNS, (row) => pods.row(row), { progress, required: REQUIRED });
  return {
    directory,
    replication: summary.replication,
    virtualSeconds: summary.virtualSeconds,
    endReason: manifest.endReason,
    versions: manifest.versions,
    ingredients: manifest.ingredients,
    nodes: nodes.length,
    warmUpSeconds: scenario.warmUpUs / 1e6,
    costs: `${scenario.costs.name}: ${scenario.costs.about}`,
    spec: specText(withoutCosts(scenario)),
    marks: marksOf(scenario),
    series: readSeries(directory, progress),
    timeline: pods.timeline(),
    placement: nodes.length === 0 ? null : placement.grid(),
    slowest: pods.slowest,
    requestErrors: readErrors(directory),
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

/** Kinds of requests with the most errors first. */
function readErrors(directory: string): RequestErrors[] {
  const found: (RequestErrors & { readonly errors: number })[] = [];
  scanTable(
    directory,
    'api',
    ['verb', 'resource', 'count', 'errors'],
    (row) => {
      const codes = row.text(3);
      if (codes === '') return;
      const errors = codes.split(' ').reduce((sum, part) => sum + (Number(part.split(':')[1]) || 0), 0);
      found.push({
        request: `${row.text(0)} ${row.text(1)}`,
        count: row.number(2),
        codes: cut(codes),
        errors,
      });
    },
    { optional: true },
  );
  return found.sort((a, b) => b.errors - a.errors).slice(0, ERRORS_MAX);
}

/** What the scheduler said last of a pod without a node, by namespace/name. */
function readMessages(directory: string): Map<string, string> {
  const messages = new Map<string, string>();
  scanTable(
    directory,
    'events',
    ['reason', 'kind', 'namespace', 'name', 'message'],
    (row) => {
      if (row.text(0) !== 'FailedScheduling' || row.text(1) !== 'Pod') return;
      const pod = `${row.text(2)}/${row.text(3)}`;
      if (messages.size < MESSAGES_MAX || messages.has(pod))
        messages.set(pod, cut(row.text(4).split('\n')[0]!));
    },
    { optional: true },
  );
  return messages;
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

/** End of the warm-up and steps of the scenario after its start, in order of time; those of one time in a line together. */
function marksOf(scenario: ResolvedScenario): Mark[] {
  const byTime = new Map<number, string[]>();
  if (scenario.warmUpUs > 0) byTime.set(scenario.warmUpUs, ['end of the warm-up']);
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
