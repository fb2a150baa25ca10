// What every kind's file exports: its names, its defaults, its validation. The registry lists them; nothing else
// may know a kind by name to decode, default or validate it.
import type { FieldErrors } from './field-errors.ts';

/** A decoded API object or part of one: plain JSON. Kinds narrow it where they read it. */
// biome-ignore lint/suspicious/noExplicitAny: API objects are open JSON trees; each kind narrows what it reads.
export type Json = any;

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Any API object: type, metadata, and whatever else its kind has. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: Json;
}

export interface KindDefinition {
  /** `v1`, `apps/v1`, … */
  readonly apiVersion: string;
  readonly kind: string;
  /** Plural resource name in REST paths, e.g. `deployments`. */
  readonly resource: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  /** True where the simulation acts on objects of this kind; others are accepted, kept and listed in the loss report. */
  readonly modelled: boolean;
  /**
   * Called on a freshly decoded object, in place: SetDefaults_* and the registry strategy's PrepareForCreate
   * (clears status, sets generation, …). The result, after admission, is what the server stores.
   */
  defaults(object: KubeObject): void;
  /**
   * What the server hands out before it validates anything, metadata included: errors here are the whole answer.
   */
  reserve?(object: KubeObject, errors: FieldErrors): void;
  /** Called on the defaulted object; reports every problem in the server's order. metadata is checked by the caller. */
  validate(object: KubeObject, errors: FieldErrors): void;
  /** Texts of the server's Warning headers for this object (deprecations, suspicious specs). */
  warnings?(object: KubeObject): string[];
  /** The object in the version that the server stores, where that is another one of its kind. */
  asStored?(object: KubeObject): KubeObject;
  /** How metadata.name is checked. Default: `subdomain`. */
  readonly nameRule?: 'subdomain' | 'label' | 'service' | 'path-segment' | 'ip';
}
