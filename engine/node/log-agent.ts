// Logs of containers, from the line to the sink: the runtime writes files, which the kubelet rotates; an agent on the
// node reads them into a buffer and hands chunks on to a sink. Computed as a fluid, node by node: rates change only when
// a pod starts or ends, in between everything is linear, and a line costs nothing. What the sink does not take stays
// in the buffer, then in the files (the agent reads no more while its buffer is full), and what is rotated away before it
// was read is lost. Nodes without logging pods are not known here.
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import type { LogAgentSettings } from '../kinds/log-agent.ts';
import { LOG_FILES_BYTES } from '../kinds/pod-use.ts';
import type { PodLogs } from '../state/index.ts';

/** Delays within a stretch of time are linear; so many points stand for them. */
const POINTS = 8;
const SECOND = 1e6;
/** containerLogMonitorInterval (pkg/kubelet/apis/config/v1beta1/defaults.go, v1.36). */
const MONITOR_US = 10_000_000;

/** A stretch in which no agent ran: its lines leave when one does. */
interface Unread {
  readonly fromUs: number;
  readonly toUs: number;
  readonly fromBytes: number;
  readonly toBytes: number;
  readonly lines: number;
}

interface NodeLog {
  /** Up to when everything is computed. */
  atUs: number;
  /** Sum of the squares of the containers' bytes a second. */
  squares: number;
  linesPerSecond: number;
  bytesPerSecond: number;
  /** Bytes in files and buffer that have not been handed on. */
  backlog: number;
  agents: LogAgentSettings[];
  unread: Unread[];
  written: number;
  lost: number;
  waiting: number;
}

export class NodeLogs {
  readonly #c: RunContext;
  /** By node. */
  readonly #nodes: (NodeLog | undefined)[] = [];
  /** The same in the order in which their first pods came: sums of fractions depend on it. */
  readonly #inOrder: NodeLog[] = [];
  /** By row of the pod table: the node of a pod that counts, -1. */
  readonly #pods: number[] = [];
  readonly #monitor: EventKind;
  #delay = -1;

