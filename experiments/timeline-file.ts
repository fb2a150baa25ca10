// Writes the timeline of a run as JSON, one row a line, so that a text diff of two timelines is readable. Rows are
// written as they come: a run of a million pods has millions.
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Timeline } from '../engine/contracts/timeline.ts';
import { UserError } from './problems.ts';

/** Characters gathered between two writes. */
const CHUNK = 1 << 20;

export class TimelineFile {
  readonly path: string;
  private readonly temporary: string;
  private readonly descriptor: number;
  private open = true;

  /** Makes the file beside its place, in a folder that exists; a UserError where that is impossible. */
  constructor(path: string) {
    this.path = path;
    const whole = resolve(path);
    this.temporary = join(dirname(whole), `.${basename(whole)}.tmp-${process.pid}`);
    try {
      this.descriptor = openSync(this.temporary, 'w');
    } catch (error) {
      throw new UserError({
        code: 'E4002',
        path: '--timeline',
        message: `cannot write ${path}: ${(error as Error).message}`,
      });
    }
  }

  write(timeline: Timeline): void {
    let text = '';
    const put = (more: string): void => {
      text += more;
      if (text.length < CHUNK) return;
      writeSync(this.descriptor, text);
      text = '';
    };
    const list = (name: string, rows: Iterable<unknown>): void => {
      put(`"${name}": [`);
      let first = true;
      for (const row of rows) {
        put(`${first ? '' : ','}\n ${JSON.stringify(row)}`);
        first = false;
      }
      put(first ? '],\n' : '\n],\n');
    };
    const map = (name: string, entries: Readonly<Record<string, unknown>>, end: string): void => {
      const lines = Object.entries(entries).map(
        ([key, value]) => `\n ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
      );
      put(`"${name}": {${lines.join(',')}${lines.length === 0 ? '' : '\n'}}${end}\n`);
    };
    put(`{\n"scenario": ${JSON.stringify(timeline.scenario)},\n`);
    list('steps', timeline.steps);
    list('transitions', timeline.transitions);
    list('events', timeline.events);
    map('final', timeline.final, ',');
    map('envelope', timeline.envelope, '');
    put('}\n');
    writeSync(this.descriptor, text);
  }

  /** Moves the file to its place. */
  finish(): void {
    this.close();
    renameSync(this.temporary, resolve(this.path));
  }

  /** Leaves nothing behind. */
  abandon(): void {
    this.close();
    rmSync(this.temporary, { force: true });
  }

  private close(): void {
    if (this.open) closeSync(this.descriptor);
    this.open = false;
  }
}
