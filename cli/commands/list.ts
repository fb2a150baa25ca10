// `kubetick list [WHAT]`: everything that can be named in an Experiment or on the command line, read from the
// registries themselves, so that the lists cannot lag behind. Each list is rows of text; --json prints the rows.
import type { Policies } from '../../experiments/registry.ts';
import { ExitCode, type Io, UserError } from '../errors.ts';

export interface ListArguments {
  readonly what?: string;
  readonly json?: boolean;
  /** Policy files. */
  readonly plugin?: readonly string[];
}

/** One line of a list: columns by name, all text or numbers. */
type Row = Readonly<Record<string, string | number | boolean | readonly unknown[]>>;

interface List {
  readonly about: string;
  rows(policies: Policies): Promise<readonly Row[]>;
}

const LISTS: Readonly<Record<string, List>> = {
  workloads: {
    about: 'generators and trace readers for workload.generators and workload.traces, with their arguments',
    async rows({ registry }) {
      return registry.workloads.map(({ name, about, args, file }) => ({
        name,
        kind: file === undefined ? 'generator' : 'trace',
        about,
        args,
      }));
    },
  },
  costs: {
    about: 'cost presets for control.costs',
    async rows({ costs }) {
      const { DEFAULT_COSTS } = await import('../../policies/costs/index.ts');
      return Object.values(costs).map(({ name, about }) => ({
        name,
        about,
        default: name === DEFAULT_COSTS,
      }));
    },
  },
  scheduler: {
    about: 'scheduler plug-ins for a KubeSchedulerConfiguration, and their weight in the default profile',
    async rows({ registry: { scheduler: schedulerRegistry } }) {
      const weight = new Map(schedulerRegistry.defaults.map((plugin) => [plugin.name, plugin.weight]));
      const plugins = schedulerRegistry.plugins.map(({ name, about, points }) => ({
        name,
        default: weight.has(name),
        weight: weight.get(name) ?? 0,
        points: points.join(' '),
        about,
      }));
      const extenders = (schedulerRegistry.extenders ?? []).map(({ name, about, serves }) => ({
        name,
        default: false,
        weight: 0,
        points: `extender: ${Object.keys(serves).join(' ')}`,
        about,
      }));
      return [...plugins, ...extenders];
    },
  },
  controllers: {
    about:
      'controllers, as kube-controller-manager names them: for policies.controllers, and keys of controllers.workers in a cost file',
    async rows({ registry }) {
      const { builtInControllers, chosenControllers } = await import('../../engine/index.ts');
      return chosenControllers(builtInControllers, registry.controllers ?? []).map(
        ({ name, clientName, about }) => ({
          name,
          client: clientName,
          about,
        }),
      );
    },
  },
  kinds: {
    about: 'kinds that the API server serves, and whether the simulation acts on them',
    async rows() {
      const { listKinds } = await import('../../engine/kinds/registry.ts');
      return listKinds().map(({ apiVersion, kind, resource, namespaced, modelled }) => ({
        apiVersion,
        kind,
        resource,
        namespaced,
        modelled,
      }));
    },
  },
  fields: {
    about:
      'fields of modelled kinds: acted on, or without effect on times and placement; others appear in loss.csv',
    async rows() {
      const { COVERAGE } = await import('../../experiments/coverage.ts');
      return Object.entries(COVERAGE).flatMap(([kind, table]) => [
        ...table.acts.map((field) => ({ kind, field, effect: 'acted on' })),
        ...table.silent.map((field) => ({ kind, field, effect: 'no effect on the results' })),
      ]);
    },
  },
  tables: {
    about: 'result files and their columns',
    async rows() {
      const { TABLES } = await import('../../engine/contracts/tables.ts');
      return TABLES.flatMap(({ name, columns }) =>
        columns.map((c) => ({ table: `${name}.csv`, column: c.name, type: c.type, help: c.help })),
      );
    },
  },
  metrics: {
    about: 'metrics of summary.json, for expect',
    async rows() {
      const { METRICS } = await import('../../engine/metrics/registry.ts');
      return METRICS.map(({ name, group, unit, help }) => ({ name, group, unit, help }));
    },
  },
  machines: {
    about: 'machine types for cluster.nodes[].type',
    async rows() {
      const { instanceTypes } = await import('../../experiments/instance-types.ts');
      return [...instanceTypes].map(([name, { cpu, memory, pods }]) => ({ name, cpu, memory, pods }));
    },
  },
  clusters: {
    about: 'cluster presets for cluster.preset',
    async rows() {
      const { CLUSTER_PRESETS, DEFAULT_NODE } = await import('../../experiments/node-groups.ts');
      return Object.entries(CLUSTER_PRESETS).map(([name, nodes]) => ({
        name,
        nodes,
        cpu: DEFAULT_NODE.cpu,
        memory: DEFAULT_NODE.memory,
        pods: DEFAULT_NODE.pods,
      }));
    },
  },
  errors: {
    about: 'problem codes, what they mean and how to mend them',
    async rows() {
      const { PROBLEM_CODES } = await import('../../experiments/problem-codes.ts');
      return Object.entries(PROBLEM_CODES).map(([code, { meaning, fix }]) => ({ code, meaning, fix }));
    },
  },
};

/** Runs the command; without a name it lists the lists. */
export async function list(args: ListArguments, io: Io): Promise<number> {
  const rows =
    args.what === undefined
      ? Object.entries(LISTS).map(([name, { about }]) => ({ name, about }))
      : await rowsOf(args.what, args.plugin ?? []);
  if (args.json) io.stdout.write(`${JSON.stringify(rows)}\n`);
  else io.stdout.write(table(rows));
  return ExitCode.ok;
}

async function rowsOf(what: string, plugins: readonly string[]): Promise<readonly Row[]> {
  const known = Object.hasOwn(LISTS, what) ? LISTS[what] : undefined;
  if (known !== undefined) {
    const { placePolicies } = await import('../../experiments/place.ts');
    return known.rows(await placePolicies(plugins));
  }
  const { didYouMean } = await import('../../experiments/suggest.ts');
  throw new UserError({
    code: 'E1003',
    path: 'WHAT',
    message: `no list named ${JSON.stringify(what)}`,
    hint: didYouMean(what, Object.keys(LISTS)),
  });
}

/** Columns as wide as their longest text; nested rows (arguments of a workload) indented below their owner. */
function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (name) => !rows.some((row) => Array.isArray(row[name])),
  );
  const nested = rows
    .flatMap((row) => Object.values(row))
    .filter((value) => Array.isArray(value))
    .flat() as Row[];
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => textOf(row[name]).length)));
  const line = (cells: readonly string[], of: readonly number[]) =>
    `${cells
      .map((cell, i) => cell.padEnd(of[i]!))
      .join('  ')
      .trimEnd()}\n`;
  let out = line(
    names.map((name) => name.toUpperCase()),
    widths,
  );
  const argumentNames = [...new Set(nested.flatMap((row) => Object.keys(row)))];
  const argumentWidths = argumentNames.map((name) =>
    Math.max(...nested.map((row) => textOf(row[name]).length)),
  );
  for (const row of rows) {
    out += line(
      names.map((name) => textOf(row[name])),
      widths,
    );
    for (const value of Object.values(row)) {
      if (!Array.isArray(value)) continue;
      for (const inner of value as Row[])
        out += `    ${line(
          argumentNames.map((name) => textOf(inner[name])),
          argumentWidths,
        )}`;
    }
  }
  return out;
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
