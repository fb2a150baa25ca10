// DynamicResources, as far as pods without resource claims see it: it takes part in every attempt, gives every node 0
// points, and answers first when no node was found (plugins/dynamicresources, v1.36). Devices are not allocated.
import { Code, definePlugin, SKIP } from '../../../engine/index.ts';

const NAME = 'DynamicResources';

export const dynamicResources = definePlugin({
  name: NAME,
  about: 'Gives every node 0 points; devices of resource claims are not allocated.',
  points: ['preEnqueue', 'preFilter', 'filter', 'postFilter', 'score', 'reserve', 'preBind'],
  gap: {
    acts: (template) => ((template.spec.resourceClaims ?? []).length > 0 ? 'spec.resourceClaims' : null),
    note: 'resource claims are not allocated',
  },
  create: () => ({
    locality: 'node',
    reads: 0,
    sign: () => '',
    events: [],
    preEnqueue: () => 0,
    preFilter: () => SKIP,
    filter: () => 0,
    postFilter: (_pod, _cluster, attempt) =>
      // Its state of the attempt comes from its PreFilter: where that was not reached, reading it fails.
      attempt.preFilterRan(NAME)
        ? { code: Code.unschedulable, message: 'no new claims to deallocate', nominate: null }
        : { code: Code.error, message: 'not found', nominate: null },
    score: () => 0,
    uniform: () => 0,
    scoreBatch: (_pod, _cluster, _nodes, count, _state, out) => {
      out.fill(0, 0, count);
    },
  }),
});
