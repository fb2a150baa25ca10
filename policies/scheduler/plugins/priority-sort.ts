// PrioritySort: higher priority first, then who has waited longer (plugins/queuesort, v1.36).
import { definePlugin } from '../../../engine/index.ts';

export const prioritySort = definePlugin({
  name: 'PrioritySort',
  about: 'Orders the queue by priority, then by time.',
  points: ['queueSort'],
  create: () => ({
    locality: 'node',
    reads: 0,
    sign: () => '',
    events: [],
    less(a, b, { priority, timestampUs }) {
      const difference = priority[a]! - priority[b]!;
      return difference === 0 ? timestampUs[a]! < timestampUs[b]! : difference > 0;
    },
  }),
});
