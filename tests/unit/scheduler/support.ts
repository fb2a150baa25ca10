// Small clusters for scheduler tests: nodes and pods from a few numbers, a fake API server that commits at once and
// delivers watches by hand or after a delay.

import type {
  ApiClient,
  ApiReply,
  ApiServer,
  ReplyHandler,
  WatchConsumer,
} from '../../../engine/contracts/api.ts';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { RunContext } from '../../../engine/contracts/run-context.ts';
import type { PluginRegistry, SchedulerSettings } from '../../../engine/contracts/scheduler.ts';
import {
  Durations,
  type EventKind,
  Kernel,
  KeyedDraw,
  PeriodicWork,
  Rng,
} from '../../../engine/kernel/index.ts';
import { ingestNode } from '../../../engine/kinds/ingest/node.ts';
import { podTemplateCompiler } from '../../../engine/kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { PodStamp } from '../../../engine/metrics/pod-stamps.ts';
import type { Recorder } from '../../../engine/metrics/recorder.ts';
import { loadProfiles } from '../../../engine/scheduler/profiles.ts';
import { ClusterState, PodBit, type PodId, type PodTemplate, Verb } from '../../../engine/state/index.ts';
import { costPresets } from '../../../policies/costs/index.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';

export interface NodeSpec {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly zone?: string;
  readonly labels?: Record<string, string>;
  readonly taints?: Json[];
  readonly unschedulable?: boolean;
  readonly extended?: Record<string, string>;
  readonly images?: Json[];
}

export const nodeObject = (spec: NodeSpec): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { labels: spec.labels ?? {} },
  spec: {
    ...(spec.taints ? { taints: spec.taints } : {}),
    ...(spec.unschedulable ? { unschedulable: true } : {}),
  },
  status: {
    allocatable: {
      cpu: spec.cpu ?? '4',
      memory: spec.memory ?? '16Gi',
      pods: spec.pods ?? '110',
      ...(spec.extended ?? {}),
    },
    images: spec.images ?? [],
  },
});

export function addNode(state: ClusterState, name: string, spec: NodeSpec = {}): number {
  return ingestNode(state, nodeObject(spec), {
    name,
    zone: spec.zone ?? '',
    hostname: true,
    us: 0,
    revision: 1,
  });
}

/** A pod spec of one container with these requests; anything else is laid over it. */
export const podSpec = (requests: Record<string, string> = {}, over: Json = {}): Json => ({
  schedulerName: 'default-scheduler',
  containers: [{ name: 'c', image: 'app:v1', resources: { requests } }],
  ...over,
});

export const templateOf = (state: ClusterState, spec: Json): PodTemplate =>
  state.templates.intern({ labels: {}, annotations: {}, spec, metadata: null });

export function addPod(state: ClusterState, name: string, spec: Json, us = 0): PodId {
  const template = templateOf(state, spec);
  return state.pods.create({
    namespace: state.texts.id('default'),
    nameBase: state.texts.id(name),
    nameSuffix: -1,
    template: template.id,
    labelSet: template.labelSet,
    owner: -1,
    priority: template.priority,
    createdUs: us,
    revision: 1,
    runUs: Number.NaN,
  });
}

export const newState = (): ClusterState => new ClusterState(podTemplateCompiler);

export function settingsOf(config?: Json, registry: PluginRegistry = schedulerRegistry): SchedulerSettings {
  const loaded = loadProfiles(config, registry);
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
}

/** A preset without time but for what a test sets. */
export function costsWith(scheduler: Partial<CostPreset['scheduler']>): CostPreset {
  const zero = costPresets['zero']!;
  const fixed = {
    attemptUs: 1000,
    filterNodeNs: 0,
    scoreNodeNs: 0,
    parallelism: 16,
    plugins: {},
    podInitialBackoffUs: 1_000_000,
    podMaxBackoffUs: 10_000_000,
    unschedulableFlushUs: 300_000_000,
    flushIntervalUs: 30_000_000,
    percentageOfNodesToScore: 0,
  };
  return { ...zero, scheduler: { ...fixed, ...scheduler } };
}

