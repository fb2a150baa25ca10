// Containers that behave: those of pods whose annotations say how a container lives (kinds/container-behaviour.ts).
// Here each container ends, is killed by its probes, and comes back on its own, while the pod's sandbox and its other
// containers stay (computePodActions and SyncPod of pkg/kubelet/kuberuntime/kuberuntime_manager.go, v1.36). Pods without
// such annotations never come here. One event a pod is under way: the next moment at which anything about it changes.
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import type { ContainerBehaviour } from '../kinds/container-behaviour.ts';
import type { ContainerTemplate, PodTemplate } from '../state/index.ts';
import { BackOff, type BackOffLimits } from './back-off.ts';
import { type Flip, fateOf } from './probes.ts';

/** What the lane asks of the kubelet, and tells it. */
export interface RunHost {
  /** The moment falls on a machine that stands still: it comes again through `resume`. False: go on. */
  waits(pod: number, version: number): boolean;
  /** When the kubelet sees that a container ended at that time, µs. */
  seenUs(pod: number, us: number): number;
  /** A container has ended, which the kubelet has not seen yet; so many are left. */
  died(pod: number, alive: number): void;
  /** Time to look for the image, create and start a container, and until its status is seen, µs. */
  startUs(pod: number, index: number, run: number): number;
  /** Time from the decision to kill a container to its end, µs. */
  stopUs(pod: number, index: number, graceSeconds: number): number;
  /** Time that a probe's answer takes, µs. */
  answerUs(pod: number, index: number): number;
  event(pod: number, type: 'Normal' | 'Warning', reason: string, message: string): void;
  backOff(pod: number, container: string): void;
  /** The pod's status may have changed. */
  changed(pod: number, status: RunsStatus): void;
  /** Every container has ended for good, the last one at `us`; `code` is that of the first one that failed, or 0. */
  ended(pod: number, code: number, us: number): void;
  /** What the pod's own annotations say of a run: when it ends, µs from its start (null: never), and how. */
  own(pod: number, restarts: number): { readonly us: number | null; readonly code: number };
}

export interface RunsStatus {
  readonly ready: boolean;
  /** Of all containers together. */
  readonly restarts: number;
  /** A container waits in CrashLoopBackOff. */
  readonly backOff: boolean;
  /** Containers that run. */
  readonly alive: number;
}

/** `unseen`: ended, and the kubelet does not know yet. */
const Life = { running: 0, stopping: 1, waiting: 2, starting: 3, ended: 4, unseen: 5 } as const;
type Life = (typeof Life)[keyof typeof Life];

interface Run {
  /** Among init containers and containers together. */
  readonly index: number;
  readonly container: ContainerTemplate;
  life: Life;
  startedUs: number;
  ready: boolean;
  flips: readonly Flip[];
  flip: number;
  /** When this life ends, µs; Infinity. */
  untilUs: number;
  why: string;
  code: number;
  restarts: number;
  /** When this run ended, before the kubelet saw it; NaN. */
  diedUs: number;
  /** When its run before ended; NaN. */
  endedUs: number;
  readonly backOff: BackOff;
}

interface Pod {
  readonly pod: number;
  readonly seenUs: number;
  readonly template: PodTemplate;
  readonly runs: Run[];
  version: number;
  told: RunsStatus;
}

const SIGTERM_EXIT = 143;
const PROBE_NAMES: Readonly<Record<string, string>> = { startup: 'Startup', liveness: 'Liveness' };

export class ContainerRuns {
  readonly #c: RunContext;
  readonly #host: RunHost;
  readonly #pods = new Map<number, Pod>();
  readonly #kind: EventKind;
  #version = 0;

  constructor(context: RunContext, host: RunHost) {
    this.#c = context;
    this.#host = host;
    this.#kind = context.kernel.on('kubelet/containers', (pod, version) => this.#due(pod, version));
  }

  has(pod: number): boolean {
    return this.#pods.has(pod);
  }

  /** The status that shows the pod's containers running is being written; they count from now. */
  begin(pod: number, seenUs: number): RunsStatus {
    const template = this.#c.state.template(pod);
    const now = this.#c.kernel.now;
    const inits = template.initContainers.length;
    const runs = [...template.initContainers, ...template.containers]
      .map(
        (container, index): Run => ({
          index,
          container,
          life: Life.running,
          startedUs: now,
          ready: false,
          flips: [],
          flip: 0,
          untilUs: Number.POSITIVE_INFINITY,
          why: 'exit',
          code: 0,
          restarts: 0,
          diedUs: Number.NaN,
          endedUs: Number.NaN,
          backOff: new BackOff(),
        }),
      )
      .filter(({ index, container }) => index >= inits || container.sidecar);
    const told: RunsStatus = { ready: false, restarts: 0, backOff: false, alive: runs.length };
    const entry: Pod = { pod, seenUs, template, runs, version: 0, told };
    this.#pods.set(pod, entry);
    for (const run of runs) this.#begin(entry, run);
    for (const run of runs) this.#pass(run, now);
    entry.told = this.#status(entry);
    this.#arm(entry);
    return entry.told;
  }

