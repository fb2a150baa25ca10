// When a pod's containers count as ready: computed from their probes, not simulated probe by probe. A container whose
// image answers does so from its first probe on.
import type { Sampler } from '../kernel/index.ts';
import type { ContainerTemplate, PodTemplate, ProbeTemplate } from '../state/index.ts';

/** Time from a probe's beginning to the answer that makes it a success, µs. */
function passUs(probe: ProbeTemplate, firstUs: number): number {
  return probe.initialDelayUs + firstUs + (probe.successThreshold - 1) * probe.periodUs;
}

function containerReadyUs(container: ContainerTemplate, firstUs: number): number {
  let us = 0;
  if (container.startup !== null) us += passUs(container.startup, firstUs);
  // Readiness probes wait for the startup probe (prober/worker.go).
  if (container.readiness !== null) us += passUs(container.readiness, firstUs);
  return us;
}

/** µs from the start of the containers to Ready=True; 0: with the Running status itself; Infinity: never. */
export function readyDelayUs(template: PodTemplate, probeUs: Sampler, entity: number): number {
  if (template.timings.readyDelayUs !== null) return template.timings.readyDelayUs;
  let latest = 0;
  template.containers.forEach((container, i) => {
    if (container.readiness === null && container.startup === null) return;
    latest = Math.max(latest, containerReadyUs(container, probeUs(entity, i)));
  });
  return latest;
}
