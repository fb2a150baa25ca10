// Parts of a cost file whose keys are the user's: container runtimes and storage backends by name, which change one that
// is there, begin from one (`base`), or are written out in full; and maps of texts that have a form of their own.
import type { CostPreset } from '../engine/contracts/costs.ts';
import { type EvictionSettings, evictionThresholds } from '../engine/kinds/eviction-thresholds.ts';
import { containerRuntimes } from '../policies/costs/cri/index.ts';
import { storageBackends } from '../policies/costs/storage/index.ts';
import { didYouMean } from './suggest.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Entries of a map of the preset, by its key; entries of its kind that any preset may begin from. */
export const ENTRY_KINDS: Readonly<Record<string, { readonly is: string; readonly known: Fields }>> = {
  runtimes: { is: 'container runtime', known: containerRuntimes },
  storage: { is: 'storage backend', known: storageBackends },
};

/** Keys that an entry may go without, with a value of their type. */
const OPTIONAL: Fields = { name: '', expansion: 'none', expandUs: 0, nodeExpandUs: 0 };

/** Texts that are one of a few. */
export const CHOICES: Readonly<Record<string, readonly string[]>> = {
  reach: ['everywhere', 'zone', 'node'],
  expansion: ['online', 'offline', 'none'],
};

/** Maps from the user's keys to texts. */
export const TEXT_MAPS: ReadonlySet<string> = new Set([
  'kubelet.evictionHard',
  'kubelet.evictionSoft',
  'kubelet.evictionSoftGracePeriod',
  'kubelet.evictionMinimumReclaim',
]);

export type EntryProblem = (path: readonly string[], message: string, hint?: string) => void;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What an entry begins from, and what it changes of that; null: neither can be told. */
export function entryFrom(
  map: string,
  inPreset: Fields,
  name: string,
  change: unknown,
  path: readonly string[],
  problem: EntryProblem,
): { readonly from: Fields; readonly changes: Fields } | null {
  const { is, known } = ENTRY_KINDS[map]!;
  const all: Fields = { ...known, ...inPreset };
  const { base, ...changes }: Fields = isRecord(change) ? change : {};
  const from = base ?? name;
  const optional = Object.entries(OPTIONAL).filter(([key]) => key !== 'name' && Object.hasOwn(changes, key));
  const extra: Fields = map === 'storage' ? Object.fromEntries(optional) : {};
  if (isRecord(change) && typeof from === 'string' && isRecord(all[from]))
    return { from: { ...extra, ...all[from] }, changes };
  const { name: _, ...shape } = { ...OPTIONAL, ...(Object.values(known)[0] as Fields) };
  for (const key of Object.keys(OPTIONAL)) if (!Object.hasOwn(changes, key)) delete shape[key];
  const missing = Object.keys(shape).filter((key) => !Object.hasOwn(changes, key));
  if (isRecord(change) && base === undefined && missing.length === 0) return { from: shape, changes };
  const whole = `, or one with all its keys${isRecord(change) && base === undefined ? `; missing: ${missing.join(', ')}` : ''}`;
  problem(
    path,
    `expected a mapping whose base is the name of a ${is}${whole}`,
    didYouMean(String(from), Object.keys(all)),
  );
  return null;
}

/** What is wrong with a preset as a whole: parts that do not go together. */
export function presetProblems(preset: CostPreset, problem: EntryProblem): void {
  evictionThresholds(preset.kubelet as EvictionSettings, (setting, signal, message) =>
    problem(['kubelet', setting, signal], message),
  );
  const owners = new Map<string, string>();
  for (const [name, { driver }] of Object.entries(preset.storage ?? {})) {
    const other = driver === '' ? undefined : owners.get(driver);
    owners.set(driver, name);
    if (other !== undefined)
      problem(
        ['storage', name, 'driver'],
        `the storage backend ${other} has the driver ${JSON.stringify(driver)} already: give this one its own`,
      );
  }
}
