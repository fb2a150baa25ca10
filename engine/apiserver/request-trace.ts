// The hops of a request that `--trace` prints: received with who asks and what was checked, committed with its revision.

import type { PodCreation } from '../contracts/api.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { Tracer } from '../metrics/tracer.ts';
import type { ClusterState } from '../state/index.ts';
import type { EventWrite } from './client.ts';
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

  received(r: ApiRequest, client: string, kind: RequestKind): void {
    const n = this.#subject(r);
    if (n === null) return;
    const what = `${kind.verb} ${kind.resource} from ${client}: authenticated, authorized (RBAC), admitted`;
    this.#tracer.hop('kube-apiserver', n.kind, n.namespace, n.name, what);
  }

  committed(r: ApiRequest, kind: RequestKind, revision: number): void {
    const n = this.#subject(r);
    if (n === null) return;
    if (r.code >= 400) {
      this.#tracer.hop(
        'kube-apiserver',
        n.kind,
        n.namespace,
        n.name,
        `${kind.verb} ${kind.resource}: ${r.code} ${r.message}`,
      );
      return;
    }
    const { objects } = this.#state;
    const owner = r.op === Op.createPod ? (r.body as PodCreation).owner : -1;
    if (owner >= 0) {
      const parent = objects.get(owner);
      if (parent) {
        this.#tracer.link(
          n.kind,
          n.namespace,
          n.name,
          parent.kind,
          parent.metadata.namespace ?? '',
          parent.metadata.name!,
        );
      }
    }
    this.#tracer.hop(
      'etcd',
      n.kind,
      n.namespace,
      n.name,
      `revision ${revision}: ${kind.verb} ${kind.resource}`,
    );
  }

  #subject(r: ApiRequest): Named | null {
    const state = this.#state;
    switch (r.op) {
      case Op.createObject:
        return this.#named((r.object ?? r.body) as KubeObject);
      case Op.createPod: {
        if (r.id >= 0) return this.#pod(r.id);
        const body = r.body as PodCreation;
        const name = state.texts.text(body.nameBase) + (body.generate ? '*' : '');
        return { kind: 'Pod', namespace: state.texts.text(body.namespace), name };
      }
      case Op.bindPod:
      case Op.patchPodStatus:
      case Op.deletePod:
        return state.pods.generation[r.subject] === r.generation ? this.#pod(r.subject) : null;
      case Op.patchNodeImages:
        return { kind: 'Node', namespace: '', name: state.nodeName(r.subject) };
      case Op.writeEvent: {
        const e = r.body as EventWrite;
        return { kind: e.kind, namespace: e.namespace, name: e.name };
      }
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
