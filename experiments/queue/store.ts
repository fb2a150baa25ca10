// What sweeps and workers keep in Redis beside BullMQ's queue: scenarios by their hash, once for all replications; the
// files of finished runs, gzipped; and who is there. Everything expires, so that a server is left clean by processes
// that were killed.
import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Redis } from 'ioredis';
import type { ResolvedScenario } from '../../engine/contracts/scenario.ts';
import type { TableFormat } from '../table-formats.ts';
import type { CodeVersion } from './code-version.ts';

export const PREFIX = 'kubetick';
/** Results that no sweep has fetched are kept so long: the same sweep, begun again, takes them. Seconds. */
export const KEEP_RESULTS_S = 24 * 60 * 60;
/** Scenarios are kept so long after the last sign of life of their sweep, s. */
const KEEP_SCENARIO_S = 60 * 60;
/** Who has not said that it is there for so long is taken for gone, s. */
const PRESENCE_S = 30;
export const PRESENCE_BEAT_MS = 10_000;

/** A run as it stands in the queue. */
export interface QueuedRun {
  readonly experiment: string;
  readonly variant: string;
  readonly replication: number;
  /** Hash of the scenario with replication 0. */
  readonly scenario: string;
  /** A pilot: leaves no files, only the end of its warm-up. */
  readonly pilot: boolean;
  /** Form of the tables. */
  readonly format: TableFormat;
}

export interface Presence {
  readonly code: string;
  /** Version for people. */
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Of a sweep: its experiment. */
  readonly experiment?: string;
}

const deflate = promisify(gzip);
const inflate = promisify(gunzip);

export class Store {
  private readonly redis: Redis;
  /** Hashes of the scenarios that were put there. */
  private readonly put = new Map<string, Promise<void>>();

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /** Puts a scenario there, unless it is there. Returns its hash. */
  async putScenario(text: string): Promise<string> {
    const hash = sha256Of(text);
    const there = this.put.get(hash) ?? this.sendScenario(hash, text);
    this.put.set(hash, there);
    await there;
    return hash;
  }

  private async sendScenario(hash: string, text: string): Promise<void> {
    const key = scenarioKey(hash);
    if ((await this.redis.expire(key, KEEP_SCENARIO_S)) === 0)
      await this.redis.set(key, await deflate(text), 'EX', KEEP_SCENARIO_S);
  }

  /** Keeps those that were put there. */
  async keepScenarios(): Promise<void> {
    await Promise.all(
      [...this.put.keys()].map((hash) => this.redis.expire(scenarioKey(hash), KEEP_SCENARIO_S)),
    );
  }

  /** Null where it has expired. */
  async scenario(hash: string): Promise<ResolvedScenario | null> {
    const bytes = await this.redis.getBuffer(scenarioKey(hash));
    if (bytes === null) return null;
    const text = (await inflate(bytes)).toString('utf8');
    if (sha256Of(text) !== hash) return null;
    return JSON.parse(text) as ResolvedScenario;
  }

  /** Adds a file of a run; `removeFiles` first. */
  async putFile(run: string, name: string, content: Uint8Array): Promise<void> {
    await this.redis.hset(filesKey(run), name, await deflate(content, { level: 1 }));
    await this.redis.expire(filesKey(run), KEEP_RESULTS_S);
  }

  async removeFiles(run: string): Promise<void> {
    await this.redis.del(filesKey(run));
  }

  async fileNames(run: string): Promise<string[]> {
    return this.redis.hkeys(filesKey(run));
  }

  /** Null where it is gone. */
  async file(run: string, name: string): Promise<Uint8Array | null> {
    const bytes = await this.redis.hgetBuffer(filesKey(run), name);
    return bytes === null ? null : inflate(bytes);
  }

  /** Says that a process is there, and again every ten seconds; call what it returns to say that it leaves. */
  async announce(
    role: 'sweep' | 'worker',
    { id, text }: CodeVersion,
    experiment?: string,
  ): Promise<() => Promise<void>> {
    const name = randomUUID();
    const key = `${PREFIX}:${role}:${name}`;
    const about: Presence = {
      code: id,
      version: text,
      host: hostname(),
      pid: process.pid,
      ...(experiment === undefined ? {} : { experiment }),
    };
    const say = async (): Promise<void> => {
      await this.redis.set(key, JSON.stringify(about), 'EX', PRESENCE_S);
      await this.redis.sadd(`${PREFIX}:${role}s`, name);
    };
    await say();
    // A server that is away for a moment is told by the connection itself.
    const timer = setInterval(() => void say().catch(() => {}), PRESENCE_BEAT_MS);
    return async () => {
      clearInterval(timer);
      if (this.redis.status !== 'ready') return;
      await this.redis.del(key);
      await this.redis.srem(`${PREFIX}:${role}s`, name);
    };
  }

  /** Who is there. */
  async present(role: 'sweep' | 'worker'): Promise<Presence[]> {
    const all = `${PREFIX}:${role}s`;
    const names = (await this.redis.smembers(all)).sort();
    if (names.length === 0) return [];
    const texts = await this.redis.mget(names.map((name) => `${PREFIX}:${role}:${name}`));
    const gone = names.filter((_, i) => texts[i] === null);
    if (gone.length > 0) await this.redis.srem(all, ...gone);
    return texts.flatMap((text) => (typeof text === 'string' ? [JSON.parse(text) as Presence] : []));
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function scenarioKey(hash: string): string {
  return `${PREFIX}:scenario:${hash}`;
}

function filesKey(run: string): string {
  return `${PREFIX}:files:${run}`;
}

/** `kubetick 0.1.0 (build …) on Node 20 (host HOST, process 12)`, a line for each version. */
export function versionsOf(present: readonly Presence[]): string {
  const byVersion = new Map(present.map((one) => [one.version, one]));
  return [...byVersion.values()]
    .map(({ version, host, pid }) => `${version} (host ${host}, process ${pid})`)
    .join('\n');
}
