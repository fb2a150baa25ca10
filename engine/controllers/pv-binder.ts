// The volume controller: binds claims to volumes one to one, asks provisioners for volumes, and looks after volumes
// whose claim is gone (pkg/controller/volume/persistentvolume/pv_controller.go, v1.36). One worker for claims, one for
// volumes. A claim that found nothing is not woken by new volumes: everything is looked at again each 15 s.
//
// Left out: the recycler's pods (policy Recycle), in-tree provisioners (all are migrated to CSI in v1.36).
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type SeenObject,
  type SeenObjects,
  type Steps,
  type WorkQueueView,
} from '../contracts/controller.ts';
import { saysDefault, youngestClass } from '../kinds/default-storage-class.ts';
import type { KubeObject } from '../kinds/kind.ts';
import {
  BETA_STORAGE_PROVISIONER,
  claimKeyOf,
  classAskedFor,
  classOf,
  isBindCompleted,
  isVolumeBoundToClaim,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
} from '../kinds/volume-facts.ts';
import { timestampText, Verb } from '../state/index.ts';
import { ClaimPods } from './claim-pods.ts';
import { provisioningOf } from './volume-classes.ts';
import { mismatch, VolumeIndex } from './volume-index.ts';
import { syncVolume } from './volume-reclaim.ts';
import { VolumeResync } from './volume-resync.ts';
import {
  annotated,
  bind,
  putVersion,
  setClaimStatus,
  setVolumePhase,
  type Version,
  versionOf,
  WriteRefused,
} from './volume-writes.ts';

const NO_CLASS = 'no persistent volumes available for this claim and no storage class is set';

export class VolumeBinder implements Controller {
  readonly ctx: ControllerContext;
  readonly claims: SeenObjects;
  readonly volumes: SeenObjects;
  readonly #classes: SeenObjects;
  readonly #index: VolumeIndex;
  readonly #pods: ClaimPods;
  readonly #volumeQueue: WorkQueueView;
  /** Names of classes that say they are the default. */
  readonly #defaults = new Map<string, SeenObject>();

