// The row that a pod leaves in pods.csv, and what the summary counts and measures from it. Both read the same
// stamps at the same moment, so the counts and the three derived latencies of summary.json are those that anyone
// can compute from pods.csv. A stamp that lies after the end of the pod (or of the run) did not happen.
import type { RunLabels, TableSession } from '../contracts/result.ts';
import { type Cell, PODS_TABLE } from '../contracts/tables.ts';
import type { Histogram } from './histogram.ts';
import { rounded } from './node-usage.ts';
import { PHASES, phaseEnds } from './phases.ts';
import { LATE_STAMPS, POD_STAMPS, PodStamp, type PodStamps, ROW_STAMPS } from './pod-stamps.ts';

/** What the pod table knows of a pod, by index. Asked once a pod, when its row is written. */
export interface PodRowSource {
  namespace(pod: number): string;
  name(pod: number): string;
  /** Kind and name of the controlling owner, empty without one. */
  ownerKind(pod: number): string;
  owner(pod: number): string;
  /** Empty while unbound. */
  node(pod: number): string;
  phase(pod: number): string;
  priority(pod: number): number;
  cpuMilli(pod: number): number;
  memoryBytes(pod: number): number;
  restarts(pod: number): number;
  /** Labels, `key=value` in order of their keys, separated by spaces. */
  labels(pod: number): string;
  /** Has a volume that outlives it, or might. */
  stateful(pod: number): boolean;
  /** When its node joined, µs; NaN while unbound. */
  nodeAddedUs(pod: number): number;
  reason(pod: number): string;
}

/** Where the time columns begin: after the labels, 4 texts, phase, priority and requests. */
const FIRST_STAMP = PODS_TABLE.columns.findIndex((column) => column.name === 'created_s');

/** Latencies from one stamp to a later one. */
const DERIVED = [
  { name: 'pod.createToSchedule', from: PodStamp.created, to: PodStamp.scheduled },
  { name: 'pod.scheduleToRun', from: PodStamp.scheduled, to: PodStamp.started },
  { name: 'pod.runToReady', from: PodStamp.started, to: PodStamp.ready },
] as const;

export class PodRows {
  /** Pods that got to a stage, of those written so far. */
  readonly reached = new Float64Array(POD_STAMPS);
  /** By phase, over the pods seen Ready after warm-up: pods that had it, and its sum in µs. */
  readonly phasePods = new Float64Array(PHASES.length);
  readonly phaseUs = new Float64Array(PHASES.length);
  /** Those pods. */
  startedPods = 0;
  /** Over the pods scheduled after warm-up. */
  scheduledCount = 0;
  firstScheduledUs = Number.POSITIVE_INFINITY;
  lastScheduledUs = Number.NEGATIVE_INFINITY;

  private readonly stamps: PodStamps;
  private readonly source: PodRowSource;
  private readonly session: TableSession | null;
  private readonly warmUpUs: number;
  private readonly latencies: readonly Histogram[];
  private readonly cells: Cell[];
  private readonly ownStamps = new Float64Array(POD_STAMPS);
  private readonly ends = new Float64Array(PHASES.length);

  constructor(options: {
    stamps: PodStamps;
    source: PodRowSource;
    session: TableSession | null;
    labels: RunLabels;
    warmUpUs: number;
    latency: (name: string) => Histogram;
  }) {
    this.stamps = options.stamps;
    this.source = options.source;
    this.session = options.session;
    this.warmUpUs = options.warmUpUs;
    this.latencies = DERIVED.map(({ name }) => options.latency(name));
    const { experiment, variant, replication } = options.labels;
    this.cells = PODS_TABLE.columns.map(() => null);
    this.cells[0] = experiment;
    this.cells[1] = variant;
    this.cells[2] = replication;
  }