  /** Since when a container (among init containers and containers together) runs, µs; NaN: it does not. */
  startedUs(pod: number, index: number): number {
    const run = this.#pods.get(pod)?.runs.find((one) => one.index === index);
    return run !== undefined && run.life <= Life.stopping ? run.startedUs : Number.NaN;
  }

  /** Restarts of the pod's containers so far. */
  restarts(pod: number): number {
    return this.#pods.get(pod)?.told.restarts ?? 0;
  }

  /** The pod stops, ends, or is gone. */
  forget(pod: number): void {
    this.#pods.delete(pod);
  }

  /** A moment that had to wait for its machine. */
  resume(pod: number, version: number): void {
    this.#due(pod, version);
  }

  #due(pod: number, version: number): void {
    const entry = this.#pods.get(pod);
    if (entry === undefined || entry.version !== version) return this.#c.kernel.countDropped();
    if (this.#host.waits(pod, version)) return;
    const now = this.#c.kernel.now;
    for (const run of entry.runs) {
      this.#pass(run, now);
      // A container that ends may start anew at the same moment.
      while (run.life !== Life.ended && run.untilUs <= now) this.#turn(entry, run, now);
    }
    if (this.#pods.get(pod) !== entry) return;
    const apps = entry.runs.filter(({ container }) => !container.sidecar);
    if (apps.every(({ life }) => life === Life.ended)) {
      this.#pods.delete(pod);
      const lastUs = apps.reduce((last, { endedUs }) => Math.max(last, endedUs), 0);
      this.#host.ended(pod, apps.find(({ code }) => code !== 0)?.code ?? 0, lastUs);
      return;
    }
    const status = this.#status(entry);
    const { told } = entry;
    entry.told = status;
    this.#arm(entry);
    if (
      status.ready !== told.ready ||
      status.restarts !== told.restarts ||
      status.backOff !== told.backOff ||
      status.alive !== told.alive
    )
      this.#host.changed(pod, status);
  }

  #status({ runs }: Pod): RunsStatus {
    let restarts = 0;
    let alive = 0;
    for (const run of runs) {
      restarts += run.restarts;
      if (run.life <= Life.stopping || run.life === Life.unseen) alive += 1;
    }
    return {
      ready: runs.every(({ ready }) => ready),
      restarts,
      backOff: runs.some(({ life }) => life === Life.waiting),
      alive,
    };
  }

