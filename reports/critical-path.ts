// The phases of a pod's start as a list and in words; engine/metrics/phases.ts cuts them.
import { PHASES, type PhaseName, phaseEnds } from '../engine/metrics/phases.ts';
import { POD_STAMPS, PodStamp } from '../engine/metrics/pod-stamps.ts';

export { PHASES };

/** Times of a pod, µs; null: did not happen. */
export interface PodTimes {
  readonly created: number | null;
  readonly queued: number | null;
  readonly firstAttempt: number | null;
  readonly scheduled: number | null;
  readonly bound: number | null;
  readonly seen: number | null;
  readonly volumes: number | null;
  readonly sandbox: number | null;
  readonly pulled: number | null;
  readonly started: number | null;
  readonly ready: number | null;
  readonly watched: number | null;
  readonly attempts: number;
  /** When its node joined the cluster; null: it has no node, or nobody knows. */
  readonly nodeAdded: number | null;
}

export interface Phase {
  readonly name: PhaseName;
  /** µs. */
  readonly from: number;
  readonly to: number;
}

const STAMPS = [
  'created',
  'queued',
  'firstAttempt',
  'scheduled',
  'bound',
  'seen',
  'volumes',
  'sandbox',
  'pulled',
  'started',
  'ready',
  'watched',
] as const satisfies readonly (keyof typeof PodStamp & keyof PodTimes)[];

const stamps = new Float64Array(POD_STAMPS).fill(Number.NaN);
const ends = new Float64Array(PHASES.length);

/** Phases of the pod in order, those without length left out; empty for a pod that was never created in the run. */
export function criticalPath(times: PodTimes): Phase[] {
  for (const name of STAMPS) stamps[PodStamp[name]] = times[name] ?? Number.NaN;
  if (!phaseEnds(stamps, times.attempts, times.nodeAdded ?? Number.NaN, ends)) return [];
  const phases: Phase[] = [];
  let from = times.created!;
  for (const [i, { name }] of PHASES.entries()) {
    const to = ends[i]!;
    if (Number.isNaN(to)) continue;
    phases.push({ name, from, to });
    from = to;
  }
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