  /** Counts the pod, measures it, writes its row. `untilUs`: now. Once a pod. */
  write(pod: number, untilUs: number): void {
    const { stamps, reached } = this;
    for (let which = 0; which < POD_STAMPS; which++)
      if (stamps.get(pod, which) <= untilUs) reached[which] = reached[which]! + 1;
    for (let i = 0; i < DERIVED.length; i++) {
      const { from, to } = DERIVED[i]!;
      const end = stamps.get(pod, to);
      const start = stamps.get(pod, from);
      // Comparisons with NaN are false: both must have happened. A stage reached out of order has no latency.
      if (end <= untilUs && end >= this.warmUpUs && start <= end) this.latencies[i]!.record(end - start);
    }
    const scheduled = stamps.get(pod, PodStamp.scheduled);
    if (scheduled <= untilUs && scheduled >= this.warmUpUs) {
      this.scheduledCount++;
      if (scheduled < this.firstScheduledUs) this.firstScheduledUs = scheduled;
      if (scheduled > this.lastScheduledUs) this.lastScheduledUs = scheduled;
    }
    const watched = stamps.get(pod, PodStamp.watched);
    if (watched <= untilUs && watched >= this.warmUpUs) this.addPhases(pod);
    if (this.session !== null) this.writeCells(pod, untilUs, this.session);
  }

  private addPhases(pod: number): void {
    const { stamps, ownStamps, ends } = this;
    for (let which = 0; which < POD_STAMPS; which++) ownStamps[which] = stamps.get(pod, which);
    if (!phaseEnds(ownStamps, stamps.attempts(pod), this.source.nodeAddedUs(pod), ends)) return;
    this.startedPods++;
    let from = ownStamps[PodStamp.created]!;
    for (let phase = 0; phase < PHASES.length; phase++) {
      const to = ends[phase]!;
      if (Number.isNaN(to)) continue;
      this.phasePods[phase] = this.phasePods[phase]! + 1;
      this.phaseUs[phase] = this.phaseUs[phase]! + (to - from);
      from = to;
    }
  }

  /** Of each phase that any pod had: pods, mean over those in seconds, share of all time between created and Ready seen. */
  phases(): Record<string, { count: number; mean: number; share: number }> {
    const total = this.phaseUs.reduce((sum, us) => sum + us, 0);
    const told: Record<string, { count: number; mean: number; share: number }> = {};
    for (const [i, { name }] of PHASES.entries()) {
      const count = this.phasePods[i]!;
      if (count === 0) continue;
      const us = this.phaseUs[i]!;
      told[name] = { count, mean: Math.round((us / count) * 1e3) / 1e9, share: rounded(us / total) };
    }
    return told;
  }

  /** Between the first and the last pod scheduled after warm-up; 0 where that says nothing. */
  podsPerSecond(): number {
    const { scheduledCount, firstScheduledUs, lastScheduledUs } = this;
    if (scheduledCount < 2 || lastScheduledUs === firstScheduledUs) return 0;
    return rounded(((scheduledCount - 1) * 1e6) / (lastScheduledUs - firstScheduledUs));
  }

  private writeCells(pod: number, untilUs: number, session: TableSession): void {
    const { cells, source, stamps } = this;
    cells[3] = source.namespace(pod);
    cells[4] = source.name(pod);
    cells[5] = source.ownerKind(pod);
    cells[6] = source.owner(pod);
    cells[7] = source.node(pod);
    cells[8] = source.phase(pod);
    cells[9] = source.priority(pod);
    cells[10] = source.cpuMilli(pod);
    cells[11] = source.memoryBytes(pod);
    for (let which = 0; which < ROW_STAMPS; which++) {
      const at = stamps.get(pod, which);
      cells[FIRST_STAMP + which] = at <= untilUs ? at : null;
    }
    const rest = FIRST_STAMP + ROW_STAMPS;
    cells[rest] = stamps.attempts(pod);
    cells[rest + 1] = source.restarts(pod);
    cells[rest + 2] = source.reason(pod);
    for (let which = ROW_STAMPS; which < LATE_STAMPS; which++) {
      const at = stamps.get(pod, which);
      cells[rest + 3 + which - ROW_STAMPS] = at <= untilUs ? at : null;
    }
    const labels = rest + 3 + LATE_STAMPS - ROW_STAMPS;
    cells[labels] = source.labels(pod);
    const mounted = stamps.get(pod, PodStamp.volumes);
    cells[labels + 1] = mounted <= untilUs ? mounted : null;
    cells[labels + 2] = source.stateful(pod) ? 1 : 0;
    const running = stamps.get(pod, PodStamp.running);
    cells[labels + 3] = running <= untilUs ? running : null;
    session.row(cells);
  }
}
