// Claims, volumes and CSI objects as the scheduler has seen them, with what it assumes on top, and an index of the
// pods on each node whose volumes can be claimed or attached. Pods without such volumes cost one array look-up.
import { type ClusterChange, ClusterEvent } from '../contracts/scheduler.ts';
import { type StorageView, storageClassOf, type VolumePod } from '../contracts/storage.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type ClusterState, type PodTemplate, type RevisionLog, Verb } from '../state/index.ts';
import { keyOf } from '../state/objects.ts';

/** Kinds that it wants to be told of, with the event that a change of one is. */
export const STORAGE_KINDS: ReadonlyMap<string, number> = new Map([
  ['PersistentVolumeClaim', ClusterEvent.claim],
  ['PersistentVolume', ClusterEvent.volume],
  ['StorageClass', ClusterEvent.storageClass],
  ['CSINode', ClusterEvent.csiNode],
  ['CSIDriver', ClusterEvent.csiDriver],
  ['CSIStorageCapacity', ClusterEvent.storageCapacity],
  ['VolumeAttachment', ClusterEvent.volumeAttachment],
]);

/** Volume sources that plug-ins look at: claims, and disks that are attached to nodes. */
const SOURCES = [
  'persistentVolumeClaim',
  'ephemeral',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'azureDisk',
  'cinder',
  'portworxVolume',
  'iscsi',
  'rbd',
];

const NO_PODS: readonly VolumePod[] = Object.freeze([]);
const NONE: ReadonlyMap<string, KubeObject> = new Map();

/** Objects by key; an assumed version hides the real one until that changes (scheduler/util/assumecache, v1.36). */
class AssumedObjects {
  readonly #real = new Map<string, KubeObject>();
  readonly #assumed = new Map<string, KubeObject>();

