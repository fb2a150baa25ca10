// Which pods are the same to all plug-ins of a profile. Parts of the signature that depend on the template alone are
// asked for once per template and namespace; what may depend on more (the cluster, the pod's owner) is asked for in each
// attempt and compared with last time's, which costs nothing where a plug-in returns the same text again.
import type { Plugin, PodView } from '../../contracts/scheduler.ts';
import type { Labels, PodTemplate } from '../../state/index.ts';
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
    });
  };
  for (const { index, plugin } of framework.filter) add(index, plugin);
  for (const { index, plugin } of framework.score) add(index, plugin);
  return parts.length > PARTS_MAX ? null : parts;
}

/** A pod that remembers whether something was read of it in which pods of one template and namespace may differ. */
class Witness implements PodView {
  isIndividual = false;
  pod!: PodView;

  get template(): PodTemplate {
    return this.pod.template;
  }
  get namespace(): string {
    return this.pod.namespace;
  }
  get id(): number {
    this.isIndividual = true;
    return this.pod.id;
  }
  get name(): string {
    this.isIndividual = true;
    return this.pod.name;
  }
  get uid(): string {
    this.isIndividual = true;
    return this.pod.uid;
  }
  get priority(): number {
    this.isIndividual = true;
    return this.pod.priority;
  }
  get owner(): number {
    this.isIndividual = true;
    return this.pod.owner;
  }
  get labels(): Labels {
    this.isIndividual = true;
    return this.pod.labels;
  }
  get pinnedNode(): string {
    this.isIndividual = true;
    return this.pod.pinnedNode;
  }
  get terminating(): boolean {
    this.isIndividual = true;
    return this.pod.terminating;
  }
}

/** Pods of one template in one namespace. */
export interface Known<C> {
  /** By part: its text; null: it gives none; undefined: to be asked in each attempt. */
  readonly fixed: readonly (string | null | undefined)[];
  /** By part that is asked each time: last time's text. */
  readonly texts: (string | null)[];
  /** Parts that took part last time, and what that led to. */
  filtering: number;
  scoring: number;
  last: C | null;
}

export class Signatures<C> {
  readonly #parts: readonly Part[];
  readonly #byNamespace = new Map<string, (Known<C> | undefined)[]>();
  readonly #witness = new Witness();
  #namespace = '';
  #list: (Known<C> | undefined)[] = [];

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  known(pod: PodView): Known<C> {
    const { namespace, template } = pod;
    if (namespace !== this.#namespace || this.#byNamespace.size === 0) {
      let list = this.#byNamespace.get(namespace);
      if (list === undefined) {
        list = [];
        this.#byNamespace.set(namespace, list);
      }
      this.#namespace = namespace;
      this.#list = list;
    }
    let known = this.#list[template.id];
    if (known === undefined) {
      known = { fixed: this.#fixed(pod), texts: [], filtering: -1, scoring: -1, last: null };
      this.#list[template.id] = known;
    }
    return known;
  }

  #fixed(pod: PodView): (string | null | undefined)[] {
    const witness = this.#witness;
    witness.pod = pod;
    return this.#parts.map(({ plugin, isLocal }) => {
      if (plugin.sign === undefined) return null;
      if (!isLocal) return undefined;
      witness.isIndividual = false;
      const text = plugin.sign(witness);
      return witness.isIndividual ? undefined : text;
    });
  }

  /**
   * Whether pods like this one were of class `known.last` under the same circumstances. `filtering` and `scoring`:
   * parts that take part in this attempt.
   */
  isAsLast(known: Known<C>, pod: PodView, filtering: number, scoring: number): boolean {
    let same = known.filtering === filtering && known.scoring === scoring;
    known.filtering = filtering;
    known.scoring = scoring;
    const taking = filtering | scoring;
    for (let i = 0; i < this.#parts.length; i++) {
      const { bit, plugin } = this.#parts[i]!;
      if (known.fixed[i] !== undefined || (taking & bit) === 0) continue;
      const text = plugin.sign!(pod);
      if (text === known.texts[i]) continue;
      known.texts[i] = text;
      same = false;
    }
    return same && known.last !== null;
  }

  /** The whole signature; null: a part that takes part gives none. After isAsLast. */
  key(known: Known<C>): string | null {
    const { filtering, scoring } = known;
    const texts: string[] = [`${filtering}/${scoring}`];
    for (let i = 0; i < this.#parts.length; i++) {
      if (((filtering | scoring) & this.#parts[i]!.bit) === 0) continue;
      const text = known.fixed[i] === undefined ? known.texts[i]! : known.fixed[i]!;
      if (text === null) return null;
      texts.push(`${text.length}:${text}`);
    }
    return texts.join('\n');
  }
}
