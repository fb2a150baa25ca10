// Claims that ask for more than they have. kube-controller-manager's expander only says that it waits for the driver's
// own (pkg/controller/volume/expand); CSI's external-resizer, one for all drivers of the cost preset, makes the volume
// larger and leaves the file system to the kubelets where it has to grow there (external-resizer v1.14, controller.go and
// expand_and_recover.go). Drivers without expansion have no resizer: their claims wait for ever.
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
import type { StorageBackend } from '../contracts/storage-backend.ts';
import type { Sampler } from '../kernel/index.ts';
import {
  claimCapacity,
  markPendingOnNode,
  markResized,
  markResizing,
  PRE_RESIZE_CAPACITY,
  resizeStatusOf,
  wantsMore,
} from '../kinds/claim-resize.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { compareQuantities } from '../kinds/quantity.ts';
import { claimSize, isVolumeBoundToClaim, modeOf, volumeSize } from '../kinds/volume-facts.ts';
import { keyOf, timestampText, Verb } from '../state/index.ts';
import { AttachmentCounts } from './volume-attachments.ts';
import { annotated } from './volume-writes.ts';

class VolumeExpander implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('PersistentVolumeClaim');
    ctx.onObjects('PersistentVolumeClaim', (seen, verb, old) => {
      if (verb === Verb.deleted || old === null) return;
      if (compareQuantities(claimSize(seen.object), claimSize(old)) > 0) ctx.queue.add(seen.key);
    });
  }

  *reconcile(key: string, calls: Calls): Steps {
    const claim = this.#claims.get(key)?.object;
    if (claim === undefined || !wantsMore(claim)) return DONE;
    const { objects } = this.#ctx.run.state;
    const volume = objects.find('PersistentVolume', '', claim['spec'].volumeName);
    if (volume < 0) return RETRY;
    yield calls.get(volume);
    tell(
      this.#ctx,
      claim,
      'Normal',
      'ExternalExpanding',
      'waiting for an external controller to expand this PVC',
    );
    return DONE;
  }
}

function tell(
  ctx: ControllerContext,
  claim: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  text: string,
): void {
  const { namespace, name } = claim.metadata;
  ctx.client.event(type, reason, 'PersistentVolumeClaim', namespace ?? '', name!, text);
}

interface Driver {
  readonly name: string;
  readonly backend: StorageBackend;
  readonly expandUs: Sampler;
}

