// Where the time of a pod's start went: the stamps of its row in pods.csv cut its life, from stored in etcd to seen
// Ready by a watcher, into phases that follow each other without gap or overlap. Whole µs, so the phases of a pod add up
// to its whole exactly. A stage that was not stamped (a pod with exact delays has no sandbox) has no phase: its time
// belongs to the next stage. A stage reached before the one that precedes it in the list has no length.

/** Times of a pod, µs; null: did not happen. */
export interface PodTimes {
  readonly created: number | null;
  readonly queued: number | null;
  readonly firstAttempt: number | null;
  readonly scheduled: number | null;
  readonly bound: number | null;
  readonly seen: number | null;
  readonly sandbox: number | null;
  readonly pulled: number | null;
  readonly started: number | null;
  readonly ready: number | null;
  readonly watched: number | null;
  readonly attempts: number;
  /** When its node joined the cluster; null: it has no node, or nobody knows. */
  readonly nodeAdded: number | null;
}

export const PHASES = [
  ['watch by scheduler', 'stored in etcd until the scheduler has it in its queue'],
  ['queue', 'in the queue until the first attempt'],
  ['node start', 'after the first attempt until the node that took it had joined'],
  ['attempt', 'the one scheduling attempt that found a node'],
  ['retries', 'from the first attempt, which failed, to the one that found a node'],
  ['binding', 'node chosen until the binding is stored'],
  ['watch by kubelet', 'binding stored until the kubelet has seen the pod'],
  ['sandbox', 'sync of the pod, volumes, sandbox and its network'],
  ['image', 'init containers, and images until the last one is there'],
  ['containers', 'containers created and started'],
  ['readiness', 'started until condition Ready is stored: relist, probes, status request'],
  ['watch by client', 'Ready stored until a client that watches has seen it'],
] as const satisfies readonly (readonly [string, string])[];

export type PhaseName = (typeof PHASES)[number][0];

export interface Phase {
  readonly name: PhaseName;
  /** µs. */
  readonly from: number;
  readonly to: number;
}

/** Phases of the pod in order, those without length left out; empty for a pod that was never created in the run. */
export function criticalPath(times: PodTimes): Phase[] {
  const { created } = times;
  if (created === null) return [];
  const phases: Phase[] = [];
  let now = created;
  const until = (name: PhaseName, at: number | null): void => {
    if (at === null || at <= now) return;
    phases.push({ name, from: now, to: at });
    now = at;
  };
  until('watch by scheduler', times.queued);
  until('queue', times.firstAttempt);
  if (times.scheduled !== null && times.firstAttempt !== null) {
    const { nodeAdded, scheduled } = times;
    if (nodeAdded !== null && nodeAdded < scheduled) until('node start', nodeAdded);
    until(times.attempts > 1 ? 'retries' : 'attempt', scheduled);
  }
  until('binding', times.bound);
  until('watch by kubelet', times.seen);
  until('sandbox', times.sandbox);
  until('image', times.pulled);
  until('containers', times.started);
  until('readiness', times.ready);
  until('watch by client', times.watched);
  return phases;
}

/** µs from created to the last stage reached. */
export const lengthOf = (phases: readonly Phase[]): number =>
  phases.length === 0 ? 0 : phases.at(-1)!.to - phases[0]!.from;

/** Seconds with as many of the 6 decimals as are not zero. */
export function secondsText(us: number): string {
  const micros = String(us % 1_000_000).padStart(6, '0');
  return `${Math.floor(us / 1_000_000)}.${micros.replace(/0{1,5}$/, '')}`;
}

/** `47.1 s = 3.0 queue + 44.1 node start` */
export function pathText(phases: readonly Phase[]): string {
  const parts = phases.map(({ name, from, to }) => `${secondsText(to - from)} ${name}`);
  return `${secondsText(lengthOf(phases))} s = ${parts.length === 0 ? '0.0' : parts.join(' + ')}`;
}
