// `kubectl drain`, `cordon` and `uncordon` as the process does them, request by request (kubectl pkg/cmd/drain and
// pkg/drain, v1.36): GET and PATCH of the nodes, then for each node a LIST of its pods and their evictions at once, each
// tried again after 5 s while a budget forbids it, and a GET a second until the pod is gone.
//
// What kubectl does is written as threads: generators that wait for an answer, for a while, or for their children.
import type { ApiClient, ApiReply, ReplyHandler } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { DrainOptions, TimedStep } from '../contracts/scenario.ts';
import type { EventKind, Stream } from '../kernel/index.ts';
import { asksForDaemonSet, isSkipped, podsToLookAt, podsToRemove } from './drain-pods.ts';

const SECOND = 1_000_000;
/** A refused eviction is tried again after this long (evictPods). */
const RETRY_US = 5 * SECOND;
/** A pod that was evicted is looked at this often (waitForDelete). */
const POLL_US = SECOND;

/** Sends one request whose answer carries the thread's number. */
type Ask = (client: ApiClient, reply: ReplyHandler, thread: number) => void;
/** Until all children of the thread have ended. */
const CHILDREN = Symbol('children');
type Wait = { readonly ask: Ask } | { readonly pauseUs: number } | typeof CHILDREN;
/** What a thread gets back: the answer, valid until the next wait; null after pauses. */
type Thread = Generator<Wait, void, ApiReply | null>;

interface Running {
  readonly thread: Thread;
  /** Number of the thread that started it, -1: none. */
  readonly parent: number;
  children: number;
  /** For its children. */
  waits: boolean;
  readonly ended: (() => void) | null;
}

/** One process of kubectl. */
interface Command {
  readonly drain: DrainOptions | undefined;
  readonly stdout: string[];
  readonly stderr: string[];
  failed: boolean;
}

interface Victim {
  readonly pod: number;
  readonly generation: number;
  readonly name: string;
  readonly namespace: string;
  /** As the output names it. */
  readonly shown: string;
}

export interface CommandEnd {
  readonly exit: 0 | 1;
  readonly stdout: string;
  readonly stderr: string;
}

export class DrainCommands {
  readonly #c: RunContext;
  readonly #client: ApiClient;
  readonly #pause: EventKind;
  readonly #order: () => Stream;
  readonly #answered: ReplyHandler;
  readonly #podShown: (pod: number) => string | undefined;
  readonly #threads = new Map<number, Running>();
  #started = 0;
  /** Thread that runs now, -1: none. */
  #current = -1;

  /** `podShown`: how the output names a pod, if not by its name. */
  constructor(context: RunContext, client: ApiClient, podShown: (pod: number) => string | undefined) {
    this.#c = context;
    this.#client = client;
    this.#podShown = podShown;
    this.#order = () => context.rng.stream('kubectl/evictions');
    this.#answered = (reply) => this.#resume(reply.target, reply);
    this.#pause = context.kernel.on('kubectl/drain', (thread) => this.#resume(thread, null));
  }

