// What admission looks up live: LimitRanger lists the LimitRanges of a namespace that holds none, before it lets a pod
// or a claim in, and remembers for 30 s that there were none (plugin/pkg/admission/limitranger/admission.go,
// GetLimitRanges, v1.36). Requests that come while the list is on its way wait for the same one (singleflight).
import type { PodCreation } from '../contracts/api.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { ClusterState } from '../state/index.ts';
import { type ApiRequest, Op } from './request.ts';
import type { RequestKind } from './request-kinds.ts';

/** liveTTL. */
const REMEMBERED_US = 30_000_000;

interface Lookup {
  readonly answeredUs: number;
  readonly forgottenUs: number;
}

export class LiveLookups {
  readonly #state: ClusterState;
  readonly #recorder: Recorder;
  /** LIST limitranges; asked for when the first is sent. */
  readonly #kind: () => RequestKind;
  readonly #byNamespace = new Map<number, Lookup>();
  /** Whether namespaces hold LimitRanges, as of that place in their log. */
  readonly #ranged = new Map<number, boolean>();
  #rangesAt = -1;
  #sent = 0;

  constructor(state: ClusterState, recorder: Recorder, kind: () => RequestKind) {
    this.#state = state;
    this.#recorder = recorder;
    this.#kind = kind;
  }

  /** How long a request that is worked on from `nowUs` on waits for a list, µs; mostly 0. */
  waitUs(r: ApiRequest, nowUs: number): number {
    const namespace = this.#namespaceOf(r);
    if (namespace < 0) return 0;
    const known = this.#byNamespace.get(namespace);
    if (known !== undefined && nowUs < known.forgottenUs) return Math.max(0, known.answeredUs - nowUs);
    if (!this.#exists(namespace) || this.#hasRanges(namespace)) return 0;
    const { metric, handlerUs } = this.#kind();
    const workUs = handlerUs(this.#sent++, 0);
    this.#recorder.request(metric, 200, workUs);
    const answeredUs = nowUs + workUs;
    this.#byNamespace.set(namespace, { answeredUs, forgottenUs: answeredUs + REMEMBERED_US });
    return workUs;
  }

  /** Interned namespace of a pod or claim to be created; -1 for other requests. */
  #namespaceOf(r: ApiRequest): number {
    if (r.op === Op.createPod) return (r.body as PodCreation).namespace;
    if (r.op !== Op.createObject) return -1;
    const { kind, apiVersion, metadata } = r.body as KubeObject;
    const isLimited = apiVersion === 'v1' && (kind === 'Pod' || kind === 'PersistentVolumeClaim');
    return isLimited ? this.#state.texts.id(metadata.namespace ?? 'default') : -1;
  }

  /** NamespaceLifecycle refuses what belongs nowhere before LimitRanger is asked. */
  #exists(namespace: number): boolean {
    const { objects, texts } = this.#state;
    return objects.find('Namespace', '', texts.text(namespace)) >= 0;
  }

  /** Searched for once a namespace, until some LimitRange changes. */
  #hasRanges(namespace: number): boolean {
    const { objects, texts } = this.#state;
    const store = objects.findKind('LimitRange');
    if (store === undefined || store.ids.size === 0) return false;
    if (this.#rangesAt !== store.log.head) {
      this.#rangesAt = store.log.head;
      this.#ranged.clear();
    }
    let has = this.#ranged.get(namespace);
    if (has === undefined) {
      const prefix = `${texts.text(namespace)}/`;
      has = [...store.ids.keys()].some((key) => key.startsWith(prefix));
      this.#ranged.set(namespace, has);
    }
    return has;
  }
}
