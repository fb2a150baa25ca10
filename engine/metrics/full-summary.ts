// summary.json in full: what the recorder adds to the summary that every run promises.
import type { RunSummary } from '../contracts/result.ts';

/** The summary as written: with means and peaks of the gauges, and the counters, in order of name. */
export interface FullSummary extends RunSummary {
  gauges: Record<string, { mean: number; peak: number }>;
  counters: Record<string, number>;
  /** Where the time of pods' starts went, over those seen Ready: engine/metrics/phases.ts. */
  phases: Record<string, { count: number; mean: number; share: number }>;
}