class CsiResizer implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;
  readonly #volumes: SeenObjects;
  readonly #drivers = new Map<string, Driver>();
  /** When a claim was first seen to want more, µs. */
  readonly #sinceUs = new Map<string, number>();
  /** Where a driver expands offline only. */
  readonly #attachments: AttachmentCounts | null;
  /** Claims whose driver has refused because the volume was in use. */
  readonly #inUse = new Set<string>();
  #operations = 0;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('PersistentVolumeClaim');
    this.#volumes = ctx.objects('PersistentVolume');
    const { costs, durations, kernel, recorder } = ctx.run;
    for (const [name, backend] of Object.entries(costs.storage ?? {})) {
      if (backend.driver === '' || (backend.expansion ?? 'none') === 'none') continue;
      const expandUs = durations.sampler(`storage/${name}/expand`, backend.expandUs ?? 0);
      this.#drivers.set(backend.driver, { name, backend, expandUs });
    }
    ctx.onObjects('PersistentVolumeClaim', (seen, verb) => {
      if (verb === Verb.deleted) {
        this.#sinceUs.delete(seen.key);
        this.#inUse.delete(seen.key);
      } else if (wantsMore(seen.object)) {
        if (!this.#sinceUs.has(seen.key)) this.#sinceUs.set(seen.key, kernel.now);
        ctx.queue.add(seen.key);
      } else if (this.#sinceUs.has(seen.key)) {
        recorder.observe(recorder.latency('volume.expand'), kernel.now - this.#sinceUs.get(seen.key)!);
        recorder.volumes.expanded(seen.object['spec'].volumeName);
        this.#sinceUs.delete(seen.key);
        ctx.queue.add(seen.key);
      }
    });
    const someOffline = [...this.#drivers.values()].some(({ backend }) => backend.expansion === 'offline');
    this.#attachments = someOffline ? new AttachmentCounts(ctx) : null;
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#claims.get(key);
    const volume = this.#volumes.get(seen?.object['spec'].volumeName ?? '');
    if (seen === undefined || volume === undefined) return DONE;
    const driver = this.#drivers.get(volume.object['spec'].csi?.driver ?? '');
    if (driver === undefined || !isVolumeBoundToClaim(volume.object, seen.object)) return DONE;
    if (!wantsMore(seen.object)) return yield* this.#tidy(seen.object, volume, calls);
    const size = this.#target(seen.object, volume.object);
    return size === null ? DONE : yield* this.#expand(seen, volume, driver, size, calls);
  }

  /** The size to grow to now; null: an earlier growth is not over on its node. */
  #target(claim: KubeObject, volume: KubeObject): string | null {
    const onNode =
      resizeStatusOf(claim) === 'NodeResizePending' || resizeStatusOf(claim) === 'NodeResizeInProgress';
    const has = volumeSize(volume);
    const allocated: string | undefined = claim['status']?.allocatedResources?.storage;
    if (compareQuantities(has, claimSize(claim)) >= 0 && onNode) return null;
    if (!onNode || allocated === undefined) return claimSize(claim);
    return compareQuantities(has, allocated) >= 0 ? null : allocated;
  }

  *#expand(seen: SeenObject, volume: SeenObject, driver: Driver, size: string, calls: Calls): Steps {
    const { key, object: claim } = seen;
    const ctx = this.#ctx;
    const now = (): string => timestampText(ctx.run.kernel.now);
    const marked = yield calls.patch(seen.id, (object) => markResizing(object, size, now()));
    if (marked.code >= 400) return RETRY;
    const isUsed = driver.backend.expansion === 'offline' && this.#attachments!.isAttached(volume.name);
    if (isUsed && this.#inUse.has(key)) {
      const why = `Unable to expand ${keyOf(claim.metadata.namespace, claim.metadata.name!)} because CSI driver ${driver.backend.driver} only supports offline expansion and volume is currently in-use`;
      tell(ctx, claim, 'Warning', 'VolumeResizeFailed', why);
      return RETRY;
    }
    tell(ctx, claim, 'Normal', 'Resizing', `External resizer is resizing volume ${volume.name}`);
    yield calls.sleep(driver.expandUs(this.#operations++, 0));
    if (isUsed) {
      this.#inUse.add(key);
      const why = `resize volume ${JSON.stringify(volume.name)} by resizer ${JSON.stringify(driver.backend.driver)} failed: rpc error: code = FailedPrecondition desc = volume is in use`;
      tell(ctx, claim, 'Warning', 'VolumeResizeFailed', why);
      return RETRY;
    }
    this.#inUse.delete(key);
    const onNode = driver.backend.nodeExpandUs !== undefined && modeOf(volume.object) !== 'Block';
    const grown = yield calls.patch(volume.id, (object) =>
      grownVolume(object, size, claimCapacity(claim), onNode),
    );
    if (grown.code >= 400) return RETRY;
    const told = yield calls.patch(seen.id, (object) =>
      onNode ? markPendingOnNode(object, now()) : markResized(object, size, now()),
    );
    if (told.code >= 400) return RETRY;
    if (onNode)
      tell(ctx, claim, 'Normal', 'FileSystemResizeRequired', 'Require file system resize of volume on node');
    else tell(ctx, claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
    return DONE;
  }

  /** The claim has what it wanted: the volume forgets what it had before. */
  *#tidy(claim: KubeObject, volume: SeenObject, calls: Calls): Steps {
    const { metadata } = volume.object;
    if (metadata.annotations?.[PRE_RESIZE_CAPACITY] === undefined) return DONE;
    if (compareQuantities(claimCapacity(claim), volumeSize(volume.object)) < 0) return DONE;
    const reply = yield calls.patch(volume.id, (object) => ({
      ...object,
      metadata: annotated(object.metadata, { [PRE_RESIZE_CAPACITY]: null }),
    }));
    return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
  }
}

/** The volume with its new size, and with the one before where its file system is still that small. */
function grownVolume(volume: KubeObject, size: string, before: string, onNode: boolean): KubeObject {
  const noted = onNode && volume.metadata.annotations?.[PRE_RESIZE_CAPACITY] === undefined;
  return {
    ...volume,
    metadata: noted ? annotated(volume.metadata, { [PRE_RESIZE_CAPACITY]: before }) : volume.metadata,
    spec: { ...volume['spec'], capacity: { ...volume['spec'].capacity, storage: size } },
  };
}

export const volumeExpanderController: ControllerDefinition = {
  name: 'persistentvolume-expander',
  clientName: 'expand-controller',
  about: 'says that claims which ask for more wait for their driver',
  // defaultWorkerCount (pkg/controller/volume/expand/expand_controller.go).
  workers: 10,
  create: (context) => new VolumeExpander(context),
};

export const csiResizerController: ControllerDefinition = {
  name: 'csi-resizer',
  clientName: 'external-resizer',
  about: 'makes volumes of CSI drivers larger',
  // --workers; --kube-api-qps and --kube-api-burst; --retry-interval-start and -max (cmd/csi-resizer).
  workers: 10,
  limits: () => ({ qps: 5, burst: 10 }),
  backoff: { baseUs: 1_000_000, maxUs: 300_000_000 },
  create: (context) => new CsiResizer(context),
};
