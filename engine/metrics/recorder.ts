// What a run measures. Rooms report facts at their virtual time (a pod got to a stage, a request was answered, a
// node's requests changed); the recorder turns them into the tables that the sinks asked for and into the summary.
// It promises: O(1) per fact, memory bounded by what exists at once (rows leave while the run goes on), nothing
// counted twice, and created = deleted + existing, checked at the end. It decides nothing that happens in the run.
//
// Warm-up: a latency belongs to the moment it ends; what ends before `warmUpUs` is left out. Gauge means and
// utilisation start at `warmUpUs`. Tables, counts and peaks cover the whole run.
import type {
  EndReason,
  RunLabels,
  RunResult,
  RunSummary,
  Sink,
  SinkSession,
  TableSession,
  TraceHop,
} from '../contracts/result.ts';
import {
  API_TABLE,
  type Cell,
  CONTROLLERS_TABLE,
  EVENTS_TABLE,
  LOSS_TABLE,
  NODES_TABLE,
  PODS_TABLE,
  type TableSpec,
  TIMESERIES_TABLE,
  VOLUMES_TABLE,
} from '../contracts/tables.ts';
import { assert } from '../kernel/assert.ts';
import { type ControllerCounts, controllerRows } from './controllers.ts';
import { judgeExpect } from './expect.ts';
import type { FullSummary } from './full-summary.ts';
import { Gauges } from './gauges.ts';
import { Histogram } from './histogram.ts';
import { LossLedger } from './loss.ts';
import { type NodeRow, NodeUsage, rounded } from './node-usage.ts';
import { type PodRowSource, PodRows } from './pod-rows.ts';
import { PodFlag, PodStamp, PodStamps } from './pod-stamps.ts';
import { Requests, summaries } from './requests.ts';
import { joined } from './tables.ts';
import { Tracer } from './tracer.ts';
import { VolumeLog } from './volumes.ts';

export type { NodeRow } from './node-usage.ts';
export type { PodRowSource } from './pod-rows.ts';
export { PodStamp } from './pod-stamps.ts';

export interface RecorderOptions {
  readonly labels: RunLabels;
  /** µs. */
  readonly warmUpUs: number;
  readonly sinks: readonly Sink[];
  readonly pods: PodRowSource;
  /** Virtual time, µs. */
  readonly now: () => number;
  /** As in RunOptions: whose hops to tell. */
  readonly trace?: { object: string; emit(hop: TraceHop): void };
}

export interface FinishArguments {
  /** Every pod that exists, in order of creation. */
  readonly livePods: Iterable<number>;
  readonly virtualUs: number;
  readonly eventsRun: number;
  readonly endReason: EndReason;
  readonly ingredients: Record<string, string>;
  readonly fingerprint: string;
  readonly unschedulable: number;
  readonly expect: readonly string[];
  /**
   * Called with the summary as JSON, its fingerprint still empty; gives fingerprint and ingredients that cover it,
   * in place of the two above.
   */
  readonly seal?: (summary: string) => { fingerprint: string; ingredients: Record<string, string> };
}

export class Recorder {
  readonly tracer: Tracer;
  /** False when no sink takes events.csv: callers skip building messages. */
  readonly eventsWanted: boolean;

  private readonly labels: RunLabels;
  private readonly warmUpUs: number;
  private readonly now: () => number;
  private readonly source: PodRowSource;
  private readonly sessions: readonly SinkSession[];
  private readonly stamps = new PodStamps();
  private readonly podRows: PodRows;
  private readonly eventRows: TableSession | null;
  private readonly eventCells: Cell[] = EVENTS_TABLE.columns.map(() => null);
  private readonly histograms: Histogram[] = [];
  private readonly latencyIds = new Map<string, number>();
  private readonly requests = new Requests();
  private readonly gauges: Gauges;
  private readonly nodes: NodeUsage;
  private readonly losses = new LossLedger();
  private readonly startup: number;
  private readonly existingGauge: number;
  private readonly unscheduledGauge: number;
  private readonly boundGauge: number;
  private readonly nodesGauge: number;
  private readonly cpuGauge: number;
  private readonly memoryGauge: number;
  readonly volumes = new VolumeLog();
  private readonly controllers: ControllerCounts[] = [];
  private created = 0;
  private gone = 0;
  private ready = 0;
  private unscheduled = 0;
  private finished = false;

