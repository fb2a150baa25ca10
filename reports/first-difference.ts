// Where two result files first differ: file, line, column and both values. Reads both in chunks and holds one line
// of each, whatever the size of the files.
import { closeSync, openSync, readSync } from 'node:fs';
import { parse } from 'csv-parse/sync';

export interface Difference {
  /** From 1. */
  readonly line: number;
  /** Column of a CSV, path of a value in a JSON file; empty where neither can be told. */
  readonly column: string;
  /** Of the first and the second file; null where it ends before. */
  readonly was: string | null;
  readonly is: string | null;
}

const CHUNK_BYTES = 256 * 1024;
/** Longest piece of a line that is looked at. */
const LINE_BYTES_MAX = 1024 * 1024;
const NEWLINE = 10;

/** Null when the files are equal byte by byte. */
export function firstDifference(wasPath: string, isPath: string): Difference | null {
  const was = openSync(wasPath, 'r');
  const is = openSync(isPath, 'r');
  try {
    const place = firstDifferentLine(was, is);
    if (place === null) return null;
    const wasLine = lineAt(was, place.start);
    const isLine = lineAt(is, place.start);
    const line = place.line;
    if (wasLine === null || isLine === null) return { line, column: '', was: wasLine, is: isLine };
    if (wasPath.endsWith('.csv')) return inRow(line, lineAt(was, 0) ?? '', wasLine, isLine);
    if (wasPath.endsWith('.json')) return inJson(line, wasLine, isLine, textUpTo(was, place.start));
    return { line, column: '', was: 'other bytes', is: 'other bytes' };
  } finally {
    closeSync(was);
    closeSync(is);
  }
}

/** Number of the first line that differs, and the offset at which it starts in both files. */
function firstDifferentLine(was: number, is: number): { line: number; start: number } | null {
  const a = new Uint8Array(CHUNK_BYTES);
  const b = new Uint8Array(CHUNK_BYTES);
  let line = 1;
  let start = 0;
  for (let offset = 0; ; offset += CHUNK_BYTES) {
    const lengthA = readFully(was, a, offset);
    const lengthB = readFully(is, b, offset);
    const equal = lengthA === lengthB && Buffer.compare(a.subarray(0, lengthA), b.subarray(0, lengthB)) === 0;
    if (equal && lengthA < CHUNK_BYTES) return null;
    const common = Math.min(lengthA, lengthB);
    for (let i = 0; i < common; i++) {
      if (a[i] !== b[i]) return { line, start };
      if (a[i] === NEWLINE) {
        line++;
        start = offset + i + 1;
      }
    }
    if (lengthA !== lengthB) return { line, start };
  }
}

function readFully(file: number, into: Uint8Array, offset: number): number {
  let length = 0;
  while (length < into.length) {
    const got = readSync(file, into, length, into.length - length, offset + length);
    if (got === 0) break;
    length += got;
  }
  return length;
}

/** The line that starts at the offset, without its newline; null at the end of the file. */
function lineAt(file: number, offset: number): string | null {
  const bytes = new Uint8Array(LINE_BYTES_MAX);
  const length = readFully(file, bytes, offset);
  if (length === 0) return null;
  const end = bytes.subarray(0, length).indexOf(NEWLINE);
  return Buffer.from(bytes.subarray(0, end < 0 ? length : end)).toString('utf8');
}

function textUpTo(file: number, offset: number): string {
  const bytes = new Uint8Array(Math.min(offset, 16 * LINE_BYTES_MAX));
  return Buffer.from(bytes.subarray(0, readFully(file, bytes, 0))).toString('utf8');
}

function inRow(line: number, header: string, wasLine: string, isLine: string): Difference {
  const [names, was, is] = [header, wasLine, isLine].map(cellsOf);
  if (names === undefined || was === undefined || is === undefined || was.length !== is.length)
    return { line, column: '', was: wasLine, is: isLine };
  const at = was.findIndex((cell, i) => cell !== is[i]);
  if (at < 0) return { line, column: '', was: wasLine, is: isLine };
  return { line, column: names[at] ?? `column ${at + 1}`, was: was[at]!, is: is[at]! };
}

/** Cells of one line; of a line that is part of a quoted cell with newlines, its pieces. */
function cellsOf(line: string): string[] {
  try {
    return (parse(line, { relax_column_count: true }) as string[][])[0] ?? [];
  } catch {
    return line.split(',');
  }
}

/** Our JSON has one value a line, indented by two spaces: the path is the keys that are still open. */
function inJson(line: number, wasLine: string, isLine: string, before: string): Difference {
  const open: string[] = [];
  for (const text of [...before.split('\n'), wasLine]) {
    const match = /^(\s*)(?:"((?:[^"\\]|\\.)*)": )?/.exec(text);
    const depth = match![1]!.length / 2;
    if (depth < 1) continue;
    open.length = Math.min(open.length, depth - 1);
    while (open.length < depth - 1) open.push('');
    open.push(match![2] ?? '');
  }
  const value = (text: string) => text.replace(/^\s*("(?:[^"\\]|\\.)*": )?/, '').replace(/,$/, '');
  return { line, column: open.filter((key) => key !== '').join('.'), was: value(wasLine), is: value(isLine) };
}
