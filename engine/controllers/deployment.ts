// The Deployment controller: one ReplicaSet per pod template, sizes moved from the old ones to the new one within
// maxSurge and maxUnavailable (pkg/controller/deployment, v1.36).
//
// One sync does one thing: it scales the new ReplicaSet up, or else the old ones down, and writes status; the watch
// events of those writes bring the next sync. Status is written upon the version that the sync began with, so the
// first sync of a rollout usually meets a conflict (409) and is repeated: so does the real one.
//
// Left out: the rollback field removed in apps/v1.
import type { ApiReply } from '../contracts/api.ts';
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
import type { Json, KubeObject } from '../kinds/kind.ts';
import { compileLabelSelector, type Selector, Verb } from '../state/index.ts';
import { DeploymentRollout } from './deployment-rollout.ts';
import type { SeenSet } from './deployment-sets.ts';
import { controllerReference, controllerUid } from './owner.ts';
import { RequestFailed } from './request-failed.ts';

/** maxRetries: a Deployment that failed this often waits for its next change. */
const RETRIES_MAX = 15;

class DeploymentController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #deployments: SeenObjects;
  readonly #sets: SeenObjects;
  /** ReplicaSets that nobody controls, in order of appearance. */
  readonly #orphans = new Set<SeenObject>();
  /** ReplicaSets of Recreate Deployments that lost pods, in order; of the first one the list is asked for. */
  readonly #goneOf: SeenObject[] = [];
  readonly #selectors = new WeakMap<object, Selector>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#deployments = ctx.objects('Deployment');
    this.#sets = ctx.objects('ReplicaSet');
    ctx.onObjects('Deployment', (seen) => ctx.queue.add(seen.key));
    ctx.onObjects('ReplicaSet', (seen, verb, old) => this.#setSeen(seen, verb, old));
    ctx.onPods((pod, verb) => {
      if (verb === Verb.deleted) this.#podGone(pod);
    });
  }

  #setSeen(set: SeenObject, verb: Verb, old: KubeObject | null): void {
    const owner = this.#ownerOf(set.object);
    if (owner !== undefined) this.#ctx.queue.add(owner.key);
    if (old !== null && old.metadata.ownerReferences !== set.object.metadata.ownerReferences) {
      const before = this.#ownerOf(old);
      if (before !== undefined) this.#ctx.queue.add(before.key);
    }
    const orphan = controllerUid(set.object) === undefined && verb !== Verb.deleted;
    if (!orphan) {
      this.#orphans.delete(set);
      return;
    }
    this.#orphans.add(set);
    for (const deployment of this.#deployments.inNamespace(set.namespace)) {
      if (this.#selects(deployment.object, set.object)) this.#ctx.queue.add(deployment.key);
    }
  }

  /**
   * The last pod of a Recreate Deployment's old ReplicaSets may have been what it waited for. deletePod lists the
   * ReplicaSets at the server to find that out, and until the answer is there it handles no other pod.
   */
  #podGone(pod: number): void {
    const set = this.#sets.byId(this.#ctx.pods.owner(pod));
    if (set === undefined || this.#ownerOf(set.object)?.object['spec'].strategy?.type !== 'Recreate') return;
    this.#goneOf.push(set);
    if (this.#goneOf.length === 1) this.#askForSets();
  }

  #askForSets(): void {
    this.#ctx.client.look('list', 'replicasets', this.#setsListed);
  }

  readonly #setsListed = ({ code }: ApiReply): void => {
    const deployment = this.#ownerOf(this.#goneOf.shift()!.object);
    const { pods } = this.#ctx;
    if (code < 400 && deployment !== undefined) {
      const sets = this.#sets.controlledBy(deployment.object.metadata.uid!);
      if (sets.every((set) => pods.owned(set.id) === undefined)) this.#ctx.queue.add(deployment.key);
    }
    if (this.#goneOf.length > 0) this.#askForSets();
  };

  #ownerOf(set: KubeObject): SeenObject | undefined {
    const reference = set.metadata.ownerReferences?.find((owner) => owner.controller);
    if (reference?.kind !== 'Deployment') return undefined;
    const deployment = this.#deployments.get(`${set.metadata.namespace}/${reference.name}`);
    return deployment?.object.metadata.uid === reference.uid ? deployment : undefined;
  }

  #selects(deployment: KubeObject, set: KubeObject): boolean {
    const selector: Json = deployment['spec'].selector;
    if (selector === undefined || selector === null) return false;
    let compiled = this.#selectors.get(selector);
    if (compiled === undefined) {
      compiled = compileLabelSelector(selector, this.#ctx.run.state.labels);
      this.#selectors.set(selector, compiled);
    }
    return compiled.matches(set.metadata.labels ?? {});
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#deployments.get(key);
    if (seen === undefined) return DONE;
    try {
      yield* this.#sync(seen, calls);
      return DONE;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      return this.#ctx.queue.retries(key) < RETRIES_MAX && !error.isNamespaceTerminating ? RETRY : DONE;
    }
  }

  *#sync(seen: SeenObject, calls: Calls): Steps<void> {
    const deployment = seen.object;
    const { revision } = seen;
    const sets = yield* this.#claimed(seen, deployment, calls);
    const rollout = new DeploymentRollout(this.#ctx, calls, seen, deployment, revision, sets);
    if (deployment.metadata.deletionTimestamp !== undefined) return yield* rollout.syncStatusOnly();
    yield* rollout.checkPaused();
    if (deployment['spec'].paused) return yield* rollout.syncSize();
    if (yield* rollout.isScalingEvent()) return yield* rollout.syncSize();
    if (deployment['spec'].strategy?.type === 'Recreate') return yield* rollout.recreate();
    return yield* rollout.roll();
  }

  /** The Deployment's ReplicaSets: those that it takes over now among them, without those that it lets go. */
  *#claimed(seen: SeenObject, deployment: KubeObject, calls: Calls): Steps<SeenSet[]> {
    const uid = deployment.metadata.uid!;
    const sets: SeenSet[] = [];
    for (const { id, object, revision } of this.#sets.controlledBy(uid)) {
      const isDeleting = deployment.metadata.deletionTimestamp !== undefined;
      if (this.#selects(deployment, object)) sets.push({ id, object, revision });
      else if (!isDeleting) {
        const reply = yield calls.patch(id, (set) => {
          const ownerReferences = set.metadata.ownerReferences?.filter((owner) => owner.uid !== uid) ?? [];
          return { ...set, metadata: { ...set.metadata, ownerReferences } };
        });
        if (reply.code >= 400 && reply.code !== 404) throw new RequestFailed(reply);
      }
    }
    if (this.#orphans.size === 0) return sets;
    const wanted = [...this.#orphans].filter(
      (orphan) =>
        orphan.namespace === seen.namespace &&
        orphan.object.metadata.deletionTimestamp === undefined &&
        this.#selects(deployment, orphan.object),
    );
    if (wanted.length === 0 || deployment.metadata.deletionTimestamp !== undefined) return sets;
    // Before anything is adopted, it is made sure that the Deployment itself has not been deleted meanwhile.
    const live = yield calls.get(seen.id);
    if (live.object === null || live.object.metadata.deletionTimestamp !== undefined)
      throw new RequestFailed(live);
    for (const orphan of wanted) {
      const reply = yield calls.patch(orphan.id, (set) => {
        const ownerReferences = [...(set.metadata.ownerReferences ?? []), controllerReference(deployment)];
        return { ...set, metadata: { ...set.metadata, ownerReferences } };
      });
      if (reply.code === 404) continue;
      if (reply.code >= 400) throw new RequestFailed(reply);
      sets.push({ id: orphan.id, object: reply.object!, revision: reply.revision });
    }
    return sets;
  }
}

export const deploymentController: ControllerDefinition = {
  name: 'deployment',
  clientName: 'deployment-controller',
  about: 'rolls Deployments: one ReplicaSet per pod template',
  create: (context) => new DeploymentController(context),
};
