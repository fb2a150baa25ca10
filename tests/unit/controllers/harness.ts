// A small cluster for tests of controllers: the real API server and controller manager, and in place of scheduler and
// kubelets one actor that binds pods in turn, makes them Ready and lets them end after constant times.
import { Server } from '../../../engine/apiserver/server.ts';
import type { ApiReply } from '../../../engine/contracts/api.ts';
import type { ControllerDefinition } from '../../../engine/contracts/controller.ts';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { RunContext } from '../../../engine/contracts/run-context.ts';
import { controllers as builtIn } from '../../../engine/controllers/index.ts';
import { ControllerManager } from '../../../engine/controllers/manager.ts';
import {
  Durations,
  Fingerprint,
  Kernel,
  KeyedDraw,
  PeriodicWork,
  Rng,
} from '../../../engine/kernel/index.ts';
import { podTemplateCompiler } from '../../../engine/kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { kindOf, listKinds } from '../../../engine/kinds/registry.ts';
import { Recorder } from '../../../engine/metrics/recorder.ts';
import { podRowSource } from '../../../engine/pod-rows.ts';
import {
  ClusterState,
  isTerminal,
  type NodeId,
  Phase,
  PodBit,
  type Taint,
  Verb,
} from '../../../engine/state/index.ts';
import { k8sMedium } from '../../../policies/costs/k8s-medium.ts';

/** Objects of tests are in this namespace if their kind is in any. */
const namespaceOf = (kind: string): string =>
  ['Namespace', 'PersistentVolume', 'StorageClass'].includes(kind) ? '' : 'default';

export const MS = 1000;
export const SECOND = 1_000_000;

export interface HarnessOptions {
  /** µs from bound to Running and Ready of the n-th pod created (from 0); NaN: never Ready. Default 1 s. */
  readyUs?: (n: number) => number;
  /** µs from deletionTimestamp to gone. Default 200 ms. */
  stopUs?: number;
  nodes?: number;
  controllers?: readonly ControllerDefinition[];
  costs?: (costs: CostPreset) => CostPreset;
  /** Nobody binds pods. */
  unscheduled?: boolean;
}

export interface EventLine {
  readonly timeUs: number;
  readonly reason: string;
  readonly object: string;
  readonly message: string;
}

/** Constant times: a request costs 2 × 0.25 ms of network, 2 ms of work and 1 ms of etcd; watches 1 ms. */
export const constantCosts: CostPreset = {
  ...k8sMedium,
  apiserver: { ...k8sMedium.apiserver, networkUs: 250, handlerUs: { '*': 2 * MS }, watchUs: MS },
  etcd: { fsyncUs: MS, applyUs: 0, batchMax: 1000 },
};

export class Harness {
  readonly kernel = new Kernel();
  readonly state: ClusterState;
  readonly server: Server;
  readonly context: RunContext;
  readonly events: EventLine[] = [];
  /** Every version of every object, as committed. */
  readonly versions: { timeUs: number; verb: Verb; object: KubeObject }[] = [];
  readonly #admin;
  readonly #options: HarnessOptions;
  #bindTurn = 0;
  readonly #nothing = this.kernel.on('test/nothing', () => {});

