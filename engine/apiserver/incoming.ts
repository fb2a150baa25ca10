// What a create request is about, made ready to be stored: objects are admitted, pods become interned templates. A
// template is admitted once for all pods of its like, under the LimitRanges of that moment; where its pods are refused
// they are asked about again at each creation, because what was missing (an account, a class) may be there by now.
import type { PodCreation } from '../contracts/api.ts';
import type { KeyedDraw } from '../kernel/index.ts';
import { isTracked, templateParts } from '../kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { kindOf } from '../kinds/registry.ts';
import { type ClusterState, type PodTemplate, SUFFIXES, suffixText } from '../state/index.ts';
import type { Charged } from './admission/resource-quota.ts';
import type { Admitted } from './admitted.ts';
import type { Refusal } from './object-writes.ts';
import { type ApiRequest, Op } from './request.ts';

/** Kinds that admission completes whoever creates them; a Job gets its selector from its own UID. */
const COMPLETED: ReadonlySet<string> = new Set(['Pod', 'Node', 'PersistentVolumeClaim', 'Job']);

const refusedKey = (template: PodTemplate, namespace: string): string => `${template.id} ${namespace}`;

const refuse = (r: ApiRequest, { code, reason, message, causes }: Admitted): void =>
  r.fail(code, reason ?? '', message ?? '', causes);

export class Incoming {
  readonly #state: ClusterState;
  readonly #draw: KeyedDraw;
  readonly #admit: (object: KubeObject) => Admitted;
  /** By template and namespace, with the state of the LimitRanges that it was admitted under. */
  readonly #templates = new WeakMap<object, Map<string, { template: PodTemplate; ranges: number }>>();
  readonly #refused = new Map<string, KubeObject>();
  readonly #namePurpose: number;
  #attempts = 0;

  constructor(state: ClusterState, draw: KeyedDraw, admit: (object: KubeObject) => Admitted) {
    this.#state = state;
    this.#draw = draw;
    this.#admit = admit;
    this.#namePurpose = draw.purpose('apiserver/refused-name');
  }

  podTemplate(namespace: string, template: Json): PodTemplate {
    let byNamespace = this.#templates.get(template);
    if (byNamespace === undefined) {
      byNamespace = new Map();
      this.#templates.set(template, byNamespace);
    }
    const known = byNamespace.get(namespace);
    const ranges = this.#state.objects.findKind('LimitRange')?.log.head ?? 0;
    if (known !== undefined && known.ranges === ranges) return known.template;
    const built = this.#build({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name: 'pod', namespace },
      spec: template.spec,
    });
    byNamespace.set(namespace, { template: built, ranges });
    return built;
  }

  #build(pod: KubeObject): PodTemplate {
    const admitted = this.#admit(pod);
    if (admitted.object !== undefined) return this.#intern(admitted.object);
    // The owner was accepted but its pods are refused: creating them will fail with that answer.
    const template = this.#intern(pod);
    this.#refused.set(refusedKey(template, pod.metadata.namespace!), pod);
    return template;
  }

  /** False: the template's pods are refused. */
  admitTemplate(r: ApiRequest): boolean {
    if (this.#refused.size === 0) return true;
    const body = r.body as PodCreation;
    const namespace = this.#state.texts.text(body.namespace);
    const pod = this.#refused.get(refusedKey(body.template, namespace));
    if (pod === undefined) return true;
    const admitted = this.#admit({ ...pod, metadata: { ...pod.metadata, name: this.attemptedName(body) } });
    if (admitted.object === undefined) {
      refuse(r, admitted);
      return false;
    }
    r.body = { ...body, template: this.#intern(admitted.object) };
    return true;
  }

  /** The object as it is to be stored; null: refused. `trusted`: its client makes complete objects. */
  admitObject(r: ApiRequest, trusted: boolean): KubeObject | null {
    const object = r.body as KubeObject;
    if (trusted && !COMPLETED.has(object.kind)) return object;
    const admitted = this.#admit(object);
    if (admitted.object !== undefined) {
      return kindOf(object.apiVersion, object.kind)?.asStored?.(admitted.object) ?? admitted.object;
    }
    refuse(r, admitted);
    return null;
  }

  /**
   * Admits what a request creates, as far as quotas need to know it: what is to be charged, `free` where quotas count
   * nothing of the kind, `refused` with the answer in the request.
   */
  toCharge(
    r: ApiRequest,
    trusted: boolean,
    namespaceProblem: (namespace: string, resource: string, name: string) => Refusal | null,
  ): (Charged & { readonly namespace: string }) | 'free' | 'refused' {
    if (r.op === Op.createPod) {
      if (!this.admitTemplate(r)) return 'refused';
    } else {
      const admitted = this.admitObject(r, trusted);
      if (admitted === null) return 'refused';
      r.body = admitted;
      if (admitted.kind === 'Pod' && admitted.apiVersion === 'v1') this.asPod(r, admitted);
    }
    r.admitted = true;
    const pod = r.op === Op.createPod ? (r.body as PodCreation) : null;
    const object = pod === null ? (r.body as KubeObject) : null;
    const definition = object === null ? kindOf('v1', 'Pod') : kindOf(object.apiVersion, object.kind);
    if (definition === undefined || !definition.namespaced || definition.kind === 'Event') return 'free';
    const namespace =
      pod === null ? (object!.metadata.namespace ?? 'default') : this.#state.texts.text(pod.namespace);
    const name = pod === null ? (object!.metadata.name ?? '') : this.attemptedName(pod);
    const problem = namespaceProblem(namespace, definition.resource, name);
    if (problem === null) return { namespace, definition, name, template: pod?.template ?? null, object };
    r.fail(problem.code, problem.reason, problem.message);
    return 'refused';
  }

  /** A request to create a pod that came as an object becomes one by template. */
  asPod(r: ApiRequest, object: KubeObject): void {
    const { texts } = this.#state;
    const { metadata } = object;
    r.op = Op.createPod;
    r.body = {
      template: this.#intern(object),
      namespace: texts.id(metadata.namespace ?? 'default'),
      owner: -1,
      nameBase: texts.id(metadata.name || (metadata.generateName ?? '')),
      generate: !metadata.name,
      runUs: Number.NaN,
      tracked: isTracked(object),
    };
  }

  /** Name that a refusal tells: a generated one is another at each attempt. */
  attemptedName(pod: PodCreation): string {
    const base = this.#state.texts.text(pod.nameBase);
    if (!pod.generate) return `${base}${pod.ordinal ?? ''}`;
    this.#attempts += 1;
    return base + suffixText(this.#draw.below(this.#namePurpose, this.#attempts, 0, SUFFIXES));
  }

  #intern(pod: KubeObject): PodTemplate {
    return this.#state.templates.intern(templateParts(pod));
  }
}
