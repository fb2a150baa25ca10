// Plain manifests to a resolved scenario: equal nodes, or the nodes among the manifests.
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import { assemble, defaultCosts, freePrefix } from './assemble.ts';
import { partition } from './dump.ts';
import { DEFAULT_NODE_COUNT, nodeGroup } from './node-groups.ts';
import type { InputObject } from './objects.ts';
import { DEFAULT_SEED, DEFAULT_UNTIL_US, type ResolveContext } from './settings.ts';

/** Plain manifests on equal nodes, or on the nodes among them. */
export function resolveManifests(
  name: string,
  objects: readonly InputObject[],
  context: ResolveContext,
): ResolvedScenario {
  const { settings, loss } = context;
  const parts = partition(objects, settings.shape, loss);
  const count = settings.nodes ?? (parts.hasNodes ? 0 : DEFAULT_NODE_COUNT);
  const used = [...parts.existing, ...parts.created];
  const { existing, steps } = assemble(parts.existing, parts.created, [], used, loss);
  return {
    experiment: name,
    variant: 'default',
    replication: 1,
    seed: settings.seed ?? DEFAULT_SEED,
    nodes: count === 0 ? [] : [nodeGroup(settings.shape, count, { prefix: freePrefix(objects) })],
    existing,
    steps,
    workloads: [],
    policies: {},
    costs: defaultCosts(),
    queue: 'heap',
    untilUs: settings.untilUs ?? DEFAULT_UNTIL_US,
    warmUpUs: 0,
    stopWhenIdle: true,
    expect: [],
    loss: loss.list(),
  };
}
