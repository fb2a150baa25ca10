// Where two runs of the same replication part: the first thing that happened at another time or not at all, and the first
// pod that went to another node. Taken from pods.csv of both, in order of virtual time; names of pods are drawn from the
// seed, so that a pod of one run is the pod of that name in the other as long as the runs are equal.
import { microseconds, type Row, tableRows } from './run-tables.ts';

/** Stages of pods.csv in the order in which a pod goes through them. */
const STAGES = [
  'created',
  'queued',
  'first_attempt',
  'scheduled',
  'bound',
  'seen',
  'volumes',
  'sandbox',
  'pulled',
  'started',
  'ready',
  'watched',
  'finished',
  'deleting',
  'deleted',
] as const;
const SCHEDULED = STAGES.indexOf('scheduled');

/** µs; null: did not happen in this run. */
export interface FirstTime {
  readonly pod: string;
  readonly stage: string;
  readonly baselineUs: number | null;
  readonly variantUs: number | null;
}

/** null: not placed in this run. */
export interface FirstChoice {
  readonly pod: string;
  readonly baseline: { readonly node: string; readonly atUs: number } | null;
  readonly variant: { readonly node: string; readonly atUs: number } | null;
}

export interface Divergence {
  readonly pods: number;
  readonly time: FirstTime | null;
  readonly choice: FirstChoice | null;
}

interface Pod {
  readonly node: string;
  /** By STAGES; NaN: did not happen. */
  readonly times: Float64Array;
}

function podOf(row: Row): Pod {
  const times = Float64Array.from(STAGES, (stage) => microseconds(row(`${stage}_s`)) ?? Number.NaN);
  return { node: row('node'), times };
}

const nameOf = (row: Row): string => `${row('namespace')}/${row('pod')}`;

/** Of several pods of one name in a run, each has a place of its own: `default/web-0`, `default/web-0 (2)`. */
class Places {
  readonly #seen = new Map<string, number>();

  key(row: Row): string {
    const name = nameOf(row);
    const nth = (this.#seen.get(name) ?? 0) + 1;
    this.#seen.set(name, nth);
    return nth === 1 ? name : `${name} (${nth})`;
  }
}

/** Earlier time first; a draw goes to the earlier stage, then to the name. */
class Earliest {
  at = Number.POSITIVE_INFINITY;
  order = '';

  beats(at: number, stage: number, pod: string): boolean {
    if (Number.isNaN(at) || at > this.at) return false;
    const order = `${String(stage).padStart(2, '0')} ${pod}`;
    if (at === this.at && order >= this.order) return false;
    this.at = at;
    this.order = order;
    return true;
  }
}

const orNull = (us: number): number | null => (Number.isNaN(us) ? null : us);
const least = (a: number, b: number): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b));

/** Compares the pods of two result directories. A UserError where a table is missing. */
export async function divergence(baseline: string, variant: string): Promise<Divergence> {
  const known = new Map<string, Pod>();
  let places = new Places();
  for await (const row of tableRows(baseline, 'pods')) known.set(places.key(row), podOf(row));
  const pods = known.size;
  const earliestTime = new Earliest();
  const earliestChoice = new Earliest();
  let time: FirstTime | null = null;
  let choice: FirstChoice | null = null;
  const compare = (pod: string, before: Pod | undefined, after: Pod | undefined): void => {
    STAGES.forEach((stage, i) => {
      const [was, is] = [before?.times[i] ?? Number.NaN, after?.times[i] ?? Number.NaN];
      if (Object.is(was, is) || !earliestTime.beats(least(was, is), i, pod)) return;
      time = { pod, stage, baselineUs: orNull(was), variantUs: orNull(is) };
    });
    const [was, is] = [before, after].map((one) => one?.times[SCHEDULED] ?? Number.NaN) as [number, number];
    const placed = (one: Pod | undefined, at: number) =>
      one === undefined || one.node === '' || Number.isNaN(at) ? null : { node: one.node, atUs: at };
    const [there, here] = [placed(before, was), placed(after, is)];
    if (there?.node === here?.node || !earliestChoice.beats(least(was, is), 0, pod)) return;
    choice = { pod, baseline: there, variant: here };
  };
  places = new Places();
  for await (const row of tableRows(variant, 'pods')) {
    const key = places.key(row);
    compare(key, known.get(key), podOf(row));
    known.delete(key);
  }
  for (const [pod, before] of known) compare(pod, before, undefined);
  return { pods, time, choice };
}
