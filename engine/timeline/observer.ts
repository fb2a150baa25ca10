// Watches a run for its timeline: reads what each batch of etcd's has appended to the revision logs, in the order of
// revisions, at the moment of the commit. It is told by the server and is no client of it, so that a run is the same,
// event for event, with and without a timeline.
import type { Sink } from '../contracts/result.ts';
import type { ResolvedScenario, TimedStep } from '../contracts/scenario.ts';
import { EVENTS_TABLE } from '../contracts/tables.ts';
import type { Bystanders, StepAnswer, StepWitness, Timeline, TimelineStep } from '../contracts/timeline.ts';
import { disruptionReason, materialiseNode } from '../kinds/ingest/materialise.ts';
import { pinOf } from '../kinds/ingest/pinned-node.ts';
import { JOB_TRACKING } from '../kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import {
  type ClusterState,
  PHASE_NAMES,
  PodBit,
  phaseOf,
  type RevisionLog,
  timestampText,
  unscheduledReason,
  Verb,
} from '../state/index.ts';
import { type Change, type PodVersion, TimelineCollector } from './collector.ts';
import type { PodIdentity } from './names.ts';
import { StepBook } from './step-book.ts';

const CHANGES: Readonly<Record<Verb, Change>> = {
  [Verb.added]: 'added',
  [Verb.modified]: 'modified',
  [Verb.deleted]: 'deleted',
};

const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

/** Addresses and node ports that documents of the scenario ask for. */
function givenAddresses(steps: readonly TimedStep[]): Set<string> {
  const given = new Set<string>();
  for (const { object } of steps.flatMap((step) => step.objects)) {
    if (object.kind !== 'Service') continue;
    const { clusterIP, ports = [] } = object['spec'] ?? {};
    if (clusterIP) given.add(`${clusterIP}`);
    for (const { nodePort } of ports as Json[]) if (nodePort) given.add(`${nodePort}`);
  }
  return given;
}

/** Steps that only make things: what they do to the number of pods is no disturbance. */
const CREATES: ReadonlySet<string> = new Set(['create', 'apply']);

export class TimelineObserver implements StepWitness {
  readonly #state: ClusterState;
  readonly #scenario: ResolvedScenario;
  readonly #collector: TimelineCollector;
  readonly #cursors = new Map<RevisionLog, number>();
  readonly #owners: string[] = [];
  readonly #steps: StepBook;
  readonly #bystanders: Bystanders | null;

