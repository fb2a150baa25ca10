// CSINode objects: which drivers a node has and how many volumes of each it takes, as kubelets write them when a driver's
// pod registers there (pkg/volume/csi/nodeinfomanager, v1.36). The scheduler counts by them (NodeVolumeLimits). Drivers
// are taken to be installed on every node from the moment a storage class names them; only those that have a limit are
// written, because nothing else of a CSINode changes what happens.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { StorageBackend } from '../contracts/storage-backend.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { Verb } from '../state/index.ts';
import { provisioningOf } from './volume-classes.ts';

class CsiNodes implements Controller {
  readonly #ctx: ControllerContext;
  readonly #objects: SeenObjects;
  readonly #limited = new Map<string, StorageBackend>();
  /** Drivers that storage classes have named. */
  readonly #installed: StorageBackend[] = [];

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#objects = ctx.objects('CSINode');
    for (const backend of Object.values(ctx.run.costs.storage ?? {}))
      if (backend.attachLimit > 0) this.#limited.set(backend.driver, backend);
    const nodes = ctx.nodes();
    ctx.onNodes((node, verb) => {
      if (verb === Verb.added && this.#installed.length > 0) ctx.queue.add(String(node));
    });
    ctx.onObjects('StorageClass', (seen) => {
      const turn = provisioningOf(seen.name, seen.object);
      const backend = 'provisioner' in turn ? this.#limited.get(turn.provisioner) : undefined;
      if (backend === undefined || this.#installed.includes(backend)) return;
      this.#installed.push(backend);
      for (const node of nodes.list()) ctx.queue.add(String(node));
    });
  }

  *reconcile(key: string, calls: Calls): Steps {
    const { nodes } = this.#ctx.run.state;
    const node = Number(key);
    if (nodes.removed[node] === 1) return DONE;
    const name = nodes.name[node]!;
    const seen = this.#objects.get(name);
    const drivers: readonly Json[] = seen?.object['spec']?.drivers ?? [];
    const missing = this.#installed.filter(({ driver }) => !drivers.some((one) => one.name === driver));
    if (missing.length === 0) return DONE;
    const spec = { drivers: [...drivers, ...missing.map((backend) => registered(backend, name))] };
    const reply =
      seen === undefined
        ? yield calls.create(csiNode(name, spec))
        : yield calls.update(seen.id, { ...seen.object, spec }, seen.revision);
    return reply.code < 400 ? DONE : RETRY;
  }
}

const registered = (backend: StorageBackend, nodeID: string): Json => ({
  name: backend.driver,
  nodeID,
  topologyKeys: backend.reach === 'zone' ? ['topology.kubernetes.io/zone'] : [],
  allocatable: { count: backend.attachLimit },
});

const csiNode = (name: string, spec: Json): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  metadata: { name },
  spec,
});

export const csiNodesController: ControllerDefinition = {
  name: 'csi-nodes',
  clientName: 'kubelet',
  about: 'writes how many volumes of each CSI driver nodes take',
  workers: 1,
  // Each node's kubelet writes its own.
  limits: () => ({ qps: 0, burst: 0 }),
  create: (context) => new CsiNodes(context),
};
