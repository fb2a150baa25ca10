// What `kubetick query` offers: the tables of the runs it was given, with their columns, types and meaning. Known without
// a database, so that `--tables` and `--schema` work where none is installed.
import { type ColumnSpec, type ColumnType, TABLES, type TableName } from '../../engine/contracts/tables.ts';
import { summaryColumn } from '../sweep-table.ts';
import type { QueryRun } from './runs.ts';

export interface QueryTable {
  readonly name: string;
  readonly help: string;
  readonly columns: readonly ColumnSpec[];
}

/** A table that stands in files, one a run. */
export interface FileTable extends QueryTable {
  readonly name: TableName;
  /** Columns that the files do not have: the same in all rows of a run. */
  readonly added: readonly (ColumnSpec & { readonly of: (run: QueryRun) => string | number })[];
}

/** A table that is made from what is known of the runs; cells in the order of the columns, '' for none. */
export interface MadeTable extends QueryTable {
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Catalogue {
  readonly made: readonly MadeTable[];
  readonly files: readonly FileTable[];
}

const column = (name: string, type: ColumnType, help: string): ColumnSpec => ({ name, type, help });

const RUN = {
  ...column('run', 'int', 'number of the run, as in the table runs'),
  of: (run: QueryRun) => run.run,
};
const LABELS = [
  { ...column('experiment', 'text', 'experiment of the run'), of: (run: QueryRun) => run.experiment },
  { ...column('variant', 'text', 'variant of the run'), of: (run: QueryRun) => run.variant },
  { ...column('replication', 'int', 'number of the replication'), of: (run: QueryRun) => run.replication },
];

export function catalogueOf(runs: readonly QueryRun[]): Catalogue {
  const several = runs.length > 1;
  const files = TABLES.map(({ name, help, columns }): FileTable => {
    const labelled = columns.some((one) => one.name === 'variant');
    const added = several ? [RUN, ...(labelled ? [] : LABELS)] : [];
    return { name, help, columns: [...added, ...columns], added };
  });
  return { made: [runsTable(runs), summaryTable(runs, several)], files };
}

export const tablesOf = ({ made, files }: Catalogue): QueryTable[] => [...made, ...files];

const FIXED: readonly (ColumnSpec & { readonly of: (run: QueryRun) => string | number })[] = [
  RUN,
  { ...column('directory', 'text', 'result directory'), of: (run) => run.directory },
  ...LABELS,
  { ...column('seed', 'text', 'seed'), of: (run) => run.seed },
  { ...column('fingerprint', 'text', 'fingerprint of the run'), of: (run) => run.fingerprint },
  {
    ...column('end_reason', 'text', 'idle: nothing but periodic work was left; until: the time was up'),
    of: (run) => run.endReason,
  },
  { ...column('kubetick', 'text', 'version that made the run'), of: (run) => run.version },
  {
    ...column('virtual_s', 'number', 'length of the run in virtual time, seconds'),
    of: (run) => run.virtualSeconds,
  },
  { ...column('nodes', 'int', 'most nodes at any time'), of: (run) => run.nodesPeak },
  { ...column('pods', 'int', 'pods created'), of: (run) => run.podsCreated },
  { ...column('warm_up_s', 'number', 'end of the warm-up, seconds'), of: (run) => run.warmUpSeconds },
];

function runsTable(runs: readonly QueryRun[]): MadeTable {
  const taken = new Set(FIXED.map(({ name }) => name));
  const axes = axesOf(runs).map((axis) => ({
    axis,
    ...column(
      taken.has(axis) ? `axis_${axis}` : axis,
      axisType(runs, axis),
      `value of the axis ${axis} of the sweep`,
    ),
  }));
  return {
    name: 'runs',
    help: 'one row a run: where it is, what it is of, and the parameters of its sweep',
    columns: [...FIXED, ...axes].map(({ name, type, help }) => ({ name, type, help })),
    rows: runs.map((run) => [
      ...FIXED.map(({ of }) => of(run)),
      ...axes.map(({ axis }) => run.values[axis] ?? ''),
    ]),
  };
}

/** As sweep.csv has it: summary.csv of every run, and the axes. */
function summaryTable(runs: readonly QueryRun[], several: boolean): MadeTable {
  const names: string[] = [];
  const known = new Set<string>();
  for (const { summary } of runs) {
    let before = -1;
    for (const name of summary.keys()) {
      if (!known.has(name)) {
        known.add(name);
        names.splice(before + 1, 0, name);
      }
      before = names.indexOf(name);
    }
  }
  const axes = axesOf(runs);
  const columns = [
    ...(several ? [RUN] : []),
    ...names.map(summaryColumn),
    ...axes.map((axis) => column(`axis.${axis}`, axisType(runs, axis), `value of the axis ${axis}`)),
  ];
  return {
    name: 'summary',
    help: 'summary.csv of every run, a row each (names with points stand in double quotes), and the axes of the sweep',
    columns: columns.map(({ name, type, help }) => ({ name, type, help })),
    rows: runs.map(({ run, summary, values }) => [
      ...(several ? [run] : []),
      ...names.map((name) => summary.get(name) ?? ''),
      ...axes.map((axis) => values[axis] ?? ''),
    ]),
  };
}

function axesOf(runs: readonly QueryRun[]): string[] {
  return [...new Set(runs.flatMap(({ values }) => Object.keys(values)))];
}

/** Numbers where every value is one. */
function axisType(runs: readonly QueryRun[], axis: string): ColumnType {
  const values = runs.map((run) => run.values[axis] ?? '').filter((value) => value !== '');
  if (values.every((value) => /^-?\d{1,15}$/.test(value))) return 'int';
  return values.every((value) => /^-?\d+(?:\.\d+)?$/.test(value)) ? 'number' : 'text';
}
