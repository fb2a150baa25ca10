// Compares a timeline with a recording of the real control plane, by the rules that the recordings' description gives:
// final state and limits equal, rows that every repetition has present with their value, in order where the order never
// varied, inside the recorded times widened by 150 ms and a tenth of the time since the last step. It counts what the
// recordings' own compare.py counts, difference by difference: timelines-compare.test.ts runs both.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { CostPreset } from '../../engine/contracts/costs.ts';
import type { Timeline, TimelineRow } from '../../engine/contracts/timeline.ts';
import type { Json } from '../../engine/kinds/kind.ts';
import { loadScenario } from '../../experiments/load.ts';
import { UserError } from '../../experiments/problems.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';

export const recordings = join(import.meta.dirname, '../../../shared/oracle/controlplane');
export const recorded = existsSync(join(recordings, 'timelines'));

const SLACK_MS = 150;
const SLACK_SHARE = 0.1;
/** Rows that must not be there if no recording has them. */
const STRUCTURAL =
  /^(created|gone|spec\..*|pods\..*|condition\..*|phase|revision|type|claim|volume|taints|owner)$/;

/** Values over all repetitions: median, least, most. */
type Spread = readonly [number, number, number];

export interface RecordedRow {
  readonly o: string;
  readonly w: string;
  readonly v?: string | number;
  readonly k?: number;
  readonly t: Spread;
  /** Repetitions that have it; absent: all. */
  readonly n?: number;
  readonly ord?: string;
  readonly ts: readonly (number | null)[];
}

export interface Recording {
  readonly scenario: string;
  readonly reps: number;
  readonly steps: readonly Json[];
  readonly transitions: readonly RecordedRow[];
  readonly events: readonly {
    readonly o: string;
    readonly reason: string;
    readonly message: string;
    readonly count: Spread;
    readonly n?: number;
  }[];
  readonly final: Readonly<Record<string, Json>>;
  readonly envelope?: Readonly<Record<string, Json>>;
}

export const names = (): string[] =>
  recorded
    ? readdirSync(join(recordings, 'timelines'))
        .map((file) => file.slice(0, -'.json'.length))
        .sort()
    : [];

export const scenarioPath = (name: string): string => join(recordings, 'scenarios', `${name}.yaml`);

export const recordingOf = (name: string): Recording =>
  JSON.parse(readFileSync(join(recordings, 'timelines', `${name}.json`), 'utf8')) as Recording;

export interface RawEntry {
  readonly ms: number;
  readonly type: string;
  readonly object: Json;
}

export interface RawRepetition {
  readonly namespace: string;
  readonly entries: RawEntry[];
}

/** Every watch event of the recorded repetitions. */
export function rawOf(name: string): RawRepetition[] {
  const text = gunzipSync(readFileSync(join(recordings, 'raw', `${name}.jsonl.gz`))).toString('utf8');
  const repetitions: RawRepetition[] = [];
  for (const line of text.trim().split('\n')) {
    const parsed: Json = JSON.parse(line);
    if ('rep' in parsed) repetitions.push({ namespace: parsed.namespace, entries: [] });
    else repetitions.at(-1)!.entries.push(parsed);
  }
  return repetitions;
}

export const COLUMNS = ['final', 'envelope', 'steps', 'missing', 'extra', 'order', 'time', 'events'] as const;
export type Problems = Record<(typeof COLUMNS)[number], string[]>;

const keyOf = (r: { o: string; w: string; v?: unknown; k?: number }): string =>
  `${r.o} ${r.w}=${JSON.stringify(r.v)} k${r.k ?? 1}`;
const saysOf = (r: { o: string; w: string; v?: unknown }): string => `${r.o} ${r.w}=${JSON.stringify(r.v)}`;

/**
 * Runs the scenario, with other costs or another seed if one is given. null: it is refused as bad input, because something
 * in it is not modelled.
 */
export async function timelineOf(name: string, costs?: CostPreset, seed?: number): Promise<Timeline | null> {
  let timeline: Timeline | undefined;
  try {
    const { scenario } = await loadScenario([scenarioPath(name)], seed === undefined ? {} : { seed });
    simulateBuiltIn(costs === undefined ? scenario : { ...scenario, costs }, {
      timeline: (told) => (timeline = told),
      paranoid: true,
    });
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
  return timeline!;
}

/** Runs the scenario and compares it; null as above. */
export async function problemsOf(name: string, costs?: CostPreset): Promise<Problems | null> {
  const timeline = await timelineOf(name, costs);
  return timeline === null ? null : compare(recordingOf(name), timeline);
}

/**
 * A difference that no single run can do without: a pod that is there at the end of some repetitions only (`inReps`), or an
 * Event that some repetitions have no time at all. It is counted as the recordings' own compare.py counts it.
 */
export function isUnavoidable(want: Recording, column: keyof Problems, problem: string): boolean {
  if (column === 'final') return want.final[problem.slice(0, problem.indexOf(' '))]?.inReps !== undefined;
  return column === 'events' && /: 0\.\.\d+, ours none$/.test(problem);
}

export function unavoidable(want: Recording, problems: Problems): { final: number; events: number } {
  const of = (column: 'final' | 'events'): number =>
    problems[column].filter((problem) => isUnavoidable(want, column, problem)).length;
  return { final: of('final'), events: of('events') };
}

/** A difference without what this run had instead, to know it again in another run. */
export const withoutOurs = (problem: string): string =>
  problem.replace(/, ours .*$/, '').replace(/ at -?\d+(\.\d+)?/g, '');

/** Rows of docs/validation-timelines.md: numbers of differences by scenario, in order of COLUMNS; none where refused. */
export function tableRows(page: string): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  for (const line of page.split('\n')) {
    const match = /^\| `([a-z0-9-]+)` \| (\d+(?: \| \d+)*) \|$/.exec(line);
    if (match !== null) rows.set(match[1]!, match[2]!.split(' | ').map(Number));
  }
  return rows;
}

