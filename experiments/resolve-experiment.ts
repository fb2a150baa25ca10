// An Experiment to a resolved scenario: its files read, its names looked up, its steps followed; what this version does
// not carry out is refused or noted.
import type { CostPreset } from '../engine/contracts/costs.ts';
import type { NodeGroup, ResolvedScenario, ResultOutput, WorkloadUse } from '../engine/contracts/scenario.ts';
import { TABLES } from '../engine/contracts/tables.ts';
import { builtInControllers, controllerChoiceName, PolicyFault } from '../engine/index.ts';
import type { KubeObject } from '../engine/kinds/kind.ts';
import { checkExpect } from '../engine/metrics/expect.ts';
import { proxyModes } from '../policies/costs/proxy/index.ts';
import { type ManifestObject, readDocuments } from '../workloads/manifests.ts';
import { assemble, defaultCosts, freePrefix, namesOf } from './assemble.ts';
import { applyCostFile, presetByName } from './cost-file.ts';
import { partition } from './dump.ts';
import { parseDuration } from './duration.ts';
import { pathFrom, readPaths } from './files.ts';
import { type Input, readInput } from './input.ts';
import { instanceTypes } from './instance-types.ts';
import {
  CLUSTER_PRESETS,
  DEFAULT_NODE,
  DEFAULT_NODE_COUNT,
  type NodeShape,
  nodeGroup,
} from './node-groups.ts';
import { duplicateProblems, type InputObject } from './objects.ts';
import { faultProblem } from './registry.ts';
import { checkConfig, configProblem, noteUnused, withPluginConfig } from './scheduler-config.ts';
import type { Experiment } from './schema.ts';
import { DEFAULT_SEED, DEFAULT_UNTIL_US, type ResolveContext } from './settings.ts';
import { byTime, resolveSteps, type StepContext } from './steps.ts';
import { didYouMean } from './suggest.ts';

/** An Experiment with its own manifests and those given beside it. */
export function resolveExperiment(
  experiment: Experiment,
  manifest: ManifestObject,
  folder: string,
  beside: readonly InputObject[],
  context: ResolveContext,
): ResolvedScenario {
  return new ExperimentResolver(experiment, manifest, folder, context).resolve(beside);
}

class ExperimentResolver {
  private readonly spec: Experiment['spec'];
  private readonly experiment: Experiment;
  private readonly manifest: ManifestObject;
  private readonly folder: string;
  private readonly context: ResolveContext;

  constructor(experiment: Experiment, manifest: ManifestObject, folder: string, context: ResolveContext) {
    this.experiment = experiment;
    this.spec = experiment.spec;
    this.manifest = manifest;
    this.folder = folder;
    this.context = context;
  }

  resolve(beside: readonly InputObject[]): ResolvedScenario {
    const { spec, context } = this;
    const { settings, loss, problems } = context;
    const objects = [...beside, ...this.manifests()];
    if (objects.length > beside.length)
      problems.push(...duplicateProblems(objects).filter((p) => !problems.includes(p)));
    const created = new Set<InputObject>();
    const applied: InputObject[] = [];
    const common: Omit<StepContext, 'path'> = {
      manifest: this.manifest,
      objects,
      namespace: 'default',
      apply: (file, problem) => this.apply(file, problem, applied),
      problems,
      created,
      note: (field, note) => loss.add(this.manifest.source, 'Experiment', field, note),
    };
    const later = byTime([
      ...resolveSteps(spec.steps ?? [], { ...common, path: ['spec', 'steps'] }),
      ...resolveSteps(spec.faults ?? [], { ...common, path: ['spec', 'faults'] }),
    ]);
    const parts = partition(
      objects.filter((e) => !created.has(e)),
      DEFAULT_NODE,
      loss,
    );
    const { existing, steps } = assemble(
      parts.existing,
      parts.created,
      later,
      [...parts.existing, ...parts.created, ...created, ...applied],
      loss,
    );
    this.unsupported();
    const schedulerConfig = this.schedulerConfig();
    const search = spec.policies?.scheduler?.search;
    this.expectations();
    const runUs = spec.time?.run === undefined ? undefined : parseDuration(spec.time.run);
    const warmUp = spec.time?.warmUp;
    // `auto` is settled by a pilot run, before the run itself.
    const warmUpUs = warmUp === undefined || warmUp === 'auto' ? 0 : (parseDuration(warmUp) ?? 0);
    const untilUs = settings.untilUs ?? runUs ?? DEFAULT_UNTIL_US;
    if (warmUpUs >= untilUs)
      this.problem('E3002', ['time', 'warmUp'], 'the warm-up is as long as the run or longer');
    const costs = this.withProxy(this.costs());
    return {
      experiment: this.experiment.metadata.name,
      variant: 'default',
      replication: 1,
      seed: settings.seed ?? spec.seeds?.seed ?? DEFAULT_SEED,
      nodes: this.nodes(parts.hasNodes, objects, costs),
      existing,
      steps,
      workloads: this.workloads(),
      policies: {
        ...(schedulerConfig === undefined ? {} : { schedulerConfig }),
        ...(search === undefined ? {} : { search }),
        ...this.controllers(),
      },
      costs,
      ...(spec.control?.heartbeats === undefined ? {} : { heartbeats: spec.control.heartbeats }),
      queue: spec.control?.queue ?? 'heap',
      untilUs,
      warmUpUs,
      // A given length is meant: utilisation and rates are taken over all of it.
      stopWhenIdle: settings.untilUs === undefined && runUs === undefined,
      expect: spec.expect ?? [],
      ...this.output(),
      loss: loss.list(),
    };
  }

