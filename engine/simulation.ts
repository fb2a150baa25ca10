// One run: from a resolved scenario and what may be used in it to a result. Reads from top to bottom as the life of a
// run; the rooms know nothing of each other, only this file knows them all.
import { admission } from './apiserver/admit.ts';
import { Server } from './apiserver/server.ts';
import { describeKind, storeFor } from './apiserver/stores.ts';
import type { ControllerDefinition } from './contracts/controller.ts';
import { PolicyFault } from './contracts/own-plugins.ts';
import type { RunOptions, RunResult } from './contracts/result.ts';
import type { RunContext } from './contracts/run-context.ts';
import type { ResolvedScenario } from './contracts/scenario.ts';
import type { PluginRegistry } from './contracts/scheduler.ts';
import type { Workload, WorkloadDefinition } from './contracts/workload.ts';
import { chosenControllers } from './controllers/chosen.ts';
import { controllers as builtInControllers } from './controllers/index.ts';
import { ControllerManager } from './controllers/manager.ts';
import { ArrivalDriver } from './drivers/arrivals.ts';
import { IdleEnd } from './drivers/idle-end.ts';
import { Neighbours } from './drivers/neighbours.ts';
import { Seeder } from './drivers/seed.ts';
import { StepDriver } from './drivers/steps.ts';
import { History } from './invariants/history.ts';
import { Sweep } from './invariants/sweep.ts';
import {
  assert,
  type Duration,
  Durations,
  Fingerprint,
  Kernel,
  KeyedDraw,
  PeriodicWork,
  Rng,
} from './kernel/index.ts';
import { podTemplateCompiler } from './kinds/ingest/pod-template.ts';
import { kindOf, listKinds } from './kinds/registry.ts';
import { Recorder } from './metrics/recorder.ts';
import { Proxies } from './network/proxy.ts';
import { Traffic } from './network/traffic.ts';
import { withExactDelays } from './node/exact-delays.ts';
import { Kubelets } from './node/kubelet.ts';
import { Reach } from './node/node-power.ts';
import { VolumeManager } from './node/volume-manager.ts';
import { podRowSource } from './pod-rows.ts';
import { loadProfiles } from './scheduler/profiles.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { ClusterState, isTerminal, LEASE_RENEW_US, Phase, PodBit, phaseOf } from './state/index.ts';
import { TimelineObserver } from './timeline/observer.ts';

/** What may be used in a run, by name. It belongs to the run, never to the process. */
export interface Registry {
  readonly workloads: readonly WorkloadDefinition[];
  readonly scheduler: PluginRegistry;
  /** Controllers besides the built-in ones, or in the place of the built-in one of the same name. */
  readonly controllers?: readonly ControllerDefinition[];
}

/** Events between two looks at progress and at Ctrl-C. */
const PROGRESS_EVENTS = 50_000;

/** Runs a scenario to its end. The same scenario and registry give the same result, bit for bit. */
export function simulate(
  scenario: ResolvedScenario,
  registry: Registry,
  options: RunOptions = {},
): RunResult {
  const run = new Run(scenario, registry, options);
  try {
    run.seed();
    run.start();
    run.play();
    return run.result();
  } catch (error) {
    if (error instanceof PolicyFault) error.timeUs = run.now;
    throw error;
  }
}

class Run {
  readonly #scenario: ResolvedScenario;
  readonly #registry: Registry;
  readonly #options: RunOptions;
  readonly #fingerprint = new Fingerprint();
  readonly #server: Server;
  readonly #context: RunContext;
  readonly #kubelets: Kubelets;
  readonly #bystanders: Neighbours | null;
  readonly #timeline: TimelineObserver | null;
  readonly #controllers: readonly ControllerDefinition[];
  readonly #sweep: Sweep | null;
  readonly #history: History | null;
  #scheduler: Scheduler | null = null;
  #traffic: Traffic | null = null;
  #idleEnd: IdleEnd | null = null;
  #adopted: readonly number[] = [];
  #outcome: 'idle' | 'until' | 'stopped' = 'idle';
  #interrupted = false;

