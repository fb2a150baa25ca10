// CSV of large tables, in bounded memory: rows become bytes in one buffer, which is handed on when it is full. The
// bytes are those that csv-stringify would write (a property test compares them); it makes strings of every cell
// and of every row and reaches a tenth of this rate (bench/macro/rows.ts), which for a million pods is the
// difference between two seconds and half a minute.
import type { Cell, TableSpec } from '../engine/contracts/tables.ts';
import { cellText } from './csv-cells.ts';

/** Bytes collected before they are handed on. */
const CHUNK_BYTES = 128 * 1024;
/** No number takes more: sign, 17 digits, point, exponent; a time: sign, 10 digits of seconds, point, 6 digits. */
const NUMBER_BYTES_MAX = 32;
const COMMA = 44;
const NEWLINE = 10;
const QUOTE = 34;
const RETURN = 13;
const POINT = 46;
const ZERO = 48;
/** Whole numbers up to here are written by 32-bit arithmetic. */
const INT32_MAX = 2 ** 31 - 1;

const encoder = new TextEncoder();

export class CsvRows {
  private readonly types: Uint8Array;
  private readonly write: (bytes: Uint8Array) => void;
  private bytes = new Uint8Array(CHUNK_BYTES);
  private at = 0;
  /** Per column the last text that needed quotes or more than ASCII, and its bytes: such texts tend to repeat. */
  private readonly lastText: (string | undefined)[];
  private readonly lastBytes: Uint8Array[];

  /** @param write takes the bytes at once; the array is reused after it returns */
  constructor(spec: TableSpec, write: (bytes: Uint8Array) => void) {
    this.write = write;
    this.types = Uint8Array.from(spec.columns, (column) => (column.type === 'time' ? 1 : 0));
    this.lastText = spec.columns.map(() => undefined);
    this.lastBytes = spec.columns.map(() => new Uint8Array(0));
    for (let i = 0; i < spec.columns.length; i++) {
      if (i > 0) this.byte(COMMA);
      this.text(i, spec.columns[i]!.name);
    }
    this.byte(NEWLINE);
  }

  /** One row; missing cells at the end are empty. */
  row(cells: readonly Cell[]): void {
    const { types } = this;
    for (let i = 0; i < types.length; i++) {
      if (i > 0) {
        if (this.at === CHUNK_BYTES) this.flush();
        this.bytes[this.at++] = COMMA;
      }
      const cell = cells[i];
      if (typeof cell === 'string') this.text(i, cell);
      else if (typeof cell === 'number' && !Number.isNaN(cell)) {
        if (this.at + NUMBER_BYTES_MAX > CHUNK_BYTES) this.flush();
        if (types[i] === 1) this.time(cell);
        else this.number(cell);
      }
    }
    this.byte(NEWLINE);
  }

  /** Hands on what is left. Call once at the end. */
  flush(): void {
    if (this.at > 0) this.write(this.bytes.subarray(0, this.at));
    this.at = 0;
  }

  private byte(value: number): void {
    if (this.at === CHUNK_BYTES) this.flush();
    this.bytes[this.at++] = value;
  }

  private text(column: number, text: string): void {
    if (text.length === 0) return;
    if (text !== this.lastText[column]) {
      const { length } = text;
      if (this.at + length <= CHUNK_BYTES && length <= 256 && this.plain(text)) return;
      this.lastText[column] = text;
      this.lastBytes[column] = encoder.encode(quoted(text));
    }
    this.copy(this.lastBytes[column]!);
  }

  /** Writes an ASCII text that needs no quotes, and says so; otherwise leaves the buffer as it was. */
  private plain(text: string): boolean {
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127 || code === COMMA || code === QUOTE || code === NEWLINE || code === RETURN) return false;
      bytes[at++] = code;
    }
    this.at = at;
    return true;
  }

  private copy(source: Uint8Array): void {
    if (source.length > CHUNK_BYTES - this.at) this.flush();
    if (source.length > CHUNK_BYTES) {
      this.write(source);
      return;
    }
    this.bytes.set(source, this.at);
    this.at += source.length;
  }

  private time(us: number): void {
    if (!(us >= 0) || us >= INT32_MAX * 1e6) {
      this.ascii(cellText(us, 'time'));
      return;
    }
    const micros = us % 1_000_000;
    this.digits((us - micros) / 1_000_000);
    const { bytes, at } = this;
    bytes[at] = POINT;
    let rest = micros | 0;
    for (let i = 6; i > 0; i--) {
      const tenth = (rest / 10) | 0;
      bytes[at + i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.at = at + 7;
  }

  private number(value: number): void {
    if ((value | 0) === value && value >= 0) this.digits(value);
    else this.ascii(String(value));
  }

  /** A whole number in 0..2^31-1. */
  private digits(value: number): void {
    const { bytes } = this;
    let length = 1;
    for (let limit = 10; length < 10 && value >= limit; limit *= 10) length++;
    let rest = value | 0;
    for (let i = this.at + length - 1; i >= this.at; i--) {
      const tenth = (rest / 10) | 0;
      bytes[i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.at += length;
  }

  private ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.bytes[this.at++] = text.charCodeAt(i);
  }
}

/** In quotes where the text holds what would end a cell. */
export function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
