// The limits within which Kubernetes promises its objectives (kubernetes/community sig-scalability/configs-and-limits/
// thresholds.md, and the churn of slos.md), and how far a run went. Beyond one of them a missed objective breaks no promise.
import type { ScaleLimit } from './items.ts';

const NODES = 5000;
const PODS = 150_000;
const PODS_PER_CORE = 10;
const PODS_PER_NODE = 110;
const NAMESPACES = 10_000;
const PODS_PER_NAMESPACE = 3000;
/** Creations, spec updates and deletions of pods, and requests of users, in a second. */
const CHURN = 20;
/** Objects of a kind that were created, an upper bound of those that existed at once. */
const CREATED: readonly (readonly [resource: string, limit: number])[] = [
  ['services', 10_000],
  ['configmaps', 150_000],
  ['secrets', 150_000],
  ['jobs', 150_000],
  ['deployments', 150_000],
  ['replicasets', 150_000],
  ['statefulsets', 150_000],
  ['endpointslices', 150_000],
  ['persistentvolumes', 150_000],
  ['persistentvolumeclaims', 150_000],
  ['events', 1_000_000],
];
const SECOND_US = 1_000_000;

/** Of a row of nodes.csv. */
export interface NodeLoad {
  readonly node: string;
  readonly cpuMilli: number;
  readonly podsPeak: number;
}

/** Pods that existed at once. */
class Existing {
  private readonly changes = new Map<number, number>();

  add(created: number, deleted: number | null): void {
    this.changes.set(created, (this.changes.get(created) ?? 0) + 1);
    if (deleted !== null) this.changes.set(deleted, (this.changes.get(deleted) ?? 0) - 1);
  }

  most(): number {
    let [there, most] = [0, 0];
    for (const at of [...this.changes.keys()].sort((a, b) => a - b)) {
      there += this.changes.get(at)!;
      most = Math.max(most, there);
    }
    return most;
  }
}

export class Scale {
  private readonly all = new Existing();
  private readonly namespaces = new Map<string, Existing>();
  /** Pods created and deleted, by second. */
  private readonly churn = new Map<number, number>();
  private node: NodeLoad | null = null;

  /** Times in whole seconds are enough for peaks; a pod without `created` was there from the start. */
  pod(namespace: string, created: number | null, deleted: number | null): void {
    const [from, to] = [second(created) ?? 0, second(deleted)];
    let own = this.namespaces.get(namespace);
    if (own === undefined) {
      own = new Existing();
      this.namespaces.set(namespace, own);
    }
    own.add(from, to);
    this.all.add(from, to);
    for (const at of [second(created), to])
      if (at !== null) this.churn.set(at, (this.churn.get(at) ?? 0) + 1);
  }

  /** Kept is the node that is fullest against its own limit. */
  nodeLoad(load: NodeLoad): void {
    const share = ({ podsPeak, cpuMilli }: NodeLoad): number => podsPeak / podsLimit(cpuMilli);
    if (this.node === null || share(load) > share(this.node)) this.node = load;
  }

  /** @param created objects created through the API, by resource */
  limits(nodesPeak: number, created: ReadonlyMap<string, number>): ScaleLimit[] {
    const limits: ScaleLimit[] = [];
    const add = (quantity: string, value: number, limit: number, where?: string): void => {
      limits.push({
        quantity,
        value,
        limit,
        exceeded: value > limit,
        ...(where === undefined ? {} : { where }),
      });
    };
    add('nodes', nodesPeak, NODES);
    add('pods', this.all.most(), PODS);
    if (this.node !== null)
      add('pods of a node', this.node.podsPeak, podsLimit(this.node.cpuMilli), this.node.node);
    add('namespaces with pods', this.namespaces.size, NAMESPACES);
    const fullest = [...this.namespaces]
      .map(([name, existing]) => ({ name, pods: existing.most() }))
      .reduce((a, b) => (b.pods > a.pods ? b : a), { name: '', pods: 0 });
    if (fullest.pods > 0) add('pods of a namespace', fullest.pods, PODS_PER_NAMESPACE, fullest.name);
    for (const [resource, limit] of CREATED) {
      const count = created.get(resource) ?? 0;
      if (count > 0) add(`${resource} created`, count, limit);
    }
    add('pods created and deleted in a second', Math.max(0, ...this.churn.values()), CHURN);
    return limits;
  }
}

const podsLimit = (cpuMilli: number): number =>
  Math.max(1, Math.min(PODS_PER_NODE, Math.floor((PODS_PER_CORE * cpuMilli) / 1000)));

const second = (us: number | null): number | null => (us === null ? null : Math.floor(us / SECOND_US));