  constructor(scenario: ResolvedScenario, registry: Registry, options: RunOptions) {
    this.#scenario = scenario;
    this.#registry = registry;
    this.#options = options;
    const { seed, replication, costs } = scenario;
    const kernel = new Kernel({ queue: scenario.queue, fingerprint: this.#fingerprint });
    const rng = new Rng(seed, replication);
    const draw = new KeyedDraw(seed, replication);
    const durations = new Durations(draw);
    const state = new ClusterState((tables) => withExactDelays(podTemplateCompiler(tables), costs));
    const neighbours = scenario.frame?.neighbours ?? [];
    this.#bystanders = neighbours.length === 0 ? null : new Neighbours(state, neighbours);
    this.#timeline =
      options.timeline === undefined ? null : new TimelineObserver(state, scenario, this.#bystanders);
    this.#controllers = chosenControllers(
      builtInControllers,
      registry.controllers ?? [],
      scenario.policies.controllers,
    );
    // What only controllers of the user's own promise is theirs to keep.
    const isBuiltIn = (name: string): boolean =>
      this.#controllers.some(
        (definition) => definition.name === name && builtInControllers.includes(definition),
      );
    this.#history = options.paranoid === true ? new History(state, isBuiltIn) : null;
    this.#sweep = options.paranoid === true ? new Sweep(state, () => kernel.now, isBuiltIn) : null;
    const recorder = new Recorder({
      labels: { experiment: scenario.experiment, variant: scenario.variant, replication, seed },
      warmUpUs: scenario.warmUpUs,
      sinks: [...(options.sinks ?? []), ...(this.#timeline === null ? [] : [this.#timeline.sink])],
      pods: podRowSource(state),
      now: () => kernel.now,
      ...(options.trace ? { trace: options.trace } : {}),
    });
    for (const kind of listKinds()) {
      const known = state.objects.findKind(kind.kind) !== undefined;
      if (kind.modelled && !known && kind.kind !== 'Pod' && kind.kind !== 'Node') {
        state.objects.register(kind.kind, kind.apiVersion, kind.resource, kind.namespaced);
      }
    }
    let seeder: Seeder | null = null;
    this.#server = new Server({
      kernel,
      rng,
      draw,
      durations,
      fingerprint: this.#fingerprint,
      state,
      recorder,
      costs,
      admit: admission(state),
      committed: (logs) => {
        this.#idleEnd?.changed(logs);
        this.#timeline?.committed(logs);
        this.#sweep?.committed();
        this.#history?.committed();
      },
      ...(this.#history === null ? {} : { acting: (...what) => this.#history!.acting(...what) }),
      addNode: (object, revision) => {
        assert(seeder !== null, 'nodes join after the run was built');
        const how = { name: object.metadata.name!, zone: '', hostname: true, us: kernel.now, revision };
        return seeder.node(object, how);
      },
      describeKind,
    });
    const periodic = new PeriodicWork(kernel, scenario.stopWhenIdle);
    this.#context = {
      kernel,
      rng,
      draw,
      durations,
      state,
      api: this.#server,
      recorder,
      costs,
      periodic,
      hasOtherNodes: scenario.frame?.shared === true,
    };
    seeder = new Seeder(state, recorder, this.#server);
    this.#seeder = seeder;
    this.#heartbeats();
    const volumes = new VolumeManager(this.#context);
    this.#kubelets = new Kubelets(this.#context, volumes);
    const { power } = this.#kubelets;
    volumes.connect({
      client: (node) => this.#kubelets.clientOf(node),
      isUp: (node) => power.reach(node) === Reach.up,
      onReturn: (call) => power.onReturn(call),
    });
  }

  readonly #seeder: Seeder;

  /** Every kubelet renews its lease on a phase of its own; `events` makes a request of each renewal. */
  #heartbeats(): void {
    const { state, draw, durations, costs } = this.#context;
    const phase = draw.purpose('kubelet/lease');
    const { networkUs, handlerUs, watchUs } = costs.apiserver;
    const typical = (name: string, us: Duration): number =>
      durations.sampler(`kubelet/lease/${name}`, us)(0, 0);
    const { heartbeats } = state;
    // Nodes of a recorded scenario joined together, at a time that is known.
    const joinedUs = this.#scenario.frame?.joinedUs;
    heartbeats.phaseUs = (node) =>
      joinedUs === undefined
        ? draw.below(phase, node, 0, LEASE_RENEW_US)
        : (joinedUs + LEASE_RENEW_US) % LEASE_RENEW_US;
    heartbeats.asEvents = this.#scenario.heartbeats === 'events';
    heartbeats.lagUs =
      typical('network', networkUs) +
      typical('handler', handlerUs['update leases'] ?? handlerUs['update'] ?? handlerUs['*'] ?? 0) +
      typical('etcd', costs.etcd.fsyncUs) +
      watchUs;
  }

  /** Virtual time, µs. */
  get now(): number {
    return this.#context.kernel.now;
  }

  /** The cluster before anything happens. */
  seed(): void {
    const scenario = this.#scenario;
    for (const loss of scenario.loss) {
      this.#context.recorder.loss(loss.source, loss.kind, loss.field, loss.count, loss.note);
    }
    this.#workloads = scenario.workloads.map((use) => this.#workload(use.use, use.args));
    this.#seeder.namespaces(this.#workloads.flatMap((workload) => workload.namespaces));
    this.#seeder.nodeGroups(scenario.nodes);
    this.#adopted = this.#seeder.existing(scenario.existing);
    this.#seeder.namespaceDefaults();
    this.#registerLater();
    this.#timeline?.baseline();
    this.#history?.committed();
  }

  /** Kinds that are stored only and that steps bring: watches of them are open from the beginning. */
  #registerLater(): void {
    const { objects } = this.#context.state;
    for (const { object } of this.#scenario.steps.flatMap((step) => step.objects)) {
      if (kindOf(object.apiVersion, object.kind)?.modelled === false) storeFor(objects, describeKind, object);
    }
  }

  #workloads: Workload[] = [];

  #workload(name: string, args: Readonly<Record<string, unknown>>): Workload {
    const definition = this.#registry.workloads.find((workload) => workload.name === name);
    assert(definition !== undefined, () => `no workload is named ${name}`);
    const made = definition.create(args);
    assert('workload' in made, () => `arguments of workload ${name} were not checked before the run`);
    return made.workload;
  }

