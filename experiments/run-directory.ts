// The directory that a run leaves behind. It is written under a temporary name beside its place and renamed when
// whole: whoever sees it sees all of it, also after a kill -9 at any moment. What a killed process left is removed
// by the next run for the same place. Everything in it but timing.json is a function of the scenario and the
// version of the simulator; manifest.json holds what is needed to repeat the run without its input files.
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { RunLabels, RunResult, Sink, SinkSession, TableSession } from '../engine/contracts/result.ts';
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import { TABLES, type TableName, type TableSpec } from '../engine/contracts/tables.ts';
import packageJson from '../package.json' with { type: 'json' };
import { jsonText, summaryCsv } from '../reports/summary.ts';
import { UserError } from './problems.ts';
import { CSV, TABLE_FORMATS, type TableEncoding, type TableFormat } from './table-formats.ts';

/** Kubernetes release whose behaviour is modelled. */
const KUBERNETES_VERSION = '1.36';
/** A scenario longer than this (characters of JSON) stands in a file of its own, gzipped. */
const INLINE_SCENARIO_MAX = 256 * 1024;
const SCENARIO_FILE = 'scenario.json.gz';
/** What the run cost: the one file that differs from repeat to repeat. */
const TIMING_FILE = 'timing.json';

/** Files that are byte-identical at every repeat, in the order in which `verify` compares them. */
export const REPEATABLE_FILES: readonly string[] = [
  'summary.json',
  'summary.csv',
  ...TABLE_FORMATS.flatMap((format) => TABLES.map((table) => `${table.name}.${format}`)),
  'manifest.json',
  SCENARIO_FILE,
];

/** What the run cost on this machine; timing.json. */
export interface RunTiming {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
  readonly eventsPerSecond: number;
}

export interface RunManifest extends RunLabels {
  readonly apiVersion: string;
  readonly kind: string;
  /** Hash of version and resolved scenario: equal ids give equal files. */
  readonly run: string;
  readonly fingerprint: string;
  readonly ingredients: Readonly<Record<string, string>>;
  readonly endReason: string;
  /** Form of the tables; left out where it is CSV. */
  readonly tables?: TableFormat;
  readonly versions: { readonly kubetick: string; readonly kubernetes: string; readonly node: number };
  readonly scenario: ResolvedScenario | { readonly file: string; readonly sha256: string };
}

/** Major version of Node: fingerprints hold within one (its Math.log and the like may change with it). */
const nodeMajor = Number(process.versions.node.split('.')[0]);

export function versions(): RunManifest['versions'] {
  return { kubetick: packageJson.version, kubernetes: KUBERNETES_VERSION, node: nodeMajor };
}

/** The run's id, 16 hex digits. */
export function runId(scenario: ResolvedScenario): string {
  return idOf(JSON.stringify(scenario));
}

function idOf(scenarioText: string): string {
  return hashOf(`${packageJson.version}\n${scenarioText}`);
}

/** `runs/<experiment>/<variant>-<hash>/r01`: the hash leaves the number of the replication out. */
export function defaultRunDirectory(scenario: ResolvedScenario): string {
  const { experiment, replication } = scenario;
  return join('runs', fileName(experiment), variantFolder(scenario), replicationName(replication));
}

/** `<variant>-<hash>` */
export function variantFolder(scenario: ResolvedScenario): string {
  const text = JSON.stringify({ ...scenario, replication: 0 });
  return `${fileName(scenario.variant)}-${hashOf(`${packageJson.version}\n${text}`).slice(0, 8)}`;
}

/** `r01` */
export function replicationName(replication: number): string {
  return `r${String(replication).padStart(2, '0')}`;
}