  constructor(options: HarnessOptions = {}) {
    this.#options = options;
    const { kernel } = this;
    const draw = new KeyedDraw(1, 0);
    const durations = new Durations(draw);
    const rng = new Rng(1, 0);
    const costs = (options.costs ?? ((preset) => preset))(constantCosts);
    const state = new ClusterState(podTemplateCompiler);
    this.state = state;
    const recorder = new Recorder({
      labels: { experiment: 'test', variant: '', replication: 0, seed: 1 },
      warmUpUs: 0,
      sinks: [],
      pods: podRowSource(state),
      now: () => kernel.now,
    });
    const recordEvent = recorder.event.bind(recorder);
    recorder.event = (type, reason, kind, namespace, name, count, message) => {
      this.events.push({ timeUs: kernel.now, reason, object: `${kind}/${name}`, message });
      recordEvent(type, reason, kind, namespace, name, count, message);
    };
    for (const kind of listKinds().filter((known) => known.modelled)) {
      if (kind.kind === 'Pod' || kind.kind === 'Node' || state.objects.findKind(kind.kind)) continue;
      state.objects.register(kind.kind, kind.apiVersion, kind.resource, kind.namespaced);
    }
    this.server = new Server({
      kernel,
      rng,
      draw,
      durations,
      fingerprint: new Fingerprint(),
      state,
      recorder,
      costs,
      admit: (raw) => {
        const object = structuredClone(raw);
        kindOf(object.apiVersion, object.kind)!.defaults(object);
        return { code: 201, object };
      },
      addNode: () => -1,
      describeKind: (object) => {
        const known = kindOf(object.apiVersion, object.kind)!;
        return { resource: known.resource, namespaced: known.namespaced, modelled: known.modelled };
      },
    });
    this.#interceptPods();
    const periodic = new PeriodicWork(kernel, false);
    this.context = {
      kernel,
      rng,
      draw,
      durations,
      state,
      api: this.server,
      recorder,
      costs,
      periodic,
    } as RunContext;
    for (let i = 1; i <= (options.nodes ?? 3); i++) {
      const id = this.#addNode(`n${i}`);
      state.nodeLog.append(this.server.nextRevision(), 0, Verb.added, id, 0, id, null);
    }
    this.#admin = this.server.client('admin', { qps: 0, burst: 0 }, { trusted: false });
    new ControllerManager(this.context, options.controllers ?? builtIn).start();
    this.#node();
    for (const store of state.objects.kinds) {
      this.server.watch(store.kind, (log, from, to) => {
        for (let p = from; p < to; p++) {
          this.versions.push({ timeUs: log.time(p), verb: log.verb(p), object: log.object(p) as KubeObject });
        }
      });
    }
    this.seedNamespace('default');
  }

  get now(): number {
    return this.kernel.now;
  }

  /** A namespace that has always been there. */
  seedNamespace(name: string): void {
    const metadata = { name, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' };
    const spec = { finalizers: ['kubernetes'] };
    this.server.seed({ apiVersion: 'v1', kind: 'Namespace', metadata, spec, status: { phase: 'Active' } });
  }

  create(object: KubeObject): void {
    this.#admin.create(structuredClone(object), (reply) => this.#mustWork(reply));
  }

  patch(kind: string, name: string, change: (object: Json) => Json): void {
    const id = this.state.objects.find(kind, namespaceOf(kind), name);
    this.#admin.patch(id, change as (object: KubeObject) => KubeObject, (reply) => this.#mustWork(reply));
  }

  scale(kind: string, name: string, replicas: number): void {
    this.patch(kind, name, (object) => ({ ...object, spec: { ...object.spec, replicas } }));
  }

  setImage(name: string, image: string, kind = 'Deployment'): void {
    this.patch(kind, name, (object) => {
      const { template } = object.spec;
      const containers = [{ ...template.spec.containers[0], image }];
      return {
        ...object,
        spec: { ...object.spec, template: { ...template, spec: { ...template.spec, containers } } },
      };
    });
  }

  delete(kind: string, name: string): void {
    this.#admin.delete(this.state.objects.find(kind, namespaceOf(kind), name), null);
  }

  deletePod(pod: number): void {
    this.#admin.deletePod(pod, this.state.pods.generation[pod]!, -1, null);
  }

  /** From now on creations of pods are answered with 403 and this text; null: no more. */
  refusePods(message: string | null): void {
    this.#refusal = message;
  }

  #refusal: string | null = null;

  #interceptPods(): void {
    const { server, kernel } = this;
    const open = server.client.bind(server);
    const waiting: (() => void)[] = [];
    const answer = kernel.on('test/refuse', () => waiting.shift()!());
    server.client = (name, limits, how) => {
      const client = open(name, limits, how);
      const createPod = client.createPod.bind(client);
      client.createPod = (pod, reply, target = 0, arg = 0) => {
        if (this.#refusal === null) return createPod(pod, reply, target, arg);
        const refused = {
          code: 403,
          reason: 'Forbidden',
          message: this.#refusal,
          causes: [],
          id: -1,
          object: null,
          revision: 0,
        };
        waiting.push(() => reply?.({ ...refused, target, arg }));
        kernel.after(3 * MS, answer, 0, 0);
      };
      return client;
    };
  }

  #mustWork(reply: ApiReply): void {
    if (reply.code >= 400) throw new Error(`${reply.code} ${reply.message}`);
  }

