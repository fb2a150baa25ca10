// For the study of packing on openb: a stream of pods drawn from the cluster's own list, and a policy of one's own.
// WholeNodesFree prefers, for pods with GPUs, the node on which the fewest GPUs stay free, and for pods without, nodes
// that have no free GPU to lose: jobs that want all GPUs of a node then find one.
import {
  common,
  defineWorkload,
  distribution,
  NodeField,
  type PodView,
  scorePlugin,
  units,
  z,
} from 'kubetick';
import { POD_CLASSES } from './pod-classes.ts';

const GPU = 'nvidia.com/gpu';
/** The most GPUs that a node has here. */
const GPUS_MAX = 8;

const wholeNodesFree = scorePlugin('WholeNodesFree', {
  about: 'Keeps nodes whole for jobs that want all their GPUs.',
  locality: 'node',
  reads: NodeField.allocatable | NodeField.requested,
  create(_args, handle) {
    const gpu = handle.cluster.resources.id(GPU);
    const wanted = (pod: PodView): number => pod.template.scalars.find(([id]) => id === gpu)?.[1] ?? 0;
    return {
      sign: (pod) => String(wanted(pod)),
      score(pod, node) {
        const free = node.allocatable(gpu) - node.requested(gpu) - wanted(pod);
        return Math.max(0, 100 - Math.floor((100 * free) / GPUS_MAX));
      },
    };
  },
});

const openbPods = defineWorkload({
  name: 'openb-pods',
  about: 'Pods that arrive at random and ask for what the pods of openb ask for, and run for a drawn time',
  args: {
    ratePerSecond: {
      schema: z.number().positive('must be larger than 0'),
      type: 'number',
      help: 'mean arrivals a second',
    },
    run: {
      schema: distribution(units.durationUs),
      type: 'distribution of durations',
      help: 'pods end this long after they started',
    },
  },
  build: ({ ratePerSecond, run }) => ({
    workload: {
      namespaces: ['default'],
      *arrivals(context) {
        const nextTime = common.poissonTimes(context, 0, ratePerSecond / 1e6);
        const runUs = common.sampler(context, 'run', run);
        const draw = context.rng.stream(`${context.streams}/class`).source();
        const objects = POD_CLASSES.map(([, cpu, memory, gpus]) => podOf(cpu, memory, gpus));
        const total = POD_CLASSES.reduce((sum, [count]) => sum + count, 0);
        for (let serial = 1; ; serial++) {
          const atUs = nextTime();
          if (atUs > context.untilUs) return;
          let left = draw() * total;
          let index = 0;
          while (index < POD_CLASSES.length - 1 && left >= POD_CLASSES[index]![0])
            left -= POD_CLASSES[index++]![0];
          yield {
            atUs,
            object: objects[index]!,
            name: `g${POD_CLASSES[index]![3]}-${serial}`,
            namespace: 'default',
            runUs: runUs(),
          };
        }
      },
    },
  }),
});

function podOf(cpuMilli: number, memoryMib: number, gpus: number) {
  const requests = {
    cpu: `${cpuMilli}m`,
    memory: `${memoryMib}Mi`,
    ...(gpus > 0 ? { [GPU]: String(gpus) } : {}),
  };
  const limits = gpus > 0 ? { [GPU]: String(gpus) } : {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'openb', labels: { gpus: String(gpus) } },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'train:1', resources: { requests, limits } }],
    },
  };
}

export default [wholeNodesFree, openbPods];
