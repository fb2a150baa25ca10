// The pods of a run, row by row, into digests of a fixed size: where the time of their starts goes, rates, placement, the
// slowest ones, and why some are pending.
import { Histogram } from '../../engine/metrics/histogram.ts';
import { PodStamp } from '../../engine/metrics/pod-stamps.ts';
import type { Series, SlowPod, Timeline } from './model.ts';
import type { Placement } from './placement.ts';
import { newStamps, type StartDigest } from './start-digest.ts';
import { Rate } from './steps.ts';

/** A row of pods.csv by the places of POD_COLUMNS, as experiments/table-scan.ts reads it. */
export interface PodRow {
  text(column: number): string;
  /** NaN: an empty cell. */
  micros(column: number): number;
  number(column: number): number;
}

/** When nodes joined, µs, by name; of several of one name in order. */
export type NodeTimes = ReadonlyMap<string, readonly number[]>;

/** Cells of time of rates and latencies. */
const TIMELINE_CELLS = 120;
const SLOWEST = 10;
const REASONS = 10;
/** Reasons told apart while reading. */
const REASONS_MAX = 2000;
const TEXT_MAX = 300;

/** Stamps by their numbers, as the columns of pods.csv name them: firstAttempt → first_attempt_s. */
const STAMPS: readonly string[] = Object.entries(PodStamp)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => `${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_s`);
const OTHERS = [
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
/** Stamps first, so that the number of a stamp is the place of its column. */
export const POD_COLUMNS: readonly string[] = [...STAMPS, ...OTHERS];
const column = (name: (typeof OTHERS)[number]): number => STAMPS.length + OTHERS.indexOf(name);
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

/** Adds a pod to a digest, without looking closer. */
export class StartReader {
  readonly #digest: StartDigest;
  readonly #added: NodeTimes;
  readonly #stamps = newStamps();

  constructor(digest: StartDigest, added: NodeTimes) {
    this.#digest = digest;
    this.#added = added;
  }

  row(row: PodRow): void {
    const stamps = this.#stamps;
    readStamps(row, stamps);
    this.#digest.add(stamps, row.number(ATTEMPTS), joined(row, stamps, this.#added), workloadOf(row));
  }
}

/** What a reading is about, and where it goes. */
export interface PodReading {
  /** End of the run, µs. */
  readonly endUs: number;
  readonly placement: Placement;
  readonly added: NodeTimes;
  readonly digest: StartDigest;
  /** What the scheduler said last of a pod without a node, by namespace/name. */
  readonly messages: ReadonlyMap<string, string>;
}

/** What is kept of the pods of one run. */
export class PodReader {
  readonly slowest: SlowPod[] = [];
  readonly #digest: StartDigest;
  readonly #placement: Placement;
  readonly #added: NodeTimes;
  readonly #messages: ReadonlyMap<string, string>;
  readonly #cellUs: number;
  readonly #rates: Readonly<Record<'created' | 'bound' | 'ready' | 'gone', Rate>>;
  readonly #starts: Histogram[] = Array.from({ length: TIMELINE_CELLS }, () => new Histogram());
  readonly #reasons = new Map<string, number>();
  readonly #stamps = newStamps();
  #pods = 0;

  constructor({ endUs, placement, added, digest, messages }: PodReading) {
    this.#digest = digest;
    this.#placement = placement;
    this.#added = added;
    this.#messages = messages;
    this.#cellUs = endUs / TIMELINE_CELLS;
    const rate = (): Rate => new Rate(TIMELINE_CELLS, this.#cellUs);
    this.#rates = { created: rate(), bound: rate(), ready: rate(), gone: rate() };
  }

  row(row: PodRow): void {
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
      const said = node === '' ? this.#messages.get(`${row.text(NAMESPACE)}/${row.text(POD)}`) : undefined;
      const reason =
        said ??
        (cut(row.text(REASON)) || (node === '' ? 'no node, no reason given' : 'has a node, not started'));
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
  #rank(row: PodRow, created: number, start: number): void {
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

function readStamps(row: PodRow, stamps: Float64Array): void {
  for (let i = 0; i < STAMPS.length; i++) stamps[i] = row.micros(i);
}

/** When the node of the pod had joined: the last of that name before the pod was scheduled. */
function joined(row: PodRow, stamps: Float64Array, nodes: NodeTimes): number {
  const times = nodes.get(row.text(NODE));
  if (times === undefined) return Number.NaN;
  const scheduled = stamps[PodStamp.scheduled]!;
  let found = Number.NaN;
  for (const us of times) if (!(us > scheduled)) found = us;
  return found;
}

/** `Deployment`'s pods carry the hash of their ReplicaSet: without it all revisions are one workload. */
function workloadOf(row: PodRow): string {
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

/** Of texts of a run: what fits a cell of a table. */
export const cut = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);
