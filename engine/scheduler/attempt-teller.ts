// Tells an observer about scheduling attempts. It exists only in runs that somebody follows, and changes nothing there
// but when the run ends.
import type { AttemptEnd, AttemptObserver, SchedulerView } from '../contracts/attempts.ts';
import type { RunContext } from '../contracts/run-context.ts';
import { PodBit } from '../state/index.ts';
import type { SchedulerCache } from './cache.ts';
import type { PodFacts } from './post-filter.ts';
import type { Decision } from './search/decision.ts';
import { viewObjects } from './view-objects.ts';

export class AttemptTeller {
  readonly #context: RunContext;
  readonly #cache: SchedulerCache;
  readonly #facts: PodFacts;
  readonly #observer: AttemptObserver;
  /** The attempt under way is followed. */
  #followed = false;

  constructor(context: RunContext, cache: SchedulerCache, facts: PodFacts, observer: AttemptObserver) {
    this.#context = context;
    this.#cache = cache;
    this.#facts = facts;
    this.#observer = observer;
  }

  /** The scheduler looks at the pod now; before it has searched. A pod that is gone from etcd is not told. */
  began(pod: number): void {
    const { kernel, state } = this.#context;
    const namespace = state.podNamespace(pod);
    const name = state.podName(pod);
    this.#followed = (state.pods.word[pod]! & PodBit.removed) === 0 && this.#observer.wants(namespace, name);
    if (!this.#followed) return;
    const serial = state.pods.serial[pod]!;
    this.#observer.began({ timeUs: kernel.now, namespace, pod: name, serial, view: () => this.#view(pod) });
  }

  ended(result: AttemptEnd['result'], node: number, message: string, decision: Decision): void {
    if (!this.#followed) return;
    this.#followed = false;
    const { kernel, state } = this.#context;
    const { examined, feasible, nodeCount: nodes } = decision;
    const at = node < 0 ? '' : state.nodeName(node);
    if (this.#observer.ended({ timeUs: kernel.now, result, node: at, message, examined, feasible, nodes }))
      kernel.stop();
  }

  /** What the scheduler knows about a pod that waits for a node; null: there is no such pod. */
  viewOf(namespace: string, name: string): SchedulerView | null {
    const { state } = this.#context;
    for (const pod of state.pods.livePods()) {
      if (state.podName(pod) !== name || state.podNamespace(pod) !== namespace) continue;
      return state.pods.node[pod]! >= 0 || this.#cache.nodeOfPod(pod) >= 0 ? null : this.#view(pod);
    }
    return null;
  }

  #view(pod: number): SchedulerView {
    return viewObjects(this.#context.state, this.#cache, this.#facts, pod);
  }
}
