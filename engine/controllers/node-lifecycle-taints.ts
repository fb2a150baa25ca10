// How the node controller writes taints and labels of nodes: it reads the node, then patches it, and comes again when
// somebody was faster (AddOrUpdateTaintOnNode, RemoveTaintOffNode of pkg/controller/controller_utils.go and
// SwapNodeControllerTaint of pkg/controller/util/node/controller_utils.go, v1.36). Two requests a write, of a client
// that has 20 a second: that is what makes nodes that join together wait.
import type { Calls, ControllerContext, Steps } from '../contracts/controller.ts';
import type { Stream } from '../kernel/index.ts';
import { changedTaints, hasTaint, type TaintDiff } from '../kinds/ingest/node-conditions.ts';
import type { ClusterState, Taint } from '../state/index.ts';

/** UpdateTaintBackoff: 5 tries, 100 ms apart, each up to twice as long. */
const TRIES = 5;
const BACKOFF_US = 100_000;

/** Labels that follow from others (labelReconcileInfo). */
const MIRRORED: readonly (readonly [from: string, to: string])[] = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
];

export class NodeEdits {
  readonly #state: ClusterState;
  readonly #jitter: Stream;

  constructor(context: ControllerContext) {
    this.#state = context.run.state;
    this.#jitter = context.run.rng.stream(`${context.name}/backoff`);
  }

  /** Adds and removes taints, in two writes where it has to do both. False: it could not. */
  *swap(node: number, { added, gone }: TaintDiff, calls: Calls): Steps<boolean> {
    if (added.length > 0 && !(yield* this.#write(node, added, [], calls))) return false;
    return yield* this.remove(node, gone, calls);
  }

  /** No request if the node, as seen, has none of them. */
  *remove(node: number, gone: readonly Taint[], calls: Calls): Steps<boolean> {
    const taints = this.#state.nodes.taints[node]!;
    if (!gone.some(({ key, effect }) => hasTaint(taints, key, effect))) return true;
    return yield* this.#write(node, [], gone, calls);
  }

  /** Labels that a node lacks beside those that it has; null: none. */
  missingLabels(node: number): Record<string, string> | null {
    const { nodes } = this.#state;
    let missing: Record<string, string> | null = null;
    for (const [from, to] of MIRRORED) {
      const value = nodes.label(node, from);
      if (value === undefined || nodes.label(node, to) === value) continue;
      missing ??= {};
      missing[to] = value;
    }
    return missing;
  }

  *addLabels(node: number, labels: Record<string, string>, calls: Calls): Steps<boolean> {
    const read = yield calls.send((client, reply, worker) => client.read('nodes', node, 0, reply, worker));
    if (read.code >= 400) return false;
    const written = yield calls.send((client, reply, worker) =>
      client.writeNode(node, 'patch nodes', { labels }, 0, reply, worker),
    );
    return written.code < 400;
  }

  *#write(node: number, added: readonly Taint[], gone: readonly Taint[], calls: Calls): Steps<boolean> {
    const { nodes } = this.#state;
    for (let k = 1; ; k++) {
      const read = yield calls.send((client, reply, worker) => client.read('nodes', node, 0, reply, worker));
      if (read.code >= 400) return false;
      const before = nodes.taints[node]!;
      const taints = changedTaints(before, added, gone);
      // If the taints have changed since they were read, the patch meets a conflict.
      const isSame = taints.length === before.length && before.every((taint, i) => taint === taints[i]);
      if (isSame && nodes.revision[node] === read.revision) return true;
      const written = yield calls.send((client, reply, worker) =>
        client.writeNode(node, 'patch nodes', { taints }, read.revision, reply, worker),
      );
      if (written.code < 400) return true;
      if (written.code !== 409 || k === TRIES) return false;
      yield calls.sleep(Math.round(BACKOFF_US * (1 + this.#jitter.next())));
    }
  }
}
