// Scheduler plug-ins of this program: a new one is its file and a line here.
import type { PluginDefinition, PluginRegistry } from '../../engine/index.ts';
import { defaultBinder } from './plugins/default-binder.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation.ts';
import { nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration.ts';
import { DEFAULT_MULTI_POINT } from './profiles/default.ts';
import { UNMODELLED } from './profiles/unmodelled.ts';

const plugins: readonly PluginDefinition[] = [
  schedulingGates,
  prioritySort,
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  nodeResourcesBalancedAllocation,
  imageLocality,
  defaultBinder,
];

/** Built-in plug-ins and the default profile. A run's own registry may add to it. */
export const schedulerRegistry: PluginRegistry = {
  plugins,
  unmodelled: UNMODELLED,
  defaults: DEFAULT_MULTI_POINT,
};
