// One run as a process of its own: the command as a user calls it, with all its outputs, and what it took.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeProcess } from '../process-cpu.ts';

export interface Figures {
  readonly name: string;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
  readonly eventsPerSecond: number;
  readonly events: number;
  readonly running: number;
  readonly deleted: number;
  readonly unscheduled: number;
  readonly virtualSeconds: number;
  readonly fingerprint: string;
}

/** Runs an Experiment; `objects`: what its manifest `objects.json` holds. */
export function measure(name: string, experiment: object, objects: readonly object[] = []): Figures {
  const command = join(dirname(fileURLToPath(import.meta.url)), 'kubetick.js');
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-scale-'));
  try {
    const file = join(folder, 'scale.json');
    const out = join(folder, 'out');
    writeFileSync(file, JSON.stringify(experiment));
    if (objects.length > 0) {
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      writeFileSync(join(folder, 'objects.json'), JSON.stringify(list));
    }
    const done = nodeProcess([command, 'run', file, '--out', out, '--quiet']);
    if (done.status !== 0) throw new Error(`${name}: exit ${done.status}\n${done.stderr}`);
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    const timing = JSON.parse(readFileSync(join(out, 'timing.json'), 'utf8'));
    return {
      name,
      cpuSeconds: done.cpuSeconds,
      peakMiB: Math.round(timing.peakMemoryBytes / 2 ** 20),
      eventsPerSecond: timing.eventsPerSecond,
      events: summary.events,
      running: summary.pods.running,
      deleted: summary.pods.deleted,
      unscheduled: summary.pods.created - summary.pods.scheduled,
      virtualSeconds: summary.virtualSeconds,
      fingerprint: summary.fingerprint,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function print(row: Figures): void {
  const cells = [
    row.name.padEnd(36),
    `${row.cpuSeconds.toFixed(2)} s`.padStart(9),
    `${row.peakMiB} MiB`.padStart(9),
    String(row.eventsPerSecond).padStart(10),
    String(row.events).padStart(10),
    String(row.running).padStart(9),
    String(row.unscheduled).padStart(8),
    `${Math.round(row.virtualSeconds)} s`.padStart(9),
  ];
  console.log(`${cells.join(' ')}  ${row.fingerprint}`);
}

export function printHead(): void {
  console.log(
    `${'whole process'.padEnd(36)} ${'CPU'.padStart(9)} ${'peak'.padStart(9)} ${'events/s'.padStart(10)} ${'events'.padStart(10)} ${'running'.padStart(9)} ${'no node'.padStart(8)} ${'virtual'.padStart(9)}  fingerprint`,
  );
}
