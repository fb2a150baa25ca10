// Folds commits into a timeline: each version of an object is compared with the one before, what differs becomes rows.
// Knows nothing of where the versions come from: a run (observer.ts), or a recording of a real control plane (tests).
import type { Envelope, FieldValue, TimelineEvent, TimelineRow } from '../contracts/timeline.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { Envelopes, Standing } from './envelopes.ts';
import { EventBook, type WrittenEvent } from './event-book.ts';
import { type Fields, fieldsOf, hasFields, LEFT_OUT } from './fields.ts';
import { Names, type PodIdentity } from './names.ts';
import { Rows, told } from './rows.ts';

/** Rows of single pods are left out of runs with more pods than this; the order statistics stay. */
const PODS_TOLD = 24;

export type Change = 'added' | 'modified' | 'deleted';

/** What is told of a pod at one moment. */
export interface PodVersion {
  readonly phase: string;
  /** Node it is bound to, '' for none. */
  readonly node: string;
  /** Reason of condition PodScheduled=False; '': it is not. */
  readonly unschedulable: string;
  /** Condition Ready: '' until the kubelet has written it. */
  readonly ready: '' | 'True' | 'False';
  readonly deleting: boolean;
  readonly restarts: number;
  /** UID of the controlling owner, ''. */
  readonly owner: string;
  readonly finalizers: string;
  readonly nominated: boolean;
  /** Condition DisruptionTarget as Status:Reason, ''. */
  readonly disruption: string;
}

/** Moments of a pod's life that are counted over the pods of an owner. */
const MILESTONES = [
  'created',
  'scheduled',
  'running',
  'ready',
  'deleting',
  'succeeded',
  'failed',
  'gone',
] as const;
type Milestone = (typeof MILESTONES)[number];

interface SeenObject {
  readonly ref: number;
  readonly name: string;
  readonly kind: string;
  fields: Fields;
}

interface SeenPod {
  readonly ref: number;
  /** '' where single pods are not told. */
  readonly name: string;
  /** Workload it was made for: the top of its name, `Deployment/web`; '' for a bare pod. */
  readonly workload: string;
  version: PodVersion;
  /** Bit by milestone. */
  reached: number;
}

export interface CollectorOptions {
  /** Namespace whose objects are told without it. */
  readonly home: string;
  /** Time 0 of the scenario, µs. */
  readonly originUs: number;
  /** First step that creates nothing, µs of the run; Infinity. */
  readonly firstChangeUs: number;
  /** The scenario was recorded beside others in one cluster. */
  readonly shared: boolean;
  /** Addresses and node ports that the scenario's documents ask for. */
  readonly given: ReadonlySet<string>;
  /** Time 0 of the scenario on the clock, ms since 1970. */
  readonly startMs: number;
}

export interface Collected {
  readonly transitions: Iterable<TimelineRow>;
  readonly events: TimelineEvent[];
  readonly final: Record<string, Record<string, FieldValue>>;
  readonly envelope: Record<string, Envelope>;
}

const UNSET = 'unset';

export class TimelineCollector {
  readonly #names: Names;
  readonly #rows: Rows;
  readonly #events: EventBook;
  readonly #envelopes: Envelopes;
  readonly #objects = new Map<string, SeenObject>();
  readonly #pods = new Map<string | number, SeenPod>();
  /** Per owner: how many of its pods have got to each milestone. */
  readonly #statistics = new Map<string, { ref: number; counts: number[] }>();
  #podsCreated = 0;
  /** While true, what exists is learnt without rows: it was there before the scenario. */
  baseline = true;

  constructor(options: CollectorOptions) {
    this.#names = new Names(options.home, options.given, options.startMs);
    this.#rows = new Rows(options.originUs);
    this.#events = new EventBook(this.#names, options.originUs, options.shared);
    this.#envelopes = new Envelopes(options.firstChangeUs);
  }

