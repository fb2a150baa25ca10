// The kubelet's own memory of its pods, a column a field, by pod row: how far each has come. `version` grows with
// every transition, so that an event scheduled for an earlier one is recognised and dropped, also after the row was
// given to another pod.

import type { CostPreset } from '../contracts/costs.ts';
import type { ContainerTemplate, PodTemplate } from '../state/index.ts';

export const Step = {
  none: 0,
  /** Seen by the kubelet, its worker has not started. */
  seen: 1,
  /** Waits for its volumes. */
  volumes: 2,
  /** RunPodSandbox with CNI ADD. */
  sandbox: 3,
  pulling: 4,
  /** A pull has failed; the next sync tells of the back-off. */
  pullFailed: 5,
  /** Waits for the next pull. */
  pullBackOff: 6,
  /** CreateContainer and StartContainer. */
  starting: 7,
  /** A postStart hook runs. */
  hook: 8,
  /** An init container runs. */
  init: 9,
  /** An init container has failed and waits for its restart. */
  initBackOff: 10,
  /** All containers have started; waits for the PLEG. */
  started: 11,
  running: 12,
  /** The containers ended and wait for their restart. */
  backoff: 13,
  /** Told to stop: SIGTERM sent. */
  stopping: 14,
  /** Ended for good, and the status that says so is on its way. */
  ending: 15,
  /** Ended for good. */
  ended: 16,
  /** Ended, and the pod's last DELETE is on its way. */
  released: 17,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

export class PodWorkers {
  step = new Uint8Array(256);
  version = new Int32Array(256);
  /** Container worked on: init containers first, then the others. */
  container = new Uint16Array(256);
  /** When the next pull is due, µs; only while pulls fail. */
  pullUs = new Float64Array(256);
  /** Runs of init containers that have failed. */
  initRuns = new Uint16Array(256);
  /** Which pod of its owner (and completion index) it is, from 0, where its template asks for that. */
  ordinal = new Int32Array(256);
  /** Runs of the containers that have ended. */
  runs = new Uint16Array(256);
  /** Time between the last exit and the restart, µs, as the back-off stands. */
  backoffUs = new Float64Array(256);
  /** When the containers of the current run started; NaN. */
  startedUs = new Float64Array(256);
  /** When the containers of the current run ended by themselves, before the kubelet saw it; NaN. */
  exitedUs = new Float64Array(256);
  /** Pull in progress: when the container began to wait for its image. */
  pullFromUs = new Float64Array(256);
  /** When the kubelet took the pod on, µs. */
  seenUs = new Float64Array(256);
  /** Told to stop: when, and when the containers will have ended, µs. */
  stopFromUs = new Float64Array(256);
  stopUs = new Float64Array(256);
  /** Containers that run now: sidecars and those that have started of the others. */
  alive = new Uint16Array(256);
  /** 1: the containers answer their readiness probes. */
  ready = new Uint8Array(256);
  /** While the pod ends: how many of its last status and its volumes have not been answered. */
  awaited = new Uint8Array(256);

  reset(pod: number): void {
    if (pod >= this.step.length) this.#grow(pod + 1);
    this.step[pod] = Step.none;
    this.version[pod]! += 1;
    this.container[pod] = 0;
    this.pullUs[pod] = 0;
    this.initRuns[pod] = 0;
    this.ordinal[pod] = 0;
    this.runs[pod] = 0;
    this.backoffUs[pod] = 0;
    this.startedUs[pod] = Number.NaN;
    this.exitedUs[pod] = Number.NaN;
    this.pullFromUs[pod] = Number.NaN;
    this.seenUs[pod] = 0;
    this.stopFromUs[pod] = 0;
    this.stopUs[pod] = 0;
    this.alive[pod] = 0;
    this.ready[pod] = 0;
    this.awaited[pod] = 0;
  }

  /** Moves on; returns the version that events of this step carry. */
  enter(pod: number, step: Step): number {
    this.step[pod] = step;
    this.version[pod]! += 1;
    return this.version[pod]!;
  }

  stepOf(pod: number): Step {
    return pod < this.step.length ? (this.step[pod]! as Step) : Step.none;
  }

  /** A run has ended; how long its restart waits, µs: nothing, then the base, doubling; forgotten after a long run. */
  ranOnce(pod: number, nowUs: number, costs: CostPreset['kubelet']): number {
    const { crashBackoffBaseUs, crashBackoffMaxUs, crashBackoffResetUs } = costs;
    const first = this.runs[pod] === 0 || nowUs - this.startedUs[pod]! > crashBackoffResetUs;
    const last = this.backoffUs[pod]!;
    const wait = first ? 0 : Math.min(crashBackoffMaxUs, last === 0 ? crashBackoffBaseUs : last * 2);
    this.backoffUs[pod] = wait;
    this.runs[pod]! += 1;
    return wait;
  }

  #grow(needed: number): void {
    let size = this.step.length;
    while (size < needed) size *= 2;
    const grow = <A extends Uint8Array | Uint16Array | Int32Array | Float64Array>(old: A, fresh: A): A => {
      fresh.set(old);
      return fresh;
    };
    this.step = grow(this.step, new Uint8Array(size));
    this.version = grow(this.version, new Int32Array(size));
    this.container = grow(this.container, new Uint16Array(size));
    this.pullUs = grow(this.pullUs, new Float64Array(size));
    this.initRuns = grow(this.initRuns, new Uint16Array(size));
    this.ordinal = grow(this.ordinal, new Int32Array(size));
    this.runs = grow(this.runs, new Uint16Array(size));
    this.backoffUs = grow(this.backoffUs, new Float64Array(size));
    this.startedUs = grow(this.startedUs, new Float64Array(size));
    this.exitedUs = grow(this.exitedUs, new Float64Array(size));
    this.pullFromUs = grow(this.pullFromUs, new Float64Array(size));
    this.seenUs = grow(this.seenUs, new Float64Array(size));
    this.stopFromUs = grow(this.stopFromUs, new Float64Array(size));
    this.stopUs = grow(this.stopUs, new Float64Array(size));
    this.alive = grow(this.alive, new Uint16Array(size));
    this.ready = grow(this.ready, new Uint8Array(size));
    this.awaited = grow(this.awaited, new Uint8Array(size));
  }
}

/** Container `index` of init containers and containers together. */
export function containerAt(template: PodTemplate, index: number): ContainerTemplate | undefined {
  const inits = template.initContainers.length;
  return index < inits ? template.initContainers[index] : template.containers[index - inits];
}
