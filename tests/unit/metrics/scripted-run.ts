// A run by hand: a clock that tests set, a pod table in plain arrays, and a sink that keeps the rows. The recorder
// in the middle is the real one.
import type { RunLabels, RunResult, Sink } from '../../../engine/contracts/result.ts';
import type { Cell, TableName } from '../../../engine/contracts/tables.ts';
import { TABLES } from '../../../engine/contracts/tables.ts';
import { type FinishArguments, type PodRowSource, Recorder } from '../../../engine/metrics/recorder.ts';

export interface ScriptedPod {
  namespace: string;
  name: string;
  ownerKind: string;
  owner: string;
  node: string;
  phase: string;
  reason: string;
}

export class ScriptedRun {
  now = 0;
  readonly pods: ScriptedPod[] = [];
  readonly recorder: Recorder;

  constructor(options: {
    labels?: RunLabels;
    warmUpUs?: number;
    sinks?: readonly Sink[];
    trace?: ConstructorParameters<typeof Recorder>[0]['trace'];
  }) {
    const { pods } = this;
    const source: PodRowSource = {
      namespace: (pod) => pods[pod]!.namespace,
      name: (pod) => pods[pod]!.name,
      ownerKind: (pod) => pods[pod]!.ownerKind,
      owner: (pod) => pods[pod]!.owner,
      node: (pod) => pods[pod]!.node,
      phase: (pod) => pods[pod]!.phase,
      priority: () => 0,
      cpuMilli: () => 100,
      memoryBytes: () => 2 ** 30,
      restarts: () => 0,
      labels: () => '',
      stateful: () => false,
      nodeAddedUs: () => Number.NaN,
      reason: (pod) => pods[pod]!.reason,
    };
    this.recorder = new Recorder({
      labels: options.labels ?? { experiment: 'e', variant: 'default', replication: 1, seed: 7 },
      warmUpUs: options.warmUpUs ?? 0,
      sinks: options.sinks ?? [],
      pods: source,
      now: () => this.now,
      trace: options.trace,
    });
  }

  /** Puts a pod into the table; the recorder is not told. */
  pod(index: number, name: string, fields: Partial<ScriptedPod> = {}): number {
    this.pods[index] = {
      namespace: 'default',
      name,
      ownerKind: '',
      owner: '',
      node: '',
      phase: 'Pending',
      reason: '',
      ...fields,
    };
    return index;
  }

  finish(livePods: readonly number[], fields: Partial<FinishArguments> = {}): RunResult {
    return this.recorder.finish({
      livePods,
      virtualUs: this.now,
      eventsRun: 42,
      endReason: 'idle',
      ingredients: { t: '1', k: '2', o: '3', d: '4', s: '5' },
      fingerprint: 'abc',
      unschedulable: 0,
      expect: [],
      ...fields,
    });
  }
}

/** Keeps the rows of the tables asked for. */
export class KeptTables implements Sink {
  readonly rows: Partial<Record<TableName, Cell[][]>> = {};
  closed: RunResult | null = null;
  private readonly wanted: readonly TableName[];

  constructor(wanted: readonly TableName[] = TABLES.map((table) => table.name)) {
    this.wanted = wanted;
  }

  open() {
    return {
      table: (spec: { name: TableName }) => {
        if (!this.wanted.includes(spec.name)) return null;
        const rows: Cell[][] = [];
        this.rows[spec.name] = rows;
        return { row: (cells: readonly Cell[]) => void rows.push([...cells]) };
      },
      close: (result: RunResult) => {
        this.closed = result;
      },
    };
  }

  /** Rows as objects by column name. */
  named(name: TableName): Record<string, Cell>[] {
    const { columns } = TABLES.find((table) => table.name === name)!;
    return this.rows[name]!.map((row) =>
      Object.fromEntries(columns.map((column, i) => [column.name, row[i] ?? null])),
    );
  }
}
