// What a run gives back: the summary (summary.json), and the sink contract through which tables leave the engine
// while it runs, so that no table is ever held in memory.
import type { AttemptObserver } from './attempts.ts';
import type { Cell, TableSpec } from './tables.ts';
import type { Timeline } from './timeline.ts';

export interface RunLabels {
  readonly experiment: string;
  readonly variant: string;
  readonly replication: number;
  readonly seed: number | string;
}

/** Seconds. Percentiles from a log-linear histogram with 3 significant digits; min, max and mean exact. */
export interface LatencySummary {
  count: number;
  mean: number;
  min: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export interface LossEntry {
  source: string;
  kind: string;
  field: string;
  count: number;
  note: string;
}

export interface PodCounts {
  created: number;
  scheduled: number;
  started: number;
  ready: number;
  succeeded: number;
  failed: number;
  deleted: number;
  /** Of those that still exist: */
  running: number;
  pending: number;
  /** Pending pods whose last scheduling attempt failed. */
  unschedulable: number;
}

export interface ExpectResult {
  text: string;
  holds: boolean;
  observed: number | null;
}

export interface RunSummary extends RunLabels {
  fingerprint: string;
  virtualSeconds: number;
  events: number;
  nodes: { count: number; peak: number };
  pods: PodCounts;
  latency: Record<string, LatencySummary>;
  throughput: Record<string, number>;
  utilisation: Record<string, number>;
  expect: ExpectResult[];
  loss: LossEntry[];
}

/** Why the run ended: nothing but periodic work left, or `until` reached. */
export type EndReason = 'idle' | 'until' | 'stopped';

export interface RunResult {
  summary: RunSummary;
  endReason: EndReason;
  /** Digest per ingredient: t time, k kind, o object, d decisions, s summary. */
  ingredients: Record<string, string>;
}

/** Takes the rows of one table. `cells` is reused by the caller: copy what is kept. */
export interface TableSession {
  row(cells: readonly Cell[]): void;
}

/** Where tables go. A session that returns null for a table makes the engine skip recording it. */
export interface SinkSession {
  table(spec: TableSpec): TableSession | null;
  close(result: RunResult): void;
}

export interface Sink {
  open(run: RunLabels): SinkSession;
}

/** One printed hop of `--trace`: where the object is on its way, in virtual time (µs). */
export interface TraceHop {
  timeUs: number;
  /** Who acts: kubectl, kube-apiserver, etcd, kube-controller-manager/<controller>, kube-scheduler, kubelet/<node>, kube-proxy/<node>. */
  actor: string;
  /** Object concerned, `pod/web-abcde`. */
  object: string;
  what: string;
}

export interface RunOptions {
  sinks?: readonly Sink[];
  /** Receives every hop that concerns this object or what it owns or selects, e.g. `rc/web`, `deployment/shop/web`. */
  trace?: { object: string; emit(hop: TraceHop): void };
  /** Given the run's timeline when it ends. The run is the same with and without it. */
  timeline?(timeline: Timeline): void;
  /**
   * Makes every scheduling decision by the index and by the plain search, throws InvariantError at the first difference,
   * and is told at the end how many there were. The run is the same with and without it.
   */
  verifyDecisions?(decisions: number): void;
  /** Follows scheduling attempts. The run is the same with and without it, up to where it ends it. */
  attempts?: AttemptObserver;
  progress?(state: ProgressState): void;
  /** Walks through the whole cluster now and then, and fails where something that must hold does not. */
  paranoid?: boolean;
  /** Returns true to stop (Ctrl-C). Asked every few thousand events. */
  shouldStop?(): boolean;
}

export interface ProgressState {
  virtualUs: number;
  untilUs: number;
  events: number;
  podsCreated: number;
  podsReady: number;
  podsPending: number;
}