  private problem(code: string, path: readonly (string | number)[], message: string, hint?: string): void {
    const steps = ['spec', ...path];
    const text = steps.map((s, i) => (typeof s === 'number' ? `[${s}]` : i === 0 ? s : `.${s}`)).join('');
    this.context.problems.push({
      code,
      file: this.manifest.source,
      ...this.manifest.position(steps),
      path: text,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  /** Relative paths start at the Experiment's file. */
  private path(path: string): string {
    return pathFrom(this.folder, path);
  }

  private read(paths: readonly string[], at: readonly (string | number)[]): Input {
    const input = readInput(
      paths.map((p) => this.path(p)),
      this.context.judge,
    );
    for (const { problem, skippable, kind } of input.problems) {
      if (skippable && this.context.skipInvalid) {
        this.context.loss.add(
          problem.file ?? '',
          kind,
          '',
          `skipped: ${problem.code} ${problem.message.replaceAll('\n', ' ')}`,
        );
      } else if (problem.code === 'E1101') {
        this.problem('E1101', at, `${problem.file}: ${problem.message}`);
      } else this.context.problems.push(problem);
    }
    for (const inner of [...input.experiments, ...input.scenarios.map((s) => s.header)]) {
      if (inner.source !== this.manifest.source)
        this.problem('E3003', at, `${inner.source} is an Experiment or scenario itself`);
    }
    return input;
  }

  private manifests(): InputObject[] {
    return (this.spec.workload?.manifests ?? []).flatMap(
      (path, i) => this.read([path], ['workload', 'manifests', i]).objects,
    );
  }

  private apply(file: string, problem: (message: string) => void, applied: InputObject[]): InputObject[] {
    const before = this.context.problems.length;
    const { objects } = this.read([file], ['steps']);
    if (objects.length === 0 && this.context.problems.length === before) problem(`${file} holds no object`);
    applied.push(...objects);
    return objects;
  }

  private nodes(hasNodes: boolean, objects: readonly InputObject[], costs: CostPreset): NodeGroup[] {
    const { cluster } = this.spec;
    const preset = cluster?.preset;
    if (preset !== undefined && !Object.hasOwn(CLUSTER_PRESETS, preset)) {
      this.problem(
        'E3005',
        ['cluster', 'preset'],
        `no cluster preset named ${JSON.stringify(preset)}`,
        didYouMean(preset, Object.keys(CLUSTER_PRESETS)),
      );
    }
    if (cluster?.nodes === undefined) {
      const count =
        preset === undefined ? (hasNodes ? 0 : DEFAULT_NODE_COUNT) : (CLUSTER_PRESETS[preset] ?? 0);
      return count === 0 ? [] : [nodeGroup(DEFAULT_NODE, count, { prefix: freePrefix(objects) })];
    }
    const groups: NodeGroup[] = [];
    const names = new Set(objects.filter((e) => e.object.kind === 'Node').map((e) => e.name));
    let unnamed = 1;
    cluster.nodes.forEach((group, i) => {
      const at = ['cluster', 'nodes', i];
      const type = group.type === undefined ? undefined : instanceTypes.get(group.type);
      if (group.type !== undefined && type === undefined) {
        this.problem(
          'E3005',
          [...at, 'type'],
          `no machine type named ${JSON.stringify(group.type)}`,
          didYouMean(group.type, [...instanceTypes.keys()]),
        );
      }
      const runtimes = costs.runtimes ?? {};
      const runtime =
        group.runtime !== undefined && Object.hasOwn(runtimes, group.runtime)
          ? runtimes[group.runtime]
          : undefined;
      if (group.runtime !== undefined && runtime === undefined) {
        this.problem(
          'E3005',
          [...at, 'runtime'],
          `no container runtime named ${JSON.stringify(group.runtime)} in the cost preset ${costs.name}`,
          didYouMean(group.runtime, Object.keys(runtimes)),
        );
      }
      const shape: NodeShape = {
        cpu: group.cpu === undefined ? (type?.cpu ?? DEFAULT_NODE.cpu) : String(group.cpu),
        memory: group.memory === undefined ? (type?.memory ?? DEFAULT_NODE.memory) : String(group.memory),
        pods: group.pods ?? type?.pods ?? DEFAULT_NODE.pods,
        ...(group.ephemeralStorage === undefined ? {} : { ephemeralStorage: String(group.ephemeralStorage) }),
        ...(group.resources === undefined ? {} : { resources: textsOf(group.resources) }),
        ...(group.labels === undefined
          ? {}
          : {
              labels: {
                ...(group.type === undefined ? {} : { 'node.kubernetes.io/instance-type': group.type }),
                ...group.labels,
              },
            }),
        ...(group.labels === undefined && group.type !== undefined
          ? { labels: { 'node.kubernetes.io/instance-type': group.type } }
          : {}),
        ...(group.taints === undefined ? {} : { taints: group.taints }),
        ...(runtime === undefined ? {} : { runtime }),
      };
      if (group.count === 0) return;
      const single = group.name !== undefined && group.count === 1;
      const prefix = group.name === undefined ? 'node-' : `${group.name}-`;
      const made = nodeGroup(
        shape,
        group.count,
        single ? { prefix, names: [group.name!] } : { prefix, first: group.name === undefined ? unnamed : 1 },
        group.zones ?? [],
      );
      if (group.name === undefined) unnamed += group.count;
      const clash = namesOf(made).find((name) => names.has(name));
      if (clash !== undefined)
        this.problem(
          'E2004',
          [...at, 'name'],
          `a node named ${JSON.stringify(clash)} exists already`,
          'give the groups different names',
        );
      for (const name of namesOf(made)) names.add(name);
      groups.push(made);
    });
    return groups;
  }

  private workloads(): WorkloadUse[] {
    const { generators, traces } = this.spec.workload ?? {};
    return [
      ...(generators ?? []).flatMap((use, i) => this.workload(use, ['workload', 'generators', i])),
      ...(traces ?? []).flatMap((use, i) => this.workload(use, ['workload', 'traces', i])),
    ];
  }

  private workload(
    { use, ...given }: { use: string; [arg: string]: unknown },
    at: readonly (string | number)[],
  ): WorkloadUse[] {
    const { workloads } = this.context.policies.registry;
    const definition = workloads.find((w) => w.name === use);
    if (definition === undefined) {
      if (this.context.policies.isPartial) return [];
      this.problem(
        'E3005',
        [...at, 'use'],
        `no workload named ${JSON.stringify(use)}`,
        didYouMean(
          use,
          workloads.map((w) => w.name),
        ),
      );
      return [];
    }
    const args: Record<string, unknown> = { ...given };
    if (definition.file !== undefined && typeof args[definition.file] === 'string') {
      const { sources, problems } = readPaths([this.path(args[definition.file] as string)]);
      for (const problem of problems)
        this.problem(problem.code, [...at, definition.file], `${problem.file}: ${problem.message}`);
      if (problems.length > 0) return [];
      args['data'] = sources.map((source) => source.text).join('');
    }
    const made = this.made(() => definition.create(args));
    if (made === null) return [];
    if ('problems' in made) {
      for (const { path, message } of made.problems)
        this.problem('E3007', [...at, ...path], message, '`kubetick list workloads` shows the arguments');
      return [];
    }
    return [{ use, args }];
  }

  /** A policy of the user's may fail already when it is made. */
  private made<T>(action: () => T): T | null {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof PolicyFault)) throw error;
      this.context.problems.push(faultProblem(error));
      return null;
    }
  }

