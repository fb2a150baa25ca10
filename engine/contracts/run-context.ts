// What every part of a run is built from. One context a run; nothing of it is shared between runs.
import type { Durations, Kernel, KeyedDraw, PeriodicWork, Rng } from '../kernel/index.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { ClusterState } from '../state/index.ts';
import type { ApiServer } from './api.ts';
import type { CostPreset } from './costs.ts';

export interface RunContext {
  readonly kernel: Kernel;
  /** Sequences: `rng.stream('scheduler/ties')`. */
  readonly rng: Rng;
  /** Draws that belong to an entity. */
  readonly draw: KeyedDraw;
  readonly durations: Durations;
  readonly state: ClusterState;
  readonly api: ApiServer;
  readonly recorder: Recorder;
  readonly costs: CostPreset;
  /** Timers that are re-armed for ever are told here, so that a run can end when only they are left. */
  readonly periodic: PeriodicWork;
  /** The cluster has nodes beside those of the run, which are well: a recorded scenario was one of many. */
  readonly hasOtherNodes?: boolean;
}