  constructor(options: RecorderOptions) {
    this.labels = options.labels;
    this.warmUpUs = options.warmUpUs;
    this.now = options.now;
    this.source = options.pods;
    this.tracer = new Tracer(options.trace, options.now);
    this.sessions = options.sinks.map((sink) => sink.open(options.labels));
    this.gauges = new Gauges(options.warmUpUs);
    this.nodes = new NodeUsage(options.warmUpUs);
    this.startup = this.latency('pod.startup');
    this.podRows = new PodRows({
      stamps: this.stamps,
      source: options.pods,
      session: this.table(PODS_TABLE),
      labels: options.labels,
      warmUpUs: options.warmUpUs,
      latency: (name) => this.histograms[this.latency(name)]!,
    });
    this.eventRows = this.table(EVENTS_TABLE);
    this.eventsWanted = this.eventRows !== null;
    this.existingGauge = this.gauge('pods.existing');
    this.unscheduledGauge = this.gauge('pods.unscheduled');
    this.boundGauge = this.gauge('pods.bound');
    this.nodesGauge = this.gauge('nodes.count');
    this.cpuGauge = this.gauge('cpu.requested');
    this.memoryGauge = this.gauge('memory.requested');
  }

  // ---- pods

  /** A pod was stored in etcd at this index of the pod table; whatever the index held before is over. */
  podCreated(pod: number): void {
    this.openPod(pod, 0);
    this.unscheduled++;
    this.gauges.set(this.unscheduledGauge, this.unscheduled, this.now());
  }

  /** A pod that is there at the start without having been created (a dump): counted, but its times are empty. */
  podExisted(pod: number, hasNode: boolean): void {
    this.openPod(pod, PodFlag.existed | (hasNode ? PodFlag.placed : 0));
    if (hasNode) return;
    this.unscheduled++;
    this.gauges.set(this.unscheduledGauge, this.unscheduled, this.now());
  }

  /** The pod gets to a stage now. The first time counts. */
  stamp(pod: number, which: number): void {
    this.stampAt(pod, which, this.now());
  }

  /** As `stamp`, at a time that the caller computed, µs; it may lie ahead. */
  stampAt(pod: number, which: number, timeUs: number): void {
    assert(timeUs >= 0 && Number.isInteger(timeUs), () => `stamp ${which} of pod row ${pod} at ${timeUs} µs`);
    if (!this.stamps.stamp(pod, which, timeUs)) return;
    if (which === PodStamp.ready) this.ready++;
    else if (which === PodStamp.scheduled || which === PodStamp.bound) this.place(pod);
  }

  /** µs; NaN if it did not happen. */
  stamped(pod: number, which: number): number {
    return this.stamps.get(pod, which);
  }

  /** A scheduling attempt for the pod starts. */
  attempt(pod: number): void {
    this.stamps.countAttempt(pod);
    this.stamps.stamp(pod, PodStamp.firstAttempt, this.now());
  }

  /** Phase Succeeded or Failed was stored. */
  podFinished(pod: number, _succeeded: boolean): void {
    this.stamp(pod, PodStamp.finished);
  }

  /** deletionTimestamp was set. */
  podDeleting(pod: number): void {
    this.stamp(pod, PodStamp.deleting);
  }

  /** The pod was removed from etcd: its row is written, its index may be used again. Ask before the row is freed. */
  podGone(pod: number): void {
    const now = this.now();
    this.stamps.stamp(pod, PodStamp.deleted, now);
    this.place(pod);
    this.podRows.write(pod, now);
    this.stamps.close(pod);
    this.gone++;
    this.gauges.set(this.existingGauge, this.created - this.gone, now);
  }

  /** A watcher saw the pod Ready: pod.startup, once a pod. */
  observedReady(pod: number): void {
    // Gone before the watcher saw it ready: nothing was observed.
    if (!this.stamps.isOpen(pod) || this.stamps.has(pod, PodFlag.observed | PodFlag.existed)) return;
    this.stamps.raise(pod, PodFlag.observed);
    this.stamps.stamp(pod, PodStamp.watched, this.now());
    this.observe(this.startup, this.now() - this.stamps.get(pod, PodStamp.created));
  }

  /** A watcher saw the pod Running. */
  observedRunning(pod: number): void {
    if (!this.stamps.isOpen(pod) || this.stamps.has(pod, PodFlag.existed)) return;
    this.stamps.stamp(pod, PodStamp.running, this.now());
  }

  /** For progress: pods ever created, ever ready, and now without a node. */
  get podsCreated(): number {
    return this.created;
  }