/** Reads manifest.json and the scenario it stands for; a UserError when the directory is no result. */
export function readRun(directory: string): { manifest: RunManifest; scenario: ResolvedScenario } {
  const refuse = (message: string): never => {
    throw new UserError({
      code: 'E4003',
      file: directory,
      message,
      hint: 'give a directory written by `kubetick run`',
    });
  };
  const manifest = readManifest(directory);
  if (manifest === null) return refuse('not a result directory: it has no readable manifest.json');
  let { scenario } = manifest;
  if ('file' in scenario) {
    const { sha256 } = scenario;
    let text = '';
    try {
      text = gunzipSync(readFileSync(join(directory, SCENARIO_FILE))).toString('utf8');
    } catch (error) {
      refuse(`${SCENARIO_FILE} cannot be read: ${messageOf(error)}`);
    }
    if (sha256Of(text) !== sha256)
      refuse(`${SCENARIO_FILE} was changed: its hash is not the one in manifest.json`);
    scenario = JSON.parse(text) as ResolvedScenario;
  }
  return { manifest, scenario: scenario as ResolvedScenario };
}

export class RunDirectory {
  /** Where the result will be, as the user named it. */
  readonly path: string;
  /** Takes the tables of the run. */
  readonly sink: Sink;
  private readonly scenario: ResolvedScenario;
  private readonly encoding: TableEncoding;
  private readonly temporary: string;
  private readonly old: string;
  private readonly open = new Set<number>();
  /** The topmost folder that was made for this result. */
  private firstNewParent: string | undefined;

  /**
   * Prepares a temporary directory beside `path`. Refuses (UserError) a place that is taken by anything but a result
   * of this same run.
   */
  constructor(scenario: ResolvedScenario, path: string, encoding: TableEncoding = CSV) {
    this.scenario = scenario;
    this.encoding = encoding;
    this.path = path;
    const whole = resolve(path);
    const sibling = (what: string) => join(dirname(whole), `.${basename(whole)}.${what}-${process.pid}`);
    this.temporary = sibling('tmp');
    this.old = sibling('old');
    if (existsSync(dirname(whole))) this.guard(() => cleanUp(whole));
    this.refuseOtherResults();
    this.guard(() => {
      this.firstNewParent = mkdirSync(dirname(whole), { recursive: true });
      mkdirSync(this.temporary);
    });
    this.sink = { open: () => this.session() };
  }

  /** Adds the files that describe the run and moves the whole to its place. */
  finish(result: RunResult, timing: RunTiming): void {
    const { summary } = result;
    this.guard(() => {
      const scenarioText = JSON.stringify(this.scenario);
      const inline = scenarioText.length <= INLINE_SCENARIO_MAX;
      if (!inline) this.file(SCENARIO_FILE, gzipped(scenarioText));
      const manifest: RunManifest = {
        apiVersion: 'kubetick.io/v1',
        kind: 'Run',
        run: idOf(scenarioText),
        experiment: summary.experiment,
        variant: summary.variant,
        replication: summary.replication,
        seed: summary.seed,
        fingerprint: summary.fingerprint,
        ingredients: result.ingredients,
        endReason: result.endReason,
        ...(this.encoding.format === 'csv' ? {} : { tables: this.encoding.format }),
        versions: versions(),
        scenario: inline ? this.scenario : { file: SCENARIO_FILE, sha256: sha256Of(scenarioText) },
      };
      this.file('summary.json', jsonText(summary));
      this.file('summary.csv', summaryCsv(summary));
      this.file(TIMING_FILE, jsonText(timing));
      this.file('manifest.json', jsonText(manifest));
      this.moveToPlace();
    });
  }

  /** Takes a file of this run as another process has written it; then `placeReceived`. */
  receive(name: string, content: Uint8Array): void {
    if (!REPEATABLE_FILES.includes(name) && name !== TIMING_FILE)
      throw new Error(`a result directory has no file ${JSON.stringify(name)}`);
    this.file(name, content);
  }

  /** Moves what was received to its place, if it is a result of this run. */
  placeReceived(): void {
    const manifest = readManifest(this.temporary);
    const wanted = runId(this.scenario);
    if (manifest?.run !== wanted)
      throw new Error(`received the files of run ${manifest?.run ?? 'without manifest'}, expected ${wanted}`);
    this.guard(() => this.moveToPlace());
  }

  private moveToPlace(): void {
    const whole = resolve(this.path);
    if (existsSync(whole)) renameSync(whole, this.old);
    renameSync(this.temporary, whole);
    rmSync(this.old, { recursive: true, force: true });
  }

