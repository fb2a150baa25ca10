// What a policy file may export: scheduler plug-ins, workloads, controllers and cost presets, told apart by what they
// have. Everything that can be said before a run is said here, in the order in which one would mend it.
import type { ControllerDefinition } from '../engine/contracts/controller.ts';
import type { CostPreset } from '../engine/contracts/costs.ts';
import type { ExtenderDefinition } from '../engine/contracts/extender.ts';
import {
  EXTENSION_POINTS,
  type ExtensionPoint,
  type Plugin,
  type PluginDefinition,
} from '../engine/contracts/scheduler.ts';
import type { WorkloadDefinition } from '../engine/contracts/workload.ts';
import { extenderProblems, isExtender } from './extender-shapes.ts';
import { didYouMean } from './suggest.ts';

export type Policy =
  | { readonly kind: 'scheduler plug-in'; readonly definition: PluginDefinition }
  | { readonly kind: 'workload'; readonly definition: WorkloadDefinition }
  | { readonly kind: 'scheduler extender'; readonly definition: ExtenderDefinition }
  | { readonly kind: 'controller'; readonly definition: ControllerDefinition }
  | { readonly kind: 'cost preset'; readonly definition: CostPreset };

/** Something wrong with what a file exports; `name` of the definition, '' if it has none. */
export interface ShapeProblem {
  readonly name: string;
  readonly message: string;
  readonly hint?: string;
}

type Raw = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Raw => typeof value === 'object' && value !== null;

/** Methods by extension point. A point that is named needs one of its methods, and a method needs its point. */
const METHODS: Readonly<Record<ExtensionPoint, readonly (keyof Plugin)[]>> = {
  preEnqueue: ['preEnqueue'],
  queueSort: ['less'],
  preFilter: ['preFilter'],
  filter: ['filter', 'filterBatch'],
  postFilter: ['postFilter'],
  preScore: ['preScore'],
  score: ['score', 'scoreBatch'],
  reserve: ['reserve', 'unreserve'],
  permit: ['permit'],
  preBind: [],
  bind: ['bind'],
  postBind: ['postBind'],
};

const HOW = 'export default scorePlugin("Name", { … }), or a list of definitions';

/** `export default` of a file to what it holds. */
export function policiesOf(exported: unknown): { policies: Policy[]; problems: ShapeProblem[] } {
  const policies: Policy[] = [];
  const problems: ShapeProblem[] = [];
  if (exported === undefined) {
    problems.push({ name: '', message: 'the file has no default export', hint: HOW });
    return { policies, problems };
  }
  const list: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  if (list.length === 0)
    problems.push({ name: '', message: 'the default export is an empty list', hint: HOW });
  for (const [i, each] of list.entries()) {
    const found = policyOf(
      each,
      list.length > 1 ? `element ${i} of the default export` : 'the default export',
    );
    if ('message' in found) problems.push(found);
    else {
      const wrong = checked(found);
      if (wrong.length === 0) policies.push(found);
      else problems.push(...wrong.map((problem) => ({ name: found.definition.name, ...problem })));
    }
  }
  return { policies, problems };
}

/** Tells kinds apart by the one thing that only they have. */
function policyOf(value: unknown, what: string): Policy | ShapeProblem {
  const no = (message: string): ShapeProblem => ({ name: '', message: `${what} ${message}`, hint: HOW });
  if (!isRecord(value)) return no(`is ${describe(value)}, expected a policy`);
  if (isExtender(value))
    return { kind: 'scheduler extender', definition: value as unknown as ExtenderDefinition };
  const name = value['name'];
  if (typeof name !== 'string' || !/^[A-Za-z][\w.-]*$/.test(name)) {
    return no(
      `has no usable name: found ${JSON.stringify(name) ?? 'nothing'}, expected letters, digits, ".", "_" and "-"`,
    );
  }
  if ('points' in value)
    return { kind: 'scheduler plug-in', definition: value as unknown as PluginDefinition };
  if ('clientName' in value)
    return { kind: 'controller', definition: value as unknown as ControllerDefinition };
  if ('apiserver' in value && 'scheduler' in value)
    return { kind: 'cost preset', definition: value as unknown as CostPreset };
  if (Array.isArray(value['args']))
    return { kind: 'workload', definition: value as unknown as WorkloadDefinition };
  return {
    name,
    message: `${what} is no policy: found ${Object.keys(value).join(', ')}`,
    hint: 'a scheduler plug-in has points, an extender serves, a controller clientName, a workload a list of args, a cost preset apiserver and scheduler',
  };
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' ? 'an object' : JSON.stringify(value);
}

