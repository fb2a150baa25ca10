// `copies`: the same object again and again, as its manifest says: pods of a benchmark's template, ConfigMaps by the
// thousand. Its name is a prefix; everything else stays as it is written.
import * as z from 'zod';
import type { Arrival, KubeObject, WorkloadContext } from '../../engine/index.ts';
import { argumentProblem, defineWorkload, type Parsed } from '../arguments.ts';
import * as common from '../common.ts';

const copiesArguments = {
  object: {
    schema: z.record(z.string(), z.unknown(), { error: 'must be an object as a manifest has it' }),
    type: 'object',
    help: 'the object, written out: apiVersion, kind, spec, …',
  },
  name: common.nameArgument('copy'),
  namespace: common.namespaceArgument,
  count: { schema: common.wholeCount(), type: 'whole number', defaultTo: 1, help: 'number of copies' },
  ratePerSecond: {
    ...common.ratePerSecondArgument,
    help: 'copies a second, at equal distances; 0 or left out: all at once',
  },
  startAt: common.startAtArgument,
} as const;

export const copies = defineWorkload({
  name: 'copies',
  about: 'copies of an object as its manifest says, all at once or at equal distances',
  args: copiesArguments,
  build(args) {
    const { apiVersion, kind } = args.object;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
      return { problems: [argumentProblem(['object'], 'must have apiVersion and kind')] };
    }
    return {
      workload: { namespaces: args.namespace, arrivals: (context) => arrivals(context, args) },
    };
  },
});

function* arrivals({ untilUs }: WorkloadContext, args: Parsed<typeof copiesArguments>): Iterator<Arrival> {
  const base = args.object as unknown as KubeObject;
  const { generateName: _prefix, name: _name, ...metadata } = base.metadata ?? {};
  // One object a namespace: equal objects are interned once.
  const objects = args.namespace.map(
    (namespace): KubeObject => ({ ...base, metadata: { ...metadata, namespace } }),
  );
  const gapUs = (args.ratePerSecond ?? 0) === 0 ? 0 : 1e6 / args.ratePerSecond!;
  for (let i = 0; i < args.count; i++) {
    const atUs = args.startAt + Math.round(i * gapUs);
    if (atUs > untilUs) return;
    const turn = i % objects.length;
    yield { atUs, object: objects[turn]!, name: `${args.name}-${i + 1}`, namespace: args.namespace[turn]! };
  }
}