  get podsReady(): number {
    return this.ready;
  }

  get podsUnscheduled(): number {
    return this.unscheduled;
  }

  // ---- latencies

  /** Id of a latency, the same at every call. */
  latency(name: string): number {
    const known = this.latencyIds.get(name);
    if (known !== undefined) return known;
    const id = this.histograms.length;
    this.histograms.push(new Histogram());
    this.latencyIds.set(name, id);
    return id;
  }

  /** A duration that ends now, whole µs, or so many equal ones. */
  observe(id: number, us: number, times = 1): void {
    this.observeAt(id, us, this.now(), times);
  }

  /** The same, ended at `atUs`. */
  observeAt(id: number, us: number, atUs: number, times = 1): void {
    if (atUs >= this.warmUpUs) this.histograms[id]!.record(us, times);
  }

  // ---- API requests

  /** Id of a verb and resource; the resource with its subresource (`pods/binding`). */
  requestKind(verb: string, resource: string): number {
    return this.requests.kind(verb, resource, (name) => this.latency(name));
  }

  /** A request was answered now with this HTTP status, after `us` in the server. */
  request(kind: number, code: number, us: number): void {
    this.observe(this.requests.answer(kind, code, us), us);
  }

  /** A controller counts for itself; its counts are read at the end. */
  controller(counts: ControllerCounts): void {
    this.controllers.push(counts);
  }

  // ---- gauges and counters

  /** Id of a gauge (0 at first), the same at every call. */
  gauge(name: string): number {
    return this.gauges.gauge(name, this.now());
  }

  set(id: number, value: number): void {
    this.gauges.set(id, value, this.now());
  }

  add(id: number, delta: number): void {
    this.gauges.set(id, this.gauges.value(id) + delta, this.now());
  }

  /** Id of a counter, the same at every call. */
  counter(name: string): number {
    return this.gauges.counter(name);
  }

  count(id: number, n = 1): void {
    this.gauges.count(id, n);
  }

  // ---- nodes

  nodeAdded(node: number, row: NodeRow): void {
    this.nodes.added(node, row, this.now());
    this.nodesChanged();
  }

  nodeRemoved(node: number): void {
    this.nodes.removed(node, this.now());
    this.nodesChanged();
  }

  /** New sums over the node's bound pods that have not ended. Node indices are never reused. */
  nodeUsage(node: number, cpuMilli: number, memoryBytes: number, pods: number, boundDelta: 0 | 1): void {
    this.nodes.usageIs(node, cpuMilli, memoryBytes, pods, boundDelta, this.now());
    this.usageChanged();
  }

  // ---- Events and losses

  /** An Event object was written; `count` is the number of times seen so far. */
  event(
    type: 'Normal' | 'Warning',
    reason: string,
    kind: string,
    namespace: string,
    name: string,
    count: number,
    message: string,
  ): void {
    if (this.eventRows === null) return;
    const { eventCells } = this;
    eventCells[0] = this.now();
    eventCells[1] = type;
    eventCells[2] = reason;
    eventCells[3] = kind;
    eventCells[4] = namespace;
    eventCells[5] = name;
    eventCells[6] = count;
    eventCells[7] = message;
    this.eventRows.row(eventCells);
  }

  /** The model did not act on `count` objects' field; told once per source, kind and field. */
  loss(source: string, kind: string, field: string, count: number, note: string): void {
    this.losses.add({ source, kind, field, count, note });
  }

  // ---- the end

