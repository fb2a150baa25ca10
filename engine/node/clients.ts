// What kubelets send: each node's kubelet has an API client of its own, made when it first has something to say.
import type { ApiClient, PodStatusChange, ReplyHandler } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import { type NodePower, Reach } from './node-power.ts';

export const NO_CHANGE: PodStatusChange = { phase: -1, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 };

/** What a kubelet would have sent of a pod: a status, or (null) the last DELETE. */
interface Unsaid {
  readonly generation: number;
  readonly change: PodStatusChange | null;
  readonly reply: ReplyHandler | null;
  readonly arg: number;
}

/** Two status changes as one; of the answers the later is waited for. */
function later(before: Unsaid | undefined, after: Unsaid): Unsaid {
  const [a, b] = [before?.change, after.change];
  if (!a || !b || before?.generation !== after.generation) return after;
  const change: PodStatusChange = {
    ...a,
    ...b,
    phase: b.phase >= 0 ? b.phase : a.phase,
    set: (a.set & ~b.clear) | b.set,
    clear: (a.clear & ~b.set) | b.clear,
    restarts: b.restarts >= 0 ? b.restarts : a.restarts,
    reason: b.reason >= 0 ? b.reason : a.reason,
    ip: b.ip !== 0 ? b.ip : a.ip,
  };
  return {
    ...after,
    change,
    reply: after.reply ?? before!.reply,
    arg: after.reply ? after.arg : before!.arg,
  };
}

export class KubeletClients {
  readonly #c: RunContext;
  readonly #clients: (ApiClient | undefined)[] = [];
  /** What nodes that cannot speak hold back. */
  readonly #held = new Map<number, Map<number, Unsaid>>();
  readonly #imageTexts = new Map<string, string[]>();

  readonly #power: NodePower;

  constructor(context: RunContext, power: NodePower) {
    this.#c = context;
    this.#power = power;
    power.onReturn((node) => this.#catchUp(node));
  }

  of(node: number): ApiClient {
    let client = this.#clients[node];
    if (client === undefined) {
      const { api, state, costs } = this.#c;
      client = api.client(`kubelet/${state.nodeName(node)}`, costs.clients.kubelet);
      this.#clients[node] = client;
    }
    return client;
  }

  /** PATCH of the pod's status by the kubelet of its node. `reply` is given the pod and `arg`. */
  patch(pod: number, change: PodStatusChange, reply: ReplyHandler | null = null, arg = 0): void {
    const { pods } = this.#c.state;
    const node = pods.node[pod]!;
    const generation = pods.generation[pod]!;
    if (this.#power.reach(node) === Reach.up)
      this.of(node).patchPodStatus(pod, generation, change, reply, pod, arg);
    else this.#unsaid(node).set(pod, later(this.#unsaid(node).get(pod), { generation, change, reply, arg }));
  }

  /** DELETE with grace 0. */
  remove(pod: number): void {
    const { pods } = this.#c.state;
    const node = pods.node[pod]!;
    const generation = pods.generation[pod]!;
    if (this.#power.reach(node) === Reach.up) this.of(node).deletePod(pod, generation, 0, null);
    else this.#unsaid(node).set(pod, { generation, change: null, reply: null, arg: 0 });
  }

  /** Events that cannot be sent are lost. */
  event(pod: number, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const node = this.#c.state.pods.node[pod]!;
    if (this.#power.reach(node) === Reach.up) this.of(node).podEvent(type, reason, pod, message);
  }

  #unsaid(node: number): Map<number, Unsaid> {
    let unsaid = this.#held.get(node);
    if (unsaid === undefined) {
      unsaid = new Map();
      this.#held.set(node, unsaid);
    }
    return unsaid;
  }

  /** The node speaks again: of each pod the newest status is sent, as the status manager does. */
  #catchUp(node: number): void {
    const held = this.#held.get(node);
    this.#held.delete(node);
    for (const [pod, { generation, change, reply, arg }] of held ?? []) {
      if (!this.#c.state.pods.alive(pod, generation)) continue;
      if (change === null) this.of(node).deletePod(pod, generation, 0, null);
      else this.of(node).patchPodStatus(pod, generation, change, reply, pod, arg);
    }
  }

  pulling(pod: number, image: number): void {
    this.event(pod, 'Normal', 'Pulling', this.#imageText(image, 'Pulling image ', ''));
  }

  imagePresent(pod: number, image: number): void {
    const there = ' already present on machine and can be accessed by the pod';
    this.event(pod, 'Normal', 'Pulled', this.#imageText(image, 'Container image ', there));
  }

  imagePulled(pod: number, image: number, us: number, bytes: number): void {
    const name = this.#c.state.images.text(image);
    const took = `${Math.round(us / 1000)}ms`;
    const text = `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${bytes} bytes.`;
    this.event(pod, 'Normal', 'Pulled', text);
  }

  pullFailed(pod: number, image: number, failure: string): void {
    const name = this.#c.state.images.text(image);
    this.event(pod, 'Warning', 'Failed', `Failed to pull image "${name}": ${failure}`);
    this.event(pod, 'Warning', 'Failed', 'Error: ErrImagePull');
  }

  pullBacksOff(pod: number, image: number): void {
    this.event(pod, 'Normal', 'BackOff', this.#imageText(image, 'Back-off pulling image ', ''));
    this.event(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff');
  }

  /** PATCH of nothing but why a container waits. */
  reason(pod: number, reason: number): void {
    this.patch(pod, { ...NO_CHANGE, reason });
  }

  neverPulled(pod: number, image: string): void {
    const text = `Container image "${image}" is not present with pull policy of Never`;
    this.event(pod, 'Warning', 'ErrImageNeverPull', text);
  }

  /** CrashLoopBackOff of a container. */
  backOff(pod: number, container: string): void {
    const { state } = this.#c;
    const who = `${state.podName(pod)}_${state.podNamespace(pod)}(${podUid(state, pod)})`;
    this.event(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${container} in pod ${who}`);
  }

  /** A text about an image, made once: thousands of pods say the same. */
  #imageText(image: number, prefix: string, suffix: string): string {
    const key = prefix + suffix;
    let texts = this.#imageTexts.get(key);
    if (texts === undefined) {
      texts = [];
      this.#imageTexts.set(key, texts);
    }
    return (texts[image] ??= `${prefix}"${this.#c.state.images.text(image)}"${suffix}`);
  }

  /** A hop of `--trace`. */
  hop(pod: number, what: string): void {
    const { recorder, state } = this.#c;
    if (!recorder.tracer.enabled) return;
    const actor = `kubelet/${state.nodeName(state.pods.node[pod]!)}`;
    recorder.tracer.hop(actor, 'Pod', state.podNamespace(pod), state.podName(pod), what);
  }
}