  /** Which controllers run; each name must be one of a controller. */
  private controllers(): { controllers?: readonly string[] } {
    const choices = this.spec.policies?.controllers;
    if (choices === undefined) return {};
    const { registry, isPartial } = this.context.policies;
    if (isPartial) return {};
    const known = [...builtInControllers, ...(registry.controllers ?? [])].map(({ name }) => name);
    for (const [i, choice] of choices.entries()) {
      const name = controllerChoiceName(choice);
      if (name === null || known.some((each) => controllerChoiceName(each) === name)) continue;
      const at = ['policies', 'controllers', i];
      this.problem('E3013', at, `no controller is named ${JSON.stringify(name)}`, didYouMean(name, known));
    }
    return { controllers: choices };
  }

  private schedulerConfig(): KubeObject | undefined {
    const { config: path, pluginConfig } = this.spec.policies?.scheduler ?? {};
    if (path === undefined) {
      const config = pluginConfig === undefined ? undefined : withPluginConfig(undefined, pluginConfig);
      const place = this.manifest.position(['spec', 'policies', 'scheduler', 'pluginConfig']);
      const source = { source: this.manifest.source, position: () => place };
      this.checkProfiles(config, pluginConfig === undefined ? null : source);
      return config;
    }
    const at = ['policies', 'scheduler', 'config'];
    const document = this.singleDocument(path, at);
    if (document === undefined) return undefined;
    const { apiVersion, kind } = document.raw;
    if (kind !== 'KubeSchedulerConfiguration' || apiVersion !== 'kubescheduler.config.k8s.io/v1') {
      this.problem(
        'E3010',
        at,
        `${document.source} holds ${String(apiVersion)} ${String(kind)}, expected kubescheduler.config.k8s.io/v1 KubeSchedulerConfiguration`,
      );
      return undefined;
    }
    const written = document.raw as unknown as KubeObject;
    const config = pluginConfig === undefined ? written : withPluginConfig(written, pluginConfig);
    this.checkProfiles(config, document);
    return config;
  }