  /** Runs `us` further. */
  run(us: number): void {
    // An idle kernel would stay where its last event was.
    this.kernel.after(us, this.#nothing, 0, 0);
    this.kernel.run(this.kernel.now + us);
  }

  get(kind: string, name: string): Json {
    const id = this.state.objects.find(kind, namespaceOf(kind), name);
    return id < 0 ? null : this.state.objects.get(id);
  }

  all(kind: string): Json[] {
    return [...this.state.objects.kind(kind).ids.values()].map((id) => this.state.objects.get(id));
  }

  /** Rows of pods in etcd, by order of creation. */
  pods(): number[] {
    return this.state.pods.livePods();
  }

  setReady(pod: number, ready: boolean): void {
    const change = { ...KEEP, set: ready ? PodBit.ready : 0, clear: ready ? 0 : PodBit.ready };
    this.#admin.patchPodStatus(pod, this.state.pods.generation[pod]!, change, null);
  }

  /** The containers of a pod exit for good. */
  endPod(pod: number, phase: 'Succeeded' | 'Failed'): void {
    const ended = phase === 'Failed' ? Phase.failed : Phase.succeeded;
    const change = { ...KEEP, phase: ended, clear: PodBit.ready | PodBit.containersReady };
    this.#admin.patchPodStatus(pod, this.state.pods.generation[pod]!, change, null);
  }

  /** A node joins, is changed, or leaves; components see it when their watch brings it. */
  addNode(name: string): void {
    const id = this.#addNode(name);
    this.#nodeLogged(id, Verb.added);
  }

  changeNode(name: string, change: { taints?: readonly Taint[]; labels?: Record<string, string> }): void {
    const { nodes, labels } = this.state;
    const id = nodes.find(name);
    if (change.taints !== undefined) nodes.taints[id] = change.taints;
    if (change.labels !== undefined) nodes.labelSet[id] = labels.intern(change.labels);
    this.#nodeLogged(id, Verb.modified);
  }

  removeNode(name: string): void {
    const { nodes } = this.state;
    const id = nodes.find(name);
    nodes.remove(id as NodeId);
    this.#nodeLogged(id, Verb.deleted);
  }

  /** The change goes out with the next write to a node. */
  #nodeLogged(id: number, verb: Verb): void {
    const { nodes, nodeLog } = this.state;
    nodeLog.append(this.server.nextRevision(), this.now, verb, id, 0, id, null);
    const other = [...nodes.name.keys()].find((node) => nodes.removed[node] === 0)!;
    this.#admin.patchNodeImages(other, []);
  }

