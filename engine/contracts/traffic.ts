// Requests to Services: what a workload says of its requests and of the servers that answer them, and what the network
// room has to know of the processes in pods.

/**
 * What a server does when it is told to stop (SIGTERM). `close`: it ends at once, with what it was working on; `drain`:
 * takes nothing new and finishes what it has; `ignore`: goes on until it is killed.
 */
export type Shutdown = 'close' | 'drain' | 'ignore';

/** The servers behind a Service. All pods of the Service are equal. */
export interface ServerShape {
  /** Requests that a pod works on at the same time. */
  readonly concurrency: number;
  /** Connections that wait for that in a pod; more are refused. */
  readonly queue: number;
  /** From the start of the containers until they listen, µs. */
  readonly startupUs: number;
  readonly shutdown: Shutdown;
}

/** One use of a generator of requests. */
export interface RequestStream {
  /** In metrics and tables. */
  readonly name: string;
  readonly namespace: string;
  readonly service: string;
  /** Clients are pods spread over the nodes, or stand outside of the cluster. */
  readonly from: 'nodes' | 'outside';
  /** Clients, each with an address of its own that stays on its node; 0: every request is a new one. */
  readonly clients: number;
  /** A try that is not answered within this has failed, µs. */
  readonly timeoutUs: number;
  /** More tries after a failure, each this long after it, µs. */
  readonly retries: number;
  readonly retryAfterUs: number;
  readonly server: ServerShape;
  /** Time of the next request, whole µs, never falling; Infinity: no more. */
  next(): number;
  /** How long a server works on a request, whole µs. */
  serviceUs(): number;
  /** CPU time that it takes for that, whole µs; absent: none. */
  readonly cpuUs?: () => number;
}

/** Told of the processes of pods as they are, whatever the API server has heard. */
export interface ProcessListener {
  /** All containers run and the pod has its address. */
  started(pod: number): void;
  /** SIGTERM was sent. */
  stopping(pod: number): void;
  /** The containers have ended; `restarts`: the pod stays and starts them again. */
  stopped(pod: number, restarts: boolean): void;
  /** Everything on the node has stopped without a word. */
  nodeStopped(node: number): void;
}

export interface PodProcesses {
  /** From now on; what runs already is told at once. */
  follow(listener: ProcessListener): void;
  /** False for a node that has stopped. */
  nodeRuns(node: number): boolean;
}
