// Makes the claims of pods' generic ephemeral volumes; the pod owns its claim, so the claim goes with it
// (pkg/controller/volume/ephemeral/controller.go, v1.36).
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import { podClaimName, podClaims } from '../kinds/volume-facts.ts';
import { keyOf, PodBit, Verb } from '../state/index.ts';

class EphemeralVolumes implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;
  /** By template id: some volume of the pod is ephemeral. */
  readonly #matters: (boolean | undefined)[] = [];

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('PersistentVolumeClaim');
    const { state } = ctx.run;
    ctx.onPods((pod, verb, word, _node, oldWord) => {
      if (oldWord >= 0 || verb === Verb.deleted || word & PodBit.deleting) return;
      const { id, spec } = state.template(pod);
      this.#matters[id] ??= podClaims(spec).some((claim) => claim.template !== null);
      if (this.#matters[id]) ctx.queue.add(`${pod} ${state.pods.generation[pod]}`);
    });
  }

  *reconcile(key: string, calls: Calls): Steps {
    const { state } = this.#ctx.run;
    const [pod, generation] = key.split(' ').map(Number) as [number, number];
    if (!state.pods.alive(pod, generation) || state.pods.word[pod]! & PodBit.deleting) return DONE;
    const namespace = state.podNamespace(pod);
    const podName = state.podName(pod);
    const uid = podUid(state, pod);
    for (const claim of podClaims(state.template(pod).spec)) {
      if (claim.template === null) continue;
      const name = podClaimName(podName, claim);
      const existing = this.#claims.get(keyOf(namespace, name));
      if (existing !== undefined) {
        // A claim of somebody else's: the pod waits until it is gone.
        if (existing.object.metadata.ownerReferences?.some((owner) => owner.uid === uid)) continue;
        return RETRY;
      }
      const { labels, annotations } = claim.template.metadata ?? {};
      const reply = yield calls.create({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: {
          name,
          namespace,
          ...(labels === undefined ? {} : { labels }),
          ...(annotations === undefined ? {} : { annotations }),
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Pod', name: podName, uid, controller: true, blockOwnerDeletion: true },
          ],
        },
        spec: { volumeMode: 'Filesystem', ...claim.template.spec },
        status: { phase: 'Pending' },
      });
      if (reply.code >= 400) {
        const text = `ephemeral volume claim creation failed: ${reply.message}`;
        this.#ctx.client.podEvent('Warning', 'FailedBinding', pod, text);
        return RETRY;
      }
    }
    return DONE;
  }
}

export const ephemeralVolumeController: ControllerDefinition = {
  name: 'ephemeral-volume',
  clientName: 'ephemeral-volume-controller',
  about: 'makes the claims of ephemeral volumes',
  workers: 5,
  create: (context) => new EphemeralVolumes(context),
};
