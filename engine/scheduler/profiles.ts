// A KubeSchedulerConfiguration becomes profiles: defaults merged with what the file enables, disables and re-weighs,
// MultiPoint spread over the extension points that each plug-in has, arguments checked by the plug-in's schema. All
// problems are reported at once, each with its path in the file.
// Rules: apis/config/v1/default_plugins.go mergePlugins, framework/runtime/framework.go expandMultiPointPlugins and
// getScoreWeights, apis/config/validation (v1.36).
import { closest, distance } from 'fastest-levenshtein';
import {
  EXTENSION_POINTS,
  type ExtensionPoint,
  type PluginDefinition,
  type PluginRegistry,
  type PluginUse,
  type ProfileProblem,
  type SchedulerProfile,
  type SchedulerSettings,
  type UnmodelledPlugin,
} from '../contracts/scheduler.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type ConfigReport, readExtenders } from './extender-config.ts';

const API_VERSION = 'kubescheduler.config.k8s.io/v1';
const KIND = 'KubeSchedulerConfiguration';
const DEFAULT_SCHEDULER = 'default-scheduler';
const SECOND_US = 1_000_000;
const WEIGHT_MAX = 100;

/** Fields that say how the real process runs and mean nothing to a simulation of it. */
const PROCESS_FIELDS = [
  'leaderElection',
  'clientConnection',
  'healthzBindAddress',
  'metricsBindAddress',
  'enableProfiling',
  'enableContentionProfiling',
  'delayCacheUntilActive',
];
const OWN_FIELDS = [
  'profiles',
  'parallelism',
  'percentageOfNodesToScore',
  'podInitialBackoffSeconds',
  'podMaxBackoffSeconds',
];

type Path = readonly (string | number)[];
interface Entry {
  readonly name: string;
  readonly weight: number;
}
interface PluginSet {
  readonly enabled: readonly Entry[];
  readonly disabled: ReadonlySet<string>;
}
/** What stands behind a name, modelled or not. */
interface Known {
  readonly points: readonly ExtensionPoint[];
  readonly definition: PluginDefinition | null;
  readonly unmodelled: UnmodelledPlugin | null;
}

/** No configuration: the default profile. Duplicated names in the registry are the caller's mistake and throw. */
export function loadProfiles(
  config: KubeObject | undefined,
  registry: PluginRegistry,
): { settings: SchedulerSettings } | { problems: readonly ProfileProblem[] } {
  return new Loader(registry).load(config);
}

class Loader {
  readonly #problems: ProfileProblem[] = [];
  readonly #known = new Map<string, Known>();
  readonly #registry: PluginRegistry;

  constructor(registry: PluginRegistry) {
    this.#registry = registry;
    const add = (name: string, known: Known): void => {
      if (this.#known.has(name)) throw new Error(`scheduler plug-in ${name} is registered twice`);
      this.#known.set(name, known);
    };
    for (const plugin of registry.plugins) {
      add(plugin.name, { points: plugin.points, definition: plugin, unmodelled: null });
    }
    for (const plugin of registry.unmodelled) {
      add(plugin.name, { points: plugin.points, definition: null, unmodelled: plugin });
    }
  }

  load(
    config: KubeObject | undefined,
  ): { settings: SchedulerSettings } | { problems: readonly ProfileProblem[] } {
    const settings = this.#settings(config ?? { apiVersion: API_VERSION, kind: KIND, metadata: {} });
    return this.#problems.length > 0 ? { problems: this.#problems } : { settings };
  }

  #problem(path: Path, message: string, hint?: string): void {
    this.#problems.push({ path, message, ...(hint === undefined ? {} : { hint }) });
  }

