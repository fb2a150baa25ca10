// What the HTML report is about, as plain data: read by experiments/report-data.ts, drawn by the sections. Nothing in it
// grows with the number of pods or nodes.
import type { LossEntry } from '../../engine/contracts/result.ts';
import type { ComparisonResult, Replication } from '../compare/compare.ts';
import type { StartDifference } from '../compare/contributors.ts';
import type { PlacementGrid } from './placement.ts';
import type { StartDigest } from './start-digest.ts';

export interface ReportData {
  /** Names of the experiments, without repetition. */
  readonly experiments: readonly string[];
  /** RUNS as they were given. */
  readonly sources: readonly string[];
  /** The command that writes this page. */
  readonly command: string;
  /** Version that writes the page. */
  readonly kubetick: string;
  /** The first is the baseline. */
  readonly variants: readonly ReportVariant[];
  readonly comparison: ReportComparison | null;
  /** Told to the reader: what was left out, and why. */
  readonly notes: readonly string[];
}

export interface ReportVariant {
  readonly label: string;
  readonly runs: readonly ReportRun[];
  readonly expects: readonly ReportExpect[];
  readonly loss: readonly LossEntry[];
  /** All pods of all runs; null where no run has kept pods.csv. */
  readonly starts: StartDigest | null;
  /** One run looked at closely; null for variants beyond the number that fits a page, and without tables. */
  readonly detail: RunDetail | null;
}

export interface ReportRun extends Replication {
  readonly experiment: string;
  readonly directory: string;
  readonly fingerprint: string;
}

/** One expectation of a variant. */
export interface ReportExpect {
  readonly text: string;
  /** `run`: of each run by itself; `variant`: of the mean over the runs of a variant (`sweep.expect`). */
  readonly of: 'run' | 'variant';
  /** Runs in which it holds, of so many; for `variant` 0 or 1 of 1. */
  readonly held: number;
  readonly judged: number;
  /** What was observed, one a judgement; null: nothing. */
  readonly observed: readonly (number | null)[];
}

export interface ReportComparison {
  readonly baseline: string;
  readonly result: ComparisonResult;
  readonly starts: readonly StartDifference[];
}

/** A step function of time or values of equal cells: `value[i]` from `seconds[i]` on. NaN: nothing was observed. */
export interface Series {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly values: readonly number[];
}

/** Rates and start-up latencies by time, in cells of equal length. */
export interface Timeline {
  readonly series: readonly Series[];
  /** Length of a cell, seconds. */
  readonly cellSeconds: number;
}

export interface SlowPod {
  readonly pod: string;
  readonly node: string;
  readonly createdSeconds: number;
  readonly startSeconds: number;
  /** The longest phase and its seconds. */
  readonly phase: string;
  readonly phaseSeconds: number;
}

/** Requests of a kind of which some were answered by errors. */
export interface RequestErrors {
  /** `update deployments` */
  readonly request: string;
  readonly count: number;
  /** `409:4 429:1` */
  readonly codes: string;
}

/** Something that was done to the cluster. */
export interface Mark {
  readonly seconds: number;
  readonly text: string;
}

export interface RunDetail {
  readonly directory: string;
  readonly replication: number;
  readonly virtualSeconds: number;
  readonly endReason: string;
  readonly versions: Readonly<Record<string, string | number>>;
  readonly ingredients: Readonly<Record<string, string>>;
  readonly nodes: number;
  /** Measurements before are left out of the numbers, seconds. */
  readonly warmUpSeconds: number;
  readonly costs: string;
  /** The resolved scenario as indented JSON. */
  readonly spec: string;
  readonly marks: readonly Mark[];
  /** Of timeseries.csv, by name. */
  readonly series: readonly Series[];
  readonly timeline: Timeline | null;
  readonly placement: PlacementGrid | null;
  readonly slowest: readonly SlowPod[];
  readonly requestErrors: readonly RequestErrors[];
  /** Why pods are pending at the end: reason and number, the most first. */
  readonly pending: readonly (readonly [reason: string, pods: number])[];
}
