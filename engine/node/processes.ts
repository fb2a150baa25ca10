// Tells whoever sends requests to pods when their processes start, are told to stop and end. Nobody listens in most runs;
// then nothing happens here.
import type { PodProcesses, ProcessListener } from '../contracts/traffic.ts';
import type { PodTable } from '../state/index.ts';
import { type NodePower, Reach } from './node-power.ts';
import { type PodWorkers, Step } from './pod-workers.ts';

export class Processes implements PodProcesses {
  readonly #pods: PodTable;
  readonly #workers: PodWorkers;
  readonly #power: NodePower;
  #listener: ProcessListener | null = null;

  constructor(pods: PodTable, workers: PodWorkers, power: NodePower) {
    this.#pods = pods;
    this.#workers = workers;
    this.#power = power;
  }

  follow(listener: ProcessListener): void {
    this.#listener = listener;
    this.#power.onStop((node) => listener.nodeStopped(node));
    for (let pod = 0; pod < this.#pods.used; pod++)
      if (this.#workers.stepOf(pod) === Step.running) listener.started(pod);
  }

  nodeRuns(node: number): boolean {
    return this.#power.reach(node) !== Reach.down;
  }

  started(pod: number): void {
    this.#listener?.started(pod);
  }

  stopping(pod: number): void {
    this.#listener?.stopping(pod);
  }

  /** `restarts`: the pod stays, and its containers are to start again. */
  stopped(pod: number, restarts: boolean): void {
    this.#listener?.stopped(pod, restarts);
  }
}
