// What requests about objects do at their commit: names, conflicts, generation, finalizers, addresses of Services.
// Rules: apiserver/pkg/registry/generic/registry/store.go and rest/{create,update,delete}.go (v1.36).

import type { Propagation } from '../contracts/api.ts';
import type { KeyedDraw } from '../kernel/index.ts';
import { copied } from '../kinds/copied.ts';
import type { KubeObject, ObjectMeta } from '../kinds/kind.ts';
import { kindOf } from '../kinds/registry.ts';
import {
  type ClusterState,
  GENERATED_PREFIX_MAX,
  type KindStore,
  keyOf,
  type ObjectId,
  objectUid,
  SUFFIXES,
  suffixText,
  timestampText,
} from '../state/index.ts';
import { adminAccessErrors } from './admin-access.ts';
import type { Admitted } from './admitted.ts';
import { expansionRefusal } from './claim-updates.ts';
import { invalidMessage } from './registry.ts';
import { type ApiRequest, Op } from './request.ts';
import { isSameJson } from './same-json.ts';
import { carryAllocated, type ServiceAddresses } from './service-addresses.ts';
import { statusErrors } from './status-errors.ts';
import { updateErrors } from './updates.ts';

export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

export interface ObjectWriteHooks {
  readonly state: ClusterState;
  readonly addresses: ServiceAddresses;
  readonly draw: KeyedDraw;
  now(): number;
  nextRevision(): number;
  /** The store of a kind; unmodelled kinds get one at first sight. */
  storeOf(object: KubeObject): KindStore;
  logged(store: KindStore): void;
  /** Quotas of a namespace come and go. */
  quotaAdded(id: number, quota: KubeObject): void;
  quotaRemoved(id: number, quota: KubeObject): void;
}

/** Defaults and checks an object that exists. */
type Admit = (object: KubeObject, uid: string) => Admitted;

/** Kinds with a generation that components create. */
const COUNTED = new Set(['ReplicaSet', 'EndpointSlice']);

/** Finalizers by which the garbage collector holds an owner until its dependents are gone, or let go. */
const NONE: readonly string[] = Object.freeze([]);
const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

/** An object's finalizers once it is to be deleted that way (store.go deletionFinalizersForGarbageCollection). */
function finalizersFor(propagation: Propagation, finalizers: readonly string[]): readonly string[] {
  const wanted =
    propagation === 'Foreground' ? [FOREGROUND] : propagation === 'Orphan' ? [ORPHAN] : ([] as string[]);
  const others = finalizers.filter((name) => name !== FOREGROUND && name !== ORPHAN);
  const next = [...others, ...wanted];
  const same = next.length === finalizers.length && next.every((name) => finalizers.includes(name));
  return same ? finalizers : next;
}

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** The annotation that counts a DaemonSet's templates is the server's own (daemonSetStrategy.PrepareForUpdate). */
function countTemplate(stored: KubeObject, next: KubeObject): void {
  if (stored.kind !== 'DaemonSet') return;
  const before = Number(stored.metadata.annotations?.[TEMPLATE_GENERATION] ?? '0');
  const changed = !isSameJson(next['spec']?.template, stored['spec']?.template);
  const count = String(changed ? before + 1 : before);
  next.metadata.annotations = { ...next.metadata.annotations, [TEMPLATE_GENERATION]: count };
}

const finalized = (object: KubeObject): boolean =>
  (object.metadata.finalizers?.length ?? 0) === 0 &&
  (object.kind !== 'Namespace' || (object['spec']?.finalizers?.length ?? 0) === 0);

export class ObjectWrites {
  readonly #h: ObjectWriteHooks;
  readonly #namePurpose: number;

  constructor(hooks: ObjectWriteHooks) {
    this.#h = hooks;
    this.#namePurpose = hooks.draw.purpose('apiserver/generate-name/object');
  }

