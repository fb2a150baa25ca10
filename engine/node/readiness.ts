// When a pod's containers count as ready: computed from their probes, not simulated probe by probe. A container whose
// image answers does so from its first probe on. When that first probe runs is decided by the ticks of the probe's
// worker (pkg/kubelet/prober/{worker,prober_manager}.go, v1.36):
//
//   startup    ticks every period from the moment the kubelet took the pod on, long before the container runs
//   readiness  is triggered out of turn by the status that shows the container started, and ticks every period from
//              then on; before the startup probe has succeeded, and before the initial delay is over, a tick does nothing
import type { Sampler } from '../kernel/index.ts';
import type { ContainerTemplate, PodTemplate, ProbeTemplate } from '../state/index.ts';

/** First multiple of `stepUs` that is not below `us`. */
const ceilTo = (us: number, stepUs: number): number => Math.ceil(us / stepUs) * stepUs;

/** µs from the containers' start to the success of the startup probe; the worker began to tick `sinceUs` before. */
function startupUs(probe: ProbeTemplate, firstUs: number, sinceUs: number): number {
  return ceilTo(sinceUs + probe.initialDelayUs, probe.periodUs) - sinceUs + firstUs;
}

/** µs from the containers' start to the success of the readiness probe, triggered when `startedUs` have passed. */
function readinessUs(probe: ProbeTemplate, firstUs: number, startedUs: number): number {
  const waitUs = Math.max(0, probe.initialDelayUs - startedUs);
  return startedUs + ceilTo(waitUs, probe.periodUs) + firstUs + (probe.successThreshold - 1) * probe.periodUs;
}

function containerReadyUs(container: ContainerTemplate, firstUs: number, sinceUs: number): number {
  const startedUs = container.startup === null ? 0 : startupUs(container.startup, firstUs, sinceUs);
  return container.readiness === null ? startedUs : readinessUs(container.readiness, firstUs, startedUs);
}

/**
 * µs from the start of the containers to Ready=True; 0: with the Running status itself; Infinity: never. `sinceUs`:
 * how long ago the kubelet took the pod on.
 */
export function readyDelayUs(
  template: PodTemplate,
  probeUs: Sampler,
  entity: number,
  sinceUs: number,
): number {
  if (template.timings.readyDelayUs !== null) return template.timings.readyDelayUs;
  let latest = 0;
  let index = 0;
  for (const list of [template.containers, template.initContainers]) {
    for (const container of list) {
      const k = index++;
      // Init containers that end have no say in readiness; sidecars have, and began earlier: nothing is added for them
      // but what their own readiness probe asks for.
      if (list === template.initContainers && (!container.sidecar || container.readiness === null)) continue;
      if (container.readiness === null && container.startup === null) continue;
      const firstUs = probeUs(entity, k);
      const us =
        list === template.initContainers
          ? readinessUs(container.readiness!, firstUs, 0)
          : containerReadyUs(container, firstUs, sinceUs);
      latest = Math.max(latest, us);
    }
  }
  return latest;
}

/** µs that the next container waits for a sidecar's startup probe. */
export function sidecarStartupUs(container: ContainerTemplate, firstUs: number, sinceUs: number): number {
  return container.startup === null ? 0 : startupUs(container.startup, firstUs, sinceUs);
}