  readonly #report: ConfigReport = {
    problem: (path, message, hint) => this.#problem(path, message, hint),
    list: (raw, path) => this.#list(raw, path),
    fields: (object, path, known) => {
      this.#unknownFields(object, path, known);
      return object !== null && typeof object === 'object' && !Array.isArray(object);
    },
  };

  #settings(config: KubeObject): SchedulerSettings {
    if (config.apiVersion !== API_VERSION) {
      this.#problem(['apiVersion'], `"${config.apiVersion}" is not supported: expected "${API_VERSION}"`);
    }
    if (config.kind !== KIND)
      this.#problem(['kind'], `"${config.kind}" is no scheduler configuration: expected "${KIND}"`);
    const fields = ['apiVersion', 'kind', 'metadata', 'extenders', ...OWN_FIELDS, ...PROCESS_FIELDS];
    this.#unknownFields(config, [], fields);
    const { extenders, ignoredResources } = readExtenders(
      config['extenders'],
      this.#registry.extenders ?? [],
      this.#report,
    );
    const percentage = this.#integer(config, 'percentageOfNodesToScore', [], 0, 100) ?? 0;
    const raw = config['profiles'];
    const profiles: Json[] =
      Array.isArray(raw) && raw.length > 0 ? raw : [{ schedulerName: DEFAULT_SCHEDULER }];
    if (raw !== undefined && !Array.isArray(raw)) this.#problem(['profiles'], 'expected a list');
    const names = new Set<string>();
    const loaded = profiles.map((profile, i) => {
      const path = ['profiles', i];
      const result = this.#profile(profile, path, percentage);
      if (names.has(result.schedulerName)) {
        this.#problem([...path, 'schedulerName'], `"${result.schedulerName}" names two profiles`);
      }
      names.add(result.schedulerName);
      return result;
    });
    const sorterOf = (profile: SchedulerProfile): string | undefined =>
      profile.plugins[profile.points.queueSort[0] ?? -1]?.definition.name;
    loaded.forEach((profile, i) => {
      if (sorterOf(profile) !== sorterOf(loaded[0]!)) {
        this.#problem(
          ['profiles', i, 'plugins', 'queueSort'],
          'all profiles share one queue, so they need one queue order',
        );
      }
    });
    const initial = this.#integer(config, 'podInitialBackoffSeconds', [], 0, 1_000_000);
    const most = this.#integer(config, 'podMaxBackoffSeconds', [], 0, 1_000_000);
    if (initial !== undefined && initial === 0)
      this.#problem(['podInitialBackoffSeconds'], 'must be greater than 0');
    if (most !== undefined && most < (initial ?? 1)) {
      this.#problem(['podMaxBackoffSeconds'], 'must be greater than or equal to podInitialBackoffSeconds');
    }
    const parallelism = this.#integer(config, 'parallelism', [], 1, 1_000_000);
    return {
      profiles:
        ignoredResources.length === 0 ? loaded : loaded.map((p) => leftToExtenders(p, ignoredResources)),
      ...(extenders.length === 0 ? {} : { extenders }),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(initial === undefined ? {} : { podInitialBackoffUs: initial * SECOND_US }),
      ...(most === undefined ? {} : { podMaxBackoffUs: most * SECOND_US }),
    };
  }

  #profile(profile: Json, path: Path, percentage: number): SchedulerProfile {
    this.#unknownFields(profile, path, [
      'schedulerName',
      'percentageOfNodesToScore',
      'plugins',
      'pluginConfig',
    ]);
    const schedulerName = profile.schedulerName ?? DEFAULT_SCHEDULER;
    if (typeof schedulerName !== 'string' || schedulerName === '') {
      this.#problem([...path, 'schedulerName'], 'expected a name');
    }
    const own = profile.plugins ?? {};
    this.#unknownFields(own, [...path, 'plugins'], ['multiPoint', ...EXTENSION_POINTS]);

    const multiPoint = merge(
      this.#registry.defaults,
      this.#set(own.multiPoint, [...path, 'plugins', 'multiPoint'], null),
    );
    const used: string[] = [];
    const lists = new Map<ExtensionPoint, Entry[]>();
    for (const point of EXTENSION_POINTS) {
      const set = this.#set(own[point], [...path, 'plugins', point], point);
      lists.set(point, this.#expand(point, set, multiPoint));
      for (const { name } of lists.get(point)!) if (!used.includes(name)) used.push(name);
    }

    const args = this.#args(profile.pluginConfig ?? [], [...path, 'pluginConfig']);
    const plugins: PluginUse[] = [];
    const unmodelled: UnmodelledPlugin[] = [];
    const position = new Map<string, number>();
    for (const name of used) {
      const known = this.#known.get(name);
      if (known?.unmodelled) unmodelled.push(known.unmodelled);
      if (!known?.definition) continue;
      const { gap, points } = known.definition;
      if (gap) unmodelled.push({ name, points, ...gap });
      position.set(name, plugins.length);
      plugins.push({ definition: known.definition, args: args(known.definition) });
    }
    const modelled = (point: ExtensionPoint): Entry[] =>
      lists.get(point)!.filter(({ name }) => position.has(name));
    const points = Object.fromEntries(
      EXTENSION_POINTS.map((point) => [point, modelled(point).map(({ name }) => position.get(name)!)]),
    ) as Record<ExtensionPoint, number[]>;
    if (points.queueSort.length !== 1) {
      this.#problem(
        [...path, 'plugins', 'queueSort'],
        `a profile has one queue order, not ${points.queueSort.length}`,
      );
    }
    if (points.bind.length === 0) this.#problem([...path, 'plugins', 'bind'], 'nobody would bind the pods');
    return {
      schedulerName,
      plugins,
      points,
      weights: this.#weights(own, multiPoint, modelled('score')),
      percentageOfNodesToScore:
        this.#integer(profile, 'percentageOfNodesToScore', path, 0, 100) ?? percentage,
      unmodelled,
    };
  }

  /** Enabled and disabled plug-ins of one point; null: MultiPoint. */
  #set(raw: Json, path: Path, point: ExtensionPoint | null): PluginSet {
    if (raw === undefined || raw === null) return { enabled: [], disabled: new Set() };
    this.#unknownFields(raw, path, ['enabled', 'disabled']);
    const enabled: Entry[] = [];
    this.#list(raw.enabled, [...path, 'enabled']).forEach((entry, i) => {
      const at = [...path, 'enabled', i];
      this.#unknownFields(entry, at, ['name', 'weight']);
      const known = this.#known.get(entry?.name);
      if (known === undefined) {
        this.#unknownPlugin(entry?.name, [...at, 'name']);
        return;
      }
      if (point !== null && !known.points.includes(point)) {
        this.#problem([...at, 'name'], `plug-in "${entry.name}" has nothing to do at ${point}`);
        return;
      }
      if (enabled.some(({ name }) => name === entry.name)) {
        this.#problem([...at, 'name'], `plug-in "${entry.name}" is enabled twice`);
        return;
      }
      enabled.push({
        name: entry.name,
        weight: this.#integer(entry, 'weight', at, 0, WEIGHT_MAX * 10_000) ?? 0,
      });
    });
    const disabled = new Set<string>();
    this.#list(raw.disabled, [...path, 'disabled']).forEach((entry, i) => {
      const name = entry?.name;
      if (name !== '*' && !this.#known.has(name)) this.#unknownPlugin(name, [...path, 'disabled', i, 'name']);
      disabled.add(name);
    });
    return { enabled, disabled };
  }

  /** Who stands at a point: overrides of MultiPoint first, then MultiPoint, then what only the point names. */
  #expand(point: ExtensionPoint, set: PluginSet, multiPoint: readonly Entry[]): Entry[] {
    if (set.disabled.has('*')) return [...set.enabled];
    const general = multiPoint.filter(
      ({ name }) => this.#known.get(name)?.points.includes(point) === true && !set.disabled.has(name),
    );
    const isGeneral = (name: string): boolean => general.some((entry) => entry.name === name);
    const isSpecific = (name: string): boolean => set.enabled.some((entry) => entry.name === name);
    return [
      ...set.enabled.filter(({ name }) => isGeneral(name)),
      ...general.filter(({ name }) => !isSpecific(name)),
      ...set.enabled.filter(({ name }) => !isGeneral(name)),
    ];
  }

  /** The weight at `score` goes before that of MultiPoint; 0 means 1. */
  #weights(own: Json, multiPoint: readonly Entry[], scorers: readonly Entry[]): number[] {
    const specific: Json[] = Array.isArray(own.score?.enabled) ? own.score.enabled : [];
    return scorers.map(({ name }) => {
      const entry = specific.find((e) => e?.name === name) ?? multiPoint.find((e) => e.name === name);
      return entry?.weight || 1;
    });
  }

  #args(raw: Json, path: Path): (definition: PluginDefinition) => unknown {
    const given = new Map<string, { args: Json; path: Path }>();
    this.#list(raw, path).forEach((entry, i) => {
      this.#unknownFields(entry, [...path, i], ['name', 'args']);
      if (!this.#known.has(entry?.name)) {
        this.#unknownPlugin(entry?.name, [...path, i, 'name']);
      } else if (given.has(entry.name)) {
        this.#problem([...path, i, 'name'], `plug-in "${entry.name}" is configured twice`);
      } else {
        given.set(entry.name, { args: entry.args ?? {}, path: [...path, i, 'args'] });
      }
    });
    return ({ name, args: schema }) => {
      const own = given.get(name);
      if (schema === undefined) {
        if (
          own !== undefined &&
          Object.keys(own.args).some((key) => key !== 'apiVersion' && key !== 'kind')
        ) {
          this.#problem(own.path, `plug-in "${name}" takes no arguments`);
        }
        return undefined;
      }
      const parsed = schema.safeParse(own?.args ?? {});
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues) {
        this.#problem([...(own?.path ?? path), ...(issue.path as (string | number)[])], issue.message);
      }
      return undefined;
    };
  }

  #list(raw: Json, path: Path): Json[] {
    if (raw === undefined || raw === null) return [];
    if (Array.isArray(raw)) return raw;
    this.#problem(path, 'expected a list');
    return [];
  }

  #unknownPlugin(name: unknown, path: Path): void {
    if (typeof name !== 'string' || name === '') {
      this.#problem(path, 'expected the name of a plug-in');
      return;
    }
    const nearest = closest(name, [...this.#known.keys()]);
    const near = distance(name, nearest) <= Math.max(3, Math.floor(name.length / 3));
    this.#problem(path, `no scheduler plug-in named "${name}"${near ? `: did you mean "${nearest}"?` : ''}`);
  }

  #unknownFields(object: Json, path: Path, known: readonly string[]): void {
    if (object === null || typeof object !== 'object' || Array.isArray(object)) {
      this.#problem(path, 'expected a mapping');
      return;
    }
    for (const field of Object.keys(object)) {
      if (known.includes(field)) continue;
      const nearest = closest(field, [...known]);
      const near = distance(field, nearest) <= Math.max(2, Math.floor(field.length / 3));
      this.#problem([...path, field], `unknown field${near ? `: did you mean "${nearest}"?` : ''}`);
    }
  }

  #integer(object: Json, field: string, path: Path, min: number, max: number): number | undefined {
    const value = object?.[field];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.#problem([...path, field], `${JSON.stringify(value)} is no integer from ${min} to ${max}`);
    return undefined;
  }
}

/** What extenders watch over, NodeResourcesFit does not: their list goes before that of pluginConfig (buildExtenders). */
function leftToExtenders(profile: SchedulerProfile, ignoredResources: readonly string[]): SchedulerProfile {
  const plugins = profile.plugins.map((use) =>
    use.definition.name === 'NodeResourcesFit'
      ? { ...use, args: { ...(use.args as object), ignoredResources } }
      : use,
  );
  return { ...profile, plugins };
}

/** The default list with a profile's changes: disabled ones out, re-enabled ones replaced in place, new ones behind. */
function merge(defaults: readonly Entry[], own: PluginSet): Entry[] {
  const left = [...own.enabled];
  const result: Entry[] = [];
  if (!own.disabled.has('*')) {
    for (const entry of defaults) {
      if (own.disabled.has(entry.name)) continue;
      const at = left.findIndex(({ name }) => name === entry.name);
      result.push(at < 0 ? entry : left.splice(at, 1)[0]!);
    }
  }
  return [...result, ...left];
}
