// The kube-proxies: when each node's rules follow a Service or its endpoints. All proxies watch the same objects with
// the same periods, so one state machine computes for all (a cohort): a change marks its service dirty; a sync starts
// at once if the last one ended a minimum period ago, else when that has passed; changes meanwhile coalesce
// (pkg/proxy/runner/bounded_frequency_runner.go, v1.36).
//
// Members differ by when the server sent them the change: the server writes to its watchers one after another.
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind, Sampler } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type Labels, type RevisionLog, timestampUs, Verb } from '../state/index.ts';
import type { ProgrammedRules } from './endpoints.ts';

/** The server's work for one more watcher of an event: serialised once, written to each (watch cache dispatch). */
const SEND_PER_MEMBER_US = 5;
/** With more nodes than this the trace names the first few and counts the others. */
const TRACED_NODES_MAX = 5;

interface ServiceName {
  readonly namespace: string;
  readonly name: string;
  /** Both, as maps have it. */
  readonly key: string;
}

interface DirtyService extends ServiceName {
  /** Commit times of the changes that wait for the rules, µs. */
  readonly changesUs: number[];
  /** For the trace: the rules as they stood when the sync that writes them began. */
  rules: string;
  /** The same for traffic; null: no rules, or nobody sends there. */
  programs: Omit<ProgrammedRules, 'sinceUs'> | null;
}

/** The newest rules of a Service and those before, which members further down the line still have. */
interface Kept {
  now: ProgrammedRules | null;
  before: ProgrammedRules | null;
  changedUs: number;
  /** The Service as the watch brought it, rules or not. */
  service: KubeObject | null;
}

const serviceName = (namespace: string | undefined, name: string): ServiceName => {
  const known = namespace ?? '';
  return { namespace: known, name, key: `${known}/${name}` };
};

const sizeOf = (slice: KubeObject | undefined): number => (slice?.['endpoints'] ?? []).length;

export class Proxies {
  readonly #c: RunContext;
  readonly #sync: Sampler;
  readonly #startKind: EventKind;
  readonly #endKind: EventKind;
  readonly #dirty = new Map<string, DirtyService>();
  /** Of each slice by object id: its labels, and the Service that they name. Versions of a slice mostly share them. */
  readonly #named = new Map<number, { readonly labels: Labels; readonly service: ServiceName }>();
  /** EndpointSlices by service key, then by object id; what the rules are made of. */
  readonly #slices = new Map<string, Map<number, KubeObject>>();
  /** Services that have rules, by key. */
  readonly #services = new Map<string, KubeObject>();
  /** Services that traffic goes to. */
  readonly #kept = new Map<string, Kept>();
  readonly #metric: number;
  readonly #memberDraw: number;
  /** Endpoints in all slices. */
  #endpointCount = 0;
  #firstSyncUs = Number.NaN;
  #scheduled = false;
  #syncing: readonly DirtyService[] | null = null;
  #lastEndUs = Number.NEGATIVE_INFINITY;
  #syncs = 0;

  constructor(context: RunContext) {
    this.#c = context;
    this.#sync = context.durations.sampler('kube-proxy/sync', context.costs.proxy.syncUs);
    this.#metric = context.recorder.latency('service.programming');
    this.#memberDraw = context.draw.purpose('kube-proxy/member');
    this.#startKind = context.kernel.on('kube-proxy/sync', () => this.#begin());
    this.#endKind = context.kernel.on('kube-proxy/synced', () => this.#end());
  }