  constructor(ctx: ControllerContext) {
    this.ctx = ctx;
    this.claims = ctx.objects('PersistentVolumeClaim');
    this.volumes = ctx.objects('PersistentVolume');
    this.#classes = ctx.objects('StorageClass');
    this.#volumeQueue = ctx.sideQueue({
      name: `${ctx.name}/volumes`,
      workers: 1,
      reconcile: (key, calls) => this.#guarded(this.#volume(key, calls)),
    });
    this.#index = new VolumeIndex(ctx);
    this.#pods = new ClaimPods(ctx, () => {});
    const resync = new VolumeResync(ctx, (kind, key) =>
      (kind === 'PersistentVolume' ? this.#volumeQueue : ctx.queue).add(key),
    );
    ctx.onObjects('PersistentVolumeClaim', (seen, verb) => {
      resync.claim(seen, verb === Verb.deleted);
      if (verb !== Verb.deleted) return ctx.queue.add(seen.key);
      // Its volume is released.
      const volume: string | undefined = seen.object['spec'].volumeName;
      if (volume) this.#volumeQueue.add(volume);
    });
    ctx.onObjects('PersistentVolume', (seen, verb) => {
      resync.volume(seen, verb === Verb.deleted);
      if (verb !== Verb.deleted) return this.#volumeQueue.add(seen.key);
      // Its claim is lost.
      const claim = claimKeyOf(seen.object);
      if (claim !== '') ctx.queue.add(claim);
    });
    ctx.onObjects('StorageClass', (seen, verb) => {
      const isDefault = saysDefault(seen.object) && verb !== Verb.deleted;
      if (isDefault) this.#defaults.set(seen.key, seen);
      else if (this.#defaults.size > 0) this.#defaults.delete(seen.key);
      resync.changed();
    });
  }

  nowText = (): string => timestampText(this.ctx.run.kernel.now);

  reconcile(key: string, calls: Calls): Steps {
    return this.#guarded(this.#claim(key, calls));
  }

  /** A refused write ends the sync; nothing is tried again before the next event or resync. */
  *#guarded(steps: Steps): Steps {
    try {
      return yield* steps;
    } catch (error) {
      if (error instanceof WriteRefused) return DONE;
      throw error;
    }
  }

  tell(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { namespace, name } = about.metadata;
    this.ctx.client.event(type, reason, about.kind, namespace ?? '', name!, message);
  }

  // ---- claims ----

  *#claim(key: string, calls: Calls): Steps {
    const seen = this.claims.get(key);
    if (seen === undefined) return DONE;
    const claim = versionOf(seen);
    yield* isBindCompleted(claim.object) ? this.#boundClaim(claim, calls) : this.#unboundClaim(claim, calls);
    return DONE;
  }

  *#unboundClaim(claim: Version, calls: Calls): Steps<void> {
    const { object } = claim;
    const asked: string | undefined = object['spec'].volumeName;
    if (asked) return yield* this.#askedVolume(claim, asked, calls);
    const isDelayed = this.#delaysBinding(object);
    const volume = this.#index.best(object, isDelayed);
    if (volume !== null) return yield* bind(versionOf(volume), claim, this.nowText, calls);
    if (classAskedFor(object) === undefined && this.#defaults.size > 0) {
      // A default class that came after the claim (RetroactiveDefaultStorageClass).
      const storageClassName = youngestClass([...this.#defaults.values()].map((seen) => seen.object));
      yield* putVersion(claim, { ...object, spec: { ...object['spec'], storageClassName } }, calls);
      return;
    }
    // Once the scheduler has chosen a node it is the provisioner's turn; other volumes stay the scheduler's choice.
    const isChosen = object.metadata.annotations?.[SELECTED_NODE] !== undefined;
    if (isDelayed && !isChosen) this.#tellWaiting(object);
    else if (classOf(object) !== '') return yield* this.#provision(claim, calls);
    else this.tell(object, 'Normal', 'FailedBinding', NO_CLASS);
    yield* setClaimStatus(claim, 'Pending', null, calls);
  }

  /** Which volume the claim gets is for the scheduler to say, as its pod's node is (IsDelayBindingMode). */
  #delaysBinding(claim: KubeObject): boolean {
    const seen = this.#classes.get(classOf(claim));
    return seen?.object['volumeBindingMode'] === 'WaitForFirstConsumer';
  }

  #tellWaiting(claim: KubeObject): void {
    const { state } = this.ctx.run;
    const { namespace, name } = claim.metadata;
    const pods = [...this.#pods.using(`${namespace}/${name}`)].filter((pod) => this.ctx.pods.node(pod) < 0);
    if (pods.length === 0) {
      const text = 'waiting for first consumer to be created before binding';
      return this.tell(claim, 'Normal', 'WaitForFirstConsumer', text);
    }
    const names = pods.map((pod) => state.podName(pod)).join(',');
    const text = `waiting for pod${pods.length > 1 ? 's' : ''} ${names} to be scheduled`;
    this.tell(claim, 'Normal', 'WaitForPodScheduled', text);
  }

  /** The claim names a volume, and is not bound to it yet. */
  *#askedVolume(claim: Version, name: string, calls: Calls): Steps<void> {
    const { object } = claim;
    const seen = this.volumes.get(name);
    if (seen !== undefined) {
      const volume = versionOf(seen);
      if (!volume.object['spec'].claimRef) {
        const problem = mismatch(volume.object, object);
        if (problem === null) return yield* bind(volume, claim, this.nowText, calls);
        const text = `Cannot bind to requested volume "${name}": ${problem}`;
        this.tell(object, 'Warning', 'VolumeMismatch', text);
      } else if (isVolumeBoundToClaim(volume.object, object)) {
        return yield* bind(volume, claim, this.nowText, calls);
      } else {
        const text = `volume "${name}" already bound to a different claim.`;
        this.tell(object, 'Warning', 'FailedBinding', text);
      }
    }
    yield* setClaimStatus(claim, 'Pending', null, calls);
  }

  /** Tells the provisioner of the claim's class, by annotations, that it is its turn. */
  *#provision(claim: Version, calls: Calls): Steps<void> {
    const { object } = claim;
    const name = classOf(object);
    const turn = provisioningOf(name, this.#classes.get(name)?.object ?? null);
    if ('problem' in turn) return this.tell(object, 'Warning', 'ProvisioningFailed', turn.problem);
    const { provisioner } = turn;
    const { annotations } = object.metadata;
    if (annotations?.[STORAGE_PROVISIONER] !== provisioner) {
      const changes = { [BETA_STORAGE_PROVISIONER]: provisioner, [STORAGE_PROVISIONER]: provisioner };
      const metadata = annotated(object.metadata, changes);
      yield* putVersion(claim, { ...object, metadata }, calls);
    }
    const text = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    this.tell(object, 'Normal', 'ExternalProvisioning', text);
  }

  *#boundClaim(claim: Version, calls: Calls): Steps<void> {
    const { object } = claim;
    const name: string | undefined = object['spec'].volumeName;
    if (!name) {
      const text = 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!';
      return yield* this.#lose(claim, 'ClaimLost', text, calls);
    }
    const seen = this.volumes.get(name);
    if (seen === undefined) {
      const text = 'Bound claim has lost its PersistentVolume. Data on the volume is lost!';
      return yield* this.#lose(claim, 'ClaimLost', text, calls);
    }
    const ref = seen.object['spec'].claimRef;
    if (!ref || ref.uid === object.metadata.uid)
      return yield* bind(versionOf(seen), claim, this.nowText, calls);
    const text = 'Two claims are bound to the same volume, this one is bound incorrectly';
    yield* this.#lose(claim, 'ClaimMisbound', text, calls);
  }

  *#lose(claim: Version, reason: string, text: string, calls: Calls): Steps<void> {
    if (claim.object['status']?.phase === 'Lost') return;
    yield* setClaimStatus(claim, 'Lost', null, calls);
    this.tell(claim.object, 'Warning', reason, text);
  }

  // ---- volumes ----

  *#volume(key: string, calls: Calls): Steps {
    const seen = this.volumes.get(key);
    if (seen !== undefined) yield* syncVolume(this, seen, calls);
    return DONE;
  }

  *setPhase(volume: Version, phase: string, calls: Calls, message = ''): Steps<Version> {
    return yield* setVolumePhase(volume, phase, message, this.nowText(), calls);
  }
}

export const pvBinderController: ControllerDefinition = {
  name: 'persistentvolume-binder',
  clientName: 'persistent-volume-binder',
  about: 'binds claims to volumes, asks provisioners for volumes, reclaims volumes',
  workers: 1,
  create: (context) => new VolumeBinder(context),
};