  /** A version of an object other than a pod was committed. */
  object(us: number, revision: number, change: Change, object: KubeObject): void {
    const { kind, metadata } = object;
    if (LEFT_OUT.has(kind)) return;
    const uid = metadata.uid ?? '';
    const seen = this.#objects.get(uid);
    if (change === 'deleted') {
      if (seen === undefined) return;
      this.#objects.delete(uid);
      if (!this.baseline) this.#rows.add(us, revision, seen.ref, 'gone');
      return;
    }
    const fields = fieldsOf(object, this.#names);
    if (seen !== undefined) {
      this.#differences(us, revision, seen.ref, seen.fields, fields);
      seen.fields = fields;
      return;
    }
    const owner = metadata.ownerReferences?.find((reference) => reference.controller)?.uid ?? '';
    const name = this.#names.object({
      kind,
      uid,
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
      owner,
    });
    const ref = this.#rows.ref(name, false);
    this.#objects.set(uid, { ref, name, kind, fields });
    if (this.baseline) return this.#prime(ref, kind, fields);
    this.#rows.add(us, revision, ref, 'created');
    // A fresh status says 0 or nothing, as its kind has it: neither is news.
    for (const [what, value] of Object.entries(fields))
      if (!(value === 0 && what.startsWith('status.'))) this.#rows.add(us, revision, ref, what, value);
  }

  /** A version of a pod was committed. `key` is the pod's own for its whole life. */
  pod(
    us: number,
    revision: number,
    change: Change,
    key: string | number,
    version: PodVersion,
    identity: () => PodIdentity,
  ): void {
    let pod = this.#pods.get(key);
    const fresh = pod === undefined;
    if (pod === undefined) {
      if (change === 'deleted') return;
      pod = this.#newPod(us, revision, key, version, identity());
    } else this.#podChanged(us, revision, pod, version);
    this.#milestones(us, revision, pod, version, change);
    this.#standing(us, pod, version, change, fresh);
    pod.version = version;
    if (change !== 'deleted') return;
    this.#pods.delete(key);
    this.#podRow(us, revision, pod, 'gone', null);
  }

  event(event: WrittenEvent): void {
    this.#events.add(event);
  }

  /** Normal name of a live pod. */
  podName(key: string | number): string | undefined {
    return this.#pods.get(key)?.name;
  }

  finish(): Collected {
    const final: [string, Record<string, FieldValue>][] = [];
    for (const { name, kind, fields } of this.#objects.values())
      if (hasFields(kind) && kind !== 'Namespace') final.push([name, sorted(fields)]);
    if (this.#rows.withPods)
      for (const pod of this.#pods.values()) final.push([pod.name, sorted(this.#podFields(pod.version))]);
    final.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return {
      transitions: { [Symbol.iterator]: () => this.#rows.list() },
      events: this.#events.list(),
      final: Object.fromEntries(final),
      envelope: this.#envelopes.result(),
    };
  }

  #prime(ref: number, kind: string, fields: Fields): void {
    for (const [what, value] of Object.entries(fields)) this.#rows.prime(ref, what, value);
    // Every node has lost a taint before: the one it had until it was Ready.
    if (kind === 'Node' && !('taints' in fields)) this.#rows.prime(ref, 'taints', UNSET);
  }

  #differences(us: number, revision: number, ref: number, before: Fields, after: Fields): void {
    const row = (what: string, value: FieldValue): void => {
      if (this.baseline) this.#rows.prime(ref, what, value);
      else this.#rows.add(us, revision, ref, what, value);
    };
    for (const [what, value] of Object.entries(after)) if (before[what] !== value) row(what, value);
    for (const [what, value] of Object.entries(before))
      if (!(what in after) && value !== 0) row(what, typeof value === 'number' ? 0 : UNSET);
  }

  // Pods.

  #newPod(
    us: number,
    revision: number,
    key: string | number,
    version: PodVersion,
    identity: PodIdentity,
  ): SeenPod {
    const name = this.#names.pod(identity);
    this.#podsCreated += 1;
    if (this.#podsCreated > PODS_TOLD) this.#rows.withPods = false;
    const told = this.#rows.withPods;
    const parts = name.split('/');
    const pod: SeenPod = {
      ref: told ? this.#rows.ref(name, true) : -1,
      name: told ? name : '',
      workload: parts.length > 2 ? `${parts[0]}/${parts[1]}` : '',
      version,
      reached: 0,
    };
    this.#pods.set(key, pod);
    this.#podRow(us, revision, pod, 'created', null);
    if (version.node !== '') this.#scheduled(us, revision, pod, version);
    return pod;
  }

  #podChanged(us: number, revision: number, pod: SeenPod, after: PodVersion): void {
    const before = pod.version;
    const row = (what: string, value: FieldValue): void => this.#podRow(us, revision, pod, what, value);
    if (before.node === '' && after.node !== '') this.#scheduled(us, revision, pod, after);
    if (before.unschedulable !== after.unschedulable)
      row('condition.PodScheduled', after.unschedulable === '' ? UNSET : `False:${after.unschedulable}`);
    if (before.phase !== after.phase && after.phase !== 'Pending') row('phase', after.phase);
    if (before.ready !== after.ready) row('ready', after.ready === '' ? UNSET : after.ready);
    if (!before.deleting && after.deleting) row('deleting', 'true');
    if (before.restarts !== after.restarts) row('restarts', after.restarts);
    if (before.owner !== after.owner) row('owner', this.#ownerName(after.owner));
    if (before.finalizers !== after.finalizers) row('finalizers', after.finalizers || UNSET);
    if (before.nominated !== after.nominated) row('nominatedNode', after.nominated ? 'set' : UNSET);
    if (before.disruption !== after.disruption) row('condition.DisruptionTarget', after.disruption || UNSET);
  }

  #scheduled(us: number, revision: number, pod: SeenPod, version: PodVersion): void {
    if (!this.baseline && this.#rows.withPods)
      this.#rows.add(us, revision, pod.ref, 'scheduled', 'true', this.#names.local(version.node));
  }

  #podRow(us: number, revision: number, pod: SeenPod, what: string, value: FieldValue | null): void {
    if (!this.baseline && this.#rows.withPods) this.#rows.add(us, revision, pod.ref, what, value);
  }

  #milestones(us: number, revision: number, pod: SeenPod, version: PodVersion, change: Change): void {
    const now: Readonly<Record<Milestone, boolean>> = {
      created: true,
      scheduled: version.node !== '',
      running: version.phase === 'Running',
      ready: version.ready === 'True',
      deleting: version.deleting,
      succeeded: version.phase === 'Succeeded',
      failed: version.phase === 'Failed',
      gone: change === 'deleted',
    };
    MILESTONES.forEach((milestone, i) => {
      if (!now[milestone] || pod.reached & (1 << i)) return;
      pod.reached |= 1 << i;
      const statistic = this.#statistic(version.owner);
      if (statistic === undefined || this.baseline) return;
      const k = statistic.counts[i]! + 1;
      statistic.counts[i] = k;
      this.#rows.add(us, revision, statistic.ref, `pods.${milestone}`, k);
    });
  }

  #statistic(owner: string): { ref: number; counts: number[] } | undefined {
    let statistic = this.#statistics.get(owner);
    if (statistic !== undefined) return statistic;
    const ref = this.#names.refOf(owner);
    if (ref === undefined) return undefined;
    statistic = { ref: this.#rows.ref(ref, false), counts: MILESTONES.map(() => 0) };
    this.#statistics.set(owner, statistic);
    return statistic;
  }

  #standing(us: number, pod: SeenPod, after: PodVersion, change: Change, fresh: boolean): void {
    if (pod.workload === '') return;
    const from = fresh ? Standing.none : standingOf(pod.version);
    this.#envelopes.move(us, pod.workload, from, change === 'deleted' ? Standing.none : standingOf(after));
  }

  #ownerName(owner: string): string {
    return owner === '' ? 'none' : (this.#names.refOf(owner) ?? 'unknown');
  }

  #podFields(v: PodVersion): Fields {
    return {
      owner: this.#ownerName(v.owner),
      ...(v.phase === 'Pending' ? {} : { phase: v.phase }),
      ...(v.ready === '' ? {} : { ready: v.ready }),
      ...(v.node === '' ? {} : { scheduled: 'true' }),
      ...(v.unschedulable === '' ? {} : { 'condition.PodScheduled': `False:${v.unschedulable}` }),
      ...(v.deleting ? { deleting: 'true' } : {}),
      ...(v.finalizers === '' ? {} : { finalizers: v.finalizers }),
      ...(v.nominated ? { nominatedNode: 'set' } : {}),
      ...(v.disruption === '' ? {} : { 'condition.DisruptionTarget': v.disruption }),
    };
  }
}

function standingOf(v: PodVersion): Standing {
  if (v.deleting || v.phase === 'Succeeded' || v.phase === 'Failed') return Standing.ended;
  return v.ready === 'True' ? Standing.ready : Standing.notReady;
}

function sorted(fields: Fields): Fields {
  const entries = Object.entries(fields).map(([what, value]): [string, FieldValue] => [what, told(value)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
