// A KubeSchedulerConfiguration checked against what may be used: profiles, arguments, and that each of the user's own
// plug-ins in a profile can be made. What no profile uses is told, too.
import {
  type KubeObject,
  loadProfiles,
  PolicyFault,
  type ProfileProblem,
  place,
  type SchedulerSettings,
} from '../engine/index.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import type { LossBook } from './loss.ts';
import type { UserProblem } from './problems.ts';
import { faultProblem, type OwnPolicy, type Policies } from './registry.ts';

export interface CheckedConfig {
  readonly settings: SchedulerSettings | null;
  /** Problems with a path in the configuration. */
  readonly problems: readonly ProfileProblem[];
  /** Problems of the user's plug-ins when they were made. */
  readonly faults: readonly UserProblem[];
  /** The user's plug-ins that stand in no profile. */
  readonly unused: readonly OwnPolicy[];
}

/** `config` undefined: the default profile. */
export function checkConfig(config: KubeObject | undefined, policies: Policies): CheckedConfig {
  if (policies.isPartial) return { settings: null, problems: [], faults: [], unused: [] };
  const own = policies.own.filter(
    ({ kind }) => kind === 'scheduler plug-in' || kind === 'scheduler extender',
  );
  const loaded = loadProfiles(config, policies.registry.scheduler);
  if ('problems' in loaded) return { settings: null, problems: loaded.problems, faults: [], unused: [] };
  const { settings } = loaded;
  const used = new Set(
    settings.profiles.flatMap(({ plugins }) => plugins.map(({ definition }) => definition.name)),
  );
  for (const { definition } of settings.extenders ?? []) if (definition !== null) used.add(definition.name);
  return {
    settings,
    problems: [],
    faults: own.some(({ name }) => used.has(name)) ? faultsOf(settings) : [],
    unused: own.filter(({ name }) => !used.has(name)),
  };
}

/** Makes every plug-in once, on an empty cluster: whoever throws or has the wrong shape does so now. */
function faultsOf(settings: SchedulerSettings): UserProblem[] {
  try {
    place({ name: '', family: '', settings, cluster: [], pending: [] });
    return [];
  } catch (error) {
    if (error instanceof PolicyFault) return [faultProblem(error)];
    throw error;
  }
}

/** A problem of a configuration, at its place in the file. */
export function configProblem(
  { path, message, hint }: ProfileProblem,
  document: Pick<ManifestObject, 'source' | 'position'> | null,
  base = '',
): UserProblem {
  const field = configPath(path, base);
  return {
    code: 'E3011',
    ...(document === null ? {} : { file: document.source, ...document.position(field) }),
    path: field,
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Plug-ins and extenders that nobody asks, for the loss report. */
export function noteUnused(unused: readonly OwnPolicy[], loss: LossBook): void {
  for (const { kind, name, file } of unused) {
    if (kind === 'scheduler extender')
      loss.add(file, 'Extender', name, 'no scheduler configuration names this extender: it is never asked');
    else loss.add(file, 'Plugin', name, 'no scheduler profile enables this plug-in: it is never asked');
  }
}

/** `profiles[0].plugins` */
export function configPath(path: ProfileProblem['path'], base = ''): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    base,
  );
}

/** The configuration, or the default one, with arguments of plug-ins changed in each of its profiles. */
export function withPluginConfig(
  config: KubeObject | undefined,
  changes: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): KubeObject {
  const base = config ?? { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };
  const { profiles, ...rest } = base as unknown as { readonly profiles?: readonly Profile[] };
  const changed = (profiles ?? [{ schedulerName: 'default-scheduler' }]).map((profile) => {
    const entries = [...(profile.pluginConfig ?? [])];
    for (const [name, args] of Object.entries(changes)) {
      const at = entries.findIndex((entry) => entry.name === name);
      if (at < 0) entries.push({ name, args });
      else entries[at] = { ...entries[at], name, args: merged(entries[at]!.args, args) };
    }
    return { ...profile, pluginConfig: entries };
  });
  return { ...rest, profiles: changed } as unknown as KubeObject;
}

interface Profile {
  readonly schedulerName?: string;
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: unknown }[];
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Mappings are merged key by key; anything else is replaced. */
function merged(below: unknown, above: unknown): unknown {
  if (!isMapping(below) || !isMapping(above)) return above;
  const both: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above))
    both[key] = Object.hasOwn(below, key) ? merged(below[key], value) : value;
  return both;
}
