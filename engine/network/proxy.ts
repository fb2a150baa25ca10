// The kube-proxies: when each node's rules follow a Service or its endpoints. All proxies watch the same objects with
// the same periods, so one state machine computes for all (a cohort): a change marks its service dirty; a sync starts
// at once if the last one ended a minimum period ago, else when that has passed; changes meanwhile coalesce
// (pkg/proxy/runner/bounded_frequency_runner.go, v1.36).
//
// Members differ by when the server sent them the change: the server writes to its watchers one after another.
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind, Sampler } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type RevisionLog, timestampUs, Verb } from '../state/index.ts';

/** The server's work for one more watcher of an event: serialised once, written to each (watch cache dispatch). */
const SEND_PER_MEMBER_US = 5;
/** With more nodes than this the trace names the first few and counts the others. */
const TRACED_NODES_MAX = 5;

interface DirtyService {
  readonly namespace: string;
  readonly name: string;
  /** Commit times of the changes that wait for the rules, µs. */
  readonly changesUs: number[];
  /** For the trace: the rules as they stood when the sync that writes them began. */
  rules: string;
}

export class Proxies {
  readonly #c: RunContext;
  readonly #sync: Sampler;
  readonly #startKind: EventKind;
  readonly #endKind: EventKind;
  readonly #dirty = new Map<string, DirtyService>();
  /** EndpointSlices by service key, then by object id; what the rules are made of. */
  readonly #slices = new Map<string, Map<number, KubeObject>>();
  /** Services that have rules, by key. */
  readonly #services = new Map<string, KubeObject>();
  readonly #metric: number;
  readonly #memberDraw: number;
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

  #servicesChanged(log: RevisionLog, from: number, to: number): void {
    for (let p = from; p < to; p++) {
      const service = log.object(p) as KubeObject;
      const namespace = service.metadata.namespace ?? '';
      const key = `${namespace}/${service.metadata.name}`;
      // Headless and external services have no rules. One that had some and is changed into such loses them.
      const { clusterIP, type } = service['spec'];
      const hasRules = clusterIP && clusterIP !== 'None' && type !== 'ExternalName';
      const had = this.#services.has(key);
      if (log.verb(p) === Verb.deleted || !hasRules) this.#services.delete(key);
      else this.#services.set(key, service);
      if (had || this.#services.has(key)) this.#mark(namespace, service.metadata.name!, log.time(p));
    }
  }

  #slicesChanged(log: RevisionLog, from: number, to: number): void {
    for (let p = from; p < to; p++) {
      const slice = log.object(p) as KubeObject;
      const name = slice.metadata.labels?.['kubernetes.io/service-name'];
      if (name === undefined) continue;
      const namespace = slice.metadata.namespace ?? '';
      const key = `${namespace}/${name}`;
      let slices = this.#slices.get(key);
      if (slices === undefined) {
        slices = new Map();
        this.#slices.set(key, slices);
      }
      if (log.verb(p) !== Verb.deleted) slices.set(log.id(p), slice);
      else if (slices.delete(log.id(p)) && slices.size === 0) this.#slices.delete(key);
      if (!this.#services.has(key)) continue;
      const trigger = timestampUs(
        slice.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'],
      );
      this.#mark(namespace, name, Number.isNaN(trigger) ? log.time(p) : Math.min(trigger, log.time(p)));
    }
  }

  #mark(namespace: string, name: string, changeUs: number): void {
    const key = `${namespace}/${name}`;
    let dirty = this.#dirty.get(key);
    if (dirty === undefined) {
      dirty = { namespace, name, changesUs: [], rules: '' };
      this.#dirty.set(key, dirty);
    }
    dirty.changesUs.push(changeUs);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#syncing !== null || this.#dirty.size === 0) return;
    this.#scheduled = true;
    const { kernel, costs } = this.#c;
    kernel.at(Math.max(kernel.now, this.#lastEndUs + costs.proxy.minSyncUs), this.#startKind, 0, 0);
  }

  #begin(): void {
    this.#scheduled = false;
    const { kernel, costs, recorder } = this.#c;
    this.#syncing = [...this.#dirty.values()];
    this.#dirty.clear();
    this.#syncs += 1;
    let us = this.#sync(this.#syncs, 0);
    for (const service of this.#syncing) {
      if (recorder.tracer.enabled) service.rules = this.#rules(service);
      us += costs.proxy.syncPerServiceUs + costs.proxy.syncPerEndpointUs * this.#endpoints(service).length;
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
    }
    this.#schedule();
  }

  /** `ip` of every endpoint that is ready. */
  #endpoints(service: DirtyService): string[] {
    const ready: string[] = [];
    for (const slice of this.#slices.get(`${service.namespace}/${service.name}`)?.values() ?? []) {
      for (const endpoint of (slice['endpoints'] ?? []) as Json[]) {
        if (endpoint.conditions?.ready !== false) ready.push(endpoint.addresses[0]);
      }
    }
    return ready;
  }

  #rules(service: DirtyService): string {
    const object = this.#services.get(`${service.namespace}/${service.name}`);
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