  #addNode(name: string): number {
    const id = this.state.nodes.add({
      name,
      labelSet: this.state.labels.intern({ 'topology.kubernetes.io/zone': 'z1' }),
      hostnameLabel: true,
      cpuMilli: 1e9,
      memoryBytes: 1e15,
      ephemeralBytes: 1e15,
      podsMax: 1e6,
      scalars: [],
      taints: [],
      unschedulable: false,
      ready: true,
      images: [],
      addedUs: 0,
      revision: 1,
      object: { apiVersion: 'v1', kind: 'Node', metadata: {} },
    } as never);
    this.context.recorder.nodeAdded(this.state.nodes.find(name), {
      name,
      zone: 'z1',
      cpuMilli: 1e9,
      memoryBytes: 1e15,
      podsMax: 1e6,
    });
    return id;
  }

  /** Scheduler and kubelets in one. */
  #node(): void {
    const { kernel, server, state } = this;
    const { pods } = state;
    const client = server.client('node', { qps: 0, burst: 0 });
    const alive = (pod: number, generation: number): boolean => pods.alive(pod, generation);
    const start = kernel.on('test/start', (pod, generation) => {
      if (!alive(pod, generation) || pods.word[pod]! & PodBit.deleting) return;
      const change = {
        ...KEEP,
        phase: Phase.running,
        set: RUNNING | PodBit.ready,
        ip: 0x0af40000 + pods.serial[pod]!,
      };
      client.patchPodStatus(pod, generation, change, null);
    });
    const startUnready = kernel.on('test/start-unready', (pod, generation) => {
      if (!alive(pod, generation) || pods.word[pod]! & PodBit.deleting) return;
      const change = { ...KEEP, phase: Phase.running, set: RUNNING, ip: 0x0af40000 + pods.serial[pod]! };
      client.patchPodStatus(pod, generation, change, null);
    });
    const stop = kernel.on('test/stop', (pod, generation) => {
      if (alive(pod, generation)) client.deletePod(pod, generation, 0, null);
    });
    const stopUs = this.#options.stopUs ?? 200 * MS;
    const readyUs = this.#options.readyUs ?? (() => SECOND);
    const stopping = new Set<number>();
    server.watch('pods', (log, from, to) => {
      for (let p = from; p < to; p++) {
        const pod = log.id(p);
        const generation = pods.generation[pod]!;
        const word = log.word(p);
        if (log.verb(p) === Verb.deleted || isTerminal(word)) {
          stopping.delete(pod);
        } else if (word & PodBit.deleting) {
          if (!stopping.has(pod)) kernel.after(stopUs, stop, pod, generation);
          stopping.add(pod);
        } else if (log.verb(p) === Verb.added && log.node(p) < 0) {
          if (this.#options.unscheduled) continue;
          const pinned = pods.pinned[pod]!;
          const node =
            pinned < 0 ? this.#bindTurn++ % state.nodes.used : state.nodes.find(state.texts.text(pinned));
          if (node >= 0) client.bindPod(pod, generation, node, null);
        } else if (log.node(p) >= 0 && (word & PodBit.acknowledged) === 0) {
          const us = readyUs(pods.serial[pod]! - 1);
          if (Number.isNaN(us)) kernel.after(100 * MS, startUnready, pod, generation);
          else kernel.after(us, start, pod, generation);
        }
      }
    });
  }
}

const KEEP = { phase: -1, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 };
const RUNNING = PodBit.acknowledged | PodBit.initialized | PodBit.sandbox | PodBit.containersReady;

const podSpec = (image: string) => ({
  containers: [{ name: 'c', image, resources: { requests: { cpu: '100m' } } }],
});

export const replicaSet = (name: string, replicas: number, extra: Json = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec('app:v1') },
    ...extra,
  },
});

export const replicationController = (name: string, replicas: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { app: name },
    template: { metadata: { labels: { app: name } }, spec: podSpec('app:v1') },
  },
});

export const deployment = (name: string, replicas: number, extra: Json = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec('app:v1') },
    ...extra,
  },
});

export const statefulSet = (name: string, replicas: number, extra: Json = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    serviceName: name,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec('app:v1') },
    ...extra,
  },
});

export const daemonSet = (name: string, extra: Json = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec('app:v1') },
    ...extra,
  },
});

export const service = (name: string, extra: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...extra },
});
