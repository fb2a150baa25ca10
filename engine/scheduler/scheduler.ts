// kube-scheduler: one pod at a time out of the queue, one decision, then binding in the background while the next pod
// is looked at (pkg/scheduler/{schedule_one,eventhandlers}.go, v1.36).
//
// An attempt starts, sees the cluster as it is at that instant and decides; its virtual duration passes; at its end the
// pod is assumed on its node and the binding is sent. What the watches tell meanwhile changes the cache, not this
// decision: upstream works on a snapshot too. Events have a client of their own (app/options createClients).
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import type { AttemptObserver } from '../contracts/attempts.ts';
import type { RunContext } from '../contracts/run-context.ts';
import {
  type ClusterChange,
  ClusterEvent,
  Code,
  PASS,
  type PostFilterResult,
  type SchedulerSettings,
} from '../contracts/scheduler.ts';
import { assert, type EventKind, grownInt32 } from '../kernel/index.ts';
import { PodStamp } from '../metrics/recorder.ts';
import { isTerminal, PodBit, type PodTemplate, type RevisionLog, Verb } from '../state/index.ts';
import { AttemptCost } from './attempt-cost.ts';
import { AttemptTeller } from './attempt-teller.ts';
import { Binder } from './binder.ts';
import { SchedulerCache } from './cache.ts';
import { diagnose, SCHEDULER_ERROR, told, UNSCHEDULABLE } from './diagnosis.ts';
import { Extenders } from './extenders.ts';
import { FailureReports } from './failure-reports.ts';
import { Framework, type Instance, preFilterOf, reserveAndPermit, unreserve, Verdicts } from './framework.ts';
import { Losses } from './losses.ts';
import { Attempt } from './post-filter.ts';
import { PreBindings, statusWriter } from './pre-bindings.ts';
import { Preemptions } from './preemptions.ts';
import { SchedulingQueue } from './queue.ts';
import type { Decision, NodeSearch } from './search/decision.ts';
import { nodeSearch } from './search/index.ts';
import { PodCursor } from './views.ts';
import { WATCHED_KINDS } from './watched-objects.ts';

const ACTOR = 'kube-scheduler';
/** What the scheduler knows of a pod row. */
const Stage = { unknown: 0, queued: 1, attempt: 2, assumed: 3, assigned: 4, ignored: 5 } as const;

/** No PostFilter plug-in was asked. */
const NOTHING: PostFilterResult = Object.freeze({ code: Code.unschedulable, message: '', nominate: null });

export class Scheduler {
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly frameworks: readonly Framework[];
  readonly #context: RunContext;
  readonly #verdicts = new Verdicts();
  readonly #instances: Instance[] = [];
  readonly search: NodeSearch;
  readonly #postFilter: Attempt;
  readonly #preemptions: Preemptions;
  readonly #preBindings: PreBindings;
  readonly #losses: Losses;
  readonly #client: ApiClient;
  readonly #events: ApiClient;
  readonly #profileOf = new Map<string, number>();
  readonly #pod: PodCursor;

  readonly #cycleEnd: EventKind;
  readonly #cost: AttemptCost;
  readonly #queueLatency: number;
  readonly #attemptLatency: number;
  readonly #bindLatency: number;

  #stage = new Uint8Array(256);
  /** Template with which a pod entered the queue: of a waiting pod, only a change of that is news. */
  #template = new Int32Array(256);
  /** Pod that is being looked at, -1. */
  #current = -1;
  #decision: Decision | null = null;
  #postFilterResult: PostFilterResult = NOTHING;
  #startedUs = 0;
  /** What happened to the cluster during an attempt that will fail. */
  #missed: ClusterChange[] = [];
  readonly #reports: FailureReports;
  /** Pods that are being deleted and have no node. */
  readonly #doomed = new Set<number>();
  /** When the node was chosen, by pod in binding. */
  readonly #assumedUs = new Map<number, number>();
  readonly #binder: Binder;
  /** null: the configuration names none. */
  readonly #extenders: Extenders | null;
  /** null: nobody follows attempts. */
  readonly teller: AttemptTeller | null;

