// Reads large tables of result directories: chosen columns, row after row, out of one buffer, however long the file. A
// record is never made into strings; times become whole µs straight from their bytes. What it reads is what csv-parse
// reads (a property test compares the two, `npm run bench -- rows` prints both rates): for a million pods the
// difference between three seconds and a quarter of a minute.
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { scanParquet } from './parquet-scan.ts';
import { UserError } from './problems.ts';
import { missingTable } from './run-tables.ts';

/** The cells of the columns asked for, by their place in that list. Valid until the next row. */
export interface ScannedRow {
  /** '' where the table lacks the column. */
  text(column: number): string;
  /** Whole µs of a time in seconds; NaN for an empty cell or a column that is not there. */
  micros(column: number): number;
  /** NaN for an empty cell or a column that is not there. */
  number(column: number): number;
}

export interface ScanOptions {
  /** Columns without which the table makes no sense. */
  readonly required?: readonly string[];
  /** Told the bytes read since the last call. */
  readonly progress?: (bytes: number) => void;
  /** The file may be missing: then there are no rows. */
  readonly optional?: boolean;
}

const CHUNK_BYTES = 1 << 20;
/** No record of a result is nearly as long: a quote that never ends is told, not kept in memory. */
const RECORD_BYTES_MAX = 1 << 24;
const COMMA = 44;
const NEWLINE = 10;
const QUOTE = 34;
const RETURN = 13;
const POINT = 46;
const ZERO = 48;

/**
 * Calls `row` for each row of `DIR/NAME.csv`, or of `DIR/NAME.parquet` where that is what there is; returns their number.
 * A missing or broken file is a UserError.
 */
