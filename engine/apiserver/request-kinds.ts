// The (verb, resource) pairs that requests are counted and timed under, as small numbers.
import type { CostPreset } from '../contracts/costs.ts';
import type { Durations, Sampler } from '../kernel/index.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { ClusterState } from '../state/index.ts';
import { LiveLookups } from './live-lookups.ts';
import { type ApiRequest, Op } from './request.ts';

export interface RequestKind {
  readonly verb: string;
  /** Resource with its subresource. */
  readonly resource: string;
  /** The recorder's id. */
  readonly metric: number;
  /** The server's own work. */
  readonly handlerUs: Sampler;
}

export class RequestKinds {
  readonly #list: RequestKind[] = [];
  readonly #byText = new Map<string, number>();
  readonly #byOpAndStore = new Map<number, number>();
  readonly #byPodOp: (number | undefined)[] = [];
  #eventCreate: number | null = null;
  #eventPatch: number | null = null;
  readonly #recorder: Recorder;
  readonly #durations: Durations;
  readonly #costs: CostPreset['apiserver'];
  readonly #state: ClusterState;
  readonly #lookups: LiveLookups;

  constructor(recorder: Recorder, durations: Durations, costs: CostPreset, state: ClusterState) {
    this.#recorder = recorder;
    this.#durations = durations;
    this.#costs = costs.apiserver;
    this.#state = state;
    this.#lookups = new LiveLookups(state, recorder, () => this.get(this.id('list', 'limitranges')));
  }

  get(kind: number): RequestKind {
    return this.#list[kind]!;
  }

  /** The server's work on its n-th request from `nowUs` on, with what admission waits for, µs. */
  workUs(r: ApiRequest, n: number, nowUs: number): number {
    return this.get(r.kind).handlerUs(n, 0) + this.#lookups.waitUs(r, nowUs);
  }

  id(verb: string, resource: string): number {
    const text = `${verb} ${resource}`;
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const { handlerUs } = this.#costs;
    const reads = verb === 'list' || verb === 'deletecollection' ? handlerUs['get'] : undefined;
    const duration = handlerUs[text] ?? handlerUs[verb] ?? reads ?? handlerUs['*'] ?? 0;
    const kind: RequestKind = {
      verb,
      resource,
      metric: this.#recorder.requestKind(verb, resource),
      handlerUs: this.#durations.sampler(`apiserver/${text}`, duration),
    };
    const id = this.#list.length;
    this.#list.push(kind);
    this.#byText.set(text, id);
    return id;
  }

  pod(op: Op): number {
    const known = this.#byPodOp[op];
    if (known !== undefined) return known;
    const kind = this.#podKind(op);
    this.#byPodOp[op] = kind;
    return kind;
  }

  /** Writing an Event for the first time, or its count again. */
  event(patch: boolean): number {
    if (patch) return (this.#eventPatch ??= this.id('patch', 'events'));
    return (this.#eventCreate ??= this.id('create', 'events'));
  }

  #podKind(op: Op): number {
    switch (op) {
      case Op.createPod:
        return this.id('create', 'pods');
      case Op.bindPod:
        return this.id('create', 'pods/binding');
      case Op.patchPodStatus:
        return this.id('patch', 'pods/status');
      case Op.evictPod:
        return this.id('create', 'pods/eviction');
      case Op.patchPod:
        return this.id('patch', 'pods');
      case Op.debugPod:
        return this.id('patch', 'pods/ephemeralcontainers');
      case Op.deletePod:
        return this.id('delete', 'pods');
      default:
        return this.id('patch', 'nodes/status');
    }
  }

  object(op: Op, id: number): number {
    const store = this.#state.objects.kindOf(id);
    const key = op * 65_536 + store.index;
    const known = this.#byOpAndStore.get(key);
    if (known !== undefined) return known;
    const { resource } = store;
    const kind =
      op === Op.updateObject
        ? this.id('update', resource)
        : op === Op.updateScale
          ? this.id('update', `${resource}/scale`)
          : op === Op.updateStatus
            ? this.id('update', `${resource}/status`)
            : op === Op.patchObject
              ? this.id('patch', resource)
              : op === Op.read
                ? this.id('get', resource)
                : this.id('delete', resource);
    this.#byOpAndStore.set(key, kind);
    return kind;
  }
}