  /** `bystanders`: whose changes are not told. */
  constructor(state: ClusterState, scenario: ResolvedScenario, bystanders: Bystanders | null) {
    this.#state = state;
    this.#bystanders = bystanders;
    this.#scenario = scenario;
    const { frame, steps } = scenario;
    const originUs = frame?.originUs ?? 0;
    this.#steps = new StepBook(scenario);
    const changes = this.#steps.given.filter((step) => !CREATES.has(step['do'] ?? ''));
    this.#collector = new TimelineCollector({
      home: frame?.namespace ?? 'default',
      originUs,
      firstChangeUs: Math.min(...changes.map((step) => originUs + step['t'] * 1000)),
      shared: frame?.shared ?? false,
      given: givenAddresses(steps),
      startMs: Date.parse(timestampText(originUs)) + (originUs % 1_000_000) / 1000,
    });
  }

  /** Takes the Events of the run. */
  readonly sink: Sink = {
    open: () => ({
      table: (spec) => {
        if (spec.name !== EVENTS_TABLE.name) return null;
        return {
          row: (cells) => {
            const [us, type, reason, kind, namespace, name, count, message] = cells as [
              number,
              string,
              string,
              string,
              string,
              string,
              number,
              string,
            ];
            if (this.#bystanders?.object(kind === 'Node' ? '' : namespace, name) === true) return;
            this.#collector.event({ us, type, reason, kind, namespace, name, count, message });
          },
        };
      },
      close: () => {},
    }),
  };

  /** What the logs hold before the run begins was there. */
  baseline(): void {
    const { objects, podLog, nodeLog } = this.#state;
    this.committed([podLog, nodeLog, ...objects.kinds.map((store) => store.log)]);
    this.#collector.baseline = false;
  }

  /** A batch was committed to these logs. */
  committed(logs: Iterable<RevisionLog>): void {
    const entries: { log: RevisionLog; position: number }[] = [];
    for (const log of logs) {
      for (let p = this.#cursors.get(log) ?? 0; p < log.head; p++) entries.push({ log, position: p });
      this.#cursors.set(log, log.head);
    }
    entries.sort((a, b) => a.log.revision(a.position) - b.log.revision(b.position));
    for (const { log, position } of entries)
      if (this.#bystanders?.entry(log, position) !== true) this.#entry(log, position);
  }

  answered(answer: StepAnswer): void {
    this.#steps.answered(answer);
  }

  podName(pod: number): string | undefined {
    return this.#collector.podName(this.#state.pods.serial[pod]!);
  }

  finish(): Timeline {
    return {
      scenario: this.#scenario.experiment,
      steps: this.#steps.list() as TimelineStep[],
      ...this.#collector.finish(),
    };
  }

  #entry(log: RevisionLog, p: number): void {
    const us = log.time(p);
    const revision = log.revision(p);
    const change = CHANGES[log.verb(p)];
    if (log === this.#state.podLog) {
      const pod = log.id(p);
      const version = this.#podVersion(pod, log.word(p), log.node(p));
      this.#collector.pod(us, revision, change, this.#state.pods.serial[pod]!, version, () =>
        this.#identity(pod, version.owner),
      );
    } else if (log === this.#state.nodeLog) {
      // The kubelet's list of images is no news.
      if (log.object(p) !== null && change === 'modified') return;
      this.#collector.object(us, revision, change, this.#node(log.id(p)));
    } else this.#collector.object(us, revision, change, log.object(p) as KubeObject);
  }

  #node(node: number): KubeObject {
    const object = materialiseNode(this.#state, node);
    if (object['status']?.conditions !== undefined) return object;
    // A node that says nothing of its conditions is one whose kubelet runs.
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady' };
    return { ...object, status: { ...object['status'], conditions: [ready] } };
  }

  #podVersion(pod: number, word: number, node: number): PodVersion {
    const { pods } = this.#state;
    return {
      phase: PHASE_NAMES[phaseOf(word)]!,
      node: node < 0 ? '' : this.#state.nodeName(node),
      unschedulable: this.#unscheduled(pod, word),
      ready: word & PodBit.acknowledged ? (word & PodBit.ready ? 'True' : 'False') : '',
      deleting: (word & PodBit.deleting) !== 0,
      restarts: pods.restarts[pod]!,
      owner: this.#ownerUid(pods.owner[pod]!),
      finalizers: [
        ...(this.#state.template(pod).metadata?.finalizers ?? []),
        ...(word & PodBit.tracked ? [JOB_TRACKING] : []),
      ].join(','),
      nominated: pods.nominatedNode[pod]! >= 0,
      disruption: disruptionReason(word) === '' ? '' : `True:${disruptionReason(word)}`,
    };
  }

  /** A gated pod has the condition from its creation. */
  #unscheduled(pod: number, word: number): string {
    if (word & PodBit.unschedulable) return unscheduledReason(word);
    if (word & PodBit.scheduled) return '';
    return this.#state.template(pod).spec.schedulingGates?.length > 0 ? 'SchedulingGated' : '';
  }

  #ownerUid(owner: number): string {
    if (owner < 0) return '';
    return (this.#owners[owner] ??= this.#state.objects.lastVersion(owner)?.metadata.uid ?? '');
  }

  #identity(pod: number, owner: string): PodIdentity {
    const { pods, texts } = this.#state;
    const template = this.#state.template(pod);
    return {
      namespace: this.#state.podNamespace(pod),
      name: this.#state.podName(pod),
      base: pods.nameSuffix[pod]! >= 0 && pods.ordinal(pod) < 0 ? texts.text(pods.nameBase[pod]!) : '',
      owner,
      index: template.annotations[COMPLETION_INDEX] ?? '',
      pinned: pods.pinned[pod]! < 0 ? pinOf(template.spec) : texts.text(pods.pinned[pod]!),
    };
  }
}
