// The start of a run from its objects: what exists at 0 s, what kubectl creates then and later, in which order, and the
// namespaces that are used without being defined.
import type { CostPreset } from '../engine/contracts/costs.ts';
import type { NodeGroup, SourcedObject, TimedStep } from '../engine/contracts/scenario.ts';
import { costPresets, DEFAULT_COSTS } from '../policies/costs/index.ts';
import { presetByName } from './cost-file.ts';
import type { LossBook } from './loss.ts';
import type { InputObject } from './objects.ts';
import { sourced } from './steps.ts';

/** Namespaces that every cluster has. */
const SYSTEM_NAMESPACES = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

const SOURCE_OF_DEFAULTS = 'kubetick';

export interface Assembled {
  readonly existing: SourcedObject[];
  readonly steps: TimedStep[];
}

/**
 * Objects to what exists and what is created at 0 s: Namespaces first, as they come; then everything in the order of
 * the input. Namespaces that objects name and nobody defines are added.
 */
export function assemble(
  existing: readonly InputObject[],
  created: readonly InputObject[],
  later: readonly TimedStep[],
  all: readonly InputObject[],
  loss: LossBook,
): Assembled {
  const defined = new Set(all.filter((e) => e.object.kind === 'Namespace').map((e) => e.name));
  const missing = new Map<string, { source: string; count: number; existing: boolean }>();
  const there = new Set(existing);
  for (const entry of [...existing, ...all]) {
    if (entry.namespace === '' || SYSTEM_NAMESPACES.has(entry.namespace) || defined.has(entry.namespace))
      continue;
    const before = missing.get(entry.namespace);
    if (before === undefined)
      missing.set(entry.namespace, { source: entry.manifest.source, count: 1, existing: there.has(entry) });
    else before.count++;
  }
  const namespaceObject = (name: string): SourcedObject => ({
    source: SOURCE_OF_DEFAULTS,
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  });
  const addedExisting: SourcedObject[] = [];
  const addedCreated: SourcedObject[] = [];
  for (const [name, { source, count, existing: isThere }] of missing) {
    loss.add(source, 'Namespace', '', `namespace ${name} is used and not defined: added`, count);
    (isThere ? addedExisting : addedCreated).push(namespaceObject(name));
  }
  for (const entry of all) loss.object(entry.manifest.source, entry.object, entry.verdict.modelled);
  const namespaces = created.filter((e) => e.object.kind === 'Namespace').map(sourced);
  const others = created.filter((e) => e.object.kind !== 'Namespace').map(sourced);
  const first = [...addedCreated, ...namespaces, ...others];
  const nodes = existing.filter((e) => e.object.kind === 'Node').map(sourced);
  const rest = existing.filter((e) => e.object.kind !== 'Node').map(sourced);
  return {
    existing: [...nodes, ...addedExisting, ...rest],
    steps: [...(first.length > 0 ? [{ atUs: 0, do: 'create', objects: first } as const] : []), ...later],
  };
}

/** A prefix for added nodes that no Node of the input begins with. */
export function freePrefix(objects: readonly InputObject[]): string {
  const taken = (prefix: string) =>
    objects.some((e) => e.object.kind === 'Node' && e.name.startsWith(prefix));
  let prefix = 'node-';
  while (taken(prefix)) prefix = `added-${prefix}`;
  return prefix;
}

export function defaultCosts(): CostPreset {
  const costs = presetByName(DEFAULT_COSTS, costPresets);
  if (typeof costs === 'string') throw new Error(costs);
  return costs;
}

/** Names of the nodes of a group, in order. */
export function namesOf(group: NodeGroup): string[] {
  return Array.from(
    { length: group.count },
    (_, i) => group.names?.[i] ?? `${group.prefix}${group.first + i}`,
  );
}