type Wrong = Omit<ShapeProblem, 'name'>;

function checked({ kind, definition }: Policy): Wrong[] {
  if (kind === 'cost preset') return [];
  if (kind === 'scheduler extender') return extenderProblems(definition);
  const wrong: Wrong[] = [];
  if (typeof definition.create !== 'function')
    wrong.push({ message: `create is ${describe(definition.create ?? null)}, expected a function` });
  if (kind === 'scheduler plug-in') wrong.push(...checkedPoints(definition));
  if (typeof (definition as { about?: unknown }).about !== 'string')
    wrong.push({ message: 'about is missing: a line that says what it does' });
  return wrong;
}

function checkedPoints({ points, args }: PluginDefinition): Wrong[] {
  const wrong: Wrong[] = [];
  if (!Array.isArray(points) || points.length === 0) {
    return [
      {
        message: `points is ${describe(points)}, expected a list of extension points`,
        hint: `known: ${EXTENSION_POINTS.join(', ')}`,
      },
    ];
  }
  for (const point of points as readonly string[]) {
    if (!(EXTENSION_POINTS as readonly string[]).includes(point))
      wrong.push({
        message: `unknown extension point ${JSON.stringify(point)}`,
        hint: didYouMean(String(point), EXTENSION_POINTS),
      });
    else if (METHODS[point as ExtensionPoint].length === 0)
      wrong.push({
        message: `nothing happens at ${point} in this version`,
        hint: 'what must hold before a binding goes to permit',
      });
  }
  if (args !== undefined && typeof (args as { safeParse?: unknown }).safeParse !== 'function')
    wrong.push({
      message: `args is ${describe(args)}, expected a schema`,
      hint: 'args: z.strictObject({ … }), with z from "kubetick" or "zod"',
    });
  return wrong;
}

/** What is wrong with a plug-in that `create` has made; null: nothing. */
export function instanceProblem(points: readonly ExtensionPoint[], instance: unknown): string | null {
  if (!isRecord(instance)) return `create returned ${describe(instance ?? null)}, expected a plug-in`;
  const { locality, reads, sign } = instance;
  if (locality !== 'node' && locality !== 'stratum' && locality !== 'global')
    return `locality is ${locality === undefined ? 'missing' : describe(locality)}, expected "node", "stratum" or "global": what the answer for a node may depend on`;
  if (!Number.isInteger(reads) || (reads as number) < 0)
    return `reads is ${reads === undefined ? 'missing' : describe(reads)}, expected bits of NodeField joined by |: what of a node is read`;
  if (sign !== undefined && typeof sign !== 'function')
    return `sign is ${describe(sign)}, expected a function from a pod to a text`;
  const has = (method: keyof Plugin): boolean => instance[method] !== undefined;
  for (const point of EXTENSION_POINTS) {
    const methods = METHODS[point];
    const own = methods.filter(has);
    if (!points.includes(point)) {
      if (own.length > 0)
        return `it has ${own[0]}, but points does not name ${point}: it would never be called`;
      continue;
    }
    if (own.length === 0) return `points names ${point}, but there is no method ${methods[0]}`;
    for (const method of own)
      if (typeof instance[method] !== 'function')
        return `${method} is ${describe(instance[method])}, expected a function`;
    if (point === 'filter' && !has('filter')) return 'filterBatch needs filter beside it, which defines it';
    if (point === 'score' && !has('score')) return 'scoreBatch needs score beside it, which defines it';
  }
  if (has('normalize') && !points.includes('score'))
    return 'it has normalize, but points does not name score: it would never be called';
  return null;
}
