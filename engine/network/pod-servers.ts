// The servers of the pods that requests are sent to, made from what the kubelets' processes do. Pods that nobody sends to
// have none: a server begins with the first request that reaches its pod and learns then how long the process has run.
import type { ProcessListener, ServerShape } from '../contracts/traffic.ts';
import type { Kernel } from '../kernel/index.ts';
import type { ClusterState } from '../state/index.ts';
import { type Flight, PodServer } from './pod-server.ts';

/** How far the processes of a pod are. */
interface Process {
  readonly generation: number;
  startedUs: number;
  /** SIGTERM was sent. */
  stopping: boolean;
  /** Ended, to be started again. */
  down: boolean;
}

export interface FlightHooks<F extends Flight> {
  /** The flight is over: answered, or the client has given up. */
  over(flight: F): void;
  /** The connection was reset now. */
  reset(flight: F): void;
  /** No answer will come: its node has stopped. */
  unanswered(flight: F): void;
}

export class PodServers<F extends Flight> implements ProcessListener {
  readonly #kernel: Kernel;
  readonly #state: ClusterState;
  readonly #hooks: FlightHooks<F>;
  readonly #processes: (Process | undefined)[] = [];
  readonly #servers = new Map<number, PodServer<F>>();

  constructor(kernel: Kernel, state: ClusterState, hooks: FlightHooks<F>) {
    this.#kernel = kernel;
    this.#state = state;
    this.#hooks = hooks;
  }

  /** The server of that pod; null: nobody is at its address any more. */
  at(pod: number, generation: number, shape: ServerShape): PodServer<F> | null {
    const process = this.#processes[pod];
    if (process === undefined || process.generation !== generation) return null;
    let server = this.#servers.get(pod);
    if (server === undefined || server.generation !== generation) {
      const { node } = this.#state.pods;
      server = new PodServer(pod, generation, node[pod]!, shape, process.startedUs);
      if (process.down || (process.stopping && shape.shutdown !== 'ignore')) server.close();
      this.#servers.set(pod, server);
    }
    return server;
  }

  /** Settles what is over everywhere. */
  settle(): void {
    for (const server of this.#servers.values()) server.settle(this.#kernel.now, this.#hooks.over);
  }

  started(pod: number): void {
    const { now } = this.#kernel;
    const generation = this.#state.pods.generation[pod]!;
    this.#processes[pod] = { generation, startedUs: now, stopping: false, down: false };
    const server = this.#servers.get(pod);
    if (server?.generation === generation) server.start(now);
  }

  stopping(pod: number): void {
    const process = this.#processes[pod];
    if (process === undefined) return;
    process.stopping = true;
    const server = this.#servers.get(pod);
    if (server === undefined || server.shape.shutdown === 'ignore') return;
    server.close();
    if (server.shape.shutdown === 'close') this.#cut(server);
  }

  stopped(pod: number, restarts: boolean): void {
    const process = this.#processes[pod];
    if (process === undefined) return;
    const server = this.#servers.get(pod);
    if (restarts) {
      process.down = true;
      server?.close();
    } else {
      this.#processes[pod] = undefined;
      server?.leave();
      this.#servers.delete(pod);
    }
    if (server !== undefined) this.#cut(server);
  }

  nodeStopped(node: number): void {
    for (const server of [...this.#servers.values()]) {
      if (server.node !== node) continue;
      server.cut(this.#kernel.now, this.#hooks.over, this.#hooks.unanswered);
    }
  }

  #cut(server: PodServer<F>): void {
    server.cut(this.#kernel.now, this.#hooks.over, this.#hooks.reset);
  }
}
