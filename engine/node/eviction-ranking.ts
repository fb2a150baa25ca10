// Which pod goes first, and what it is told: rankMemoryPressure, rankDiskPressureFunc, rankPIDPressure and
// evictionMessage of pkg/kubelet/eviction/helpers.go (v1.36). Upstream sorts without keeping the order of equals, from a
// list that comes out of a map: among equals the first is drawn.
import { amountOf, SIGNAL_FACTS, type Signal, type Threshold } from '../kinds/eviction-thresholds.ts';
import { formatQuantity, quantityValue } from '../kinds/quantity.ts';
import type { PodStats } from './pod-usage.ts';

/** What a signal says of a node. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
  /** How fast what is available falls, a second. */
  readonly rate: number;
}

export type Observations = ReadonlyMap<Signal, Observation>;

/** A pod that may be evicted. */
export interface Candidate {
  readonly pod: number;
  readonly priority: number;
  readonly memoryBytes: number;
  readonly ephemeralBytes: number;
  /** null: it runs nothing yet, and nothing is known of it. */
  readonly stats: PodStats | null;
  /** Decides among equals. */
  readonly draw: number;
}

/** Use, and what was asked for, of the resource that a signal is about. */
function useOf(candidate: Candidate, signal: Signal): readonly [used: number, asked: number] {
  const stats = candidate.stats!;
  if (signal === 'pid.available') return [stats.pids.amount, 0];
  if (SIGNAL_FACTS[signal].pressure === 'MemoryPressure') return [stats.memory.amount, candidate.memoryBytes];
  return SIGNAL_FACTS[signal].resource === 'inodes'
    ? [stats.inodes.amount, 0]
    : [stats.disk.amount, candidate.ephemeralBytes];
}

/** In the order in which they go. */
export function rankedForEviction(candidates: readonly Candidate[], signal: Signal): Candidate[] {
  const byProcesses = signal === 'pid.available';
  const exceeds = (c: Candidate): boolean => {
    const [used, asked] = useOf(c, signal);
    return used > asked;
  };
  const over = (c: Candidate): number => {
    const [used, asked] = useOf(c, signal);
    // Inodes are weighed against the request for bytes of ephemeral storage, as upstream does (disk in helpers.go).
    return used - (SIGNAL_FACTS[signal].resource === 'inodes' ? c.ephemeralBytes : asked);
  };
  return [...candidates].sort((a, b) => {
    const known = Number(a.stats !== null) - Number(b.stats !== null);
    if (!byProcesses && known !== 0) return known;
    const both = a.stats !== null && b.stats !== null;
    if (!byProcesses && both && exceeds(a) !== exceeds(b)) return exceeds(a) ? -1 : 1;
    if (a.priority !== b.priority) return a.priority - b.priority;
    if (known !== 0) return known;
    return (both ? over(b) - over(a) : 0) || a.draw - b.draw;
  });
}

/** Which of the thresholds is acted on: one about memory before all others. `order` draws among the others. */
export function thresholdToReclaim(
  thresholds: readonly Threshold[],
  order: (count: number) => number,
): Threshold {
  const memory = thresholds.find(({ signal }) => SIGNAL_FACTS[signal].pressure === 'MemoryPressure');
  return memory ?? thresholds[order(thresholds.length)]!;
}

/** Bytes in binary units, counts in decimal ones. */
const text = (amount: number, resource: string): string =>
  formatQuantity(
    BigInt(Math.max(0, Math.floor(amount))) * 1_000_000_000n,
    resource === 'inodes' || resource === 'pids' ? 'DecimalSI' : 'BinarySI',
  );

export function evictionMessage(
  signal: Signal,
  stats: PodStats | null,
  thresholds: readonly Threshold[],
  observations: Observations,
): string {
  const { resource } = SIGNAL_FACTS[signal];
  let message = `The node was low on resource: ${resource}. `;
  const met = thresholds.find((threshold) => SIGNAL_FACTS[threshold.signal].resource === resource);
  const observed = met === undefined ? undefined : observations.get(met.signal);
  if (met !== undefined && observed !== undefined) {
    const quantity = text(amountOf(met.amount, observed.capacity), resource);
    message += `Threshold quantity: ${quantity}, available: ${text(observed.available, resource)}. `;
  }
  if (stats === null || (resource !== 'memory' && resource !== 'ephemeral-storage')) return message;
  for (const { use, memory, disk } of stats.containers) {
    const used = Math.floor((resource === 'memory' ? memory : disk).amount);
    const request = use.requests[resource];
    if (used <= quantityValue(request)) continue;
    message += `Container ${use.name} was using ${text(used, resource)}, request is ${request}, has larger consumption of ${resource}. `;
  }
  return message;
}

/** Why the pod goes for what it has written itself, whatever the node has left (localStorageEviction); null: nothing. */
export function localStorageExcess({ use, volumes, disk, containers }: PodStats): string | null {
  for (const [i, volume] of use.volumes.entries()) {
    if (volume.limitBytes > 0 && volumes[i]!.amount > volume.limitBytes)
      return `Usage of EmptyDir volume ${JSON.stringify(volume.name)} exceeds the limit ${JSON.stringify(volume.limitText)}. `;
  }
  if (use.limitBytes > 0 && disk.amount > use.limitBytes)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${use.limitText}. `;
  for (const { use: container, disk: own } of containers) {
    if (container.limitBytes > 0 && own.amount > container.limitBytes)
      return `Container ${container.name} exceeded its local ephemeral storage limit ${JSON.stringify(container.limitText)}. `;
  }
  return null;
}

/** Seconds until the pod exceeds a limit of its own if it goes on like this; Infinity: never. */
export function secondsToExcess({ use, volumes, disk, containers }: PodStats): number {
  let least = Number.POSITIVE_INFINITY;
  const passes = (limit: number, { amount, rate }: { amount: number; rate: number }): void => {
    if (limit > 0 && rate > 0) least = Math.min(least, Math.max(0, (limit - amount) / rate));
  };
  for (const [i, volume] of use.volumes.entries()) passes(volume.limitBytes, volumes[i]!);
  passes(use.limitBytes, disk);
  for (const { use: container, disk: own } of containers) passes(container.limitBytes, own);
  return least;
}
