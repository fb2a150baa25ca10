// A KubeSchedulerConfiguration with extenders and what serves them, for tests.
import { type ExtenderShape, extender, loadProfiles, type SchedulerSettings } from '../../../engine/index.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';

export const URL = 'http://ext:8888';
const VERBS = {
  filterVerb: 'filter',
  prioritizeVerb: 'prioritize',
  preemptVerb: 'preempt',
  bindVerb: 'bind',
};

/** Verbs of an entry for what the shape serves. */
function entry(url: string, shape: ExtenderShape, more: Json = {}): Json {
  const served = Object.entries(VERBS).filter(([, verb]) => verb in shape);
  return { urlPrefix: url, weight: 1, ...Object.fromEntries(served), ...more };
}

export function settings(
  list: readonly { readonly url?: string; readonly shape: ExtenderShape; readonly more?: Json }[],
  config: Json = {},
): SchedulerSettings {
  const loaded = loadProfiles(
    {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      metadata: {},
      extenders: list.map(({ url = URL, shape, more }) => entry(url, shape, more)),
      ...config,
    },
    { ...schedulerRegistry, extenders: list.map(({ url = URL, shape }) => extender(url, shape)) },
  );
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
}
