// A simulated API server that takes recorded manifests, and the way back out of its tables; and clusters of recorded
// scheduling cases as rows. Shared by the round-trip tests.

import type { AdmissionContext } from '../../engine/apiserver/admission/admission.ts';
import { admitPriority } from '../../engine/apiserver/admission/priority.ts';
import { admission } from '../../engine/apiserver/admit.ts';
import { Server } from '../../engine/apiserver/server.ts';
import { Seeder } from '../../engine/drivers/seed.ts';
import { Durations, Fingerprint, Kernel, KeyedDraw, Rng } from '../../engine/kernel/index.ts';
import { materialiseNode, materialisePod } from '../../engine/kinds/ingest/materialise.ts';
import { ingestNode } from '../../engine/kinds/ingest/node.ts';
import { ingestPod } from '../../engine/kinds/ingest/pod.ts';
import { podTemplateCompiler } from '../../engine/kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../../engine/kinds/kind.ts';
import { kindOf, listKinds } from '../../engine/kinds/registry.ts';
import { Recorder } from '../../engine/metrics/recorder.ts';
import { podRowSource } from '../../engine/pod-rows.ts';
import { ClusterState, isTerminal, type PodId } from '../../engine/state/index.ts';
import { costPresets } from '../../policies/costs/index.ts';

export interface Answer {
  readonly code: number;
  readonly message: string;
  /** What the server's tables hold of the object afterwards. */
  readonly object: KubeObject | undefined;
}

/** A server without any latency. */
export class RoundTripServer {
  readonly #kernel = new Kernel({ fingerprint: new Fingerprint() });
  readonly #state = new ClusterState(podTemplateCompiler);
  readonly #server: Server;
  readonly #seeder: Seeder;

