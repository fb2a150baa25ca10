// The connection to Redis: its URL checked, a server that is not there told at once, one that goes away waited for.
// Everything that is wrong with it is a UserError: the input is at fault, not the program.
import type { Redis } from 'ioredis';
import { UserError } from '../problems.ts';

type Library = typeof import('./redis-library.ts');

/** How to have a Redis server, for hints. */
export const START_REDIS = 'redis-server --save "" --appendonly no';

/** For the first answer of a server, ms. */
const CONNECT_MS = 10_000;
/** A server that was there and is gone is tried again for about this long, ms. */
const RETRY_MS = 60_000;
const RETRY_STEP_MS = 1000;

export interface Connection {
  readonly redis: Redis;
  readonly bull: Library;
  /** The URL without its password. */
  readonly shown: string;
  /** Never resolves; rejects with a UserError when the server is gone for good. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

/** `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. Throws a UserError for anything else. */
export function checkRedisUrl(text: string, option: string): URL {
  const refuse = (message: string): never => {
    throw new UserError({
      code: 'E1003',
      path: option,
      message,
      hint: 'for example redis://127.0.0.1:6379 or rediss://:password@host:6380/1',
    });
  };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse(`found ${JSON.stringify(text)}, expected a URL redis://HOST[:PORT][/DATABASE]`);
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    return refuse(`found a URL that begins with ${JSON.stringify(url.protocol)}, expected redis: or rediss:`);
  if (url.hostname === '') return refuse(`found ${JSON.stringify(shownUrl(url))}, which names no host`);
  if (!/^(?:\/\d*)?$/.test(url.pathname))
    return refuse(`found the database ${JSON.stringify(url.pathname.slice(1))}, expected a number`);
  return url;
}

function shownUrl(url: URL): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  return shown.href;
}

/** Connects, or throws a UserError that says why not. */
export async function connect(text: string, option: string): Promise<Connection> {
  const url = checkRedisUrl(text, option);
  const bull = await import('./redis-library.ts');
  const shown = shownUrl(url);
  let isConnected = false;
  const redis = new bull.Redis(url.href, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    // BullMQ's blocking commands wait as long as they like.
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => (isConnected && attempt * RETRY_STEP_MS <= RETRY_MS ? RETRY_STEP_MS : null),
  });
  let lastError: Error | null = null;
  redis.on('error', (error: Error) => {
    lastError = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw unreachable(lastError ?? (error as Error), shown, option);
  }
  isConnected = true;
  let isClosed = false;
  const lost = new Promise<never>((_, reject) => {
    redis.once('end', () => {
      if (!isClosed) reject(gone(lastError, shown, option));
    });
  });
  // Whoever waits for nothing else hears of it by its own commands.
  lost.catch(() => {});
  return {
    redis,
    bull,
    shown,
    lost,
    async close() {
      isClosed = true;
      if (redis.status === 'ready') await redis.quit().catch(() => {});
      redis.disconnect();
    },
  };
}

function unreachable(error: Error, shown: string, option: string): UserError {
  const { code } = error as NodeJS.ErrnoException;
  if (/^(?:NOAUTH|WRONGPASS|NOPERM|ERR .*(?:AUTH|DB index|invalid password))/i.test(error.message))
    return new UserError({
      code: 'E5001',
      path: option,
      message: `the Redis server at ${shown} refuses: ${error.message}`,
      hint: 'write user, password and database in the URL: redis://user:password@host:6379/0',
    });
  return new UserError({
    code: 'E5001',
    path: option,
    message: `no Redis server answers at ${shown} (${code ?? error.message})`,
    hint: `start one: ${START_REDIS}`,
  });
}

function gone(error: Error | null, shown: string, option: string): UserError {
  const { code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const why = code ?? message;
  return new UserError({
    code: 'E5002',
    path: option,
    message: `the Redis server at ${shown} went away${why === undefined ? '' : ` (${why})`} and did not come back for ${RETRY_MS / 1000} s`,
    hint: 'start it again; the same command goes on with the runs that are left',
  });
}
