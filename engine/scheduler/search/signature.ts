// Which pods are the same to all plug-ins of a profile. Parts of the signature that depend on the template alone are
// asked for once per template and namespace; what may depend on more (the cluster, the pod's owner) is asked for in each
// attempt and compared with last time's, which costs nothing where a plug-in returns the same text again.
import type { PodView } from '../../contracts/scheduler.ts';
import type { Labels, PodTemplate } from '../../state/index.ts';
import type { Part, Plan } from './plan.ts';

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
  /** Places of the parts that are asked in each attempt, and last time's texts. */
  readonly asked: readonly number[];
  readonly texts: (string | null)[];
  /** Who took part last time, and what that led to. */
  plan: Plan | null;
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
      const fixed = this.#fixed(pod);
      const asked = fixed.flatMap((text, i) => (text === undefined ? [i] : []));
      known = { fixed, asked, texts: [], plan: null, last: null };
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

  /** Whether pods like this one were of class `known.last` when the same plug-ins took part. */
  isAsLast(known: Known<C>, pod: PodView, plan: Plan): boolean {
    let same = known.plan === plan;
    known.plan = plan;
    const taking = plan.filtering | plan.scoring;
    const { asked, texts } = known;
    for (let k = 0; k < asked.length; k++) {
      const i = asked[k]!;
      const { bit, plugin } = this.#parts[i]!;
      if ((taking & bit) === 0) continue;
      const text = plugin.sign!(pod);
      if (text === texts[i]) continue;
      texts[i] = text;
      same = false;
    }
    return same && known.last !== null;
  }

  /** The whole signature; null: a part that takes part gives none. After isAsLast. */
  key(known: Known<C>, { filtering, scoring }: Plan): string | null {
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