  /** @param search `brute`, `verify`; anything else: by the index */
  constructor(
    context: RunContext,
    settings: SchedulerSettings,
    observer: AttemptObserver | null = null,
    search = 'index',
  ) {
    this.#context = context;
    const { state, costs, kernel, recorder, durations, api, rng } = context;
    const own = costs.scheduler;
    this.cache = new SchedulerCache(
      state,
      (image) => costs.kubelet.imageBytes[image] ?? costs.kubelet.imageBytesDefault,
    );
    this.frameworks = settings.profiles.map((profile, i) => {
      this.#profileOf.set(profile.schedulerName, i);
      return new Framework(
        profile,
        this.cache,
        this.#verdicts,
        this.#instances,
        own.percentageOfNodesToScore,
      );
    });
    assert(this.frameworks.length > 0 && this.frameworks.length < 256, 'a scheduler has 1 to 255 profiles');
    this.#extenders =
      settings.extenders === undefined
        ? null
        : new Extenders(settings.extenders, this.cache, this.#verdicts, this.#instances, durations);
    this.queue = new SchedulingQueue(
      kernel,
      context.periodic,
      state,
      this.cache,
      this.frameworks,
      this.#instances,
      {
        initialBackoffUs: settings.podInitialBackoffUs ?? own.podInitialBackoffUs,
        maxBackoffUs: settings.podMaxBackoffUs ?? own.podMaxBackoffUs,
        unschedulableFlushUs: own.unschedulableFlushUs,
        flushIntervalUs: own.flushIntervalUs,
      },
      () => this.#next(),
    );
    this.search = nodeSearch(search, this.cache, this.#verdicts, rng.stream('scheduler/ties'));
    this.search.extenders = this.#extenders;
    this.search.explains = recorder.tracer.enabled;
    this.#losses = new Losses(recorder, this.frameworks);
    this.#client = api.client(ACTOR, costs.clients.scheduler);
    this.#events = api.client(ACTOR, costs.clients.scheduler);
    this.#reports = new FailureReports(context, ACTOR, this.#client, this.#events);
    this.#preemptions = new Preemptions(state, this.cache, this.queue, this.#client, this.#events);
    this.cache.devices.writeStatus = statusWriter(state, this.#client);
    this.#preBindings = new PreBindings(context, this.#client, (pod, why) => this.#preBound(pod, why));
    this.teller =
      observer === null ? null : new AttemptTeller(context, this.cache, this.#preemptions, observer);
    this.#postFilter = new Attempt(
      this.cache,
      this.#verdicts,
      this.search.filters,
      this.#preemptions,
      rng.stream('scheduler/preemption'),
      this.#extenders,
    );
    this.#pod = new PodCursor(state);
    const parallelism = settings.parallelism ?? own.parallelism;
    this.#cost = new AttemptCost(own, durations, parallelism);
    this.#queueLatency = recorder.latency('scheduler.queue');
    this.#attemptLatency = recorder.latency('scheduler.attempt');
    this.#bindLatency = recorder.latency('scheduler.bind');
    this.#cycleEnd = kernel.on('scheduler/cycle', (pod, generation) => this.#finish(pod, generation));
    this.#binder = new Binder(context, this.#client, this.#extenders, {
      answered: (reply) => this.#bindingAnswered(reply),
      failed: (pod, message) => this.#bindingFailed(pod, message),
      assumedOn: (pod) => (this.#assumedUs.has(pod) ? this.cache.nodeOfPod(pod) : -1),
      profile: (pod) => this.queue.profile(pod),
    });
  }

  /** Opens the watches. Nodes first: of entries that arrive together, pods should find the nodes there. */
  start(): void {
    const { api, state } = this.#context;
    api.watch('nodes', (log, from, to) => this.#foldNodes(log, from, to));
    for (const kind of WATCHED_KINDS) {
      // Kinds that no run has objects of are not stored at all.
      if (state.objects.findKind(kind) === undefined) continue;
      api.watch(kind, (log, from, to) => this.cache.objects.fold(log, from, to));
    }
    for (const { kinds, view } of this.cache.claimed) {
      for (const [kind, events] of kinds) {
        if (state.objects.findKind(kind) === undefined) continue;
        api.watch(kind, (log, from, to) => {
          view.fold(log, from, to, events, (change) => this.#happened(change));
          this.#next();
        });
      }
    }
    api.watch('pods', (log, from, to) => this.#foldPods(log, from, to));
  }

  // ---- watches ----

  #foldNodes(log: RevisionLog, from: number, to: number): void {
    for (let p = from; p < to; p++) {
      const node = log.id(p);
      const gone = log.verb(p) === Verb.deleted;
      const { events, before } = gone ? this.cache.nodeGone(node) : this.cache.nodeChanged(node);
      if (events !== 0) this.#happened({ events, node, before, template: null });
    }
    this.#next();
  }

  #foldPods(log: RevisionLog, from: number, to: number): void {
    const { capacity } = this.#context.state.pods;
    if (this.#stage.length < capacity) {
      const longer = new Uint8Array(capacity);
      longer.set(this.#stage);
      this.#stage = longer;
      this.#template = grownInt32(this.#template, capacity);
    }
    for (let p = from; p < to; p++) {
      const pod = log.id(p);
      if (log.verb(p) === Verb.deleted || isTerminal(log.word(p))) this.#forget(pod);
      else if (log.node(p) >= 0) {
        this.#assigned(pod, log.node(p));
        if ((log.word(p) & PodBit.deleting) !== 0) this.cache.podTerminating(pod);
        if ((log.word(p) & PodBit.acknowledged) !== 0) this.#preemptions.started(pod, log.time(p));
      } else {
        if ((log.word(p) & PodBit.deleting) !== 0) this.#doomed.add(pod);
        this.#unassigned(pod);
      }
    }
    this.#next();
  }

  /** The pod has ended or is gone: it holds nothing any more. */
  #forget(pod: number): void {
    const stage = this.#stage[pod]!;
    if (stage === Stage.unknown) return;
    this.#stage[pod] = Stage.unknown;
    this.cache.nominations.clear(pod);
    this.#preemptions.forget(pod);
    this.#reports.forget(pod);
    this.#doomed.delete(pod);
    this.#assumedUs.delete(pod);
    if (stage === Stage.assumed && this.#preBindings.forget(pod))
      unreserve(this.queue.profile(pod), this.#pod.at(pod), this.cache.nodeOfPod(pod));
    if (stage === Stage.queued) this.queue.remove(pod);
    else if (stage === Stage.assumed || stage === Stage.assigned) this.#released(pod);
  }

  #assigned(pod: number, node: number): void {
    const stage = this.#stage[pod]!;
    const template = this.#context.state.template(pod);
    this.#stage[pod] = Stage.assigned;
    this.cache.nominations.clear(pod);
    if (stage === Stage.assigned || stage === Stage.assumed) {
      if (this.cache.nodeOfPod(pod) === node) {
        if (stage === Stage.assigned) return this.#changed(pod, node, template);
      } else {
        this.cache.removePod(pod);
        this.cache.addPod(pod, node, template);
      }
    } else {
      if (stage === Stage.queued) this.queue.remove(pod);
      this.cache.addPod(pod, node, template);
    }
    this.#reports.forget(pod);
    const namespace = this.#context.state.podNamespace(pod);
    this.#happened({ events: ClusterEvent.assignedPodAdd, node, before: null, template, namespace });
  }

  /** A change of a pod on its node: of its labels or annotations, if its template is another one. */
  #changed(pod: number, node: number, template: PodTemplate): void {
    if (!this.cache.podTemplateChanged(pod, template)) return;
    const namespace = this.#context.state.podNamespace(pod);
    this.#happened({ events: ClusterEvent.assignedPodUpdate, node, before: null, template, namespace });
  }

  #unassigned(pod: number): void {
    const { state, recorder } = this.#context;
    const stage = this.#stage[pod]!;
    const template = state.template(pod);
    if (stage === Stage.queued) {
      // The scheduler's own status patches come back here too.
      if (this.#template[pod] === template.id && !this.cache.devices.hasNewClaims(pod)) return;
      this.#template[pod] = template.id;
      this.queue.updated(pod, { events: ClusterEvent.ownUpdate, node: -1, before: null, template });
      return;
    }
    if (stage !== Stage.unknown) return;
    const profile = this.#profileOf.get(template.schedulerName);
    if (profile === undefined) {
      this.#stage[pod] = Stage.ignored;
      recorder.loss(
        ACTOR,
        'Pod',
        'spec.schedulerName',
        1,
        'no profile of the scheduler has this name: the pods stay pending',
      );
      return;
    }
    this.#stage[pod] = Stage.queued;
    this.#template[pod] = template.id;
    this.#losses.queued(profile, template, state.pods.owner[pod]! >= 0);
    const nominated = state.pods.nominatedNode[pod]!;
    if (nominated >= 0) this.cache.nominations.set(pod, nominated);
    if (this.#exists(pod)) recorder.stamp(pod, PodStamp.queued);
    this.queue.add(pod, profile);
  }

  /** A pod leaves its node, as far as the scheduler counts. */
  #released(pod: number): void {
    const node = this.cache.removePod(pod);
    const template = this.#context.state.template(pod);
    const namespace = this.#context.state.podNamespace(pod);
    this.#happened({ events: ClusterEvent.assignedPodDelete, node, before: null, template, namespace });
  }

  #happened(change: ClusterChange): void {
    if ((change.events & this.queue.listened) === 0) return;
    if (this.#current >= 0 && this.#decision!.node < 0) this.#missed.push(change);
    this.queue.event(change);
  }

  // ---- one attempt ----

  /** Starts the next attempt unless one is under way. */
  #next(): void {
    while (this.#current < 0) {
      const pod = this.queue.pop();
      if (pod < 0) return;
      if (!this.#doomed.has(pod)) return this.#begin(pod);
      this.#stage[pod] = Stage.ignored;
      this.#reports.skipped(pod);
    }
  }

  #begin(pod: number): void {
    const { kernel, recorder, state } = this.#context;
    const { pods } = state;
    const now = kernel.now;
    this.#current = pod;
    this.#stage[pod] = Stage.attempt;
    this.#startedUs = now;
    recorder.observe(this.#queueLatency, now - this.queue.readyUs[pod]!);
    // The pod may be gone from etcd without the scheduler knowing; then it only wastes the scheduler's time.
    if (this.#exists(pod)) recorder.attempt(pod);
    this.teller?.began(pod);
    const framework = this.queue.profile(pod);
    const serial = pods.serial[pod]!;
    const attempt = this.queue.attempts[pod]!;
    this.#extenders?.begin(serial, attempt);
    const decision = this.search.select(this.#pod.at(pod), framework);
    this.#decision = decision;
    this.#postFilterResult =
      decision.node >= 0 || decision.nodeCount === 0 || decision.error !== ''
        ? NOTHING
        : this.#postFilter.run(framework, this.#pod, decision);
    const asked = this.#extenders?.spentUs ?? 0;
    const us =
      asked +
      this.#cost.us(serial, attempt, decision, this.#pod.at(pod), framework, this.search.filters, this.cache);
    kernel.after(us, this.#cycleEnd, pod, pods.generation[pod]!);
  }

  /** Acts on what PostFilter plug-ins found. Returns the node to record in the status, -1 to clear it. */
  #nominate(pod: number, decision: Decision, result: PostFilterResult): number | undefined {
    const { nominations } = this.cache;
    if (result.code === Code.success && result.outcomes !== undefined) {
      const { node, victims } = result.outcomes[0]!;
      this.#preemptions.begin(pod, node, victims);
      nominations.set(pod, node);
      return node;
    }
    const isCleared = result.nominate === -1 || decision.nodeCount === 0;
    return isCleared && nominations.clear(pod) >= 0 ? -1 : undefined;
  }

  #finish(pod: number, generation: number): void {
    const { kernel, recorder, state } = this.#context;
    const decision = this.#decision!;
    const missed = this.#missed;
    this.#current = -1;
    if (missed.length > 0) this.#missed = [];
    recorder.observe(this.#attemptLatency, kernel.now - this.#startedUs);
    // Gone, or bound by somebody else, while it was looked at.
    if (this.#stage[pod] !== Stage.attempt || state.pods.generation[pod] !== generation) {
      kernel.countDropped();
      this.teller?.ended('dropped', -1, '', decision);
    } else if (decision.node >= 0) {
      this.teller?.ended('scheduled', decision.node, '', decision);
      this.#assume(pod, decision);
    } else if (decision.error !== '') {
      this.teller?.ended('unschedulable', -1, decision.error, decision);
      this.#stage[pod] = Stage.queued;
      this.queue.failed(pod);
      const nominated = this.cache.nominations.clear(pod) >= 0 ? -1 : undefined;
      this.#reports.failed(pod, decision.error, SCHEDULER_ERROR, nominated);
    } else {
      const framework = this.queue.profile(this.#pod.at(pod).id);
      const { message, rejectors } = diagnose(decision, this.#verdicts, (name) =>
        preFilterOf(framework, name),
      );
      const result = this.#postFilterResult;
      const whole = result.message === '' ? message : `${message} ${result.message}`;
      const nominated = this.#nominate(pod, decision, result);
      const outcome = result.outcomes === undefined ? 'unschedulable' : 'preempting';
      this.teller?.ended(outcome, nominated ?? -1, whole, decision);
      this.#reject(pod, whole, rejectors, missed, nominated);
    }
    this.#next();
  }

  #reject(
    pod: number,
    message: string,
    rejectors: readonly number[],
    missed: readonly ClusterChange[],
    nominatedNode?: number,
    condition = UNSCHEDULABLE,
  ): void {
    this.#stage[pod] = Stage.queued;
    if (!this.#reports.has(pod)) {
      this.#losses.failed(this.queue.profile(pod), this.#context.state.template(pod));
    }
    this.queue.rejected(pod, rejectors, missed);
    this.#reports.failed(pod, message, condition, nominatedNode);
  }

  // ---- binding ----

  #assume(pod: number, decision: Decision): void {
    const { kernel, recorder, state } = this.#context;
    const { node } = decision;
    const view = this.#pod.at(pod);
    const framework = this.queue.profile(pod);
    this.cache.nominations.clear(pod);
    this.cache.addPod(pod, node, view.template);
    this.#stage[pod] = Stage.assumed;
    const refusal = reserveAndPermit(framework, this.#pod, node);
    if (refusal !== PASS) {
      this.cache.removePod(pod);
      const reasons = this.#verdicts.reasons(refusal).join(', ');
      const isRejection = this.#verdicts.code(refusal) !== Code.error;
      if (isRejection) this.#reject(pod, reasons, [this.#verdicts.instance(refusal)], []);
      else this.#reject(pod, reasons, [], [], undefined, SCHEDULER_ERROR);
      return;
    }
    if (this.#exists(pod)) recorder.stamp(pod, PodStamp.scheduled);
    this.#assumedUs.set(pod, kernel.now);
    if (recorder.tracer.enabled) {
      const { namespace, name } = view;
      recorder.tracer.hop(ACTOR, 'Pod', namespace, name, told(decision, framework, state.nodeName(node)));
    }
    if (!this.#preBindings.start(framework, view, node)) this.#binder.bind(pod, node);
  }

  #preBound(pod: number, problem: string | null): void {
    if (this.#stage[pod] !== Stage.assumed) return;
    if (problem === null) this.#binder.bind(pod, this.cache.nodeOfPod(pod));
    else this.#bindingFailed(pod, problem);
  }

  #bindingAnswered(reply: ApiReply): void {
    const { kernel, recorder, state } = this.#context;
    const pod = reply.target;
    if (state.pods.generation[pod] !== reply.arg) return;
    const assumedUs = this.#assumedUs.get(pod);
    // The watch was faster, and the pod is gone again.
    if (assumedUs === undefined) return;
    this.#assumedUs.delete(pod);
    if (reply.code >= 400) return this.#bindingFailed(pod, this.#binder.refusal(pod, reply.message));
    const node = this.cache.nodeOfPod(pod);
    const { namespace, name } = this.#pod.at(pod);
    recorder.observe(this.#bindLatency, kernel.now - assumedUs);
    this.#reports.forget(pod);
    for (const { plugin } of this.queue.profile(pod).postBind) plugin.postBind!(this.#pod, node);
    const message = `Successfully assigned ${namespace}/${name} to ${state.nodeName(node)}`;
    this.#events.podEvent('Normal', 'Scheduled', pod, message);
  }

  #bindingFailed(pod: number, message: string): void {
    this.#assumedUs.delete(pod);
    // Bound by somebody else in the meantime: it stays where the watch has put it.
    if (this.#stage[pod] !== Stage.assumed) return;
    unreserve(this.queue.profile(pod), this.#pod.at(pod), this.cache.nodeOfPod(pod));
    this.#released(pod);
    this.#stage[pod] = Stage.queued;
    this.queue.failed(pod);
    this.#reports.bindingFailed(pod, message, SCHEDULER_ERROR);
    this.#next();
  }

  #exists(pod: number): boolean {
    return (this.#context.state.pods.word[pod]! & PodBit.removed) === 0;
  }
}