  /** Carries out a step about `nodes`; `missing` are names that no node has. */
  run(
    step: TimedStep,
    nodes: readonly number[],
    missing: readonly string[],
    done: (end: CommandEnd) => void,
  ): void {
    const command: Command = { drain: step.drain, stdout: [], stderr: [], failed: false };
    const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
    this.#start(this.#main(command, step.do !== 'uncordon', nodes, missing), -1, () =>
      done({
        exit: command.failed ? 1 : 0,
        stdout: text(command.stdout),
        stderr: text(command.stderr),
      }),
    );
  }

  #start(thread: Thread, parent: number, ended: (() => void) | null): void {
    const number = this.#started++;
    this.#threads.set(number, { thread, parent, children: 0, waits: false, ended });
    if (parent >= 0) this.#threads.get(parent)!.children += 1;
    this.#resume(number, null);
  }

  #resume(number: number, reply: ApiReply | null): void {
    const running = this.#threads.get(number)!;
    running.waits = false;
    let next = this.#step(number, running, reply);
    // Children may have ended before anybody waited for them.
    while (next.done !== true && next.value === CHILDREN && running.children === 0)
      next = this.#step(number, running, null);
    if (next.done === true) return this.#ended(number, running);
    const wait = next.value;
    if (wait === CHILDREN) {
      running.waits = true;
      return;
    }
    if ('ask' in wait) wait.ask(this.#client, this.#answered, number);
    else this.#c.kernel.at(this.#c.kernel.now + wait.pauseUs, this.#pause, number, 0);
  }

  #step(number: number, { thread }: Running, reply: ApiReply | null): IteratorResult<Wait, void> {
    const before = this.#current;
    this.#current = number;
    const next = thread.next(reply);
    this.#current = before;
    return next;
  }

  #ended(number: number, { parent, ended }: Running): void {
    this.#threads.delete(number);
    ended?.();
    const above = this.#threads.get(parent);
    if (above === undefined) return;
    above.children -= 1;
    if (above.children === 0 && above.waits) this.#resume(parent, null);
  }

  *#main(command: Command, cordon: boolean, nodes: readonly number[], missing: readonly string[]): Thread {
    const { state } = this.#c;
    const found: number[] = [];
    for (const node of nodes) {
      const reply = yield { ask: (client, answer, thread) => client.read('nodes', node, 0, answer, thread) };
      if (reply!.code >= 400) return this.#fail(command, `Error from server (NotFound): ${reply!.message}`);
      found.push(node);
    }
    for (const name of missing) {
      yield { ask: (client, answer, thread) => client.look('get', 'nodes', answer, thread) };
      this.#fail(command, `Error from server (NotFound): nodes ${JSON.stringify(name)} not found`);
    }
    if (missing.length > 0) return;
    for (const node of found) yield* this.#cordon(command, cordon, node);
    const { drain } = command;
    if (drain === undefined) return;
    const left = new Set(found);
    for (const node of found) {
      const name = state.nodeName(node);
      const errors = yield* this.#drain(command, drain, node);
      if (errors.length === 0) {
        command.stdout.push(`node/${name} drained`);
        left.delete(node);
        continue;
      }
      command.failed = true;
      const said = errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`;
      command.stderr.push(
        `error: unable to drain node ${JSON.stringify(name)} due to error: ${said}, continuing command...`,
      );
      if (drain.ignoreErrors && found.length > 1) continue;
      command.stderr.push('There are pending nodes to be drained:');
      for (const one of left) command.stderr.push(` ${state.nodeName(one)}`);
      return this.#fail(command, errors.length === 1 ? `error: ${said}` : said);
    }
  }

  #fail(command: Command, line: string): void {
    command.failed = true;
    command.stderr.push(line);
  }

  *#cordon(command: Command, cordon: boolean, node: number): Thread {
    const { nodes } = this.#c.state;
    const name = this.#c.state.nodeName(node);
    const what = cordon ? 'cordon' : 'uncordon';
    if ((nodes.unschedulable[node] === 1) === cordon) {
      command.stdout.push(`node/${name} already ${what}ed`);
      return;
    }
    this.#hop('Node', '', name, `sends PATCH Node (${what})`);
    const reply = yield {
      ask: (client, answer, thread) =>
        client.patchNode(
          node,
          (object) => {
            const { unschedulable: _, ...spec } = object['spec'] ?? {};
            return { ...object, spec: cordon ? { ...spec, unschedulable: true } : spec };
          },
          false,
          answer,
          thread,
        ),
    };
    if (reply!.code < 400) command.stdout.push(`node/${name} ${what}ed`);
    else this.#fail(command, `error: unable to ${what} node ${JSON.stringify(name)}: ${reply!.message}`);
  }

  /** Removes the pods of one node; the errors that kubectl ends with. */
  *#drain(
    command: Command,
    drain: DrainOptions,
    node: number,
  ): Generator<Wait, readonly string[], ApiReply | null> {
    const { state, kernel } = this.#c;
    yield { ask: (client, answer, thread) => client.look('list', 'pods', answer, thread) };
    const listed = podsToLookAt(state, node, drain);
    for (const pod of listed)
      if (asksForDaemonSet(state, pod))
        yield { ask: (client, answer, thread) => client.look('get', 'daemonsets', answer, thread) };
    const shown = (pod: number): string => this.#podShown(pod) ?? state.podName(pod);
    const here = listed.filter((pod) => state.pods.node[pod] === node);
    const { pods, warnings, errors } = podsToRemove(
      state,
      here,
      drain,
      kernel.now,
      (pod) => `${state.podNamespace(pod)}/${shown(pod)}`,
    );
    if (errors.length > 0) return errors;
    if (warnings !== '') command.stderr.push(`Warning: ${warnings}`);
    const victims = pods.map(
      (pod): Victim => ({
        pod,
        generation: state.pods.generation[pod]!,
        name: state.podName(pod),
        namespace: state.podNamespace(pod),
        shown: shown(pod),
      }),
    );
    const untilUs = drain.timeoutUs === 0 ? Number.POSITIVE_INFINITY : kernel.now + drain.timeoutUs;
    const failures: string[] = [];
    if (drain.disableEviction) {
      for (const victim of victims) {
        const reply = yield { ask: this.#removal(victim, drain) };
        if (reply!.code >= 400 && reply!.code !== 404) return [reply!.message];
      }
      yield* this.#wait(command, drain, victims, untilUs, (why) => failures.push(why));
      return failures;
    }
    // Goroutines start in any order.
    const stream = this.#order();
    const parent = this.#current;
    for (let i = victims.length; i > 0; i--) {
      const [victim] = victims.splice(stream.int(i), 1);
      this.#start(this.#evict(command, drain, victim!, untilUs, failures), parent, null);
    }
    yield CHILDREN;
    return failures;
  }

  #removal({ pod, generation, name, namespace }: Victim, drain: DrainOptions): Ask {
    const { graceSeconds, disableEviction } = drain;
    this.#hop(
      'Pod',
      namespace,
      name,
      disableEviction ? 'sends DELETE Pod (drain)' : 'sends POST Eviction (drain)',
    );
    return (client, answer, thread) =>
      disableEviction
        ? client.deletePod(pod, generation, graceSeconds, answer, thread)
        : client.evictPod(pod, generation, graceSeconds, answer, thread);
  }

  *#evict(
    command: Command,
    drain: DrainOptions,
    victim: Victim,
    untilUs: number,
    failures: string[],
  ): Thread {
    const { pod, generation, namespace, shown } = victim;
    const named = `pods/${JSON.stringify(shown)} -n ${JSON.stringify(namespace)}`;
    for (let again = false; ; again = true) {
      command.stdout.push(`evicting pod ${namespace}/${shown}`);
      if (this.#c.kernel.now >= untilUs) {
        failures.push(`error when evicting ${named}: global timeout reached: ${drain.timeoutText}`);
        return;
      }
      if (again)
        yield { ask: (client, answer, thread) => client.read('pods', pod, generation, answer, thread) };
      const reply = (yield { ask: this.#removal(victim, drain) })!;
      if (reply.code < 400) break;
      if (reply.code === 404) return;
      if (reply.code !== 429) {
        failures.push(`error when evicting ${named}: ${reply.message}`);
        return;
      }
      command.stderr.push(`error when evicting ${named} (will retry after 5s): ${reply.message}`);
      yield { pauseUs: RETRY_US };
    }
    yield* this.#wait(command, drain, [victim], untilUs, (why) =>
      failures.push(
        `error when waiting for pod ${JSON.stringify(shown)} in namespace ${JSON.stringify(namespace)} to terminate: ${why}`,
      ),
    );
  }

  /** Until the pods are gone. */
  *#wait(
    command: Command,
    drain: DrainOptions,
    victims: readonly Victim[],
    untilUs: number,
    fail: (why: string) => void,
  ): Thread {
    const { state, kernel } = this.#c;
    let pending = victims;
    for (;;) {
      const beganUs = kernel.now;
      const left: Victim[] = [];
      for (const victim of pending) {
        const { pod, generation, shown } = victim;
        const reply = yield {
          ask: (client, answer, thread) => client.read('pods', pod, generation, answer, thread),
        };
        if (reply!.code === 404)
          command.stdout.push(`pod/${shown} ${drain.disableEviction ? 'deleted' : 'evicted'}`);
        else if (isSkipped(state, pod, drain, kernel.now))
          command.stdout.push(
            `pod ${JSON.stringify(shown)} has DeletionTimestamp older than ${drain.skipDeletedSeconds} seconds, skipping`,
          );
        else left.push(victim);
      }
      if (left.length === 0) return;
      if (kernel.now >= untilUs) return fail(`global timeout reached: ${drain.timeoutText}`);
      pending = left;
      // The ticker runs from the beginning of the look.
      yield { pauseUs: Math.max(0, beganUs + POLL_US - kernel.now) };
    }
  }

  #hop(kind: string, namespace: string, name: string, what: string): void {
    const { tracer } = this.#c.recorder;
    if (tracer.enabled) tracer.hop('kubectl', kind, namespace, name, what);
  }
}
