// Where the time of pods' starts goes, over any number of pods in bounded memory: a histogram of starts, and the sums of
// their phases by how long the start took (so that typical and slow pods can be told apart afterwards) and by workload.
import { Histogram } from '../../engine/metrics/histogram.ts';
import { PHASES, phaseEnds } from '../../engine/metrics/phases.ts';
import { POD_STAMPS, PodStamp } from '../../engine/metrics/pod-stamps.ts';

/** Workloads told apart; pods of further ones count as others. */
const WORKLOADS_MAX = 4096;
/** Buckets of starts: 16 an octave from 1 ms on, which puts the border between two classes within 4 % of its place. */
const BUCKETS_PER_OCTAVE = 16;
const BUCKETS = 40 * BUCKETS_PER_OCTAVE;

/** Mean seconds by phase of a group of pods, in the order of PHASES. */
export interface PhaseBar {
  readonly name: string;
  readonly pods: number;
  readonly seconds: readonly number[];
}

interface Sums {
  pods: number;
  readonly phases: Float64Array;
}

const emptySums = (): Sums => ({ pods: 0, phases: new Float64Array(PHASES.length) });

/** Classes of pods by how long their start took: above `from` and up to `to` of all, shares. */
const CLASSES = [
  ['fastest half', 0, 0.5],
  ['p50 to p90', 0.5, 0.9],
  ['p90 to p99', 0.9, 0.99],
  ['slowest 1 %', 0.99, 1],
] as const;

export class StartDigest {
  pods = 0;
  /** Created until a client that watches has seen it Ready, µs. */
  readonly starts = new Histogram();
  readonly #ends = new Float64Array(PHASES.length);
  readonly #buckets: (Sums | undefined)[] = new Array(BUCKETS).fill(undefined);
  readonly #workloads = new Map<string, Sums>();
  readonly #others = emptySums();

  /**
   * Adds a pod; returns its start in µs, NaN where it was never seen Ready. Its longest phase is then in `longest`.
   *
   * @param stamps by PodStamp, µs; NaN: did not happen
   * @param workload what the pod belongs to; '' for nothing
   */
  add(stamps: Float64Array, attempts: number, nodeAddedUs: number, workload: string): number {
    this.pods++;
    const created = stamps[PodStamp.created]!;
    const start = stamps[PodStamp.watched]! - created;
    if (Number.isNaN(start) || start < 0) return Number.NaN;
    const ends = this.#ends;
    if (!phaseEnds(stamps, attempts, nodeAddedUs, ends)) return Number.NaN;
    this.starts.record(start);
    const bucket = this.#bucket(start);
    const own = this.#workload(workload);
    bucket.pods++;
    own.pods++;
    let from = created;
    for (let phase = 0; phase < ends.length; phase++) {
      const to = ends[phase]!;
      if (Number.isNaN(to)) continue;
      bucket.phases[phase] = bucket.phases[phase]! + to - from;
      own.phases[phase] = own.phases[phase]! + to - from;
      from = to;
    }
    return start;
  }

  /** The longest phase of the pod added last, and its µs. */
  longest(createdUs: number): { readonly phase: string; readonly us: number } {
    let from = createdUs;
    let longest = { phase: '', us: 0 };
    for (const [phase, to] of this.#ends.entries()) {
      if (Number.isNaN(to)) continue;
      if (to - from > longest.us) longest = { phase: PHASES[phase]!.name, us: to - from };
      from = to;
    }
    return longest;
  }

  /** The mean pod, then the classes that have pods. */
  classes(): PhaseBar[] {
    const { count } = this.starts;
    if (count === 0) return [];
    const all = emptySums();
    const parts = CLASSES.map(() => emptySums());
    let seen = 0;
    for (const sums of this.#buckets) {
      if (sums === undefined) continue;
      merge(all, sums);
      // A bucket belongs to the class in which its middle lies.
      const middle = (seen + sums.pods / 2) / count;
      const at = CLASSES.findIndex(([, , to]) => middle <= to);
      merge(parts[at < 0 ? parts.length - 1 : at]!, sums);
      seen += sums.pods;
    }
    return [
      bar('all pods', all),
      ...parts.map((sums, i) => bar(CLASSES[i]![0], sums)).filter(({ pods }) => pods > 0),
    ];
  }

  /** Those with the most time in all first; the rest together. */
  workloads(most: number): PhaseBar[] {
    const total = ({ phases }: Sums): number => phases.reduce((sum, us) => sum + us, 0);
    const sorted = [...this.#workloads]
      .map(([name, sums]) => ({ name, sums, us: total(sums) }))
      .sort((a, b) => b.us - a.us || (a.name < b.name ? -1 : 1));
    const rest = emptySums();
    merge(rest, this.#others);
    for (const { sums } of sorted.slice(most)) merge(rest, sums);
    const others = sorted.length - Math.min(most, sorted.length);
    return [
      ...sorted.slice(0, most).map(({ name, sums }) => bar(name, sums)),
      ...(rest.pods > 0 ? [bar(`${others}${this.#others.pods > 0 ? ' and more' : ''} others`, rest)] : []),
    ];
  }

  #bucket(us: number): Sums {
    const octaves = Math.log2(Math.max(1, us / 1000));
    const at = Math.min(BUCKETS - 1, Math.floor(octaves * BUCKETS_PER_OCTAVE));
    return (this.#buckets[at] ??= emptySums());
  }

  #workload(name: string): Sums {
    const known = this.#workloads.get(name);
    if (known !== undefined) return known;
    if (this.#workloads.size >= WORKLOADS_MAX) return this.#others;
    const sums = emptySums();
    this.#workloads.set(name, sums);
    return sums;
  }
}

/** A place for the stamps of a pod. */
export const newStamps = (): Float64Array => new Float64Array(POD_STAMPS).fill(Number.NaN);

function merge(into: Sums, from: Sums): void {
  into.pods += from.pods;
  for (let i = 0; i < into.phases.length; i++) into.phases[i] = into.phases[i]! + from.phases[i]!;
}

const bar = (name: string, { pods, phases }: Sums): PhaseBar => ({
  name,
  pods,
  seconds: Array.from(phases, (us) => (pods === 0 ? 0 : us / pods / 1e6)),
});
