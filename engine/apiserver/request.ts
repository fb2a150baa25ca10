// One request on its way: the record that client, server and etcd hand on. Records are pooled; a record is the reply,
// too, and valid only until its reply handler returns.
import type { ApiReply, ReplyHandler } from '../contracts/api.ts';
import type { FieldError } from '../kinds/field-errors.ts';
import type { KubeObject } from '../kinds/kind.ts';

export const Op = {
  createObject: 0,
  updateObject: 1,
  updateStatus: 2,
  patchObject: 3,
  deleteObject: 4,
  createPod: 5,
  bindPod: 6,
  patchPodStatus: 7,
  deletePod: 8,
  patchNodeImages: 9,
  writeEvent: 10,
  patchPod: 11,
  deletePods: 12,
  debugPod: 13,
  evictPod: 20,
  updateScale: 21,
  writeNode: 30,
  patchNode: 31,
  deleteNode: 32,
  renewLease: 33,
  read: 34,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** What a read asks for (`a` of Op.read); nothing: what the asker then reads from the tables. */
export const ReadOf = { node: 0, pod: 1, nothing: 2, object: 3 } as const;

/** What who watches actors is told of a request; null: nothing. */
export function actOf(op: Op): 'deletePod' | 'change' | null {
  if (op === Op.deletePod) return 'deletePod';
  return op === Op.updateObject || op === Op.patchObject || op === Op.updateScale ? 'change' : null;
}

const NO_CAUSES: readonly FieldError[] = Object.freeze([]);

export class ApiRequest implements ApiReply {
  readonly slot: number;
  /** Index of the client that sent it. */
  client = 0;
  op: Op = Op.createObject;
  /** Row in the table of (verb, resource) pairs. */
  kind = 0;
  /** Pod, node or object id that it is about. */
  subject = -1;
  generation = 0;
  /** Operation's own numbers. */
  a = 0;
  b = 0;
  /** Operation's own payload. */
  body: unknown = null;
  reply: ReplyHandler | null = null;
  target = 0;
  arg = 0;
  receivedUs = 0;
  /** Half done: it goes to etcd once more before it is answered. */
  unfinished = false;
  /** Part of the server's own work that lies between its two writes, µs. */
  betweenUs = 0;
  /** Admitted, and charged to the quotas of its namespace: only the write is left. */
  admitted = false;
  /** Times it was sent again after 429. */
  retries = 0;

  code = 0;
  reason = '';
  message = '';
  causes: readonly FieldError[] = NO_CAUSES;
  id = -1;
  object: KubeObject | null = null;
  /** etcd revision of a node. */
  revision = 0;

  constructor(slot: number) {
    this.slot = slot;
  }

  fail(code: number, reason: string, message: string, causes: readonly FieldError[] = NO_CAUSES): void {
    this.code = code;
    this.reason = reason;
    this.message = message;
    this.causes = causes;
  }

  /** Forgets what the last use left, so that the pool keeps no object alive. */
  clear(): void {
    this.subject = -1;
    this.generation = 0;
    this.a = 0;
    this.b = 0;
    this.body = null;
    this.reply = null;
    this.retries = 0;
    this.unfinished = false;
    this.betweenUs = 0;
    this.admitted = false;
    this.code = 0;
    this.reason = '';
    this.message = '';
    this.causes = NO_CAUSES;
    this.id = -1;
    this.object = null;
    this.revision = 0;
  }
}

export class RequestPool {
  readonly #all: ApiRequest[] = [];
  readonly #free: ApiRequest[] = [];

  /** Requests on their way. */
  get inUse(): number {
    return this.#all.length - this.#free.length;
  }

  take(): ApiRequest {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const made = new ApiRequest(this.#all.length);
    this.#all.push(made);
    return made;
  }

  get(slot: number): ApiRequest {
    return this.#all[slot]!;
  }

  give(request: ApiRequest): void {
    request.clear();
    this.#free.push(request);
  }
}