  constructor() {
    const draw = new KeyedDraw(1, 1);
    const state = this.#state;
    for (const kind of listKinds()) {
      const isKnown = state.objects.findKind(kind.kind) !== undefined;
      if (kind.modelled && !isKnown && kind.kind !== 'Pod' && kind.kind !== 'Node') {
        state.objects.register(kind.kind, kind.apiVersion, kind.resource, kind.namespaced);
      }
    }
    const labels = { experiment: 'round trip', variant: 'default', replication: 1, seed: 1 };
    const now = (): number => this.#kernel.now;
    const recorder = new Recorder({ labels, warmUpUs: 0, sinks: [], pods: podRowSource(state), now });
    this.#server = new Server({
      kernel: this.#kernel,
      rng: new Rng(1, 1),
      draw,
      durations: new Durations(draw),
      fingerprint: new Fingerprint(),
      state,
      recorder,
      costs: costPresets['zero']!,
      admit: admission(state),
      addNode: (object) =>
        this.#seeder.node(object, { name: object.metadata.name!, zone: '', hostname: false }),
      describeKind: (object) => {
        const { resource, namespaced, modelled } = kindOf(object.apiVersion, object.kind)!;
        return { resource, namespaced, modelled };
      },
    });
    this.#seeder = new Seeder(state, recorder, this.#server);
    this.#seeder.namespaces([]);
  }

  namespace(name: string): void {
    this.#seeder.namespaces([name]);
  }

  /** POSTs a manifest as a user and reads the object back. */
  post(raw: Json): Answer {
    let answer: Answer = { code: 0, message: 'no answer', object: undefined };
    const client = this.#server.client('user', { qps: 0, burst: 0 }, { trusted: false });
    client.create(raw, ({ code, message, id }) => {
      answer = { code, message, object: code === 201 ? this.#read(raw, id) : undefined };
    });
    this.#kernel.run();
    return answer;
  }

  #read(raw: Json, id: number): KubeObject {
    if (raw.apiVersion === 'v1' && raw.kind === 'Pod') return materialisePod(this.#state, id);
    if (raw.apiVersion === 'v1' && raw.kind === 'Node') return materialiseNode(this.#state, id);
    return this.#state.objects.get(id)!;
  }
}

export interface ClusterCase {
  readonly name: string;
  readonly cluster: { readonly items: readonly KubeObject[] };
  readonly pending: { readonly items: readonly KubeObject[] };
}

export interface Requests {
  readonly cpu: number;
  readonly memory: number;
  readonly ephemeralStorage?: number;
  readonly scalar?: Readonly<Record<string, number>>;
  readonly nonZeroCpu: number;
  readonly nonZeroMemory: number;
}

export interface ClusterVerdict {
  readonly name: string;
  readonly nodes: Readonly<Record<string, { pods: number; requested: Requests }>>;
  readonly pods: readonly { readonly pod: string; readonly priority: number; readonly requests: Requests }[];
}

/** As stored: the server's defaults and Priority admission; status and metadata as the case has them. */
export function storedPod(pod: KubeObject, classes: readonly KubeObject[]): KubeObject {
  const stored: KubeObject = structuredClone({ ...pod, apiVersion: 'v1', kind: 'Pod' });
  const metadata = structuredClone(stored.metadata);
  kindOf('v1', 'Pod')!.defaults(stored);
  // A pod that has a priority keeps it, whatever its class says by now.
  if (stored['spec'].priority === undefined) {
    const lookUp: Pick<AdmissionContext, 'priorityClass' | 'defaultPriorityClass'> = {
      priorityClass: (name) => classes.find((one) => one.metadata.name === name),
      defaultPriorityClass: () => classes.find((one) => one['globalDefault'] === true),
    };
    delete stored['spec'].preemptionPolicy;
    admitPriority(stored, lookUp as AdmissionContext);
    if (pod['spec'].preemptionPolicy !== undefined) {
      stored['spec'].preemptionPolicy = pod['spec'].preemptionPolicy;
    }
  }
  return { ...stored, metadata, status: structuredClone(pod['status'] ?? stored['status']) };
}

/** The nodes and pods of a case as rows. */
export class ClusterRows {
  readonly state = new ClusterState(podTemplateCompiler);
  readonly nodes = new Map<string, { readonly given: KubeObject; readonly row: number }>();
  readonly running: { readonly given: KubeObject; readonly row: PodId }[] = [];
  readonly pending: { readonly given: KubeObject; readonly row: PodId }[] = [];

  constructor(source: ClusterCase) {
    const { items } = source.cluster;
    let revision = 0;
    for (const given of items.filter(({ kind }) => kind === 'Node')) {
      const how = { name: given.metadata.name!, zone: '', hostname: false, us: 0, revision: ++revision };
      this.nodes.set(how.name, { given, row: ingestNode(this.state, given, how) });
    }
    const classes = items.filter(({ kind }) => kind === 'PriorityClass');
    const add = (pod: KubeObject): { given: KubeObject; row: PodId } => {
      const given = storedPod(pod, classes);
      return { given, row: ingestPod(this.state, given, { owner: -1, us: 0, revision: ++revision }) };
    };
    for (const pod of items.filter(({ kind }) => kind === 'Pod')) this.running.push(add(pod));
    for (const pod of source.pending.items) this.pending.push(add(pod));
  }

  podBack(row: number): KubeObject {
    return materialisePod(this.state, row);
  }

  nodeBack(row: number): KubeObject {
    return materialiseNode(this.state, row);
  }

  /** What a pod counts for. */
  requests(row: number): Requests {
    return this.#sum([row]);
  }

  /** What the pods on each node that have not ended count for. */
  requested(): Record<string, { pods: number; requested: Requests }> {
    const { pods } = this.state;
    return Object.fromEntries(
      [...this.nodes].map(([name, { row: node }]) => {
        const own = this.running.filter(({ row }) => pods.node[row] === node && !isTerminal(pods.word[row]!));
        return [name, { pods: own.length, requested: this.#sum(own.map(({ row }) => row)) }];
      }),
    );
  }

  #sum(rows: readonly number[]): Requests {
    const total = { cpu: 0, memory: 0, ephemeralStorage: 0, nonZeroCpu: 0, nonZeroMemory: 0 };
    const scalar: Record<string, number> = {};
    for (const row of rows) {
      const template = this.state.template(row);
      total.cpu += template.cpuMilli;
      total.memory += template.memoryBytes;
      total.ephemeralStorage += template.ephemeralBytes;
      total.nonZeroCpu += template.nonZeroCpuMilli;
      total.nonZeroMemory += template.nonZeroMemoryBytes;
      for (const [id, amount] of template.scalars) {
        const name = this.state.resources.text(id);
        if (amount > 0) scalar[name] = (scalar[name] ?? 0) + amount;
      }
    }
    const { ephemeralStorage, ...rest } = total;
    return {
      ...rest,
      ...(ephemeralStorage > 0 ? { ephemeralStorage } : {}),
      ...(Object.keys(scalar).length > 0 ? { scalar } : {}),
    };
  }
}
