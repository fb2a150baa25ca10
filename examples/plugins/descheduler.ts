// A controller: every half minute it takes pods off nodes that are full and leaves them to the scheduler, as long as
// other nodes are nearly empty. What the descheduler does with its strategy LowNodeUtilization, in one file.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  isTerminal,
  PodBit,
  SECOND,
  type Steps,
} from 'kubetick';

const INTERVAL_US = 30 * SECOND;
/** Shares of a node's CPU that its pods request. */
const NEARLY_EMPTY = 0.2;
const FULL = 0.5;

class Descheduler implements Controller {
  readonly #ctx: ControllerContext;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    ctx.nodes();
    ctx.queue.addAfter('round', INTERVAL_US);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const { client, queue, run } = this.#ctx;
    const { nodes, pods } = run.state;
    queue.addAfter(key, INTERVAL_US);

    // Room below FULL on nodes that are nearly empty; none: nobody is moved.
    let room = 0;
    for (const node of this.#ctx.nodes().list())
      if (nodes.unschedulable[node] === 0 && this.#excess(node, NEARLY_EMPTY) < 0)
        room -= this.#excess(node, FULL);

    for (const node of [...this.#ctx.nodes().list()]) {
      let excess = this.#excess(node, FULL);
      // A copy: what the watch brings while an eviction is under way changes the list.
      for (const pod of excess > 0 ? [...this.#ctx.pods.onNode(node)] : []) {
        if (excess <= 0 || room <= 0) break;
        if (!this.#mayGo(pod)) continue;
        const { cpuMilli } = run.state.template(pod);
        const generation = pods.generation[pod]!;
        const reply = yield calls.send((c, done, worker) => c.evictPod(pod, generation, -1, done, worker));
        // Forbidden by a disruption budget: the next round asks again.
        if (reply.code >= 400) continue;
        client.podEvent('Normal', 'Descheduled', pod, 'pod evicted by LowNodeUtilization');
        excess -= cpuMilli;
        room -= cpuMilli;
      }
    }
    return DONE;
  }

  /** Millicores that pods request on the node beyond this share of it. */
  #excess(node: number, share: number): number {
    const { cpuMilli, cpuRequested } = this.#ctx.run.state.nodes;
    return cpuRequested[node]! - share * cpuMilli[node]!;
  }

  /** One that nobody would create again stays, and one that is on its way out needs no help. */
  #mayGo(pod: number): boolean {
    const { pods } = this.#ctx;
    if (!pods.has(pod) || pods.owner(pod) < 0) return false;
    const word = pods.word(pod);
    return !isTerminal(word) && (word & PodBit.deleting) === 0;
  }
}

export default {
  name: 'descheduler',
  clientName: 'descheduler',
  about: 'evicts pods from full nodes while others are nearly empty',
  create: (context) => new Descheduler(context),
} satisfies ControllerDefinition;