  /** Readiness as it is at `now`. */
  #pass(run: Run, now: number): void {
    while (run.flip < run.flips.length && run.startedUs + run.flips[run.flip]!.atUs <= now) {
      run.ready = run.flips[run.flip]!.ok;
      run.flip += 1;
    }
  }

  #arm(entry: Pod): void {
    let next = Number.POSITIVE_INFINITY;
    for (const run of entry.runs) {
      if (run.life === Life.ended) continue;
      const flip = run.flips[run.flip];
      next = Math.min(next, run.untilUs, flip === undefined ? next : run.startedUs + flip.atUs);
    }
    entry.version = ++this.#version;
    if (next === Number.POSITIVE_INFINITY) return;
    const { kernel } = this.#c;
    kernel.at(Math.max(kernel.now, next), this.#kind, entry.pod, entry.version);
  }

  /** The life that a run is in has come to its end. */
  #turn(entry: Pod, run: Run, now: number): void {
    if (run.life === Life.waiting) this.#start(entry, run, now);
    else if (run.life === Life.starting) {
      const { name } = run.container;
      this.#host.event(entry.pod, 'Normal', 'Created', `Container created`);
      this.#host.event(entry.pod, 'Normal', 'Started', `Container started`);
      this.#c.recorder.tracer.enabled && this.#hop(entry, `container ${name} started`);
      this.#begin(entry, run);
      this.#pass(run, now);
    } else if (run.life === Life.unseen || run.life === Life.stopping) {
      this.#ended(entry, run, now);
    } else if (run.why === 'exit' || run.why === 'oom') {
      const seenUs = this.#host.seenUs(entry.pod, now);
      if (seenUs <= now) return this.#ended(entry, run, now);
      run.life = Life.unseen;
      run.diedUs = now;
      run.untilUs = seenUs;
      // What its probes would have found is of no consequence any more.
      run.flips = [];
      run.flip = 0;
      this.#host.died(entry.pod, entry.runs.filter(({ life }) => life <= Life.stopping).length);
    } else this.#kill(entry, run, now);
  }

  /** The container runs from now on: what will become of it. */
  #begin(entry: Pod, run: Run): void {
    const { pod, template, seenUs } = entry;
    const { container } = run;
    const now = this.#c.kernel.now;
    const { behaviour } = container;
    const wrong: ContainerBehaviour | null =
      behaviour !== null && run.restarts < behaviour.runs ? behaviour : null;
    const fate = fateOf({
      startup: container.startup,
      readiness: container.readiness,
      liveness: container.liveness,
      behaviour: wrong,
      memoryLimitBytes: container.memoryLimitBytes,
      sinceUs: now - seenUs,
      answerUs: behaviour?.answerUs ?? this.#host.answerUs(pod, run.index),
    });
    const { readyDelayUs } = template.timings;
    run.life = Life.running;
    run.startedUs = now;
    run.ready = false;
    run.flip = 0;
    run.flips = readyDelayUs === null || wrong !== null ? fate.ready : readyAt(readyDelayUs);
    run.untilUs = now + fate.endUs;
    run.why = fate.why;
    run.code = fate.code;
    // The pod's own annotations hold for containers that say nothing themselves.
    if (behaviour !== null || container.sidecar) return;
    const own = this.#host.own(pod, run.restarts);
    if (own.us === null || now + own.us >= run.untilUs) return;
    run.untilUs = now + own.us;
    run.why = 'exit';
    run.code = own.code;
  }

  /** Killed by a probe or because its hook failed. */
  #kill(entry: Pod, run: Run, now: number): void {
    const { pod, template } = entry;
    const { name } = run.container;
    const probe = run.why === 'startup' ? run.container.startup : run.container.liveness;
    const again = template.restartPolicy === 'Never' && !run.container.sidecar ? '' : ', will be restarted';
    if (run.why === 'hook') {
      this.#host.event(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
      this.#host.event(pod, 'Normal', 'Killing', 'FailedPostStartHook');
    } else {
      const found = probe?.handler === 'http' ? 'HTTP probe failed with statuscode: 500' : '';
      this.#host.event(pod, 'Warning', 'Unhealthy', `${PROBE_NAMES[run.why]} probe failed: ${found}`);
      this.#host.event(pod, 'Normal', 'Killing', `Container ${name} failed ${run.why} probe${again}`);
    }
    this.#hop(entry, `kills container ${name} (${run.why})`);
    run.life = Life.stopping;
    run.flips = [];
    run.flip = 0;
    run.untilUs = now + this.#host.stopUs(pod, run.index, probe?.graceSeconds ?? template.graceSeconds);
    run.code = template.timings.termExitCode ?? SIGTERM_EXIT;
  }

  #ended(entry: Pod, run: Run, now: number): void {
    const { pod, template } = entry;
    const { restartPolicy } = template;
    const { container, code } = run;
    const killed = run.life === Life.stopping;
    this.#hop(
      entry,
      `container ${container.name} ended with code ${code}${run.why === 'oom' ? ' (OOMKilled)' : ''}`,
    );
    run.ready = false;
    run.flips = [];
    run.flip = 0;
    const before = run.endedUs;
    const diedUs = Number.isNaN(run.diedUs) ? now : run.diedUs;
    run.diedUs = Number.NaN;
    run.endedUs = diedUs;
    const comesBack =
      container.sidecar ||
      restartPolicy === 'Always' ||
      (restartPolicy === 'OnFailure' && (killed || code !== 0));
    if (!comesBack) {
      run.life = Life.ended;
      run.untilUs = Number.POSITIVE_INFINITY;
      return;
    }
    // doBackOff looks at the newest run that had ended when the sync began: of a container that the sync itself killed
    // this is the one before, and there is none the first time.
    const sinceUs = killed ? before : diedUs;
    const inBackOff = !Number.isNaN(sinceUs) && run.backOff.waitUs(sinceUs, now, this.#limits) > 0;
    if (!inBackOff) return this.#start(entry, run, now, sinceUs);
    run.life = Life.waiting;
    run.untilUs = Math.max(now, (killed ? now : diedUs) + run.backOff.us);
    this.#host.backOff(pod, container.name);
  }

  #start(entry: Pod, run: Run, now: number, sinceUs = run.endedUs): void {
    if (!Number.isNaN(sinceUs)) run.backOff.next(sinceUs, now, this.#limits);
    run.restarts += 1;
    run.life = Life.starting;
    run.untilUs = now + this.#host.startUs(entry.pod, run.index, run.restarts);
  }

  get #limits(): BackOffLimits {
    const { crashBackoffBaseUs, crashBackoffMaxUs, crashBackoffResetUs } = this.#c.costs.kubelet;
    return { baseUs: crashBackoffBaseUs, maxUs: crashBackoffMaxUs, resetUs: crashBackoffResetUs };
  }

  #hop({ pod }: Pod, what: string): void {
    const { recorder, state } = this.#c;
    if (!recorder.tracer.enabled) return;
    const actor = `kubelet/${state.nodeName(state.pods.node[pod]!)}`;
    recorder.tracer.hop(actor, 'Pod', state.podNamespace(pod), state.podName(pod), what);
  }
}

const readyAt = (us: number): Flip[] => (us === Number.POSITIVE_INFINITY ? [] : [{ atUs: us, ok: true }]);
