// Rows a second of pods.csv: our row writer against csv-stringify (whole batches at once, and as a stream), on the
// same rows, and that the bytes agree; and of pods.parquet; our reader against csv-parse, and that they read the same.
// The rows have the shape that a large run writes.
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'csv-stringify';
import { type Cell, PODS_TABLE } from '../../engine/contracts/tables.ts';
import { microseconds, tableRows } from '../../experiments/run-tables.ts';
import { scanTable } from '../../experiments/table-scan.ts';
import { tableCsv } from '../../reports/csv.ts';
import { cellText } from '../../reports/csv-cells.ts';
import { CsvRows } from '../../reports/csv-rows.ts';
import { ParquetRows } from '../../reports/parquet-rows.ts';
import type { BenchArgs } from '../main.ts';

const SIZES = { small: 200_000, full: 2_000_000 } as const;
/** csv-stringify is given fewer rows: its rate does not depend on their number. */
const PART = 10;
const BATCH = 1000;

interface Measured {
  readonly writer: string;
  readonly rows: number;
  readonly cpuSeconds: number;
  readonly rowsPerSecond: number;
  readonly sha256: string;
}

export async function run({ size, json }: BenchArgs): Promise<void> {
  const rows = SIZES[size];
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-bench-'));
  try {
    const file = join(folder, 'pods.csv');
    fastRows(rows / PART, file); // warms up
    const ours = fastRows(rows, file);
    const bytes = statSync(file).size;
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    const columns = parquetRows(rows / 2, join(folder, 'pods.parquet'));
    const columnBytes = statSync(join(folder, 'pods.parquet')).size;
    const columnPeakBytes = process.resourceUsage().maxRSS * 1024;
    const part = fastRows(rows / PART, file);
    const sync = batches(rows / PART, file);
    const stream = await streamed(rows / PART, file);
    const read = scanned(rows / PART, folder);
    const parsed = await parsedRows(rows / PART, folder);
    const same =
      part.sha256 === sync.sha256 && part.sha256 === stream.sha256 && read.sha256 === parsed.sha256;
    const floor = ours.rowsPerSecond >= 250_000;
    if (json) {
      console.log(
        JSON.stringify({
          bench: 'rows',
          size,
          bytes,
          peakMemoryBytes,
          columnBytes,
          columnPeakBytes,
          same,
          measured: [ours, columns, sync, stream, read, parsed],
        }),
      );
    } else {
      for (const { writer, rows: count, rowsPerSecond, cpuSeconds } of [ours, columns, sync, stream])
        console.log(
          `${writer.padEnd(22)} ${String(count).padStart(8)} rows  ${cpuSeconds.toFixed(2).padStart(6)} s CPU  ${String(Math.round(rowsPerSecond)).padStart(8)} rows/s  ×${(rowsPerSecond / sync.rowsPerSecond).toFixed(1)}`,
        );
      for (const { writer, rows: count, rowsPerSecond, cpuSeconds } of [read, parsed])
        console.log(
          `${writer.padEnd(22)} ${String(count).padStart(8)} rows  ${cpuSeconds.toFixed(2).padStart(6)} s CPU  ${String(Math.round(rowsPerSecond)).padStart(8)} rows/s  ×${(rowsPerSecond / parsed.rowsPerSecond).toFixed(1)}`,
        );
      console.log(
        `bytes ${same ? 'equal' : 'DIFFER'}; ${bytes} bytes; peak memory ${mib(peakMemoryBytes)}; Parquet ${columnBytes} bytes of half the rows, ${mib(columnPeakBytes)}`,
      );
      console.log(`250,000 rows/s wanted: ${floor ? 'reached' : 'NOT reached'}`);
    }
    if (!same) throw new Error('the writers or the readers disagree');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Row i, into `cells`: a pod of a large run, running at the end. */
function fill(cells: Cell[], i: number): void {
  cells[0] = 'rows';
  cells[1] = 'default';
  cells[2] = 1;
  cells[3] = `team-${i % 40}`;
  cells[4] = `web-7d4b9c8f6d-${((i * 7919) % 1_000_003).toString(36)}`;
  cells[5] = 'ReplicaSet';
  cells[6] = 'web-7d4b9c8f6d';
  cells[7] = `node-${i % 5000}`;
  cells[8] = 'Running';
  cells[9] = 0;
  cells[10] = 100;
  cells[11] = 134_217_728;
  for (let stage = 0; stage < 8; stage++) cells[12 + stage] = i * 1345 + stage * 123_457;
  cells[20] = null;
  cells[21] = null;
  cells[22] = null;
  cells[23] = 1;
  cells[24] = 0;
  cells[25] = i % 100 === 0 ? 'Unschedulable: 0/5000 nodes are available, "why"' : '';
}

function measure(
  writer: string,
  rows: number,
  file: string,
  work: (write: (bytes: Uint8Array) => void) => void,
): Measured {
  const descriptor = openSync(file, 'w');
  const hash = createHash('sha256');
  const startCpu = process.cpuUsage();
  work((bytes) => {
    writeSync(descriptor, bytes);
    hash.update(bytes);
  });
  const cpu = process.cpuUsage(startCpu);
  closeSync(descriptor);
  return rated(writer, rows, cpu, hash.digest('hex'));
}

function rated(writer: string, rows: number, cpu: NodeJS.CpuUsage, sha256: string): Measured {
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  return { writer, rows, cpuSeconds, rowsPerSecond: rows / cpuSeconds, sha256 };
}

function fastRows(rows: number, file: string): Measured {
  return measure('csv-rows (ours)', rows, file, (write) => {
    const writer = new CsvRows(PODS_TABLE, write);
    const cells: Cell[] = PODS_TABLE.columns.map(() => null);
    for (let i = 0; i < rows; i++) {
      fill(cells, i);
      writer.row(cells);
    }
    writer.flush();
  });
}

function parquetRows(rows: number, file: string): Measured {
  return measure('parquet-rows', rows, file, (write) => {
    const writer = new ParquetRows(PODS_TABLE, write);
    const cells: Cell[] = PODS_TABLE.columns.map(() => null);
    for (let i = 0; i < rows; i++) {
      fill(cells, i);
      writer.row(cells);
    }
    writer.flush();
  });
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function batches(rows: number, file: string): Measured {
  return measure('csv-stringify, batches', rows, file, (write) => {
    for (let start = 0; start < rows; start += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, rows - start) }, (_, i) => rowOf(start + i));
      const text = tableCsv(PODS_TABLE, batch);
      write(Buffer.from(start === 0 ? text : text.slice(text.indexOf('\n') + 1)));
    }
  });
}

