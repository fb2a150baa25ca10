// The normal form of names: an object is called by its kind and name, an owned one by its owner and its ordinal
// (`Deployment/web/rs#1/pod#3`), so that random suffixes do not matter. Names are given once, in order of creation, and
// stay when an object changes its owner.
//
// Memory: a name for each object that is no pod, a pattern for each owner of pods; pods keep nothing here, but for
// those whose number stands in the pod's place (Indexed Jobs, DaemonSets).
import type { FieldNames } from './fields.ts';

export interface ObjectIdentity {
  readonly kind: string;
  readonly uid: string;
  /** '' for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  /** UID of the controlling owner, '' for none. */
  readonly owner: string;
}

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  /** The generateName it was made from, '' if the name was given whole. */
  readonly base: string;
  readonly owner: string;
  /** Completion index of a pod of an Indexed Job, '' otherwise. */
  readonly index: string;
  /** The only node it may go to by affinity (DaemonSets), '' otherwise. */
  readonly pinned: string;
}

/** Owned kinds that are told by owner and ordinal. */
const SHORT: Readonly<Record<string, string>> = {
  ReplicaSet: 'rs',
  EndpointSlice: 'slice',
  ControllerRevision: 'revision',
  Job: 'job',
};
/** Length of the random part of a generated name. */
const SUFFIX = 5;
const TOKEN = /[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/g;
const UID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const REFUSED_POD = /pods "([^"]*)-(?:[bcdfghjklmnpqrstvwxz2456789]{5})?"/;
const MINUTE_MS = 60_000;
const ORDINAL = /#\d+/g;

interface Known {
  readonly ref: string;
  readonly kind: string;
  /** Ordinals given to its objects, by short kind. */
  readonly ordinals: Map<string, number>;
}

export class Names implements FieldNames {
  /** Namespace whose objects need no namespace in their names. */
  readonly home: string;
  readonly #known = new Map<string, Known>();
  readonly #used = new Map<string, number>();
  /** Normal names of generated objects and exact pods, by namespace/name. */
  readonly #byName = new Map<string, string>();
  /** Normal names by kind/namespace/name: the newest object of that name. */
  readonly #byKind = new Map<string, string>();
  /** `owner/pod#*` by namespace/generateName. */
  readonly #byBase = new Map<string, string>();

  readonly #given: ReadonlySet<string>;
  readonly #startMs: number;

  /** `given`: addresses and node ports of the scenario's documents; `startMs`: time 0 of the scenario on the clock. */
  constructor(home: string, given: ReadonlySet<string>, startMs: number) {
    this.home = home;
    this.#given = given;
    this.#startMs = startMs;
  }

  isGiven(address: string): boolean {
    return this.#given.has(address);
  }

  minutes(timestamp: string): number {
    return Math.floor(Date.parse(timestamp) / MINUTE_MS) - Math.floor(this.#startMs / MINUTE_MS);
  }

  refOf(uid: string): string | undefined {
    return this.#known.get(uid)?.ref;
  }

  local(name: string): string {
    return name.startsWith(`${this.home}-`) ? name.slice(this.home.length + 1) : name;
  }

  revisionRef(namespace: string, name: string): string {
    return this.#byName.get(`${namespace}/${name}`) ?? name;
  }

  /** Names a new object. */
  object(o: ObjectIdentity): string {
    const owner = this.#known.get(o.owner);
    const short = SHORT[o.kind];
    let ref: string;
    if (owner !== undefined && short !== undefined) {
      ref = this.#ordinal(owner, short);
      this.#byName.set(`${o.namespace}/${o.name}`, ref);
    } else ref = this.#fresh(this.#plain(o.kind, o.namespace, o.name));
    this.#known.set(o.uid, { ref, kind: o.kind, ordinals: new Map() });
    this.#byKind.set(`${o.kind}/${o.namespace}/${o.name}`, ref);
    return ref;
  }

  /** Names a new pod. */
  pod(p: PodIdentity): string {
    const owner = this.#known.get(p.owner);
    if (owner === undefined) return this.#fresh(this.#plain('Pod', p.namespace, p.name));
    if (p.index !== '') return this.#exact(p, `${owner.ref}/index-${p.index}`);
    if (p.pinned !== '') return this.#exact(p, `${owner.ref}/pod@${this.local(p.pinned)}`);
    if (p.base === '') {
      const ref = this.#fresh(`${owner.ref}/${p.name}`);
      this.#byKind.set(`Pod/${p.namespace}/${p.name}`, ref);
      return ref;
    }
    this.#byBase.set(`${p.namespace}/${p.base}`, `${owner.ref}/pod#*`);
    return this.#ordinal(owner, 'pod');
  }

  /** The object that an Event is about; pods that are alike are not told apart. */
  eventObject(kind: string, namespace: string, name: string): string {
    if (kind === 'Pod') {
      const known = this.#generated(namespace, name);
      if (known !== undefined) return known;
    }
    const known = this.#byKind.get(`${kind}/${kind === 'Node' ? '' : namespace}/${name}`);
    return known ?? this.#plain(kind, kind === 'Node' ? '' : namespace, name);
  }

  /** An Event's text with names in normal form. */
  eventText(namespace: string, text: string): string {
    let normal = text;
    if (normal.includes('Error creating: pods "'))
      normal = normal.replace(REFUSED_POD, (_, base: string) => {
        const owner = this.#byName.get(`${namespace}/${base}`) ?? base;
        return `pods "${owner}-<5>"`;
      });
    normal = normal.replace(/^(Successfully assigned \S+ to )\S+$/, '$1<node>').replace(UID, '<uid>');
    normal = normal.replace(TOKEN, (token) => this.#token(namespace, token));
    return this.home === 'default'
      ? normal.replaceAll('default/', 'NS/')
      : normal.replaceAll(new RegExp(`(?<![A-Za-z])${this.home}(?![A-Za-z0-9])`, 'g'), 'NS');
  }

  #token(namespace: string, token: string): string {
    const generated = this.#generated(namespace, token);
    if (generated !== undefined)
      return generated.includes('/pod#') ? generated.replace(ORDINAL, '#*') : generated;
    return this.#byName.get(`${namespace}/${token}`) ?? this.local(token);
  }

  #generated(namespace: string, name: string): string | undefined {
    const exact = this.#byName.get(`${namespace}/${name}`);
    if (exact !== undefined) return exact;
    if (name.length <= SUFFIX) return undefined;
    return this.#byBase.get(`${namespace}/${name.slice(0, -SUFFIX)}`);
  }

  #exact(p: PodIdentity, plain: string): string {
    const ref = this.#fresh(plain);
    this.#byName.set(`${p.namespace}/${p.name}`, ref);
    return ref;
  }

  #plain(kind: string, namespace: string, name: string): string {
    if (kind === 'Namespace') return name === this.home ? 'Namespace' : `Namespace/${name}`;
    const plain = `${kind}/${namespace === '' ? this.local(name) : name}`;
    return namespace === '' || namespace === this.home ? plain : `${namespace}:${plain}`;
  }

  #ordinal(owner: Known, short: string): string {
    const ordinal = (owner.ordinals.get(short) ?? 0) + 1;
    owner.ordinals.set(short, ordinal);
    return `${owner.ref}/${short}#${ordinal}`;
  }

  /** `plain`, or `plain~2` for the second object of that name. */
  #fresh(plain: string): string {
    const times = (this.#used.get(plain) ?? 0) + 1;
    this.#used.set(plain, times);
    return times === 1 ? plain : `${plain}~${times}`;
  }
}
