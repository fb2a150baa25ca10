// How long each step of a kubelet and its container runtime takes. A node may have a runtime of its own, named by the
// annotation kubetick.io/container-runtime; then what the runtime does takes that preset's time, and the rest as
// everywhere. The draws of a step are the same ones under every runtime, so that runs with different runtimes differ
// only by their presets.
import type { RuntimeCosts } from '../contracts/costs.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { Duration, Sampler } from '../kernel/index.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { ClusterState } from '../state/index.ts';

export const RUNTIME_ANNOTATION = 'kubetick.io/container-runtime';

/** What is measured by runtime. */
export type RuntimeStep = 'sandbox' | 'pull' | 'start';

interface RuntimeTimes {
  readonly costs: RuntimeCosts;
  readonly sandbox: Sampler;
  readonly create: Sampler;
  readonly start: Sampler;
  readonly stop: Sampler;
  readonly pull: Sampler;
  /** Ids of the latencies of its own that a named runtime has; made when it is first used. */
  metrics: Readonly<Record<RuntimeStep, number>> | null;
}

export class StepTimes {
  readonly sync: Sampler;
  readonly pleg: Sampler;
  readonly probe: Sampler;
  readonly initRun: Sampler;
  readonly #state: ClusterState;
  readonly #recorder: Recorder;
  readonly #default: RuntimeTimes;
  readonly #named = new Map<string, RuntimeTimes>();
  readonly #ofNode: (RuntimeTimes | undefined)[] = [];

  constructor({ durations, costs, state, recorder }: RunContext) {
    const k = costs.kubelet;
    const sampler = (name: string, us: Duration): Sampler => durations.sampler(`kubelet/${name}`, us);
    this.#state = state;
    this.#recorder = recorder;
    this.sync = sampler('sync', k.syncUs);
    this.pleg = sampler('pleg', k.plegUs);
    this.probe = sampler('probe', k.probeUs);
    this.initRun = sampler('init-container', k.initContainerRunUs);
    const times = (costs: RuntimeCosts): RuntimeTimes => ({
      costs,
      sandbox: sampler('sandbox', costs.sandboxUs),
      create: sampler('container-create', costs.containerCreateUs),
      start: sampler('container-start', costs.containerStartUs),
      stop: sampler('stop', costs.stopUs),
      pull: sampler('pull', costs.pullBaseUs),
      metrics: null,
    });
    this.#default = times({ ...k, name: '', version: '', about: '' });
    for (const [name, runtime] of Object.entries(costs.runtimes ?? {})) this.#named.set(name, times(runtime));
  }

  /** What the node's runtime costs; the kubelet's part of the preset where the node names none. */
  runtime(node: number): RuntimeCosts {
    return this.#of(node).costs;
  }

  sandbox(pod: number): number {
    const us = this.#ofPod(pod).sandbox(this.#serial(pod), 0);
    this.observe(pod, 'sandbox', us);
    return us;
  }

  /** Measures a step by the runtime of the pod's node, where that is a named one. */
  observe(pod: number, step: RuntimeStep, us: number): void {
    const times = this.#ofPod(pod);
    if (times === this.#default) return;
    const { name } = times.costs;
    const id = (what: RuntimeStep): number => this.#recorder.latency(`runtime.${name}.${what}`);
    times.metrics ??= { sandbox: id('sandbox'), pull: id('pull'), start: id('start') };
    this.#recorder.observe(times.metrics[step], us);
  }

  /** CreateContainer and StartContainer. */
  startContainer(pod: number, k: number): number {
    const { create, start } = this.#ofPod(pod);
    return create(this.#serial(pod), k) + start(this.#serial(pod), k);
  }

  stop(pod: number, k: number): number {
    return this.#ofPod(pod).stop(this.#serial(pod), k);
  }

  pullBase(node: number, entity: number, k: number): number {
    return this.#of(node).pull(entity, k);
  }

  #serial(pod: number): number {
    return this.#state.pods.serial[pod]!;
  }

  #ofPod(pod: number): RuntimeTimes {
    return this.#of(this.#state.pods.node[pod]!);
  }

  #of(node: number): RuntimeTimes {
    if (this.#named.size === 0) return this.#default;
    const known = this.#ofNode[node];
    if (known !== undefined) return known;
    const name = this.#state.nodes.object[node]!.metadata.annotations?.[RUNTIME_ANNOTATION] ?? '';
    const times = this.#named.get(name) ?? this.#default;
    this.#ofNode[node] = times;
    return times;
  }
}
