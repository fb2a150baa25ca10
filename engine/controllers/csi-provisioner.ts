// CSI's external-provisioner, one for all drivers of the cost preset: makes volumes for claims that the volume
// controller, and where the class waits for a pod the scheduler, has marked for its driver, and deletes released ones
// (sig-storage-lib-external-provisioner/v11 controller.go, external-provisioner v5). Claims of drivers that the preset
// does not know stay pending, as where no such driver is installed.
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
  type WorkQueueView,
} from '../contracts/controller.ts';
import type { StorageBackend } from '../contracts/storage-backend.ts';
import { hashText, type Sampler } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import {
  claimReference,
  claimSize,
  classOf,
  PROVISIONED_BY,
  PROVISIONER_FINALIZER,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
} from '../kinds/volume-facts.ts';
import { Verb } from '../state/index.ts';
import { AttachmentCounts } from './volume-attachments.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

interface Driver {
  readonly name: string;
  readonly backend: StorageBackend;
  readonly provisionUs: Sampler;
  readonly deleteUs: Sampler;
}

class CsiProvisioner implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;
  readonly #volumes: SeenObjects;
  readonly #classes: SeenObjects;
  readonly #deletions: WorkQueueView;
  readonly #drivers = new Map<string, Driver>();
  /** When a claim was first looked at, µs. */
  readonly #sinceUs = new Map<string, number>();
  readonly #attachments: AttachmentCounts;
  readonly #unknown = new Set<string>();
  #provisioned = 0;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('PersistentVolumeClaim');
    this.#volumes = ctx.objects('PersistentVolume');
    this.#classes = ctx.objects('StorageClass');
    const { costs, durations } = ctx.run;
    for (const [name, backend] of Object.entries(costs.storage ?? {})) {
      if (backend.driver === '' || !backend.provisions) continue;
      this.#drivers.set(backend.driver, {
        name,
        backend,
        provisionUs: durations.sampler(`storage/${name}/provision`, backend.provisionUs),
        deleteUs: durations.sampler(`storage/${name}/delete`, backend.deleteUs),
      });
    }
    this.#deletions = ctx.sideQueue({
      name: `${ctx.name}/volumes`,
      workers: 100,
      reconcile: (key, calls) => this.#delete(key, calls),
    });
    ctx.onObjects('PersistentVolumeClaim', (seen, verb) => {
      if (verb === Verb.deleted) {
        this.#sinceUs.delete(seen.key);
        return;
      }
      if (this.#driverFor(seen.object) !== null) ctx.queue.add(seen.key);
      else this.#noteUnknown(seen.object);
    });
    this.#attachments = new AttachmentCounts(ctx);
    ctx.onObjects('PersistentVolume', (seen, verb) => {
      if (verb !== Verb.deleted && this.#isReleased(seen.object)) this.#deletions.add(seen.key);
    });
  }

  /** A driver that the preset does not have: its claims wait for ever, and the run says so. */
  #noteUnknown(claim: KubeObject): void {
    const driver = claim.metadata.annotations?.[STORAGE_PROVISIONER];
    if (driver === undefined || this.#drivers.has(driver) || this.#unknown.has(driver)) return;
    this.#unknown.add(driver);
    const note = `the cost preset has no storage backend with the driver ${driver}: its claims stay pending`;
    this.#ctx.run.recorder.loss(
      this.#ctx.client.name,
      'PersistentVolumeClaim',
      'spec.storageClassName',
      1,
      note,
    );
  }

  /** The driver that is to make a volume for the claim now; null: none (shouldProvision). */
  #driverFor(claim: KubeObject): Driver | null {
    if (claim['spec'].volumeName) return null;
    const { annotations, deletionTimestamp } = claim.metadata;
    const driver = this.#drivers.get(annotations?.[STORAGE_PROVISIONER] ?? '');
    if (driver === undefined || deletionTimestamp !== undefined) return null;
    const storageClass = this.#classes.get(classOf(claim))?.object;
    if (storageClass === undefined) return null;
    const waits = storageClass['volumeBindingMode'] === 'WaitForFirstConsumer';
    return waits && annotations?.[SELECTED_NODE] === undefined ? null : driver;
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#claims.get(key);
    const driver = seen === undefined ? null : this.#driverFor(seen.object);
    if (seen === undefined || driver === null) return DONE;
    const { object } = seen;
    const { kernel, recorder } = this.#ctx.run;
    const volumeName = `pvc-${object.metadata.uid}`;
    if (this.#volumes.get(volumeName) !== undefined) return DONE;
    if (!this.#sinceUs.has(key)) this.#sinceUs.set(key, kernel.now);
    const { namespace, name } = object.metadata;
    const text = `External provisioner is provisioning volume for claim "${namespace}/${name}"`;
    this.#tell(object, 'Normal', 'Provisioning', text);
    yield calls.sleep(driver.provisionUs(this.#provisioned++, 0));
    const storageClass = this.#classes.get(classOf(object))!.object;
    const modes: readonly string[] = object['spec'].accessModes ?? [];
    const refused =
      object['spec'].volumeMode === 'Block'
        ? undefined
        : modes.find((mode) => !driver.backend.accessModes.includes(mode));
    if (refused !== undefined) {
      const why = `failed to provision volume with StorageClass "${storageClass.metadata.name}": rpc error: code = InvalidArgument desc = access mode ${refused} is not supported`;
      this.#tell(object, 'Warning', 'ProvisioningFailed', why);
      return RETRY;
    }
    const reply = yield calls.create(this.#volume(volumeName, object, storageClass, driver.backend));
    if (reply.code >= 400 && reply.code !== 409) return RETRY;
    recorder.observe(recorder.latency('volume.provision'), kernel.now - this.#sinceUs.get(key)!);
    recorder.volumes.provisioned(volumeName, key, driver.name, kernel.now);
    this.#sinceUs.delete(key);
    this.#tell(object, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`);
    return DONE;
  }

  #tell(claim: KubeObject, type: 'Normal' | 'Warning', reason: string, text: string): void {
    const { namespace, name } = claim.metadata;
    this.#ctx.client.event(type, reason, 'PersistentVolumeClaim', namespace ?? '', name!, text);
  }

  #volume(name: string, claim: KubeObject, storageClass: KubeObject, backend: StorageBackend): KubeObject {
    const policy: string = storageClass['reclaimPolicy'] ?? 'Delete';
    const topology = this.#topology(claim, storageClass, backend);
    const { mountOptions } = storageClass as KubeObject & { mountOptions?: Json };
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name,
        annotations: { [PROVISIONED_BY]: backend.driver },
        finalizers: [
          'kubernetes.io/pv-protection',
          // HonorPVReclaimPolicy, on since 1.31.
          ...(policy === 'Delete' ? [PROVISIONER_FINALIZER] : []),
        ],
      },
      spec: {
        capacity: { storage: claimSize(claim) },
        csi: { driver: backend.driver, volumeHandle: name },
        accessModes: claim['spec'].accessModes,
        claimRef: claimReference(claim),
        persistentVolumeReclaimPolicy: policy,
        storageClassName: storageClass.metadata.name,
        volumeMode: claim['spec'].volumeMode ?? 'Filesystem',
        ...(mountOptions === undefined ? {} : { mountOptions }),
        ...(topology === null ? {} : { nodeAffinity: { required: { nodeSelectorTerms: [topology] } } }),
      },
      status: { phase: 'Pending' },
    };
  }

  /** From where the volume will be reached; without a chosen node a zone is taken by the claim's name. */
  #topology(claim: KubeObject, storageClass: KubeObject, backend: StorageBackend): Json | null {
    if (backend.reach === 'everywhere') return null;
    const { nodes } = this.#ctx.run.state;
    const key = backend.reach === 'zone' ? ZONE : HOSTNAME;
    const chosen = nodes.find(claim.metadata.annotations?.[SELECTED_NODE] ?? '');
    const values = chosen >= 0 ? [nodes.labels(chosen)[key]] : this.#values(key, storageClass);
    if (values.length === 0 || values[0] === undefined) return null;
    const value = values[hashText(claim.metadata.name!, 1) % values.length];
    return { matchExpressions: [{ key, operator: 'In', values: [value] }] };
  }

  /** Values of the label that the class allows, or that nodes have. */
  #values(key: string, storageClass: KubeObject): readonly (string | undefined)[] {
    const terms: readonly Json[] = storageClass['allowedTopologies'] ?? [];
    const allowed = terms
      .flatMap((term) => term.matchLabelExpressions ?? [])
      .filter((one: Json) => one.key === key)
      .flatMap((one: Json) => one.values as string[]);
    if (allowed.length > 0) return allowed;
    const { nodes } = this.#ctx.run.state;
    const found = new Set<string>();
    for (let node = 0; node < nodes.used; node++) {
      const value = nodes.removed[node] === 1 ? undefined : nodes.labels(node)[key];
      if (value !== undefined) found.add(value);
    }
    return [...found].sort();
  }

  // ---- deletion ----

  #isReleased(volume: KubeObject): boolean {
    if (volume['status']?.phase !== 'Released') return false;
    if (volume['spec'].persistentVolumeReclaimPolicy !== 'Delete') return false;
    return this.#drivers.has(volume.metadata.annotations?.[PROVISIONED_BY] ?? '');
  }

  *#delete(key: string, calls: Calls): Steps {
    const seen: SeenObject | undefined = this.#volumes.get(key);
    if (seen === undefined || !this.#isReleased(seen.object)) return DONE;
    const driver = this.#drivers.get(seen.object.metadata.annotations![PROVISIONED_BY]!)!;
    // Refused while the volume is attached; asked again by back-off.
    if (this.#attachments.isAttached(seen.name)) return RETRY;
    yield calls.sleep(driver.deleteUs(this.#provisioned++, 0));
    const deleted = yield calls.delete(seen.id);
    if (deleted.code >= 400 && deleted.code !== 404) return RETRY;
    yield calls.patch(seen.id, (volume) => {
      const finalizers = (volume.metadata.finalizers ?? []).filter((name) => name !== PROVISIONER_FINALIZER);
      return { ...volume, metadata: { ...volume.metadata, finalizers } };
    });
    return DONE;
  }
}

export const csiProvisionerController: ControllerDefinition = {
  name: 'csi-provisioner',
  clientName: 'external-provisioner',
  about: 'makes and deletes volumes of CSI drivers',
  // --worker-threads; --kube-api-qps and --kube-api-burst (external-provisioner/cmd/csi-provisioner).
  workers: 100,
  limits: () => ({ qps: 5, burst: 10 }),
  backoff: { baseUs: 1_000_000, maxUs: 300_000_000 },
  create: (context) => new CsiProvisioner(context),
};
