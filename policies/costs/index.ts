// The cost presets by name. A new preset is one file and one line here.
import type { CostPreset } from '../../engine/index.ts';
import { k8sMedium } from './k8s-medium.ts';
import { recorded } from './recorded.ts';
import { schedulerPerf } from './scheduler-perf.ts';
import { zero } from './zero.ts';

export const DEFAULT_COSTS = 'k8s-medium';

export const costPresets: Readonly<Record<string, CostPreset>> = {
  [k8sMedium.name]: k8sMedium,
  [recorded.name]: recorded,
  [schedulerPerf.name]: schedulerPerf,
  [zero.name]: zero,
};
