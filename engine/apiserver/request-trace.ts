// The hops of a request that `--trace` prints: received with who asks and what was checked, committed with its revision.

import type { PodCreation } from '../contracts/api.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { Tracer } from '../metrics/tracer.ts';
import type { ClusterState } from '../state/index.ts';
import { type ApiRequest, Op } from './request.ts';
import type { RequestKind } from './request-kinds.ts';

interface Named {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export class RequestTrace {
  readonly #tracer: Tracer;
  readonly #state: ClusterState;

  constructor(tracer: Tracer, state: ClusterState) {
    this.#tracer = tracer;
    this.#state = state;
  }

  get enabled(): boolean {
    return this.#tracer.enabled;
  }

  /** Both hops are told at the commit, the first at its own time: only now every object has its name. */
  committed(r: ApiRequest, client: string, kind: RequestKind, revision: number): void {
    // Events about the object are no steps on its way.
    if (r.op === Op.writeEvent || r.op === Op.renewLease) return;
    const n = this.#subject(r);
    if (n === null) return;
    const { objects } = this.#state;
    const owner = r.op === Op.createPod ? (r.body as PodCreation).owner : -1;
    const parent = owner >= 0 ? objects.get(owner) : null;
    if (parent !== null && r.code < 400) {
      const { namespace = '', name = '' } = parent.metadata;
      this.#tracer.link(n.kind, n.namespace, n.name, parent.kind, namespace, name);
    }
    const request = `${kind.verb} ${kind.resource}`;
    const received = `${request} from ${client}: authenticated, authorized (RBAC), admitted`;
    this.#tracer.hopAt(r.receivedUs, 'kube-apiserver', n.kind, n.namespace, n.name, received);
    if (r.code >= 400) {
      this.#tracer.hop('kube-apiserver', n.kind, n.namespace, n.name, `${request}: ${r.code} ${r.message}`);
      return;
    }
    this.#tracer.hop('etcd', n.kind, n.namespace, n.name, `revision ${revision}: ${request}`);
  }

  #subject(r: ApiRequest): Named | null {
    const state = this.#state;
    switch (r.op) {
      case Op.createObject:
        return this.#named((r.object ?? r.body) as KubeObject);
      case Op.createPod: {
        if (r.id >= 0) return this.#pod(r.id);
        const body = r.body as PodCreation;
        const name = state.texts.text(body.nameBase) + (body.generate ? '*' : (body.ordinal ?? ''));
        return { kind: 'Pod', namespace: state.texts.text(body.namespace), name };
      }
      case Op.bindPod:
      case Op.patchPodStatus:
      case Op.patchPod:
      case Op.debugPod:
      case Op.deletePod:
      case Op.evictPod:
        return state.pods.generation[r.subject] === r.generation ? this.#pod(r.subject) : null;
      case Op.patchNodeImages:
      case Op.writeNode:
      case Op.patchNode:
      case Op.deleteNode:
        return { kind: 'Node', namespace: '', name: state.nodeName(r.subject) };
      default: {
        const object = r.object ?? state.objects.get(r.subject);
        return object === null ? null : this.#named(object);
      }
    }
  }

  #named(object: KubeObject): Named | null {
    // A Pod from a manifest is created by the pod's own operation; until then its body is the manifest.
    if (object.metadata === undefined) return null;
    return {
      kind: object.kind,
      namespace: object.metadata.namespace ?? '',
      name: object.metadata.name ?? '',
    };
  }

  #pod(pod: number): Named {
    return { kind: 'Pod', namespace: this.#state.podNamespace(pod), name: this.#state.podName(pod) };
  }
}
