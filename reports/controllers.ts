// The controllers' part of what `run` prints: a sink that keeps the rows of controllers.csv, and their table.
import type { Sink, SinkSession } from '../engine/contracts/result.ts';
import { type Cell, CONTROLLERS_TABLE } from '../engine/contracts/tables.ts';

const COLUMNS = CONTROLLERS_TABLE.columns.map(({ name }) => name);

export class ControllerRows implements Sink {
  readonly rows: (readonly Cell[])[] = [];

  open(): SinkSession {
    return {
      table: (spec) => (spec.name === 'controllers' ? { row: (cells) => this.rows.push([...cells]) } : null),
      close: () => {},
    };
  }

  /** Head and rows as texts; `seconds` writes a duration. */
  table(seconds: (value: number) => string): { head: string[]; rows: string[][] } {
    const of = (row: readonly Cell[], name: string): Cell => row[COLUMNS.indexOf(name)]!;
    const time = (cell: Cell): string => (typeof cell === 'number' ? seconds(cell) : '-');
    return {
      head: ['controllers', 'reconciles', 'queue p50', 'queue p99', 'requests', 'conflicts'],
      rows: this.rows.map((row) => [
        String(of(row, 'controller')),
        String(of(row, 'reconciles')),
        time(of(row, 'queue_p50_s')),
        time(of(row, 'queue_p99_s')),
        String(of(row, 'requests')),
        String(of(row, 'conflicts')),
      ]),
    };
  }
}
