// Tells whoever sends requests to pods when their processes start, are told to stop and end. Nobody listens in most runs;
// then nothing happens here.
import type { RunContext } from '../contracts/run-context.ts';
import type { PodProcesses, ProcessListener } from '../contracts/traffic.ts';
import type { EventKind } from '../kernel/index.ts';
import { type NodePower, Reach } from './node-power.ts';
import { type PodWorkers, Step } from './pod-workers.ts';

export class Processes implements PodProcesses {
  readonly #c: RunContext;
  readonly #workers: PodWorkers;
  readonly #power: NodePower;
  readonly #termKind: EventKind;
  /** Pods of which a container is down while the others run. */
  readonly #broken = new Set<number>();
  #listener: ProcessListener | null = null;

  constructor(context: RunContext, workers: PodWorkers, power: NodePower) {
    this.#c = context;
    this.#workers = workers;
    this.#power = power;
    this.#termKind = context.kernel.on('kubelet/sigterm', (pod, generation) => {
      const { pods } = context.state;
      const stops = pods.generation[pod] === generation && workers.stepOf(pod) === Step.stopping;
      if (!stops) return context.kernel.countDropped();
      this.#listener?.stopping(pod);
    });
  }

  follow(listener: ProcessListener): void {
    this.#listener = listener;
    this.#power.onStop((node) => listener.nodeStopped(node));
    for (let pod = 0; pod < this.#c.state.pods.used; pod++)
      if (this.#workers.stepOf(pod) === Step.running) listener.started(pod);
  }

  nodeRuns(node: number): boolean {
    return this.#power.reach(node) !== Reach.down;
  }

  started(pod: number): void {
    if (this.#listener === null) return;
    this.#broken.delete(pod);
    this.#listener.started(pod);
  }

  /** Containers that restart one by one: the pod serves while all of them run. */
  alive(pod: number, containers: number): void {
    if (this.#listener === null) return;
    const template = this.#c.state.template(pod);
    const sidecars = template.initContainers.filter((container) => container.sidecar).length;
    const whole = containers === template.containers.length + sidecars;
    if (whole && this.#broken.delete(pod)) this.#listener.started(pod);
    if (!whole && !this.#broken.has(pod)) {
      this.#broken.add(pod);
      this.#listener.stopped(pod, true);
    }
  }

  /** The pod is told to stop; its first container gets SIGTERM `afterUs` from now. */
  stopping(pod: number, afterUs: number): void {
    if (this.#listener === null) return;
    if (afterUs === 0) this.#listener.stopping(pod);
    else this.#c.kernel.after(afterUs, this.#termKind, pod, this.#c.state.pods.generation[pod]!);
  }

  /** `restarts`: the pod stays, and its containers are to start again. */
  stopped(pod: number, restarts: boolean): void {
    if (this.#listener === null) return;
    this.#broken.delete(pod);
    this.#listener.stopped(pod, restarts);
  }
}