  /** Writes what is left, judges the expectations, closes the sinks. Once. */
  finish(end: FinishArguments): RunResult {
    assert(!this.finished, 'the recorder is finished twice');
    this.finished = true;
    const pods = this.finishPods(end);
    this.writeTable(NODES_TABLE, this.nodes.rows(end.virtualUs), true);
    this.writeTable(
      API_TABLE,
      this.requests.rows((id) => this.histograms[id]!),
      true,
    );
    this.writeTable(
      CONTROLLERS_TABLE,
      controllerRows(this.controllers, (id) => this.histograms[id]!),
      true,
    );
    if (!this.volumes.isEmpty) this.writeTable(VOLUMES_TABLE, this.volumes.rows(), true);
    this.writeTable(TIMESERIES_TABLE, this.gauges.rows(), false);
    const losses = this.losses.sorted();
    this.writeTable(
      LOSS_TABLE,
      losses.map((loss) => [loss.source, loss.kind, loss.field, loss.count, loss.note]),
      false,
    );
    const utilisation = this.nodes.utilisation(end.virtualUs);
    const { experiment, variant, replication, seed } = this.labels;
    const summary: FullSummary = {
      experiment,
      variant,
      replication,
      seed,
      fingerprint: end.fingerprint,
      virtualSeconds: end.virtualUs / 1e6,
      events: end.eventsRun,
      nodes: { count: this.nodes.count, peak: this.nodes.peak },
      pods,
      latency: summaries(this.latencyIds, this.histograms),
      throughput: { 'scheduler.podsPerSecond': this.podRows.podsPerSecond() },
      utilisation: {
        'cpu.requested': rounded(utilisation.cpu),
        'memory.requested': rounded(utilisation.memory),
      },
      expect: [],
      loss: losses,
      gauges: this.gauges.summaries(end.virtualUs),
      counters: this.gauges.counters(),
      phases: this.podRows.phases(),
    };
    summary.expect = end.expect.map((text) => judgeExpect(text, summary));
    let { ingredients } = end;
    if (end.seal !== undefined) {
      const sealed = end.seal(JSON.stringify({ ...summary, fingerprint: '' }));
      summary.fingerprint = sealed.fingerprint;
      ingredients = sealed.ingredients;
    }
    const result: RunResult = { summary, endReason: end.endReason, ingredients };
    for (const session of this.sessions) session.close(result);
    return result;
  }

  private finishPods(end: FinishArguments): RunSummary['pods'] {
    const phases = { running: 0, pending: 0, succeeded: 0, failed: 0 };
    let existing = 0;
    for (const pod of end.livePods) {
      existing++;
      assert(
        this.stamps.isOpen(pod),
        () => `pod row ${pod} exists at the end, but was never created or is gone`,
      );
      const phase = this.source.phase(pod);
      if (phase === 'Pending') phases.pending++;
      else if (phase === 'Succeeded') phases.succeeded++;
      else if (phase === 'Failed') phases.failed++;
      else phases.running++;
      this.podRows.write(pod, end.virtualUs);
      this.stamps.close(pod);
    }
    assert(
      this.created === this.gone + existing,
      () => `pods are lost: ${this.created} created, ${this.gone} deleted, ${existing} exist`,
    );
    const { reached } = this.podRows;
    assert(reached[PodStamp.deleted] === this.gone, 'a pod that exists has a time of deletion');
    return {
      created: this.created,
      scheduled: reached[PodStamp.scheduled]!,
      started: reached[PodStamp.started]!,
      ready: reached[PodStamp.ready]!,
      succeeded: phases.succeeded,
      failed: phases.failed,
      deleted: this.gone,
      running: phases.running,
      pending: phases.pending,
      unschedulable: end.unschedulable,
    };
  }

  private openPod(pod: number, flags: number): void {
    const now = this.now();
    this.stamps.open(pod, flags);
    if ((flags & PodFlag.existed) === 0) this.stamps.stamp(pod, PodStamp.created, now);
    this.created++;
    this.gauges.set(this.existingGauge, this.created - this.gone, now);
  }

  /** From now on the pod does not wait for a node: it got one, or is gone. */
  private place(pod: number): void {
    if (this.stamps.has(pod, PodFlag.placed)) return;
    this.stamps.raise(pod, PodFlag.placed);
    this.unscheduled--;
    this.gauges.set(this.unscheduledGauge, this.unscheduled, this.now());
  }

  private nodesChanged(): void {
    this.gauges.set(this.nodesGauge, this.nodes.count, this.now());
    this.usageChanged();
  }

  private usageChanged(): void {
    const now = this.now();
    this.gauges.set(this.boundGauge, this.nodes.pods, now);
    this.gauges.set(this.cpuGauge, rounded(this.nodes.cpuShare), now);
    this.gauges.set(this.memoryGauge, rounded(this.nodes.memoryShare), now);
  }

  /** One session that feeds every sink that wants the table; null when none does. */
  table(spec: TableSpec): TableSession | null {
    return joined(this.sessions.map((session) => session.table(spec)).filter((table) => table !== null));
  }

  private writeTable(spec: TableSpec, rows: Iterable<readonly Cell[]>, labelled: boolean): void {
    const session = this.table(spec);
    if (session === null) return;
    const { experiment, variant, replication } = this.labels;
    for (const cells of rows) session.row(labelled ? [experiment, variant, replication, ...cells] : cells);
  }
}
