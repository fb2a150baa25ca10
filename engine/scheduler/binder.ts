// Who binds a pod that has been assumed: the extender that binds, if the pod is its business, else the first bind
// plug-in that takes it (pkg/scheduler/schedule_one.go bind and extendersBinding, v1.36). An extender answers after its
// latency, in the background; then the binding goes out through the scheduler's client.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { BindRequest } from '../contracts/scheduler.ts';
import { assert, type EventKind } from '../kernel/index.ts';
import type { Extenders } from './extenders.ts';
import type { Framework } from './framework.ts';
import { PodCursor } from './views.ts';

/** What binding needs of the scheduler. */
export interface BindHooks {
  /** The API server has answered the request for a pod. */
  answered(reply: ApiReply): void;
  /** Nobody bound the pod. */
  failed(pod: number, message: string): void;
  /** Node that the pod is assumed on, -1: not any more. */
  assumedOn(pod: number): number;
  profile(pod: number): Framework;
}

export class Binder {
  readonly #context: RunContext;
  readonly #extenders: Extenders | null;
  readonly #hooks: BindHooks;
  readonly #pod: PodCursor;
  readonly #request: BindRequest & { node: number };
  /** Absent where nobody but plug-ins binds. */
  readonly #extended: EventKind | null;
  /** Pods in the hands of an extender: its answer, ''. */
  readonly #answers = new Map<number, string>();

  constructor(context: RunContext, client: ApiClient, extenders: Extenders | null, hooks: BindHooks) {
    this.#context = context;
    this.#extenders = extenders;
    this.#hooks = hooks;
    this.#pod = new PodCursor(context.state);
    const { pods } = context.state;
    const answered = (reply: ApiReply): void => hooks.answered(reply);
    this.#request = {
      pod: this.#pod,
      node: -1,
      post() {
        const { id } = this.pod;
        client.bindPod(id, pods.generation[id]!, this.node, answered, id, pods.generation[id]!);
      },
    };
    this.#extended =
      extenders === null
        ? null
        : context.kernel.on('scheduler/extender-bind', (pod, generation) =>
            this.#extenderAnswered(pod, generation),
          );
  }

  bind(pod: number, node: number): void {
    const { kernel, state } = this.#context;
    this.#pod.at(pod);
    this.#request.node = node;
    const asked = this.#extenders?.binder(this.#pod) ?? null;
    if (asked === null) return this.#byPlugins(pod);
    const { us, error } = this.#extenders!.time(asked, 'bind');
    this.#answers.set(pod, error);
    kernel.after(us, this.#extended!, pod, state.pods.generation[pod]!);
  }

  #extenderAnswered(pod: number, generation: number): void {
    const { kernel, state } = this.#context;
    // The pod has gone, or was bound by somebody else, while the extender was at it.
    const node = state.pods.generation[pod] === generation ? this.#hooks.assumedOn(pod) : -1;
    if (node < 0) {
      kernel.countDropped();
      return;
    }
    const late = this.#answers.get(pod)!;
    this.#answers.delete(pod);
    this.#pod.at(pod);
    this.#request.node = node;
    const { config, definition } = this.#extenders!.binder(this.#pod)!;
    const error =
      late !== ''
        ? late
        : (definition.serves.bind!(this.#pod, state.nodeName(node), this.#extenders!.cluster)?.error ?? '');
    if (error === '') this.#request.post();
    else if (config.ignorable) this.#byPlugins(pod);
    else this.#hooks.failed(pod, error);
  }

  #byPlugins(pod: number): void {
    const framework = this.#hooks.profile(pod);
    for (const { plugin } of framework.bind) if (plugin.bind!(this.#request)) return;
    const { namespace, name } = this.#pod;
    assert(false, () => `no binder of profile ${framework.schedulerName} took pod ${namespace}/${name}`);
  }

  /** The text of a binding that the API server refused. */
  refusal(pod: number, message: string): string {
    const isExtended = (this.#extenders?.binder(this.#pod.at(pod)) ?? null) !== null;
    return isExtended
      ? message
      : `running Bind plugin "${this.#hooks.profile(pod).bind[0]!.name}": ${message}`;
  }
}