  /** Everyone opens their watches and arms their timers. */
  start(): void {
    const context = this.#context;
    const profiles = loadProfiles(this.#scenario.policies.schedulerConfig, this.#registry.scheduler);
    assert('settings' in profiles, 'the scheduler configuration was checked before the run');
    const observer = this.#options.attempts ?? null;
    const search = this.#options.verifyDecisions ? 'verify' : this.#scenario.policies.search;
    this.#scheduler = new Scheduler(context, profiles.settings, observer, search);
    this.#scheduler.start();
    new ControllerManager(context, this.#controllers).start();
    this.#kubelets.start();
    for (const pod of this.#adopted) this.#kubelets.adopt(pod);
    const proxies = new Proxies(context);
    proxies.start();
    this.#sendRequests(proxies);
    this.#observe();
    const { steps, frame, untilUs } = this.#scenario;
    new StepDriver(context, steps, this.#timeline, this.#kubelets.power).start();
    if (frame !== undefined) {
      const own = frame.neighbours === undefined ? steps : steps.filter((step) => step.ordinal !== undefined);
      const lastUs = Math.max(0, ...own.map((step) => step.atUs));
      this.#idleEnd = new IdleEnd(context, frame, lastUs, this.#bystanders);
      this.#idleEnd.start();
    }
    const { rng } = context;
    const arrivals = this.#workloads.map((workload, i) =>
      workload.arrivals({ rng, streams: `workload/${i}`, untilUs }),
    );
    new ArrivalDriver(context, arrivals).start();
  }

  /** Clients of Services, where a workload sends requests. */
  #sendRequests(proxies: Proxies): void {
    const { rng } = this.#context;
    const { untilUs } = this.#scenario;
    const streams = this.#workloads.flatMap((workload, i) =>
      workload.requests === undefined ? [] : [workload.requests({ rng, streams: `workload/${i}`, untilUs })],
    );
    if (streams.length === 0) return;
    this.#traffic = new Traffic(this.#context, proxies, this.#kubelets.processes, streams);
    this.#traffic.start();
  }

  /** A client that watches pods, as a test harness does: pod.startup ends when it sees Ready. */
  #observe(): void {
    const { api, recorder } = this.#context;
    api.watch('pods', (log, from, to) => {
      for (let p = from; p < to; p++) {
        const word = log.word(p);
        if (phaseOf(word) === Phase.running) recorder.observedRunning(log.id(p));
        if (word & PodBit.ready) recorder.observedReady(log.id(p));
      }
    });
  }

  /** Virtual time runs. */
  play(): void {
    const { kernel, recorder } = this.#context;
    const { progress, shouldStop } = this.#options;
    const { untilUs } = this.#scenario;
    kernel.setProgress(PROGRESS_EVENTS, () => {
      if (shouldStop?.()) {
        this.#interrupted = true;
        kernel.stop();
      }
      progress?.({
        virtualUs: kernel.now,
        untilUs,
        events: kernel.eventsRun,
        podsCreated: recorder.podsCreated,
        podsReady: recorder.podsReady,
        podsPending: recorder.podsUnscheduled,
      });
    });
    this.#outcome = kernel.run(untilUs);
  }

  result(): RunResult {
    const { kernel, recorder, state, periodic } = this.#context;
    this.#sweep?.check();
    const scheduler = this.#scheduler;
    this.#traffic?.finish();
    this.#options.attempts?.over?.((namespace, pod) => scheduler?.teller?.viewOf(namespace, pod) ?? null);
    const livePods = state.pods.livePods();
    this.#kubelets.finish();
    let unschedulable = 0;
    for (const pod of livePods) {
      const word = state.pods.word[pod]!;
      if (phaseOf(word) === Phase.pending && !isTerminal(word) && word & PodBit.unschedulable)
        unschedulable += 1;
    }
    const fingerprint = this.#fingerprint;
    const ended = periodic.ended || this.#idleEnd?.ended === true;
    this.#options.verifyDecisions?.(this.#scheduler!.search.verified);
    if (this.#timeline !== null) this.#options.timeline?.(this.#timeline.finish());
    return recorder.finish({
      livePods,
      virtualUs: kernel.now,
      eventsRun: kernel.eventsRun,
      endReason: this.#interrupted ? 'stopped' : ended ? 'idle' : this.#outcome,
      ingredients: fingerprint.ingredients(),
      fingerprint: fingerprint.digest(),
      unschedulable,
      expect: this.#scenario.expect,
      seal: (summary) => {
        fingerprint.text(summary);
        return { fingerprint: fingerprint.digest(), ingredients: fingerprint.ingredients() };
      },
    });
  }
}