  private checkProfiles(
    config: KubeObject | undefined,
    document: Pick<ManifestObject, 'source' | 'position'> | null,
  ): void {
    const { problems, loss, policies } = this.context;
    const checked = checkConfig(config, policies);
    problems.push(...checked.problems.map((problem) => configProblem(problem, document)));
    problems.push(...checked.faults);
    noteUnused(checked.unused, loss);
  }

  /** The one document of a file that an Experiment names. */
  private singleDocument(path: string, at: readonly (string | number)[]): ManifestObject | undefined {
    const { sources, problems } = readPaths([this.path(path)]);
    for (const problem of problems) this.problem(problem.code, at, `${problem.file}: ${problem.message}`);
    const source = sources[0];
    if (source === undefined) return undefined;
    const read = readDocuments(source.name, source.text);
    this.context.problems.push(...read.problems.map(({ document: _d, item: _i, ...problem }) => problem));
    if (read.problems.length === 0 && read.documents.length !== 1) {
      this.problem('E3002', at, `${source.name} holds ${read.documents.length} documents, expected one`);
    }
    return read.documents[0];
  }

  private withProxy(costs: CostPreset): CostPreset {
    const mode = this.spec.control?.proxy;
    return mode === undefined ? costs : { ...costs, proxy: proxyModes[mode] };
  }

  private costs(): CostPreset {
    const named = this.spec.control?.costs;
    if (named === undefined) return defaultCosts();
    const at = ['control', 'costs'];
    const { costs: costPresets } = this.context.policies;
    if (!/[./]/.test(named)) {
      const preset = presetByName(named, costPresets);
      if (typeof preset !== 'string') return preset;
      if (this.context.policies.isPartial) return defaultCosts();
      this.problem('E3005', at, ...(preset.split('\n') as [string, string]));
      return defaultCosts();
    }
    const document = this.singleDocument(named, at);
    if (document === undefined) return defaultCosts();
    const costs = applyCostFile(document, costPresets);
    if (!Array.isArray(costs)) return costs as CostPreset;
    this.context.problems.push(...costs);
    return defaultCosts();
  }

  private expectations(): void {
    (this.spec.expect ?? []).forEach((text, i) => {
      const problem = checkExpect(text);
      if (problem !== null) this.problem('E3008', ['expect', i], problem);
    });
  }

  /** `summary` may be named and is always written. */
  private output(): { readonly output?: ResultOutput } {
    const { tables, html } = this.spec.output ?? {};
    if (tables === undefined && html !== true) return {};
    const isWritten = (name: string): boolean => tables!.some((table) => table === name);
    return {
      output: {
        ...(tables === undefined
          ? {}
          : { tables: TABLES.map(({ name }) => name).filter((name) => isWritten(name)) }),
        ...(html === true ? { html } : {}),
      },
    };
  }

  /** What the file may say and `run` does not do: refused where results would differ, noted where they do not. */
  private unsupported(): void {
    const { spec, context, manifest } = this;
    if (spec.policies?.autoscaler !== undefined) {
      this.problem('E3006', ['policies', 'autoscaler'], 'autoscalers are not supported by this version');
    }
    const note = (field: string, text: string) =>
      context.loss.add(manifest.source, 'Experiment', field, text);
    if (spec.sweep !== undefined)
      note('spec.sweep', 'run uses the base values; `kubetick sweep` runs all variants');
    if ((spec.seeds?.replications ?? 1) > 1)
      note('spec.seeds.replications', 'run makes replication 1 only; `kubetick sweep` makes all');
  }
}

/** Quantities may be written as numbers. */
function textsOf(quantities: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities).map(([name, value]) => [name, String(value)]));
}
