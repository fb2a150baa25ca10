// What the command line settles for a run, checked; and what holds when it says nothing.
import type { Judge } from './judge.ts';
import type { LossBook } from './loss.ts';
import type { NodeShape } from './node-groups.ts';
import type { UserProblem } from './problems.ts';
import type { Policies } from './registry.ts';

export interface RunSettings {
  readonly nodes: number | undefined;
  readonly shape: NodeShape;
  readonly untilUs: number | undefined;
  readonly seed: number | string | undefined;
}

/** What resolving works with: settings, the judge of objects, and where problems and losses go. */
export interface ResolveContext {
  readonly settings: RunSettings;
  readonly judge: Judge;
  readonly loss: LossBook;
  readonly problems: UserProblem[];
  readonly skipInvalid: boolean;
  /** What may be used by name. */
  readonly policies: Policies;
}

export const DEFAULT_SEED = 1;
/** `--until` without the option: 1 h. */
export const DEFAULT_UNTIL_US = 3_600_000_000;
