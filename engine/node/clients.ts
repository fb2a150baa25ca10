// What kubelets send: each node's kubelet has an API client of its own, made when it first has something to say.
import type { ApiClient, PodStatusChange, ReplyHandler } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';

export class KubeletClients {
  readonly #c: RunContext;
  readonly #clients: (ApiClient | undefined)[] = [];
  readonly #imageTexts = new Map<string, string[]>();

  constructor(context: RunContext) {
    this.#c = context;
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
    this.of(pods.node[pod]!).patchPodStatus(pod, pods.generation[pod]!, change, reply, pod, arg);
  }

  /** DELETE with grace 0. */
  remove(pod: number): void {
    const { pods } = this.#c.state;
    this.of(pods.node[pod]!).deletePod(pod, pods.generation[pod]!, 0, null);
  }

  event(pod: number, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.of(this.#c.state.pods.node[pod]!).podEvent(type, reason, pod, message);
  }

  /** A text about an image, made once: thousands of pods say the same. */
  imageText(image: number, prefix: string, suffix: string): string {
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
