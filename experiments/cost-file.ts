// `control.costs`: the name of a preset, or a file with changes to one: `base` names the preset, every other key
// stands where it stands in the preset. What the preset does not have, or has with another type, is a problem.
import type { CostPreset } from '../engine/contracts/costs.ts';
import { DEFAULT_COSTS } from '../policies/costs/index.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { CHOICES, ENTRY_KINDS, entryFrom, presetProblems, TEXT_MAPS } from './cost-entries.ts';
import type { UserProblem } from './problems.ts';
import { didYouMean } from './suggest.ts';

type Presets = Readonly<Record<string, CostPreset>>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps of a preset whose keys are the user's: durations by request, by controller, bytes by image. */
const OPEN_MAPS = new Set([
  'apiserver.handlerUs',
  'controllers.workers',
  'controllers.syncUs',
  'kubelet.imageBytes',
]);

function isDuration(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0;
  if (!isRecord(value)) return false;
  const fields =
    value['dist'] === 'lognormal'
      ? ['p50', 'p99', 'max']
      : value['dist'] === 'uniform'
        ? ['min', 'max']
        : null;
  if (fields === null || Object.keys(value).length !== fields.length + 1) return false;
  return fields.every((field) => {
    const n = value[field];
    return typeof n === 'number' && Number.isInteger(n) && n >= 0;
  });
}

export function presetByName(name: string, presets: Presets): CostPreset | string {
  if (Object.hasOwn(presets, name)) return presets[name]!;
  return `no cost preset named ${JSON.stringify(name)}\n${didYouMean(name, Object.keys(presets))}`;
}

/** Applies a cost file to its base preset. */
export function applyCostFile(file: ManifestObject, presets: Presets): CostPreset | UserProblem[] {
  const problems: UserProblem[] = [];
  const problem = (path: readonly string[], message: string, hint?: string): void => {
    problems.push({
      code: 'E3002',
      file: file.source,
      ...file.position(path),
      path: path.join('.'),
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  const baseName = file.raw['base'] ?? DEFAULT_COSTS;
  const base =
    typeof baseName === 'string' ? presetByName(baseName, presets) : 'base is not the name of a preset';
  if (typeof base === 'string') {
    problem(['base'], base);
    return problems;
  }
  const merge = (was: unknown, change: unknown, path: readonly string[]): unknown => {
    const here = path.join('.');
    const last = path.at(-1) ?? '';
    const durationHere =
      last.endsWith('Us') && !OPEN_MAPS.has(here) && !(last === 'watchUs' && typeof was !== 'number');
    if (durationHere || OPEN_MAPS.has(path.slice(0, -1).join('.'))) {
      if (isDuration(change)) return change;
      problem(
        path,
        `expected microseconds, or {dist: lognormal, p50, p99, max}, or {dist: uniform, min, max}; found ${JSON.stringify(change)}`,
      );
      return was;
    }
    if (TEXT_MAPS.has(path.slice(0, -1).join('.'))) {
      if (typeof change === 'string' || typeof change === 'number') return String(change);
      problem(path, `expected a text, found ${JSON.stringify(change)}`);
      return was;
    }
    const choices = CHOICES[last];
    if (choices !== undefined && !choices.includes(String(change))) {
      problem(path, `expected one of ${choices.join(', ')}, found ${JSON.stringify(change)}`);
      return was;
    }
    if (isRecord(was)) {
      if (!isRecord(change)) {
        problem(path, `expected a mapping, found ${JSON.stringify(change)}`);
        return was;
      }
      const merged: Record<string, unknown> = { ...was };
      for (const [key, value] of Object.entries(change)) {
        const inner = [...path, key];
        if (Object.hasOwn(ENTRY_KINDS, here)) {
          const entry = entryFrom(here, was, key, value, inner, problem);
          const name = here === 'runtimes' ? { name: key } : {};
          if (entry !== null) merged[key] = merge(entry.from, { ...name, ...entry.changes }, inner);
          continue;
        }
        if (!Object.hasOwn(was, key) && !OPEN_MAPS.has(here) && !TEXT_MAPS.has(here)) {
          if (!(path.length === 0 && key === 'base'))
            problem(inner, `unknown key ${JSON.stringify(key)}`, didYouMean(key, Object.keys(was)));
        } else merged[key] = merge(was[key], value, inner);
      }
      return merged;
    }
    if (Array.isArray(was)) {
      if (Array.isArray(change) && change.every((entry) => typeof entry === 'string')) return change;
      problem(path, `expected a list of texts, found ${JSON.stringify(change)}`);
      return was;
    }
    if (
      typeof change !== typeof was ||
      (typeof change === 'number' && !(change >= 0 && Number.isFinite(change)))
    ) {
      problem(
        path,
        `expected a ${typeof was}${typeof was === 'number' ? ' that is not negative' : ''}, found ${JSON.stringify(change)}`,
      );
      return was;
    }
    return change;
  };
  const { base: _base, ...changes } = file.raw;
  const merged = merge(
    base,
    { name: file.source.replace(/^.*\//, '').replace(/\.ya?ml$/, ''), ...changes },
    [],
  ) as CostPreset;
  if (problems.length === 0) presetProblems(merged, problem);
  return problems.length > 0 ? problems : merged;
}