/** What differs, by column. */
export function compare(want: Recording, got: Timeline): Problems {
  const rows = [...got.transitions];
  const problems: Problems = {
    final: finals(want, got),
    envelope: envelopes(want, got),
    steps: steps(want, got),
    missing: [],
    extra: [],
    order: [],
    time: [],
    events: events(want, got),
  };
  compareRows(want, rows, problems);
  const known = new Set(want.transitions.map(saysOf));
  for (const row of rows)
    if (STRUCTURAL.test(row.w) && !known.has(saysOf(row))) problems.extra.push(saysOf(row));
  for (const o of Object.keys(got.final)) if (!(o in want.final)) problems.extra.push(`final ${o}`);
  return problems;
}

function finals(want: Recording, got: Timeline): string[] {
  const bad: string[] = [];
  for (const [o, fields] of Object.entries(want.final)) {
    const ours = got.final[o];
    if (ours === undefined) {
      bad.push(`${o} absent`);
      continue;
    }
    // Which of several equal pods is left varies between the repetitions.
    if ('varies' in fields) continue;
    for (const [field, value] of Object.entries<Json>(fields)) {
      if (typeof value === 'object' && value !== null && 'varies' in value) continue;
      if (ours[field] !== value) bad.push(`${o} ${field}: ${value}, ours ${ours[field]}`);
    }
  }
  return bad;
}

function envelopes(want: Recording, got: Timeline): string[] {
  const bad: string[] = [];
  for (const [o, measures] of Object.entries(want.envelope ?? {}))
    for (const [measure, bounds] of Object.entries<Json>(measures))
      for (const [side, [low, high]] of Object.entries<Json>(bounds)) {
        const ours = (got.envelope[o] as Json)?.[measure]?.[side];
        if (!(ours >= low && ours <= high))
          bad.push(`${o} ${measure} ${side}: ${low}..${high}, ours ${ours}`);
      }
  return bad;
}

function steps(want: Recording, got: Timeline): string[] {
  return want.steps.flatMap((step, i) => {
    const ours = got.steps[i];
    if ('code' in step && ours?.code !== step.code)
      return [`${i} ${step.do}: ${step.code}, ours ${ours?.code}`];
    return [];
  });
}

function events(want: Recording, got: Timeline): string[] {
  const counts = new Map<string, number>();
  for (const e of got.events) {
    const key = `${e.o} ${e.reason} ${e.message}`;
    counts.set(key, (counts.get(key) ?? 0) + e.count);
  }
  return want.events.flatMap(({ o, reason, message, count, n }) => {
    const [, low, high] = count;
    const ours = counts.get(`${o} ${reason} ${message}`);
    return n !== undefined || (ours !== undefined && ours >= low && ours <= high)
      ? []
      : [`${o} ${reason} ${JSON.stringify(message)}: ${low}..${high}, ours ${ours ?? 'none'}`];
  });
}

function compareRows(want: Recording, rows: readonly TimelineRow[], problems: Problems): void {
  const ours = new Map<string, TimelineRow>();
  for (const row of rows) if (!ours.has(keyOf(row))) ours.set(keyOf(row), row);
  const starts = want.steps.map((step) => step.t as number);
  let last: TimelineRow | null = null;
  for (const row of want.transitions) {
    if (row.n !== undefined) continue;
    const mine = ours.get(keyOf(row));
    const [median, low, high] = row.t;
    if (mine === undefined) {
      problems.missing.push(`${keyOf(row)} at ${median}`);
      continue;
    }
    const since = median - Math.max(0, ...starts.filter((t) => t <= median));
    const slack = SLACK_MS + SLACK_SHARE * Math.max(0, since);
    if (mine.t < low - slack || mine.t > high + slack)
      problems.time.push(`${keyOf(row)}: ${low}..${high}, ours ${mine.t}`);
    if (last !== null && ((row.ord === '<' && mine.t < last.t) || (row.ord === '=' && mine.t !== last.t)))
      problems.order.push(`${keyOf(mine)} at ${mine.t} ${row.ord} after ${keyOf(last)} at ${last.t}`);
    last = mine;
  }
}
