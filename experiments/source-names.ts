// Names of sources in results. A result must not depend on where on a machine its inputs lie, so a file that was
// given by an absolute path is named from the last part of that path on: `run /data/shop` gives `shop/a.yaml`.
import { basename, dirname, isAbsolute, sep } from 'node:path';
import type { ResolvedScenario, SourcedObject } from '../engine/contracts/scenario.ts';

/** The scenario with every absolute source shortened; itself when there is none. */
export function withPortableSources(scenario: ResolvedScenario, paths: readonly string[]): ResolvedScenario {
  const parents = paths.filter((path) => isAbsolute(path)).map((path) => dirname(path));
  // The longest first, so that of nested paths the nearest counts.
  parents.sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const rename = (source: string): string => {
    if (!isAbsolute(source)) return source;
    for (const parent of parents) {
      const prefix = parent.endsWith(sep) ? parent : parent + sep;
      if (source.startsWith(prefix)) return source.slice(prefix.length);
    }
    return basename(source);
  };
  const object = (one: SourcedObject): SourcedObject =>
    isAbsolute(one.source) ? { ...one, source: rename(one.source) } : one;
  return {
    ...scenario,
    existing: scenario.existing.map(object),
    steps: scenario.steps.map((step) => ({ ...step, objects: step.objects.map(object) })),
    loss: scenario.loss.map((entry) => ({ ...entry, source: rename(entry.source) })),
    policies: renamedPolicies(scenario.policies, rename),
  };
}

function renamedPolicies(
  policies: ResolvedScenario['policies'],
  rename: (source: string) => string,
): ResolvedScenario['policies'] {
  if (policies.plugins === undefined) return policies;
  const plugins = policies.plugins.map(({ modules }) => ({
    modules: modules.map((module) => ({ ...module, file: rename(module.file) })),
  }));
  return { ...policies, plugins };
}