  start(): void {
    const { api, state } = this.#c;
    const members = state.nodes.live;
    api.watch('Service', (log, from, to) => this.#servicesChanged(log, from, to), { members });
    api.watch('EndpointSlice', (log, from, to) => this.#slicesChanged(log, from, to), { members });
  }

  /** From now on the rules of a Service are kept for traffic. Before the run. */
  keep(key: string): void {
    this.#kept.set(key, { now: null, before: null, changedUs: 0, service: null });
  }

  /** The rules that a node has now, null: none. Only of Services that are kept. */
  rules(key: string, node: number): ProgrammedRules | null {
    const kept = this.#kept.get(key)!;
    return this.#c.kernel.now < kept.changedUs + node * SEND_PER_MEMBER_US ? kept.before : kept.now;
  }

  /** What the first packet of a connection waits for the rules of other Services, µs: on average half of them. */
  get firstPacketUs(): number {
    return Math.round((this.#services.size * (this.#c.costs.proxy.firstPacketPerServiceNs ?? 0)) / 2000);
  }

  /** A Service that is kept, as the watch has brought it; null: there is none. */
  seenService(key: string): KubeObject | null {
    return this.#kept.get(key)!.service;
  }

  /** Its slices, as the watch has brought them. */
  seenSlices(key: string): readonly KubeObject[] {
    return [...(this.#slices.get(key)?.values() ?? [])];
  }

  #servicesChanged(log: RevisionLog, from: number, to: number): void {
    for (let p = from; p < to; p++) {
      const service = log.object(p) as KubeObject;
      const named = serviceName(service.metadata.namespace, service.metadata.name!);
      const { key } = named;
      // Headless and external services have no rules. One that had some and is changed into such loses them.
      const { clusterIP, type } = service['spec'];
      const hasRules = clusterIP && clusterIP !== 'None' && type !== 'ExternalName';
      const kept = this.#kept.get(key);
      if (kept !== undefined) kept.service = log.verb(p) === Verb.deleted ? null : service;
      const had = this.#services.has(key);
      if (log.verb(p) === Verb.deleted || !hasRules) this.#services.delete(key);
      else this.#services.set(key, service);
      if (had || this.#services.has(key)) this.#mark(named, log.time(p));
    }
  }

  #slicesChanged(log: RevisionLog, from: number, to: number): void {
    for (let p = from; p < to; p++) {
      const slice = log.object(p) as KubeObject;
      const service = this.#serviceOf(log.id(p), slice);
      if (service === null) continue;
      const { key } = service;
      let slices = this.#slices.get(key);
      if (slices === undefined) {
        slices = new Map();
        this.#slices.set(key, slices);
      }
      const gone = log.verb(p) === Verb.deleted;
      if (gone) this.#named.delete(log.id(p));
      this.#endpointCount += (gone ? 0 : sizeOf(slice)) - sizeOf(slices.get(log.id(p)));
      if (!gone) slices.set(log.id(p), slice);
      else if (slices.delete(log.id(p)) && slices.size === 0) this.#slices.delete(key);
      if (!this.#services.has(key)) continue;
      const trigger = timestampUs(
        slice.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'],
      );
      this.#mark(service, Number.isNaN(trigger) ? log.time(p) : Math.min(trigger, log.time(p)));
    }
  }

  #serviceOf(id: number, { metadata: { labels, namespace } }: KubeObject): ServiceName | null {
    const known = this.#named.get(id);
    if (known !== undefined && known.labels === labels) return known.service;
    const name = labels?.['kubernetes.io/service-name'];
    if (labels === undefined || name === undefined) return null;
    const service = serviceName(namespace, name);
    this.#named.set(id, { labels, service });
    return service;
  }

  #mark({ namespace, name, key }: ServiceName, changeUs: number): void {
    let dirty = this.#dirty.get(key);
    if (dirty === undefined) {
      dirty = { namespace, name, key, changesUs: [], rules: '', programs: null };
      this.#dirty.set(key, dirty);
    }
    dirty.changesUs.push(changeUs);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#syncing !== null || this.#dirty.size === 0) return;
    this.#scheduled = true;
    const { kernel, costs } = this.#c;
    const fromUs = Math.max(kernel.now, this.#lastEndUs + costs.proxy.minSyncUs);
    kernel.at(this.#afterFullSync(fromUs), this.#startKind, 0, 0);
  }

  /**
   * The time, or, where everything is being written anew then, the minimum period after the end of that. Full syncs come
   * at fixed times after the first sync; as nothing else changes by them they are no events.
   */
  #afterFullSync(timeUs: number): number {
    const {
      fullSyncEveryUs = 0,
      fullPerServiceUs = 0,
      fullPerEndpointUs = 0,
      minSyncUs,
    } = this.#c.costs.proxy;
    if (fullSyncEveryUs === 0 || Number.isNaN(this.#firstSyncUs)) return timeUs;
    const periods = Math.floor((timeUs - this.#firstSyncUs) / fullSyncEveryUs);
    if (periods < 1) return timeUs;
    const beganUs = this.#firstSyncUs + periods * fullSyncEveryUs;
    const lasts = this.#services.size * fullPerServiceUs + this.#endpointCount * fullPerEndpointUs;
    return Math.max(timeUs, Math.round(beganUs + lasts) + minSyncUs);
  }

  #begin(): void {
    this.#scheduled = false;
    const { kernel, costs, recorder } = this.#c;
    this.#syncing = [...this.#dirty.values()];
    this.#dirty.clear();
    this.#syncs += 1;
    if (Number.isNaN(this.#firstSyncUs)) this.#firstSyncUs = kernel.now;
    const { syncPerAnyServiceNs = 0, syncPerAnyEndpointNs = 0 } = costs.proxy;
    const anyNs = this.#services.size * syncPerAnyServiceNs + this.#endpointCount * syncPerAnyEndpointNs;
    let us = this.#sync(this.#syncs, 0) + Math.round(anyNs / 1000);
    for (const service of this.#syncing) {
      if (recorder.tracer.enabled) service.rules = this.#rules(service);
      const { key } = service;
      const object = this.#services.get(key);
      if (object !== undefined && this.#kept.has(key))
        service.programs = { service: object, slices: this.seenSlices(key) };
      us += costs.proxy.syncPerServiceUs + costs.proxy.syncPerEndpointUs * this.#readyCount(service);
    }
    kernel.after(us, this.#endKind, 0, 0);
  }

  #end(): void {
    const { kernel, recorder, draw, state } = this.#c;
    this.#lastEndUs = kernel.now;
    const services = this.#syncing!;
    this.#syncing = null;
    for (const service of services) {
      for (const changeUs of service.changesUs) {
        // A member drawn at random is a fair sample of all nodes' latencies.
        const member = draw.below(this.#memberDraw, this.#syncs, 0, Math.max(1, state.nodes.live));
        recorder.observe(this.#metric, kernel.now - changeUs + member * SEND_PER_MEMBER_US);
      }
      if (recorder.tracer.enabled) this.#trace(service);
      const kept = this.#kept.get(service.key);
      if (kept !== undefined) {
        kept.before = kept.now;
        kept.now = service.programs === null ? null : { ...service.programs, sinceUs: kernel.now };
        kept.changedUs = kernel.now;
      }
    }
    this.#schedule();
  }

  #readyCount(service: DirtyService): number {
    let count = 0;
    for (const slice of this.#slices.get(service.key)?.values() ?? []) {
      const endpoints = (slice['endpoints'] ?? []) as Json[];
      for (let i = 0; i < endpoints.length; i++) if (endpoints[i].conditions?.ready !== false) count += 1;
    }
    return count;
  }

  /** `ip` of every endpoint that is ready. */
  #endpoints(service: DirtyService): string[] {
    const ready: string[] = [];
    for (const slice of this.#slices.get(service.key)?.values() ?? []) {
      for (const endpoint of (slice['endpoints'] ?? []) as Json[]) {
        if (endpoint.conditions?.ready !== false) ready.push(endpoint.addresses[0]);
      }
    }
    return ready;
  }

  #rules(service: DirtyService): string {
    const object = this.#services.get(service.key);
    if (object === undefined) return 'rules removed';
    const spec: Json = object['spec'];
    const endpoints = this.#endpoints(service);
    const rules = ((spec.ports ?? []) as Json[]).map((port) => {
      const target = typeof port.targetPort === 'number' ? port.targetPort : port.port;
      const to =
        endpoints.length === 0
          ? 'REJECT (no endpoints)'
          : endpoints.map((ip) => `${ip}:${target}`).join(', ');
      return `${spec.clusterIP}:${port.port} -> ${to}`;
    });
    return `rules programmed: ${rules.join('; ')}`;
  }

  #trace(service: DirtyService): void {
    const { recorder, state } = this.#c;
    const { nodes } = state;
    let named = 0;
    for (let node = 0; node < nodes.used && named < TRACED_NODES_MAX; node++) {
      if (nodes.removed[node] === 1) continue;
      named += 1;
      recorder.tracer.hop(
        `kube-proxy/${nodes.name[node]}`,
        'Service',
        service.namespace,
        service.name,
        service.rules,
      );
    }
    if (nodes.live > named) {
      recorder.tracer.hop(
        'kube-proxy/*',
        'Service',
        service.namespace,
        service.name,
        `the same on ${nodes.live - named} more nodes`,
      );
    }
  }
}