  constructor(context: RunContext) {
    this.#c = context;
    // One look at the files for all nodes keeps time going where a run has a given length and nothing else happens.
    this.#monitor = context.kernel.on('kubelet/log-monitor', () => {
      if (!context.periodic.fired()) this.#watchFiles();
    });
  }

  /** The pod's containers run. */
  started(pod: number): void {
    const { state } = this.#c;
    const { logs, logAgent } = state.template(pod);
    if (logs === null && logAgent === null) return;
    if ((this.#pods[pod] ?? -1) >= 0) return;
    const node = state.pods.node[pod]!;
    this.#pods[pod] = node;
    const log = this.#of(node);
    this.#advance(log);
    if (logs !== null) this.#rates(log, logs, 1);
    if (logAgent !== null) {
      log.agents.push(logAgent);
      if (log.agents.length === 1) this.#readOn(log);
    }
  }

  /** They run no more. */
  stopped(pod: number): void {
    const node = this.#pods[pod] ?? -1;
    if (node < 0) return;
    this.#pods[pod] = -1;
    const { logs, logAgent } = this.#c.state.template(pod);
    const log = this.#of(node);
    this.#advance(log);
    if (logs !== null) this.#rates(log, logs, -1);
    if (logAgent !== null) log.agents.splice(log.agents.indexOf(logAgent), 1);
  }

  /** The run is over: everything up to now, and the sums. */
  finish(): void {
    if (this.#inOrder.length === 0) return;
    const { recorder } = this.#c;
    const sums = { written: 0, lost: 0, waiting: 0 };
    for (const log of this.#inOrder) {
      this.#advance(log);
      sums.written += log.written;
      sums.lost += log.lost;
      sums.waiting += log.waiting;
    }
    const count = (name: string, lines: number): void => recorder.count(recorder.counter(name), lines);
    const [written, lost, waiting] = [sums.written, sums.lost, sums.waiting].map(Math.round) as [
      number,
      number,
      number,
    ];
    count('log.lines.written', written);
    count('log.lines.lost', lost);
    count('log.lines.waiting', waiting);
    count('log.lines.shipped', written - lost - waiting);
  }

  #watchFiles(): void {
    this.#c.periodic.arm();
    this.#c.kernel.after(MONITOR_US, this.#monitor, 0, 0);
  }

  #rates(log: NodeLog, logs: PodLogs, sign: 1 | -1): void {
    log.squares += sign * logs.squares;
    log.linesPerSecond += sign * logs.linesPerSecond;
    log.bytesPerSecond += sign * logs.bytesPerSecond;
  }

  #of(node: number): NodeLog {
    let log = this.#nodes[node];
    if (log === undefined) {
      log = {
        atUs: this.#c.kernel.now,
        squares: 0,
        linesPerSecond: 0,
        bytesPerSecond: 0,
        backlog: 0,
        agents: [],
        unread: [],
        written: 0,
        lost: 0,
        waiting: 0,
      };
      this.#nodes[node] = log;
      this.#inOrder.push(log);
      if (this.#delay < 0) {
        this.#delay = this.#c.recorder.latency('log.delay');
        this.#watchFiles();
      }
    }
    return log;
  }

  /** From the last change to now, in stretches in which nothing bends: backlog empty, filling, or at its limit. */
  #advance(log: NodeLog): void {
    const untilUs = this.#c.kernel.now;
    while (log.atUs < untilUs) {
      const agent = log.agents[0];
      const outward = agent?.sinkBytesPerSecond ?? 0;
      const limit = writers(log) * LOG_FILES_BYTES + (agent?.bufferBytes ?? 0);
      const growth = log.bytesPerSecond - outward;
      let toUs: number = untilUs;
      if (growth > 0 && log.backlog < limit)
        toUs = Math.min(toUs, log.atUs + Math.ceil(((limit - log.backlog) / growth) * SECOND));
      else if (growth < 0 && log.backlog > 0 && growth !== Number.NEGATIVE_INFINITY)
        toUs = Math.min(toUs, log.atUs + Math.ceil((log.backlog / -growth) * SECOND));
      else if (growth === Number.NEGATIVE_INFINITY) log.backlog = 0;
      this.#stretch(log, toUs, growth, limit, outward, agent);
    }
  }

  #stretch(
    log: NodeLog,
    toUs: number,
    growth: number,
    limit: number,
    outward: number,
    agent: LogAgentSettings | undefined,
  ): void {
    const seconds = (toUs - log.atUs) / SECOND;
    const lines = log.linesPerSecond * seconds;
    const from = log.backlog;
    const free = growth === Number.NEGATIVE_INFINITY ? 0 : from + growth * seconds;
    // Whoever has a backlog above the limit, because containers have gone, keeps it until it is read.
    const to = Math.max(0, Math.min(Math.max(limit, from), free));
    const lostBytes = Math.max(0, free - to);
    const lineBytes = log.linesPerSecond === 0 ? 1 : log.bytesPerSecond / log.linesPerSecond;
    const lost = lostBytes / lineBytes;
    const kept = Math.max(0, lines - lost);
    log.written += lines;
    log.lost += lost;
    log.waiting = Math.max(0, log.waiting + (to - from) / lineBytes);
    if (to === 0) log.waiting = 0;
    if (kept > 0) {
      const stretch = { fromUs: log.atUs, toUs, fromBytes: from, toBytes: to, lines: kept };
      if (agent === undefined) log.unread.push(stretch);
      else
        this.#delays(
          stretch,
          outward,
          flushWaitUs(agent, Math.min(log.bytesPerSecond, outward)),
          toUs,
          false,
        );
    }
    log.backlog = to;
    log.atUs = toUs;
  }

  /** An agent runs again: what was written meanwhile leaves now, in its order. */
  #readOn(log: NodeLog): void {
    const [agent] = log.agents;
    for (const stretch of log.unread) {
      const outward = agent!.sinkBytesPerSecond;
      this.#delays(stretch, outward, flushWaitUs(agent!, outward), this.#c.kernel.now, true);
    }
    log.unread = [];
  }

  /** Delays of the lines of a stretch, as points of equal weight. `since`: they begin to leave at `nowUs`, not at once. */
  #delays(stretch: Unread, outward: number, waitUs: number, nowUs: number, since: boolean): void {
    const { fromUs, toUs, fromBytes, toBytes, lines } = stretch;
    let told = 0;
    for (let i = 0; i < POINTS; i++) {
      const share = (i + 0.5) / POINTS;
      const before = fromBytes + (toBytes - fromBytes) * share;
      const queueUs = outward === Number.POSITIVE_INFINITY ? 0 : (before / outward) * SECOND;
      const heldUs = since ? nowUs - (fromUs + (toUs - fromUs) * share) : 0;
      // Lines within a chunk have waited for anything between nothing and its whole age.
      const chunkUs = (waitUs * (((i * 5 + 2) % POINTS) + 0.5)) / POINTS;
      const weight = Math.round((lines * (i + 1)) / POINTS) - told;
      told += weight;
      if (weight > 0) this.#c.recorder.observe(this.#delay, Math.round(heldUs + queueUs + chunkUs), weight);
    }
  }
}

/**
 * Containers whose files hold the backlog: those that write most of it, as the backlog is theirs (inverse Simpson index
 * of their rates: n equal ones are n, one among silent ones is 1).
 */
const writers = ({ bytesPerSecond, squares }: NodeLog): number =>
  squares === 0 ? 0 : bytesPerSecond ** 2 / squares;

/** Age at which a chunk is sent: when it is old or large enough. */
const flushWaitUs = (agent: LogAgentSettings, bytesPerSecond: number): number =>
  bytesPerSecond === 0
    ? agent.flushUs
    : Math.min(agent.flushUs, (agent.chunkBytes / bytesPerSecond) * SECOND);
