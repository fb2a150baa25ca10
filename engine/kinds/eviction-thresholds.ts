// Thresholds at which a kubelet evicts pods, as KubeletConfiguration writes them: evictionHard, evictionSoft with
// evictionSoftGracePeriod, evictionMinimumReclaim (ParseThresholdConfig of pkg/kubelet/eviction/helpers.go, v1.36).
import { durationUs } from './amount-texts.ts';
import { quantityValue, tryQuantity } from './quantity.ts';

/** Signals that are observed. Those of inodes of the image file system are those of the node's: there is one disk. */
export const SIGNALS = [
  'memory.available',
  'allocatableMemory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const;
export type Signal = (typeof SIGNALS)[number];

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

/** signalToNodeCondition and signalToResource. */
export const SIGNAL_FACTS: Readonly<
  Record<Signal, { readonly pressure: Pressure; readonly resource: string }>
> = {
  'memory.available': { pressure: 'MemoryPressure', resource: 'memory' },
  'allocatableMemory.available': { pressure: 'MemoryPressure', resource: 'memory' },
  'nodefs.available': { pressure: 'DiskPressure', resource: 'ephemeral-storage' },
  'nodefs.inodesFree': { pressure: 'DiskPressure', resource: 'inodes' },
  'imagefs.available': { pressure: 'DiskPressure', resource: 'ephemeral-storage' },
  'imagefs.inodesFree': { pressure: 'DiskPressure', resource: 'inodes' },
  'pid.available': { pressure: 'PIDPressure', resource: 'pids' },
};

/** A quantity, or a share of the capacity. */
export type Amount = { readonly value: number } | { readonly share: number };

export interface Threshold {
  readonly signal: Signal;
  readonly amount: Amount;
  /** 0: a hard one. */
  readonly graceUs: number;
  readonly minReclaim: Amount | null;
}

export interface EvictionSettings {
  readonly evictionHard?: Readonly<Record<string, string>>;
  readonly evictionSoft?: Readonly<Record<string, string>>;
  readonly evictionSoftGracePeriod?: Readonly<Record<string, string>>;
  readonly evictionMinimumReclaim?: Readonly<Record<string, string>>;
}

/** What is wrong, and where: the setting and the signal. */
export type ThresholdProblem = (setting: keyof EvictionSettings, signal: string, message: string) => void;

/** Durations as Go writes them: 90s, 1m30s. null: not to be read. */
function graceUsOf(text: string): number | null {
  const parts = text.match(/\d+(?:\.\d+)?(?:ms|s|m|h)/g) ?? [];
  if (parts.length === 0 || parts.join('') !== text) return null;
  return parts.reduce((sum, part) => sum + durationUs(part)!, 0);
}

/** Percentages are floats of 32 bits, as upstream keeps them. */
const share = (percent: number): number => Math.fround(Math.fround(percent) / 100);

export const amountOf = (amount: Amount, capacity: number): number =>
  'value' in amount ? amount.value : Math.floor(capacity * amount.share);

/** A minimum reclaim may be nothing, a threshold not. null: leave it out; a text: why it cannot be. */
function amountFrom(text: string, mayBeNothing: boolean): Amount | null | string {
  const percent = /^(-?\d+(?:\.\d+)?)%$/.exec(text);
  if (percent !== null) {
    const number = Number(percent[1]);
    if (!mayBeNothing && (text === '0%' || text === '100%')) return null;
    if (number < 0 || number > 100) return 'must be between 0% and 100%';
    return { share: share(number) };
  }
  const quantity = tryQuantity(text);
  if (quantity === undefined) return 'must be a quantity such as 100Mi, or a percentage such as 10%';
  if (quantity.nanos < 0n || (quantity.nanos === 0n && !mayBeNothing)) return 'must be positive';
  return { value: quantityValue(text) };
}

/** Every threshold; what cannot be read is told and left out. */
export function evictionThresholds(
  settings: EvictionSettings,
  problem: ThresholdProblem = () => {},
): Threshold[] {
  const { evictionSoft = {}, evictionSoftGracePeriod = {} } = settings;
  const known = SIGNALS as readonly string[];
  const read = (setting: keyof EvictionSettings, mayBeNothing: boolean): [Signal, Amount][] =>
    Object.entries(settings[setting] ?? {}).flatMap(([signal, text]): [Signal, Amount][] => {
      if (!known.includes(signal)) {
        problem(setting, signal, `unknown eviction signal; there are ${known.join(', ')}`);
        return [];
      }
      const amount = amountFrom(text, mayBeNothing);
      if (typeof amount === 'string') problem(setting, signal, `${amount}; found ${JSON.stringify(text)}`);
      return amount === null || typeof amount === 'string' ? [] : [[signal as Signal, amount]];
    });
  for (const [signal, text] of Object.entries(evictionSoftGracePeriod)) {
    if (graceUsOf(text) === null)
      problem(
        'evictionSoftGracePeriod',
        signal,
        `must be a duration such as 90s; found ${JSON.stringify(text)}`,
      );
    if (!Object.hasOwn(evictionSoft, signal) && !known.includes(signal))
      problem('evictionSoftGracePeriod', signal, `unknown eviction signal; there are ${known.join(', ')}`);
  }
  const reclaims = new Map(read('evictionMinimumReclaim', true));
  const made = (signal: Signal, amount: Amount, graceUs: number): Threshold => ({
    signal,
    amount,
    graceUs,
    minReclaim: reclaims.get(signal) ?? null,
  });
  const hard = read('evictionHard', false).map(([signal, amount]) => made(signal, amount, 0));
  const soft = read('evictionSoft', false).flatMap(([signal, amount]) => {
    const graceUs = graceUsOf(evictionSoftGracePeriod[signal] ?? '');
    if (graceUs === null && !Object.hasOwn(evictionSoftGracePeriod, signal))
      problem('evictionSoft', signal, 'needs its grace period in evictionSoftGracePeriod');
    return graceUs === null ? [] : [made(signal, amount, graceUs)];
  });
  // With enforceNodeAllocatable: [pods], the default, what all pods may use together is watched alike.
  const ofPods = hard
    .filter(({ signal }) => signal === 'memory.available')
    .map((threshold): Threshold => ({ ...threshold, signal: 'allocatableMemory.available' }));
  return [...hard, ...soft, ...ofPods];
}
