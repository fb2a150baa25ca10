// Short forms for plug-ins that do one thing, and the error that says which plug-in of the user's failed where.
// `definePlugin` (scheduler.ts) is the general form; what these make of their text is exactly that.
import type * as z from 'zod';
import type {
  EventInterest,
  ExtensionPoint,
  Plugin,
  PluginDefinition,
  PluginHandle,
  PodView,
} from './scheduler.ts';

/** What a plug-in declares of what it depends on: see Plugin. */
export interface Declared {
  readonly about?: string;
  readonly locality: Plugin['locality'];
  /** Bits of NodeField. */
  readonly reads: number;
  /** Equal texts, interchangeable pods. Absent or null: not said, nothing is shared. */
  sign?(pod: PodView): string | null;
  /** When to look again at a pod that it rejected. Absent: after every event. */
  readonly events?: readonly EventInterest[];
}

/** Methods of a plug-in that filters; `F` is what preFilter hands to filter. */
export type FilterForms<F = void> = Pick<Plugin<F>, 'preFilter' | 'filterBatch' | 'podChanged'> &
  Required<Pick<Plugin<F>, 'filter'>>;

/** Methods of a plug-in that scores; `S` is what preScore hands to score. */
export type ScoreForms<S = void> = Pick<Plugin<unknown, S>, 'preScore' | 'scoreBatch' | 'normalize'> &
  Required<Pick<Plugin<unknown, S>, 'score'>>;

interface Shaped<A, Forms> extends Declared {
  /** Schema of its entry in pluginConfig, defaults included; absent: takes no arguments. */
  readonly args?: z.ZodType<A>;
  /** Points where it has a method, if there is more than the main one. */
  readonly points?: readonly ExtensionPoint[];
  /** The methods; what depends on the arguments may stand here instead of above. */
  create(args: A, handle: PluginHandle): Forms & Partial<Pick<Declared, 'sign' | 'events'>>;
}

function shaped<A, Forms>(
  name: string,
  main: ExtensionPoint,
  { about, args, points, create, ...declared }: Shaped<A, Forms>,
): PluginDefinition {
  return {
    name,
    about: about ?? '',
    points: points ?? [main],
    ...(args === undefined ? {} : { args }),
    create: (values, handle) => ({ ...declared, ...create(values as A, handle) }) as Plugin,
  };
}

/** A plug-in that scores nodes: 0..100, integers, more is better. `points` also names preScore if it has that. */
export function scorePlugin<A = undefined, S = void>(
  name: string,
  shape: Shaped<A, ScoreForms<S>>,
): PluginDefinition {
  return shaped(name, 'score', shape);
}

/** A plug-in that rejects nodes: 0 passes, verdicts come from `handle.verdict`. `points` also names preFilter. */
export function filterPlugin<A = undefined, F = void>(
  name: string,
  shape: Shaped<A, FilterForms<F>>,
): PluginDefinition {
  return shaped(name, 'filter', shape);
}

/** A policy that is not part of the program threw, or answered what it may not answer. Ends the run. */
export class PolicyFault extends Error {
  /** `scheduler plug-in "FreeMemoryFirst"` */
  readonly policy: string;
  /** File that it came from. */
  readonly file: string;
  /** Method that was called. */
  readonly method: string;
  /** `namespace/name` of the pod concerned, '': none. */
  readonly pod: string;
  /** Name of the node concerned, '': none. */
  readonly node: string;
  /** Virtual time, µs; -1 outside a run. */
  timeUs = -1;

  constructor(
    message: string,
    at: { policy: string; file: string; method: string; pod?: string; node?: string; cause?: unknown },
  ) {
    super(message, { cause: at.cause });
    this.name = 'PolicyFault';
    this.policy = at.policy;
    this.file = at.file;
    this.method = at.method;
    this.pod = at.pod ?? '';
    this.node = at.node ?? '';
  }
}