export interface Call {
  readonly us: number;
  readonly what: string;
}

/**
 * A world around a scheduler: writes are committed when they are sent, watches deliver `watchUs` later, replies come
 * `replyUs` later.
 */
export class World implements ApiServer {
  readonly state = newState();
  readonly kernel = new Kernel();
  readonly calls: Call[] = [];
  readonly losses: string[] = [];
  readonly observed = new Map<string, number[]>();
  readonly stamps: string[] = [];
  readonly context: RunContext;
  /** Bindings are refused while this is set. */
  refuse: { code: number; message: string } | null = null;
  readonly #consumers: { resource: string; consumer: WatchConsumer; position: number }[] = [];
  readonly #deliver: EventKind;
  readonly #answer: EventKind;
  readonly #actions: (() => void)[] = [];
  readonly #watchUs: number;
  readonly #replyUs: number;

  constructor(costs: CostPreset = costsWith({}), { watchUs = 100, replyUs = 2000 } = {}) {
    this.#watchUs = watchUs;
    this.#replyUs = replyUs;
    this.#deliver = this.kernel.on('deliver', () => this.#deliverAll());
    this.#answer = this.kernel.on('answer', (at) => this.#actions[at]!());
    const latencies: string[] = [];
    const recorder = {
      tracer: { enabled: false },
      latency: (name: string) => latencies.push(name) - 1,
      observe: (id: number, us: number) => {
        const name = latencies[id]!;
        this.observed.set(name, [...(this.observed.get(name) ?? []), us]);
      },
      attempt: (pod: number) => this.stamps.push(`attempt ${this.state.podName(pod)} ${this.kernel.now}`),
      stamp: (pod: number, which: number) => {
        if (which !== PodStamp.scheduled) return;
        this.stamps.push(`scheduled ${this.state.podName(pod)} ${this.kernel.now}`);
      },
      loss: (source: string, kind: string, field: string) => this.losses.push(`${source} ${kind} ${field}`),
    };
    const draw = new KeyedDraw(1, 0);
    this.context = {
      kernel: this.kernel,
      rng: new Rng(1, 0),
      draw,
      durations: new Durations(draw),
      state: this.state,
      api: this,
      recorder: recorder as unknown as Recorder,
      costs,
      periodic: new PeriodicWork(this.kernel, false),
    };
  }

  /** What happened, without times. */
  get said(): string[] {
    return this.calls.map(({ what }) => what);
  }

