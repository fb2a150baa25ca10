// Where the time of a pod's start goes: its stamps cut its life, from stored in etcd to seen Ready by a watcher, into
// phases that follow each other without gap or overlap. Whole µs, so the phases of a pod add up to its whole exactly. A
// stage that was not stamped (a pod with exact delays has no sandbox) has no phase: its time belongs to the next stage.
// A stage reached before the one that precedes it in the list has no length.
import { PodStamp } from './pod-stamps.ts';

/** In order. `until`: the stamp that ends the phase; -1: given apart. */
export const PHASES = [
  {
    name: 'watch by scheduler',
    until: PodStamp.queued,
    help: 'stored in etcd until the scheduler has it in its queue',
  },
  { name: 'queue', until: PodStamp.firstAttempt, help: 'in the queue until the first attempt' },
  {
    name: 'node start',
    until: -1,
    help: 'after the first attempt until the node that took it had joined',
  },
  { name: 'attempt', until: PodStamp.scheduled, help: 'the one scheduling attempt that found a node' },
  {
    name: 'retries',
    until: PodStamp.scheduled,
    help: 'from the first attempt, which failed, to the one that found a node',
  },
  { name: 'binding', until: PodStamp.bound, help: 'node chosen until the binding is stored' },
  {
    name: 'watch by kubelet',
    until: PodStamp.seen,
    help: 'binding stored until the kubelet has seen the pod',
  },
  {
    name: 'volumes',
    until: PodStamp.volumes,
    help: 'sync of the pod, and its volumes attached and mounted, where it had to wait for them',
  },
  {
    name: 'sandbox',
    until: PodStamp.sandbox,
    help: 'sandbox and its network; the sync of a pod without volumes',
  },
  { name: 'image', until: PodStamp.pulled, help: 'init containers, and images until the last one is there' },
  { name: 'containers', until: PodStamp.started, help: 'containers created and started' },
  {
    name: 'readiness',
    until: PodStamp.ready,
    help: 'started until condition Ready is stored: relist, probes, status request',
  },
  {
    name: 'watch by client',
    until: PodStamp.watched,
    help: 'Ready stored until a client that watches has seen it',
  },
] as const;

export type PhaseName = (typeof PHASES)[number]['name'];

const NODE_START = PHASES.findIndex(({ name }) => name === 'node start');
const ATTEMPT = PHASES.findIndex(({ name }) => name === 'attempt');
const RETRIES = PHASES.findIndex(({ name }) => name === 'retries');

/**
 * Ends of the phases, µs, into `ends`; NaN: the pod has not that phase. Returns whether it was created in the run.
 *
 * @param stamps by PodStamp, NaN: did not happen
 * @param nodeAddedUs when its node joined; NaN: it has none, or nobody knows
 */
export function phaseEnds(
  stamps: Float64Array,
  attempts: number,
  nodeAddedUs: number,
  ends: Float64Array,
): boolean {
  ends.fill(Number.NaN);
  let now = stamps[PodStamp.created]!;
  if (Number.isNaN(now)) return false;
  // Comparisons with NaN are false.
  const scheduled = stamps[PodStamp.scheduled]!;
  const wasAttempted = stamps[PodStamp.firstAttempt]! <= scheduled;
  for (let phase = 0; phase < PHASES.length; phase++) {
    let at =
      phase === NODE_START
        ? nodeAddedUs < scheduled
          ? nodeAddedUs
          : Number.NaN
        : stamps[PHASES[phase]!.until]!;
    if (phase >= NODE_START && phase <= RETRIES && !wasAttempted) at = Number.NaN;
    if (phase === (attempts > 1 ? ATTEMPT : RETRIES)) continue;
    if (at > now) {
      ends[phase] = at;
      now = at;
    }
  }
  return true;
}
