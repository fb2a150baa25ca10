// How long a pod's containers take to stop: preStop hooks of all of them at once, SIGTERM, the end, or SIGKILL when the
// grace period is over; sidecars after the others, the last one first, each with what is left of the grace, and never
// less than 2 s (killContainer and terminationOrdering of pkg/kubelet/kuberuntime, v1.36).
import type { ContainerTemplate, PodTemplate } from '../state/index.ts';
import { Step } from './pod-workers.ts';

const SECOND = 1_000_000;
/** minimumGracePeriodInSeconds, kuberuntime_manager.go. */
const GRACE_MIN_US = 2 * SECOND;

/** µs from the decision to stop one container to its end, when its turn comes `turnUs` after the decision. */
export function containerStopUs(
  container: ContainerTemplate,
  drawnUs: number,
  graceUs: number,
  turnUs = 0,
): number {
  const hookUs = Math.min(container.preStopUs ?? 0, graceUs);
  const fromUs = Math.max(hookUs, Math.min(turnUs, graceUs));
  const leftUs = Math.max(GRACE_MIN_US, graceUs - fromUs);
  return Math.max(fromUs, turnUs) + Math.min(container.behaviour?.stopUs ?? drawnUs, leftUs);
}

/** µs from the decision to stop the pod until its first container gets SIGTERM: its preStop hook comes before. */
export function termAfterUs(running: readonly ContainerTemplate[], graceUs: number): number {
  const first = running.find((container) => !container.sidecar);
  return Math.min(first?.preStopUs ?? 0, graceUs);
}

/**
 * µs until the containers that run have ended; `drawUs` gives the preset's time by the container's turn, the same one
 * for all but sidecars.
 */
export function podStopUs(
  running: readonly ContainerTemplate[],
  graceUs: number,
  drawUs: (turn: number) => number,
): number {
  let us = 0;
  for (const container of running)
    if (!container.sidecar) us = Math.max(us, containerStopUs(container, drawUs(0), graceUs));
  for (let i = running.length - 1; i >= 0; i--) {
    const container = running[i]!;
    if (container.sidecar) us = containerStopUs(container, drawUs(i + 1), graceUs, us);
  }
  return us;
}

/** The containers that run: of those that start in order, the ones before `current`. */
export function runningContainers(template: PodTemplate, step: Step, current: number): ContainerTemplate[] {
  const { initContainers, containers } = template;
  const started = step >= Step.started ? Number.POSITIVE_INFINITY : current;
  return [...initContainers, ...containers].filter((container, i) => {
    const sidecarOrOther = container.sidecar || i >= initContainers.length;
    const inHook = step === Step.hook && i === started;
    return (sidecarOrOther && (i < started || inHook)) || (step === Step.init && i === started);
  });
}