  at(us: number, action: () => void): void {
    this.kernel.at(us, this.#answer, this.#actions.push(action) - 1, 0);
  }

  addNode(name: string, spec: NodeSpec = {}): number {
    const node = addNode(this.state, name, spec);
    this.#changed();
    return node;
  }
  nodeChanged(node: number, change: () => void): void {
    change();
    this.state.nodeLog.append(1, this.kernel.now, Verb.modified, node, 0, node, null);
    this.#changed();
  }
  removeNode(node: number): void {
    this.state.nodes.remove(node as never);
    this.state.nodeLog.append(1, this.kernel.now, Verb.deleted, node, 0, node, null);
    this.#changed();
  }
  addPod(name: string, spec: Json, node = -1): PodId {
    const pod = addPod(this.state, name, spec, this.kernel.now);
    this.state.pods.node[pod] = node;
    this.log(pod, Verb.added);
    return pod;
  }
  removePod(pod: PodId): void {
    this.state.pods.remove(pod);
    this.log(pod, Verb.deleted);
  }
  log(pod: PodId, verb: Verb): void {
    const { pods, podLog } = this.state;
    podLog.append(1, this.kernel.now, verb, pod, pods.word[pod]!, pods.node[pod]!, null);
    this.#changed();
  }

  /** Creates an object, or changes the one of that name. */
  setObject(object: KubeObject): void {
    const { objects } = this.state;
    const { namespace, name } = object.metadata;
    const store =
      objects.findKind(object.kind) ??
      objects.register(object.kind, object.apiVersion, object.kind.toLowerCase(), namespace !== undefined);
    const known = objects.find(object.kind, namespace ?? '', name!);
    if (known < 0) objects.create(store, object, 1, this.kernel.now);
    else objects.update(known as never, object, 1, this.kernel.now);
    this.#changed();
  }

  watch(resource: string, consumer: WatchConsumer): void {
    this.#consumers.push({ resource, consumer, position: 0 });
    this.#changed();
  }
  podTemplate(): PodTemplate {
    throw new Error('the scheduler makes no pods');
  }
  routeBoundPods(): void {
    throw new Error('the scheduler routes nothing');
  }

  client(): ApiClient {
    const { state } = this;
    const say = (what: string): void => {
      this.calls.push({ us: this.kernel.now, what });
    };
    const unexpected = (): never => {
      throw new Error('the scheduler does not do that');
    };
    return {
      name: 'kube-scheduler',
      create: unexpected,
      update: (_id, object, expected, reply, target = -1, arg = -1) => {
        say(`update ${object.kind} ${object.metadata.name}${expected > 0 ? '' : ' unconditionally'}`);
        if (this.refuse === null) this.setObject(object);
        this.#reply(reply, this.refuse?.code ?? 200, this.refuse?.message ?? '', target, arg);
      },
      updateStatus: unexpected,
      delete: unexpected,
      createPod: unexpected,
      patchPod: unexpected,
      updateScale: unexpected,
      debugPod: unexpected,
      evictPod: unexpected,
      deletePod: unexpected,
      deletePods: unexpected,
      patchNodeImages: unexpected,
      writeNode: unexpected,
      patchNode: unexpected,
      deleteNode: unexpected,
      renewLease: unexpected,
      read: unexpected,
      readObject: unexpected,
      look: unexpected,
      bindPod: (pod, generation, node, reply, target = -1, arg = -1) => {
        say(`bind ${state.podName(pod)} ${state.nodeName(node)}`);
        const refusal = this.refuse;
        const isAlive = state.pods.alive(pod, generation);
        if (refusal === null && isAlive) {
          state.pods.node[pod] = node;
          state.pods.word[pod]! |= PodBit.scheduled;
          this.log(pod as PodId, Verb.modified);
        }
        const failure = isAlive ? refusal : { code: 404, message: 'pods not found' };
        this.#reply(reply, failure?.code ?? 201, failure?.message ?? '', target, arg);
      },
      patchPodStatus: (pod, _generation, change, reply, target = -1, arg = -1) => {
        say(`patch ${state.podName(pod)}`);
        if (reply !== null) this.#reply(reply, 200, '', target, arg);
        state.pods.word[pod]! |= change.set;
        if (change.nominatedNode !== undefined) state.pods.nominatedNode[pod] = change.nominatedNode;
        this.log(pod as PodId, Verb.modified);
      },
      patch: unexpected,
      event: unexpected,
      podEvent: (type, reason, pod, message) => say(`${type} ${reason} ${state.podName(pod)}: ${message}`),
    };
  }

  #reply(reply: ReplyHandler | null, code: number, message: string, target: number, arg: number): void {
    const rest = { reason: '', causes: [], object: null, revision: 0 };
    const answer: ApiReply = { ...rest, code, message, id: target, target, arg };
    this.at(this.kernel.now + this.#replyUs, () => reply?.(answer));
  }

  #changed(): void {
    this.kernel.after(this.#watchUs, this.#deliver, 0, 0);
  }

  #deliverAll(): void {
    for (const each of this.#consumers) {
      const log =
        each.resource === 'pods'
          ? this.state.podLog
          : each.resource === 'nodes'
            ? this.state.nodeLog
            : this.state.objects.findKind(each.resource)?.log;
      if (log === undefined) continue;
      const from = each.position;
      let to = from;
      while (to < log.head && log.time(to) + this.#watchUs <= this.kernel.now) to++;
      each.position = to;
      if (to > from) each.consumer(log, from, to);
    }
  }
}