  /** Removes what was written: the run failed or was given up. */
  abandon(): void {
    for (const descriptor of this.open) closeSync(descriptor);
    this.open.clear();
    rmSync(this.temporary, { recursive: true, force: true });
    if (this.firstNewParent === undefined) return;
    for (
      let parent = dirname(this.temporary);
      parent.startsWith(this.firstNewParent);
      parent = dirname(parent)
    ) {
      try {
        rmdirSync(parent);
      } catch {
        return; // someone else has put a result there meanwhile
      }
    }
  }

  private session(): SinkSession {
    const endings: (() => void)[] = [];
    return {
      table: (spec) => {
        if (!this.writes(spec.name)) return null;
        const { session, end } = this.table(spec);
        endings.push(end);
        return session;
      },
      close: () => {
        for (const end of endings) end();
      },
    };
  }

  private writes(table: TableName): boolean {
    const { tables } = this.scenario.output ?? {};
    return tables === undefined || table === 'loss' || tables.includes(table);
  }

  private table(spec: TableSpec): { session: TableSession; end: () => void } {
    const { encoding, temporary } = this;
    const descriptor = this.guard(() => openSync(join(temporary, `${spec.name}.${encoding.format}`), 'w'));
    this.open.add(descriptor);
    const rows = encoding.rows(spec, (bytes) => {
      this.guard(() => {
        for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      });
    });
    return {
      session: rows,
      end: () => {
        rows.flush();
        closeSync(descriptor);
        this.open.delete(descriptor);
      },
    };
  }

  private file(name: string, content: string | Uint8Array): void {
    this.guard(() => writeFileSync(join(this.temporary, name), content));
  }

  private refuseOtherResults(): void {
    const { path } = this;
    if (!existsSync(path)) return;
    const existing = readManifest(path);
    if (existing?.run === runId(this.scenario)) return;
    throw new UserError({
      code: 'E4001',
      file: path,
      message:
        existing === null
          ? 'exists and is no result directory'
          : `holds the result of another run (${existing.experiment}, variant ${existing.variant}, seed ${existing.seed})`,
      hint: 'give another --out, or remove it',
    });
  }

  /** Failures of the file system are told as such. */
  private guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof UserError || (error as NodeJS.ErrnoException).code === undefined) throw error;
      throw new UserError({
        code: 'E4002',
        file: this.path,
        message: `the result cannot be written: ${messageOf(error)}`,
        hint: 'check the path, permissions and free space',
      });
    }
  }
}

/** Removes what dead processes left beside the place; brings back a result that was being replaced. */
function cleanUp(whole: string): void {
  const parent = dirname(whole);
  const prefix = `.${basename(whole)}.`;
  for (const name of readdirSync(parent).sort()) {
    if (!name.startsWith(prefix)) continue;
    const match = /^(tmp|old)-(\d+)$/.exec(name.slice(prefix.length));
    if (match === null || isAlive(Number(match[2]))) continue;
    if (match[1] === 'old' && !existsSync(whole)) renameSync(join(parent, name), whole);
    else rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  // Our own number on a leftover is that of a dead namesake: this process has not written here yet.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Null where the directory holds no result. */
export function readManifest(directory: string): RunManifest | null {
  try {
    const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as RunManifest;
    return manifest.kind === 'Run' && typeof manifest.scenario === 'object' ? manifest : null;
  } catch {
    return null;
  }
}

/** Gzip without time and operating system in its header (RFC 1952 §2.3), so that equal texts give equal files. */
function gzipped(text: string): Uint8Array {
  const bytes = gzipSync(text, { level: 6 });
  bytes.fill(0, 4, 8);
  bytes[9] = 255;
  return bytes;
}

/** A name as one part of a path. */
function fileName(name: string): string {
  const safe = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '');
  return safe === '' ? 'run' : safe.slice(0, 100);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hashOf(text: string): string {
  return sha256Of(text).slice(0, 16);
}

function messageOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  // Node appends the path of the temporary file, which says nothing to the user.
  return code === undefined ? message : message.replace(/,[^,]*$/, '');
}
