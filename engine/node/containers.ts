// The containers of a pod in the order in which they start: init containers first, then the others.
import type { ContainerTemplate, PodTemplate } from '../state/index.ts';
import { Step } from './pod-workers.ts';

export function containerAt(template: PodTemplate, index: number): ContainerTemplate | undefined {
  const inits = template.initContainers.length;
  return index < inits ? template.initContainers[index] : template.containers[index - inits];
}

/**
 * Names of the containers that run when the pod is at `step` and its worker at container `current`: of those that start
 * in order, the ones before the current.
 */
export function runningNames(template: PodTemplate, step: Step, current: number): string[] {
  const { initContainers, containers } = template;
  const started = step >= Step.started ? Number.POSITIVE_INFINITY : current;
  const names: string[] = [];
  [...initContainers, ...containers].forEach((container, i) => {
    const sidecarOrOther = container.sidecar || i >= initContainers.length;
    if ((sidecarOrOther && i < started) || (step === Step.init && i === started)) names.push(container.name);
  });
  return names;
}
