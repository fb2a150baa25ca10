// What requests about Nodes and their Leases do at their commit: writes of components to parts of a node, patches of
// users to the whole, deletion. Rules: registry/core/node/strategy.go (v1.36): the main resource keeps status as stored,
// its status subresource keeps the rest.
import type { NodeChange } from '../contracts/api.ts';
import { materialiseNode } from '../kinds/ingest/materialise.ts';
import { readyOf, reingestNode } from '../kinds/ingest/node.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { Recorder } from '../metrics/recorder.ts';
import { type ClusterState, LABEL_HOSTNAME, type NodeId, NodeReady, PodBit, Verb } from '../state/index.ts';
import type { Admitted } from './admitted.ts';
import { type ApiRequest, ReadOf } from './request.ts';
import { isSameJson } from './same-json.ts';

export interface NodeWriteHooks {
  readonly state: ClusterState;
  readonly recorder: Recorder;
  now(): number;
  nextRevision(): number;
  /** The node log has grown. */
  logged(): void;
  admit(object: KubeObject): Admitted;
}

export class NodeWrites {
  readonly #h: NodeWriteHooks;

  constructor(hooks: NodeWriteHooks) {
    this.#h = hooks;
  }

  /** A component's write of part of a node. */
  write(r: ApiRequest): void {
    const node = this.#found(r);
    if (node < 0) return;
    const { nodes, labels } = this.#h.state;
    if (r.a > 0 && nodes.revision[node] !== r.a) {
      const name = JSON.stringify(nodes.name[node]);
      return r.fail(
        409,
        'Conflict',
        `Operation cannot be fulfilled on nodes ${name}: the object has been modified; please apply your changes to the latest version and try again`,
      );
    }
    const change = r.body as NodeChange;
    if (change.taints !== undefined) nodes.taints[node] = change.taints;
    if (change.conditions !== undefined) {
      nodes.conditions[node] = change.conditions;
      const ready = change.conditions.find((condition) => condition.type === 'Ready');
      nodes.ready[node] = ready === undefined ? NodeReady.none : readyOf(ready.status);
    }
    if (change.volumesAttached !== undefined) nodes.volumes(node).attached = change.volumesAttached;
    if (change.volumesInUse !== undefined) nodes.volumes(node).inUse = change.volumesInUse;
    if (change.labels !== undefined) {
      const { [LABEL_HOSTNAME]: _hostname, ...rest } = change.labels;
      nodes.labelSet[node] = labels.intern({ ...labels.get(nodes.labelSet[node]!), ...rest });
    }
    if (change.annotations !== undefined) {
      const object = nodes.object[node]!;
      const annotations = { ...object.metadata.annotations, ...change.annotations };
      nodes.object[node] = { ...object, metadata: { ...object.metadata, annotations } };
    }
    this.#written(r, node);
  }

  /** A user's PATCH. */
  patch(r: ApiRequest): void {
    const node = this.#found(r);
    if (node < 0) return;
    const { state, admit } = this.#h;
    const stored = materialiseNode(state, node);
    let changed: KubeObject;
    try {
      changed = (r.body as (object: KubeObject) => KubeObject)(stored);
    } catch (error) {
      if (error instanceof RangeError) return r.fail(422, 'Invalid', error.message);
      throw error;
    }
    // Only one half is written: status, or everything else.
    const half = (from: KubeObject, to: KubeObject): KubeObject => {
      const { status: _status, ...rest } = from;
      return to['status'] === undefined ? rest : { ...rest, status: to['status'] };
    };
    const next = r.b === 1 ? half(stored, changed) : half(changed, stored);
    r.code = 200;
    r.id = node;
    if (isSameJson(next, stored)) return;
    const admitted = admit(structuredClone(next) as KubeObject);
    if (admitted.object === undefined) {
      return r.fail(admitted.code, admitted.reason ?? '', admitted.message ?? '', admitted.causes);
    }
    reingestNode(state, node, this.#owned(next, stored));
    state.nodes.conditions[node] = null;
    this.#written(r, node);
  }

  delete(r: ApiRequest): void {
    const node = this.#found(r);
    if (node < 0) return;
    const { state, recorder } = this.#h;
    state.nodes.remove(node as NodeId);
    recorder.nodeRemoved(node);
    this.#log(r, node, Verb.deleted);
  }

  /** PUT of the node's Lease. */
  renew(r: ApiRequest): void {
    const node = this.#found(r);
    if (node < 0) return;
    this.#h.nextRevision();
    this.#h.state.heartbeats.stored(node, this.#h.now());
    r.code = 200;
  }

  /** GET of a node, a pod or an object. */
  read(r: ApiRequest): void {
    const { nodes, objects, pods } = this.#h.state;
    r.code = 200;
    r.id = r.subject;
    if (r.a === ReadOf.nothing) return;
    if (r.a === ReadOf.object) {
      r.object = objects.get(r.subject);
      if (r.object === null) r.fail(404, 'NotFound', `${objects.kindOf(r.subject).resource} not found`);
    } else if (r.a === ReadOf.node) {
      if (this.#found(r) >= 0) r.revision = nodes.revision[r.subject]!;
    } else if (!pods.alive(r.subject, r.generation) || pods.word[r.subject]! & PodBit.removed) {
      r.fail(404, 'NotFound', 'pods not found');
    }
  }

  #found(r: ApiRequest): number {
    const { nodes } = this.#h.state;
    if (nodes.removed[r.subject] !== 1) return r.subject;
    r.fail(404, 'NotFound', `nodes ${JSON.stringify(nodes.name[r.subject])} not found`);
    return -1;
  }

  /** What a user cannot change: name, uid, times; and what the tables keep apart from the object. */
  #owned(next: KubeObject, stored: KubeObject): KubeObject {
    const { name, uid, creationTimestamp } = stored.metadata;
    const { resourceVersion: _revision, ...metadata } = next.metadata;
    const kept: Json = { ...metadata, name, uid, creationTimestamp };
    return { ...next, metadata: kept };
  }

  #written(r: ApiRequest, node: number): void {
    this.#log(r, node, Verb.modified);
  }

  #log(r: ApiRequest, node: number, verb: Verb): void {
    const { nodes, nodeLog } = this.#h.state;
    const revision = this.#h.nextRevision();
    nodes.revision[node] = revision;
    nodeLog.append(revision, this.#h.now(), verb, node, 0, node, null);
    r.code = 200;
    r.id = node;
    r.revision = revision;
    this.#h.logged();
  }
}
