// The DaemonSet controller: one pod on each node that its template fits (pkg/controller/daemon, v1.36).
//
// A sync finds the revision of the set (daemonset-revisions.ts), creates pods on nodes that lack one and deletes those
// that are out of place or have ended, lets a rolling update go on, and writes status. What it knows of nodes is kept
// up between syncs (daemonset-fleet.ts). Pods are pinned to their node and bound by the scheduler. Which of several
// nodes come first is no rule upstream (the order of a Go map), so it is drawn. Pods that nobody controls are adopted,
// those that the set does not select any more released.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObject,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import { PodBit, Verb } from '../state/index.ts';
import { ControllerHistory } from './controller-history.ts';
import { Fleet } from './daemonset-fleet.ts';
import { cleanUp, daemonRevisions, hashOf } from './daemonset-revisions.ts';
import { writeDaemonStatus } from './daemonset-status.ts';
import { DaemonSetSync, FailedPodsBackoff } from './daemonset-sync.ts';
import { Expectations } from './expectations.ts';
import { Ownership } from './ownership.ts';
import { isReady } from './pod-view.ts';
import { RequestFailed } from './request-failed.ts';

const SECOND = 1_000_000;

/** What of a pod's state a sync depends on. */
const COUNTED = PodBit.phaseMask | PodBit.ready | PodBit.deleting;

class DaemonSetController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #sets: SeenObjects;
  readonly #history: ControllerHistory;
  readonly #expectations = new Expectations();
  readonly #backoff = new FailedPodsBackoff();
  readonly #ownership: Ownership;
  readonly #fleets = new Map<number, Fleet>();
  readonly #below: (n: number) => number;
  readonly #isOvertaken: () => boolean;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#sets = ctx.objects('DaemonSet');
    this.#history = new ControllerHistory(ctx);
    const stream = ctx.run.rng.stream('controllers/daemonset/order');
    this.#below = (n) => (n > 1 ? stream.int(n) : 0);
    const race = ctx.run.rng.stream('controllers/daemonset/race');
    this.#isOvertaken = () => race.int(2) === 0;
    this.#ownership = new Ownership(ctx, 'DaemonSet');
    ctx.nodes();
    ctx.onPodIdentity((pod, old, now) => {
      const fleet = old.owner < 0 || old.owner === now.owner ? undefined : this.#fleets.get(old.owner);
      fleet?.podLost(pod);
    });
    ctx.onObjects('DaemonSet', (seen, verb) => this.#setSeen(seen, verb));
    ctx.onPods((pod, verb, word, _node, oldWord) => this.#podSeen(pod, verb, word, oldWord), 'DaemonSet');
    ctx.onNodes((node, verb) => this.#nodeSeen(node, verb));
  }

  #setSeen(seen: SeenObject, verb: Verb): void {
    const fleet = this.#fleets.get(seen.id);
    if (verb === Verb.deleted) {
      this.#expectations.forget(seen.key);
      this.#fleets.delete(seen.id);
    } else if (fleet === undefined) this.#fleets.set(seen.id, new Fleet(this.#ctx, seen));
    else fleet.setSeen();
    this.#ctx.queue.add(seen.key);
  }

  #podSeen(pod: number, verb: Verb, word: number, oldWord: number): void {
    const { pods, queue } = this.#ctx;
    const owner = pods.owner(pod);
    const fleet = owner < 0 ? undefined : this.#fleets.get(owner);
    if (fleet === undefined) return;
    fleet.podSeen(pod);
    const seen = this.#sets.byId(owner)!;
    if (verb === Verb.deleted || (word & PodBit.deleting) !== 0) {
      this.#expectations.deletionObserved(seen.key, pods.table.serial[pod]!);
    } else if (oldWord < 0) {
      this.#expectations.creationObserved(seen.key);
    } else {
      // Upstream syncs at every change of a pod; the others would find nothing to do.
      if (((word ^ oldWord) & COUNTED) === 0 && queue.retries(seen.key) === 0) return;
      const minReadySeconds: number = seen.object['spec'].minReadySeconds ?? 0;
      if (minReadySeconds > 0 && isReady(word) && !isReady(oldWord))
        queue.addAfter(seen.key, (minReadySeconds + 1) * SECOND);
    }
    queue.add(seen.key);
  }

  /** Sets are woken only by what changes their mind about the node, and by no node's leaving. */
  #nodeSeen(node: number, verb: Verb): void {
    for (const [id, fleet] of this.#fleets) {
      if (verb === Verb.deleted) fleet.nodeGone(node);
      else if (fleet.nodeSeen(node)) this.#ctx.queue.add(this.#sets.byId(id)!.key);
    }
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#sets.get(key);
    if (seen === undefined) {
      this.#expectations.forget(key);
      return DONE;
    }
    if (seen.object.metadata.deletionTimestamp !== undefined) return DONE;
    try {
      yield* this.#sync(seen, calls);
      return DONE;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      return RETRY;
    }
  }

  *#sync(seen: SeenObject, calls: Calls): Steps<void> {
    const { kernel } = this.#ctx.run;
    const { object: set, revision } = seen;
    const fleet = this.#fleets.get(seen.id)!;
    fleet.overlook();
    const revisions = yield* daemonRevisions(seen, set, this.#history, calls);
    yield* this.#ownership.claim(seen, calls);
    const hash = hashOf(revisions.current);
    const version = { seen, set, revision };
    const status = (observed: boolean): Steps<RequestFailed | null> => {
      fleet.refresh(hash);
      return writeDaemonStatus(this.#ctx, version, fleet, observed, calls);
    };
    if (!this.#expectations.satisfied(seen.key, kernel.now)) {
      // The generation has not been acted on yet.
      const refused = yield* status(false);
      if (refused !== null) throw refused;
      return;
    }
    let failure: RequestFailed | null = null;
    try {
      const tools = {
        ctx: this.#ctx,
        calls,
        expectations: this.#expectations,
        backoff: this.#backoff,
        below: this.#below,
        isOvertaken: this.#isOvertaken,
      };
      const sync = new DaemonSetSync(tools, seen, set, hash, fleet);
      fleet.refresh(hash);
      yield* sync.manage();
      if (
        set['spec'].updateStrategy?.type === 'RollingUpdate' &&
        !fleet.isBehind &&
        this.#expectations.satisfied(seen.key, kernel.now)
      ) {
        fleet.refresh(hash);
        yield* sync.roll();
      }
      yield* cleanUp(set, revisions.old, () => fleet.hashes(), calls);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      failure = error;
    }
    const refused = yield* status(true);
    // The watch event that was behind adds the key again.
    if (fleet.isBehind) this.#ctx.queue.add(seen.key);
    if (failure !== null || refused !== null) throw failure ?? refused;
  }
}

export const daemonSetController: ControllerDefinition = {
  name: 'daemonset',
  clientName: 'daemon-set-controller',
  about: 'keeps a pod of each DaemonSet on every node that it fits',
  // app/options: ConcurrentDaemonSetSyncs.
  workers: 2,
  create: (context) => new DaemonSetController(context),
};
