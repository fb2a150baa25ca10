// SchedulingGates: a pod with gates does not enter the queue until they are gone (plugins/schedulinggates, v1.36).
import { ClusterEvent, Code, definePlugin, PASS } from '../../../engine/index.ts';

export const schedulingGates = definePlugin({
  name: 'SchedulingGates',
  about: 'Holds pods back while they have scheduling gates.',
  points: ['preEnqueue'],
  create: (_args, handle) => ({
    locality: 'node',
    reads: 0,
    sign: () => '',
    events: [{ events: ClusterEvent.ownUpdate }],
    preEnqueue(pod) {
      const gates: readonly { name: string }[] = pod.template.spec.schedulingGates ?? [];
      if (gates.length === 0) return PASS;
      const names = gates.map((gate) => gate.name).join(' ');
      return handle.verdict(Code.unschedulableAndUnresolvable, `waiting for scheduling gates: [${names}]`);
    },
  }),
});