  /** null if new objects may be made in the namespace. Rule: admission plug-in NamespaceLifecycle. */
  namespaceProblem(namespace: string, resource: string, name: string): Refusal | null {
    const id = this.#h.state.objects.find('Namespace', '', namespace);
    if (id < 0) return { code: 404, reason: 'NotFound', message: `namespaces "${namespace}" not found` };
    if (this.#h.state.objects.get(id)!.metadata.deletionTimestamp === undefined) return null;
    return {
      code: 403,
      reason: 'Forbidden',
      message: `${resource} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    };
  }

  /** `object` is complete but for what the server sets: name, uid, times, addresses. It is owned by the server now. */
  create(r: ApiRequest, object: KubeObject): void {
    const { state } = this.#h;
    const store = this.#h.storeOf(object);
    const metadata = copied(object.metadata);
    if (!metadata.name)
      metadata.name = this.#generateName(store, metadata.namespace ?? '', metadata.generateName ?? '');
    if (store.namespaced) {
      metadata.namespace ??= 'default';
      const problem = this.namespaceProblem(metadata.namespace, store.resource, metadata.name);
      if (problem) return r.fail(problem.code, problem.reason, problem.message);
      const { namespace } = metadata;
      const causes = adminAccessErrors(object, () =>
        state.objects.get(state.objects.find('Namespace', '', namespace)),
      );
      if (causes.length > 0) {
        const definition = kindOf(object.apiVersion, object.kind)!;
        return r.fail(422, 'Invalid', invalidMessage(definition, metadata.name, causes), causes);
      }
    }
    if (store.ids.has(keyOf(metadata.namespace, metadata.name))) {
      return r.fail(409, 'AlreadyExists', `${this.#groupResource(store)} "${metadata.name}" already exists`);
    }
    const stored: KubeObject = { ...object, metadata };
    if (store.kind === 'Service') {
      stored['spec'] = { ...stored['spec'], ports: stored['spec'].ports?.map((p: object) => ({ ...p })) };
      if (stored['spec'].ports === undefined) delete stored['spec'].ports;
      const refusal = this.#h.addresses.allocate(stored);
      if (refusal) return r.fail(422, 'Invalid', `Service "${metadata.name}" is invalid: ${refusal}`);
    }
    const revision = this.#h.nextRevision();
    metadata.uid = objectUid(state.objects.used + 1);
    metadata.creationTimestamp = timestampText(this.#h.now());
    // Admission gives objects of users their generation where their kind has one.
    if (COUNTED.has(store.kind)) metadata.generation = 1;
    r.id = state.objects.create(store, stored, revision, this.#h.now());
    r.object = stored;
    r.code = 201;
    if (store.kind === 'ResourceQuota') this.#h.quotaAdded(r.id, stored);
    this.#h.logged(store);
  }

  update(r: ApiRequest): void {
    const stored = this.#expected(r);
    if (stored === null) return;
    const next = copied(r.body as KubeObject);
    next.metadata = copied(next.metadata);
    if (stored['status'] !== undefined) next['status'] = stored['status'];
    this.#replace(r, stored, next);
  }

  updateScale(r: ApiRequest): void {
    const stored = this.#expected(r);
    if (stored === null) return;
    const metadata = copied(stored.metadata);
    this.#replace(r, stored, {
      ...stored,
      metadata,
      spec: { ...stored['spec'], replicas: r.body as number },
    });
  }

  updateStatus(r: ApiRequest): void {
    const stored = this.#expected(r);
    if (stored === null) return;
    const given = r.body as KubeObject;
    const causes = statusErrors(stored.kind, given['status']);
    if (causes.length > 0) {
      const definition = kindOf(stored.apiVersion, stored.kind)!;
      return r.fail(422, 'Invalid', invalidMessage(definition, stored.metadata.name!, causes), causes);
    }
    // deploymentStatusStrategy takes annotations with the status: that is how revisions get there.
    const metadata =
      stored.kind === 'Deployment' && given.metadata.annotations !== undefined
        ? { ...stored.metadata, annotations: given.metadata.annotations }
        : stored.metadata;
    this.#store(r, stored, { ...stored, metadata, status: given['status'] });
  }

  /** `admit`: defaults and checks the changed object, for clients whose objects are not complete. */
  patch(r: ApiRequest, admit: Admit | null): void {
    const stored = this.#expected(r);
    if (stored === null) return;
    const changed = this.#patched(r, stored, admit);
    if (changed === null) return;
    if (changed === stored) {
      r.code = 200;
      r.id = r.subject;
      r.object = stored;
      return;
    }
    if (admit !== null && stored.kind === 'Service') {
      const full = this.#h.addresses.reallocate(changed, stored);
      if (full !== null)
        return r.fail(422, 'Invalid', `Service "${stored.metadata.name}" is invalid: ${full}`);
    }
    this.#replace(r, stored, { ...changed, metadata: copied(changed.metadata) });
  }

  /** What an update or a patch would make of the object as it is now; null: it is refused. Changes nothing. */
  preview(
    r: ApiRequest,
    admit: Admit | null,
  ): { readonly before: KubeObject; readonly after: KubeObject } | null {
    const before = this.#expected(r);
    if (before === null) return null;
    const after = r.op === Op.patchObject ? this.#patched(r, before, admit) : (r.body as KubeObject);
    return after === null ? null : { before, after };
  }

  /** The patched object, `stored` itself where nothing changes; null: the request is refused. */
  #patched(r: ApiRequest, stored: KubeObject, admit: Admit | null): KubeObject | null {
    const fail = (...refusal: Parameters<ApiRequest['fail']>): null => {
      r.fail(...refusal);
      return null;
    };
    let changed: KubeObject;
    try {
      changed = (r.body as (object: KubeObject) => KubeObject)(stored);
    } catch (error) {
      // A patch that does not fit the object: jsonpatch errors are 422 (apiserver/pkg/endpoints/handlers/patch.go).
      if (error instanceof RangeError) return fail(422, 'Invalid', error.message);
      throw error;
    }
    if (changed === stored || admit === null) return changed;
    if (stored.kind === 'Service') changed = carryAllocated(changed, stored);
    const admitted = admit(changed, stored.metadata.uid!);
    const { first, last } = updateErrors(stored, admitted.object ?? changed);
    const isJudged = admitted.object !== undefined || admitted.code === 422;
    if (isJudged && first.length + last.length > 0) {
      const causes = [...first, ...(admitted.causes ?? []), ...last];
      const definition = kindOf(stored.apiVersion, stored.kind)!;
      return fail(422, 'Invalid', invalidMessage(definition, stored.metadata.name!, causes), causes);
    }
    if (admitted.object === undefined)
      return fail(admitted.code, admitted.reason ?? '', admitted.message ?? '', admitted.causes);
    const refused = expansionRefusal(this.#h.state, stored, admitted.object);
    if (refused !== null) return fail(refused.code, refused.reason, refused.message);
    // A patch may take metadata away, but for what is the server's.
    const { name, namespace, deletionGracePeriodSeconds } = stored.metadata;
    const metadata = {
      ...changed.metadata,
      name: name!,
      ...(namespace === undefined ? {} : { namespace }),
      ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
    };
    return { ...admitted.object, metadata, ...(stored['status'] ? { status: stored['status'] } : {}) };
  }

  delete(r: ApiRequest): void {
    const { state } = this.#h;
    const stored = this.#expected(r);
    if (stored === null) return;
    r.code = 200;
    r.id = r.subject;
    r.object = stored;
    const before = stored.metadata.finalizers ?? NONE;
    const finalizers = finalizersFor(r.body as Propagation, before);
    const { finalizers: _, ...others } = stored.metadata;
    const metadata: ObjectMeta =
      finalizers.length === 0 ? others : { ...others, finalizers: [...finalizers] };
    const next: KubeObject = finalizers === before ? { ...stored } : { ...stored, metadata };
    if (finalized(next)) return this.#remove(r.subject as ObjectId, stored);
    const deleting = stored.metadata.deletionTimestamp !== undefined;
    if (deleting && finalizers === before) return;
    if (!deleting) {
      metadata.deletionTimestamp = timestampText(this.#h.now());
      metadata.deletionGracePeriodSeconds = 0;
      // store.go markAsDeleting: who watches generations learns of the deletion.
      if (metadata.generation !== undefined) metadata.generation += 1;
      if (stored.kind === 'Namespace') next['status'] = { ...stored['status'], phase: 'Terminating' };
    }
    next.metadata = metadata;
    state.objects.update(r.subject as ObjectId, next, this.#h.nextRevision(), this.#h.now());
    r.object = next;
    this.#h.logged(state.objects.kindOf(r.subject));
  }

  /** The stored object, or null after a 404 or 409. */
  #expected(r: ApiRequest): KubeObject | null {
    const { objects } = this.#h.state;
    const stored = objects.get(r.subject);
    const store = objects.kindOf(r.subject);
    if (stored === null) {
      r.fail(404, 'NotFound', `${this.#groupResource(store)} not found`);
      return null;
    }
    if (r.a > 0 && objects.revision(r.subject) !== r.a) {
      r.fail(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${this.#groupResource(store)} "${stored.metadata.name}": the object has been modified; please apply your changes to the latest version and try again`,
      );
      return null;
    }
    return stored;
  }

  /** Writes a new spec and metadata: what the server owns is kept, generation counts changes of spec. */
  #replace(r: ApiRequest, stored: KubeObject, next: KubeObject): void {
    const { metadata } = next;
    metadata.uid = stored.metadata.uid!;
    metadata.creationTimestamp = stored.metadata.creationTimestamp!;
    if (stored.metadata.deletionTimestamp !== undefined)
      metadata.deletionTimestamp = stored.metadata.deletionTimestamp;
    if (stored.metadata.generation !== undefined) {
      const changed = !isSameJson(next['spec'], stored['spec']);
      metadata.generation = stored.metadata.generation + (changed ? 1 : 0);
    }
    countTemplate(stored, next);
    if (metadata.deletionTimestamp !== undefined && finalized(next)) {
      r.code = 200;
      r.id = r.subject;
      r.object = next;
      return this.#remove(r.subject as ObjectId, next);
    }
    this.#store(r, stored, next);
  }

  #store(r: ApiRequest, stored: KubeObject, next: KubeObject): void {
    const { objects } = this.#h.state;
    if (isSameJson(stored, next)) {
      // Nothing to write: no revision, nobody is woken (etcd3/store.go GuaranteedUpdate).
      r.code = 200;
      r.id = r.subject;
      r.object = stored;
      return;
    }
    objects.update(r.subject as ObjectId, next, this.#h.nextRevision(), this.#h.now());
    r.code = 200;
    r.id = r.subject;
    r.object = next;
    this.#h.logged(objects.kindOf(r.subject));
  }

  #remove(id: ObjectId, object: KubeObject): void {
    const { objects } = this.#h.state;
    const store = objects.kindOf(id);
    if (store.kind === 'Service') this.#h.addresses.release(object);
    if (store.kind === 'ResourceQuota') this.#h.quotaRemoved(id, object);
    objects.remove(id, this.#h.nextRevision(), this.#h.now());
    this.#h.logged(store);
  }

  #generateName(store: KindStore, namespace: string, base: string): string {
    for (let attempt = 0; ; attempt++) {
      const n = this.#h.draw.below(this.#namePurpose, this.#h.state.objects.used + 1, attempt, SUFFIXES);
      const name = base.slice(0, GENERATED_PREFIX_MAX) + suffixText(n);
      if (attempt === 7 || !store.ids.has(keyOf(namespace, name))) return name;
    }
  }

  #groupResource(store: KindStore): string {
    const slash = store.apiVersion.indexOf('/');
    return slash < 0 ? store.resource : `${store.resource}.${store.apiVersion.slice(0, slash)}`;
  }
}
