// Admission on create: the mutating plug-ins that a default API server (v1.36) runs before it validates, as pure
// functions. What they look up comes through the context, so the same code serves `validate` and the simulated server.
import type { KindDefinition, KubeObject } from '../../kinds/kind.ts';
import { fillLimits, limitProblem } from './limit-ranger.ts';
import { admitClass, admitNode, admitStorage } from './nodes-and-storage.ts';
import { admitPriority } from './priority.ts';
import { admitRuntimeClass } from './runtime-class.ts';
import { admitServiceAccount } from './service-account.ts';
import { admitTolerations } from './tolerations.ts';

export interface AdmissionContext {
  namespaceExists(name: string): boolean;
  /** The account object, undefined when there is none. */
  serviceAccount(namespace: string, name: string): KubeObject | undefined;
  /** A PriorityClass that is not one of the two built in. */
  priorityClass(name: string): KubeObject | undefined;
  /** The PriorityClass with globalDefault, if any. */
  defaultPriorityClass?(): KubeObject | undefined;
  runtimeClass?(name: string): KubeObject | undefined;
  /** LimitRanges of a namespace, in order of creation. */
  limitRanges?(namespace: string): readonly KubeObject[];
  /**
   * A node life cycle controller is there: it takes the not-ready taint of a new node away once the node is ready.
   * Without one a new node is not tainted, or nothing could ever be scheduled on it.
   */
  readonly nodeLifecycle?: boolean;
  /**
   * The volume protection controllers are there: they take their finalizer from claims and volumes that nothing uses.
   * Without them a new claim gets no finalizer, or it could never be deleted.
   */
  readonly volumeProtection?: boolean;
  /** Name of the class for claims that name none. */
  readonly defaultStorageClass?: () => string | undefined;
  /** Five random characters, as the server appends to generated names. */
  suffix(): string;
}

export interface Denial {
  readonly code: 403 | 404;
  readonly reason: 'Forbidden' | 'NotFound';
  readonly message: string;
}

/** `pods "web" is forbidden: …` */
export function forbidden(definition: KindDefinition, object: KubeObject, message: string): Denial {
  const group = definition.apiVersion.includes('/') ? `.${definition.apiVersion.split('/')[0]}` : '';
  const name = object.metadata.name ?? '';
  const text = `${definition.resource}${group} ${JSON.stringify(name)} is forbidden: ${message}`;
  return { code: 403, reason: 'Forbidden', message: text };
}

/** NamespaceLifecycle: nothing is made in a namespace that is not there. */
function checkNamespace(
  definition: KindDefinition,
  object: KubeObject,
  context: AdmissionContext,
): Denial | undefined {
  const namespace = object.metadata.namespace ?? '';
  if (!definition.namespaced || context.namespaceExists(namespace)) return undefined;
  return { code: 404, reason: 'NotFound', message: `namespaces ${JSON.stringify(namespace)} not found` };
}

/** Changes `object` in place as the server's plug-ins would, in their order; returns the first refusal, if any. */
export function admitOnCreate(
  definition: KindDefinition,
  object: KubeObject,
  context: AdmissionContext,
): Denial | undefined {
  const lost = checkNamespace(definition, object, context);
  if (lost !== undefined) return lost;
  if (definition.apiVersion !== 'v1') return undefined;
  switch (definition.kind) {
    case 'Pod': {
      fillLimits(object, context.limitRanges?.(object.metadata.namespace ?? '') ?? []);
      const refused = admitServiceAccount(object, context) ?? admitPriority(object, context);
      if (refused !== undefined) return forbidden(definition, object, refused);
      admitTolerations(object);
      const runtime = admitRuntimeClass(object, context);
      return runtime === undefined ? undefined : forbidden(definition, object, runtime);
    }
    case 'Node':
      if (context.nodeLifecycle) admitNode(object);
      return undefined;
    case 'PersistentVolumeClaim':
      admitClass(object, context.defaultStorageClass?.());
      if (context.volumeProtection) admitStorage(object);
      return undefined;
    case 'PersistentVolume':
      if (context.volumeProtection) admitStorage(object);
      return undefined;
    default:
      return undefined;
  }
}

/** The validating plug-ins: they see the object as it is going to be stored, and change nothing. */
export function admissionProblem(
  definition: KindDefinition,
  object: KubeObject,
  context: AdmissionContext,
): Denial | undefined {
  if (definition.apiVersion !== 'v1') return undefined;
  if (definition.kind !== 'Pod' && definition.kind !== 'PersistentVolumeClaim') return undefined;
  const ranges = context.limitRanges?.(object.metadata.namespace ?? '') ?? [];
  const refused = ranges.length === 0 ? undefined : limitProblem(object, ranges);
  return refused === undefined ? undefined : forbidden(definition, object, refused);
}