async function streamed(rows: number, file: string): Promise<Measured> {
  const descriptor = openSync(file, 'w');
  const hash = createHash('sha256');
  const startCpu = process.cpuUsage();
  const stream = stringify({ header: true, columns: PODS_TABLE.columns.map((column) => column.name) });
  const done = (async () => {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk as string);
      writeSync(descriptor, bytes);
      hash.update(bytes);
    }
  })();
  for (let i = 0; i < rows; i++) {
    const texts = rowOf(i).map((cell, column) => cellText(cell, PODS_TABLE.columns[column]!.type));
    if (!stream.write(texts)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
  await done;
  const cpu = process.cpuUsage(startCpu);
  closeSync(descriptor);
  return rated('csv-stringify, stream', rows, cpu, hash.digest('hex'));
}

function rowOf(i: number): Cell[] {
  const cells: Cell[] = PODS_TABLE.columns.map(() => null);
  fill(cells, i);
  return cells;
}

const READ = ['created_s', 'ready_s', 'cpu_milli', 'node', 'reason'] as const;

/** A line of what was read of a row. */
const lineOf = (created: number, ready: number, cpu: number, node: string, reason: string): string =>
  `${created} ${ready} ${cpu} ${node} ${reason}\n`;

/** The last file that was written, read back. */
function scanned(rows: number, folder: string): Measured {
  const hash = createHash('sha256');
  const startCpu = process.cpuUsage();
  scanTable(folder, 'pods', READ, (row) => {
    hash.update(lineOf(row.micros(0), row.micros(1), row.number(2), row.text(3), row.text(4)));
  });
  return rated('table-scan (ours)', rows, process.cpuUsage(startCpu), hash.digest('hex'));
}

async function parsedRows(rows: number, folder: string): Promise<Measured> {
  const hash = createHash('sha256');
  const startCpu = process.cpuUsage();
  for await (const row of tableRows(folder, 'pods')) {
    const us = (column: string): number => microseconds(row(column)) ?? Number.NaN;
    hash.update(lineOf(us('created_s'), us('ready_s'), Number(row('cpu_milli')), row('node'), row('reason')));
  }
  return rated('csv-parse', rows, process.cpuUsage(startCpu), hash.digest('hex'));
}