  get(key: string): KubeObject | null {
    return this.#assumed.get(key) ?? this.#real.get(key) ?? null;
  }
  /** As the API server tells it. */
  real(key: string): KubeObject | null {
    return this.#real.get(key) ?? null;
  }
  set(key: string, object: KubeObject): void {
    this.#real.set(key, object);
    this.#assumed.delete(key);
  }
  delete(key: string): void {
    this.#real.delete(key);
    this.#assumed.delete(key);
  }
  all(): KubeObject[] {
    return [...this.#real].map(([key, object]) => this.#assumed.get(key) ?? object);
  }
  assume(key: string, object: KubeObject): void {
    if (this.#real.has(key)) this.#assumed.set(key, object);
  }
  /** Returns what is true again, null if there is no such object. */
  forget(key: string): KubeObject | null {
    this.#assumed.delete(key);
    return this.#real.get(key) ?? null;
  }
}

/** Objects in groups: volumes by class, attachments by node. */
class Groups {
  readonly #groups = new Map<string, Map<string, KubeObject>>();
  readonly #groupOf = new Map<string, string>();

  /** Returns the version before it. */
  set(group: string, key: string, object: KubeObject): KubeObject | null {
    const old = this.#groupOf.get(key);
    const previous = old === undefined ? null : (this.#groups.get(old)!.get(key) ?? null);
    if (old !== undefined && old !== group) this.#groups.get(old)!.delete(key);
    this.#groupOf.set(key, group);
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Map();
      this.#groups.set(group, members);
    }
    members.set(key, object);
    return previous;
  }
  delete(key: string): void {
    const group = this.#groupOf.get(key);
    if (group === undefined) return;
    this.#groups.get(group)!.delete(key);
    this.#groupOf.delete(key);
  }
  of(group: string): Iterable<KubeObject> {
    return (this.#groups.get(group) ?? NONE).values();
  }
  all(): KubeObject[] {
    return [...this.#groups.values()].flatMap((members) => [...members.values()]);
  }
}

function replace(objects: AssumedObjects, key: string, object: KubeObject): KubeObject | null {
  const previous = objects.real(key);
  objects.set(key, object);
  return previous;
}

export class SchedulerStorage implements StorageView {
  controllers = true;
  readonly #state: ClusterState;
  readonly #claims = new AssumedObjects();
  readonly #volumes = new AssumedObjects();
  readonly #volumesOfClass = new Groups();
  readonly #classes = new Map<string, KubeObject>();
  readonly #csiNodes = new Map<string, KubeObject>();
  readonly #csiDrivers = new Map<string, KubeObject>();
  readonly #capacities = new Groups();
  readonly #attachments = new Groups();
  /** By template id: names of claims in its volumes; null: none of its volumes matters here. */
  readonly #uses: (readonly string[] | null | undefined)[] = [];
  readonly #claimUsers = new Map<string, number>();
  readonly #podsOf: (VolumePod[] | undefined)[] = [];

  constructor(state: ClusterState) {
    this.#state = state;
  }

  // ---- objects ----

  /**
   * An object of STORAGE_KINDS was created or changed, or was there from the beginning. Returns the version before it.
   */
  set(object: KubeObject): KubeObject | null {
    const key = keyOf(object.metadata.namespace, object.metadata.name!);
    switch (object.kind) {
      case 'PersistentVolumeClaim':
        return replace(this.#claims, key, object);
      case 'PersistentVolume':
        this.#volumesOfClass.set(storageClassOf(object), key, object);
        return replace(this.#volumes, key, object);
      case 'CSIStorageCapacity':
        return this.#capacities.set(object['storageClassName'] ?? '', key, object);
      case 'VolumeAttachment':
        return this.#attachments.set(object['spec']?.nodeName ?? '', key, object);
      default: {
        const plain = this.#plain(object.kind);
        const previous = plain?.get(key) ?? null;
        plain?.set(key, object);
        return previous;
      }
    }
  }

  /** Takes over entries of a watch; tells what of it may make a waiting pod fit. `events`: of the kind. */
  fold(
    log: RevisionLog,
    from: number,
    to: number,
    events: number,
    happened: (change: ClusterChange) => void,
  ): void {
    const about = { events, node: -1, before: null, template: null };
    for (let p = from; p < to; p++) {
      const object = log.object(p) as KubeObject;
      const gone = log.verb(p) === Verb.deleted;
      const previous = gone ? object : this.set(object);
      if (gone) this.delete(object);
      // Of all these, only a volume that is detached makes room by going, and one that is attached makes none.
      if (gone !== (object.kind === 'VolumeAttachment')) continue;
      happened({ ...about, ...(gone ? {} : { object }), ...(previous === null ? {} : { previous }) });
    }
  }

  delete(object: KubeObject): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name!);
    switch (object.kind) {
      case 'PersistentVolumeClaim':
        return this.#claims.delete(key);
      case 'PersistentVolume':
        this.#volumes.delete(key);
        return this.#volumesOfClass.delete(key);
      case 'CSIStorageCapacity':
        return this.#capacities.delete(key);
      case 'VolumeAttachment':
        return this.#attachments.delete(key);
      default:
        this.#plain(object.kind)?.delete(key);
    }
  }

  #plain(kind: string): Map<string, KubeObject> | null {
    if (kind === 'StorageClass') return this.#classes;
    if (kind === 'CSINode') return this.#csiNodes;
    return kind === 'CSIDriver' ? this.#csiDrivers : null;
  }

  /** Every object, with what is assumed of it. */
  all(): KubeObject[] {
    return [
      ...this.#classes.values(),
      ...this.#csiNodes.values(),
      ...this.#csiDrivers.values(),
      ...this.#volumes.all(),
      ...this.#claims.all(),
      ...this.#capacities.all(),
      ...this.#attachments.all(),
    ];
  }

  claim(namespace: string, name: string): KubeObject | null {
    return this.#claims.get(keyOf(namespace, name));
  }
  volume(name: string): KubeObject | null {
    return this.#volumes.get(name);
  }
  volumesOfClass(storageClass: string): Iterable<KubeObject> {
    return this.#volumesOfClass.of(storageClass);
  }
  storageClass(name: string): KubeObject | null {
    return this.#classes.get(name) ?? null;
  }
  csiNode(node: string): KubeObject | null {
    return this.#csiNodes.get(node) ?? null;
  }
  csiDriver(name: string): KubeObject | null {
    return this.#csiDrivers.get(name) ?? null;
  }
  capacitiesOfClass(storageClass: string): Iterable<KubeObject> {
    return this.#capacities.of(storageClass);
  }
  attachmentsOn(node: string): Iterable<KubeObject> {
    return this.#attachments.of(node);
  }

  assumeVolume(volume: KubeObject): void {
    const name = volume.metadata.name!;
    this.#volumes.assume(name, volume);
    if (this.#volumes.get(name) === volume) this.#volumesOfClass.set(storageClassOf(volume), name, volume);
  }
  assumeClaim(claim: KubeObject): void {
    this.#claims.assume(keyOf(claim.metadata.namespace, claim.metadata.name!), claim);
  }
  forgetVolume(name: string): void {
    const real = this.#volumes.forget(name);
    if (real !== null) this.#volumesOfClass.set(storageClassOf(real), name, real);
  }
  forgetClaim(namespace: string, name: string): void {
    this.#claims.forget(keyOf(namespace, name));
  }

  // ---- pods ----

  podAdded(pod: number, node: number, template: PodTemplate): void {
    const claims = this.#claimsOf(template);
    if (claims === null) return;
    const namespace = this.#state.podNamespace(pod);
    const name = this.#state.podName(pod);
    const entry = { id: pod, namespace, name, uid: podUid(this.#state, pod), template };
    const pods = this.#podsOf[node];
    if (pods === undefined) this.#podsOf[node] = [entry];
    else pods.push(entry);
    for (const claim of claims) {
      const key = keyOf(namespace, claim);
      this.#claimUsers.set(key, (this.#claimUsers.get(key) ?? 0) + 1);
    }
  }

  podRemoved(pod: number, node: number, template: PodTemplate): void {
    const claims = this.#claimsOf(template);
    if (claims === null) return;
    const pods = this.#podsOf[node]!;
    const { namespace } = pods.splice(
      pods.findIndex(({ id }) => id === pod),
      1,
    )[0]!;
    for (const claim of claims) {
      const key = keyOf(namespace, claim);
      const left = this.#claimUsers.get(key)! - 1;
      if (left === 0) this.#claimUsers.delete(key);
      else this.#claimUsers.set(key, left);
    }
  }

  claimUsers(namespace: string, name: string): number {
    return this.#claimUsers.get(keyOf(namespace, name)) ?? 0;
  }
  podsOn(node: number): readonly VolumePod[] {
    return this.#podsOf[node] ?? NO_PODS;
  }

  #claimsOf(template: PodTemplate): readonly string[] | null {
    const known = this.#uses[template.id];
    if (known !== undefined) return known;
    const volumes: readonly Json[] = template.spec.volumes ?? [];
    const matters = volumes.some((volume) => SOURCES.some((source) => volume[source] !== undefined));
    const claims = matters
      ? volumes.flatMap((volume) => {
          const name: string | undefined = volume.persistentVolumeClaim?.claimName;
          return name === undefined ? [] : [name];
        })
      : null;
    this.#uses[template.id] = claims;
    return claims;
  }
}
