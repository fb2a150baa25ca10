// Who takes part in an attempt, sorted by what the index asks of them, so that it goes over none that sit the attempt
// out. Attempts of which the same plug-ins take part share a plan.
import type { Plugin } from '../../contracts/scheduler.ts';
import type { Framework } from '../framework.ts';

/** One plug-in of a profile, as the index sees it. */
export interface Part {
  readonly index: number;
  readonly plugin: Plugin;
  /** Bit of the part in sets of parts. */
  readonly bit: number;
  readonly filters: boolean;
  readonly preScores: boolean;
  /** Place among the scorers of the profile, -1. */
  readonly scorer: number;
  readonly weight: number;
  readonly isLocal: boolean;
  /** It may say that all nodes get the same score. */
  readonly tellsUniform: boolean;
}

/** Sets of parts are 31 bits. */
const PARTS_MAX = 31;

/** Plug-ins that filter or score, filters first, each in its order; null: too many for the index. */
export function partsOf(framework: Framework): Part[] | null {
  const parts: Part[] = [];
  const add = (index: number, plugin: Plugin): void => {
    if (parts.some((part) => part.index === index)) return;
    const scorer = framework.score.findIndex((each) => each.index === index);
    parts.push({
      index,
      plugin,
      bit: 1 << parts.length,
      filters: framework.filter.some((each) => each.index === index),
      preScores: framework.preScore.some((each) => each.index === index),
      scorer,
      weight: scorer < 0 ? 0 : framework.weights[scorer]!,
      isLocal: plugin.locality === 'node',
      tellsUniform: plugin.uniform !== undefined,
    });
  };
  for (const { index, plugin } of framework.filter) add(index, plugin);
  for (const { index, plugin } of framework.score) add(index, plugin);
  return parts.length > PARTS_MAX ? null : parts;
}

/** A local plug-in whose scores are normalised over all nodes: its raw score is a dimension. */
const isRaw = ({ isLocal, plugin }: Part): boolean => isLocal && plugin.normalize !== undefined;

export class Plan {
  /** Bits of the parts whose filter, and whose score, take part. */
  readonly filtering: number;
  readonly scoring: number;
  /** All that look beyond a node say what divides nodes. */
  readonly isServed: boolean;
  /** Bits of NodeField that any of them reads. */
  readonly reads: number;
  /** Local to a node: filters, scores that count as they are, and raw ones. */
  readonly filters: readonly Part[];
  readonly scorers: readonly Part[];
  readonly raws: readonly Part[];
  /** The others: all of them, and those that filter. */
  readonly beyond: readonly Part[];
  readonly beyondFilters: readonly Part[];
  /** Whose points are those of a stratum. */
  readonly points: readonly Part[];

  constructor(parts: readonly Part[], filtering: number, scoring: number) {
    this.filtering = filtering;
    this.scoring = scoring;
    const taking = parts.filter(({ bit }) => ((filtering | scoring) & bit) !== 0);
    const scored = taking.filter(({ bit }) => (scoring & bit) !== 0);
    this.reads = taking.reduce((reads, { plugin }) => reads | plugin.reads, 0);
    this.filters = taking.filter(({ bit, isLocal }) => isLocal && (filtering & bit) !== 0);
    this.scorers = scored.filter((part) => part.isLocal && !isRaw(part));
    this.raws = scored.filter(isRaw);
    this.beyond = taking.filter(({ isLocal }) => !isLocal);
    this.beyondFilters = this.beyond.filter(({ bit }) => (filtering & bit) !== 0);
    this.points = scored.filter((part) => !part.isLocal || isRaw(part));
    this.isServed = this.beyond.every(
      ({ plugin }) => plugin.strata !== undefined && plugin.sign !== undefined,
    );
  }
}

/** The parts of a profile, and the plans of attempts with it. */
export class Plans {
  readonly parts: readonly Part[];
  /** Parts that may filter. */
  readonly filters: readonly Part[];
  /** Local parts that score: whether they do is asked in each attempt. */
  readonly localScorers: readonly Part[];
  /** Bits of those that are not local and score: they say so when nodes have been found. */
  readonly beyondScoring: number;
  readonly #known: Plan[] = [];

  constructor(parts: readonly Part[]) {
    this.parts = parts;
    this.filters = parts.filter(({ filters }) => filters);
    this.localScorers = parts.filter(({ isLocal, scorer }) => isLocal && scorer >= 0);
    this.beyondScoring = parts.reduce(
      (bits, { isLocal, scorer, bit }) => (!isLocal && scorer >= 0 ? bits | bit : bits),
      0,
    );
  }

  of(filtering: number, scoring: number): Plan {
    for (const plan of this.#known) if (plan.filtering === filtering && plan.scoring === scoring) return plan;
    const plan = new Plan(this.parts, filtering, scoring);
    this.#known.push(plan);
    return plan;
  }
}