export function scanTable(
  directory: string,
  name: string,
  columns: readonly string[],
  row: (cells: ScannedRow) => void,
  options: ScanOptions = {},
): number {
  const path = join(directory, `${name}.csv`);
  if (!existsSync(path)) {
    const columnar = join(directory, `${name}.parquet`);
    if (existsSync(columnar)) return scanParquet(columnar, columns, row, options);
    if (options.optional === true) return 0;
    throw missingTable(path);
  }
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw refusal(path, `cannot be read: ${(error as Error).message}`);
  }
  try {
    if (!fstatSync(descriptor).isFile()) throw refusal(path, 'found a folder, expected a CSV file');
    return new Scan(path, columns, row, options).all(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const refusal = (file: string, message: string, line?: number): UserError =>
  new UserError({
    code: 'E4003',
    file,
    ...(line === undefined ? {} : { line }),
    message,
    hint: 'give a directory written by `kubetick run`; `kubetick verify` tells whether its files were changed',
  });

class Scan implements ScannedRow {
  readonly #path: string;
  readonly #wanted: readonly string[];
  readonly #row: (cells: ScannedRow) => void;
  readonly #options: ScanOptions;
  /** Number of cells of a row. */
  #width = 0;
  /** Place of each column of the file among those wanted, -1: not wanted. */
  #places: Int32Array = new Int32Array(0);
  /** By place: where the cell begins and ends, and whether quotes are doubled inside. */
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  readonly #doubled: Uint8Array;
  #bytes: Buffer = Buffer.alloc(0);
  #line = 1;
  #rows = 0;

  constructor(
    path: string,
    wanted: readonly string[],
    row: (cells: ScannedRow) => void,
    options: ScanOptions,
  ) {
    this.#path = path;
    this.#wanted = wanted;
    this.#row = row;
    this.#options = options;
    this.#from = new Int32Array(wanted.length);
    this.#to = new Int32Array(wanted.length);
    this.#doubled = new Uint8Array(wanted.length);
  }

  all(descriptor: number): number {
    const { progress } = this.#options;
    let kept = 0;
    this.#bytes = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      if (kept === this.#bytes.length) {
        if (kept >= RECORD_BYTES_MAX)
          throw this.#broken('a record is longer than 16 MiB: a quote is not closed');
        const longer = Buffer.allocUnsafe(kept * 2);
        this.#bytes.copy(longer, 0, 0, kept);
        this.#bytes = longer;
      }
      const read = readSync(descriptor, this.#bytes, kept, this.#bytes.length - kept, null);
      const end = kept + read;
      const done = this.#records(end, read === 0);
      if (read === 0) break;
      progress?.(read);
      this.#bytes.copyWithin(0, done, end);
      kept = end - done;
    }
    if (this.#places.length === 0) throw this.#broken('is empty, expected a line of column names');
    return this.#rows;
  }

  text(column: number): string {
    const [from, to] = [this.#from[column]!, this.#to[column]!];
    if (from >= to) return '';
    const text = this.#bytes.toString('utf8', from, to);
    return this.#doubled[column] === 1 ? text.replaceAll('""', '"') : text;
  }

  micros(column: number): number {
    const bytes = this.#bytes;
    const to = this.#to[column]!;
    let at = this.#from[column]!;
    if (at >= to) return Number.NaN;
    const negative = bytes[at] === 45;
    if (negative) at++;
    let whole = 0;
    let digits = 0;
    let point = -1;
    for (; at < to; at++) {
      const byte = bytes[at]!;
      if (byte === POINT && point < 0) {
        point = digits;
        continue;
      }
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9) throw this.#badCell(column, 'seconds such as 1.500000');
      if (point >= 0 && digits - point === 6) continue;
      whole = whole * 10 + digit;
      digits++;
    }
    const decimals = point < 0 ? 0 : digits - point;
    const us = whole * 10 ** (6 - decimals);
    return negative ? -us : us;
  }

  number(column: number): number {
    const text = this.text(column);
    if (text === '') return Number.NaN;
    const value = Number(text);
    if (Number.isNaN(value)) throw this.#badCell(column, 'a number');
    return value;
  }

  /** Reads whole records up to `end`; returns where the first incomplete one begins. */
  #records(end: number, last: boolean): number {
    let start = 0;
    for (;;) {
      const next =
        this.#places.length === 0 ? this.#header(start, end, last) : this.#record(start, end, last);
      if (next < 0) return start;
      start = next;
    }
  }

  #header(start: number, end: number, last: boolean): number {
    let stop = this.#bytes.subarray(start, end).indexOf(NEWLINE);
    if (stop < 0) {
      if (!last || start === end) return -1;
      stop = end - start;
    }
    const names = this.#bytes
      .toString('utf8', start, start + stop)
      .replace(/\r$/, '')
      .split(',')
      .map((name) => name.replace(/^"(.*)"$/, '$1'));
    const missing = (this.#options.required ?? []).filter((name) => !names.includes(name));
    if (missing.length > 0)
      throw this.#broken(
        `found the columns ${names.slice(0, 6).join(', ')}${names.length > 6 ? ', …' : ''}, expected also ${missing.join(', ')}`,
      );
    this.#width = names.length;
    this.#places = Int32Array.from(names, (name) => this.#wanted.indexOf(name));
    this.#line++;
    return Math.min(end, start + stop + 1);
  }

  /** Reads the record that begins at `start`; returns where the next one begins, -1: it is not complete. */
  #record(start: number, end: number, last: boolean): number {
    if (start >= end) return -1;
    const bytes = this.#bytes;
    let at = start;
    let cell = 0;
    let lines = 1;
    for (;;) {
      let from = at;
      let to: number;
      let doubled = 0;
      if (bytes[at] === QUOTE && at < end) {
        from = ++at;
        for (;;) {
          if (at >= end) {
            if (last) throw this.#broken('a quote is not closed');
            return -1;
          }
          const byte = bytes[at]!;
          if (byte === NEWLINE) lines++;
          if (byte !== QUOTE) at++;
          else if (at + 1 >= end && !last) return -1;
          else if (at + 1 < end && bytes[at + 1] === QUOTE) {
            doubled = 1;
            at += 2;
          } else break;
        }
        to = at++;
      } else {
        while (at < end && bytes[at] !== COMMA && bytes[at] !== NEWLINE) at++;
        to = at;
        if (to > from && bytes[to - 1] === RETURN) to--;
      }
      const place = this.#places[cell] ?? -1;
      if (place >= 0) {
        this.#from[place] = from;
        this.#to[place] = to;
        this.#doubled[place] = doubled;
      }
      cell++;
      if (at < end && bytes[at] === COMMA) {
        at++;
        continue;
      }
      if (at < end && bytes[at] === RETURN) at++;
      if (at >= end && !last) return -1;
      if (at < end && bytes[at] !== NEWLINE) throw this.#broken('text follows a closing quote');
      break;
    }
    if (cell !== this.#width) throw this.#broken(`found ${cell} cells, expected ${this.#width}`);
    this.#rows++;
    this.#row(this);
    this.#line += lines;
    return Math.min(end, at + 1);
  }

  #badCell(column: number, expected: string): UserError {
    return this.#broken(
      `${this.#wanted[column]}: found ${JSON.stringify(this.text(column))}, expected ${expected}`,
    );
  }

  #broken(message: string): UserError {
    return refusal(this.#path, message, this.#line);
  }
}
