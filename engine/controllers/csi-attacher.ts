// CSI's external-attacher, one for all drivers of the cost preset: attaches the volume of each VolumeAttachment to its
// node and detaches it when that is deleted (external-attacher v4, csi_handler.go). A finalizer of its own holds the
// object until the volume is detached.
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
import type { Sampler } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { Verb } from '../state/index.ts';

interface Driver {
  readonly attachUs: Sampler;
  readonly detachUs: Sampler;
}

const finalizerOf = (driver: string): string => `external-attacher/${driver.replaceAll('.', '-')}`;

class CsiAttacher implements Controller {
  readonly #attachments: SeenObjects;
  readonly #drivers = new Map<string, Driver>();
  #operations = 0;

  constructor(ctx: ControllerContext) {
    this.#attachments = ctx.objects('VolumeAttachment');
    const { costs, durations } = ctx.run;
    for (const [name, backend] of Object.entries(costs.storage ?? {})) {
      if (!backend.attachRequired) continue;
      this.#drivers.set(backend.driver, {
        attachUs: durations.sampler(`storage/${name}/attach`, backend.attachUs),
        detachUs: durations.sampler(`storage/${name}/detach`, backend.detachUs),
      });
    }
    ctx.onObjects('VolumeAttachment', (seen, verb) => {
      if (verb !== Verb.deleted && this.#isDue(seen.object)) ctx.queue.add(seen.key);
    });
  }

  /** Not attached yet, or to be detached. */
  #isDue(attachment: KubeObject): boolean {
    if (!this.#drivers.has(attachment['spec'].attacher)) return false;
    const isDeleted = attachment.metadata.deletionTimestamp !== undefined;
    return isDeleted || attachment['status']?.attached !== true;
  }

  *reconcile(key: string, calls: Calls): Steps {
    const seen = this.#attachments.get(key);
    if (seen === undefined || !this.#isDue(seen.object)) return DONE;
    const { attacher } = seen.object['spec'];
    const driver = this.#drivers.get(attacher)!;
    const finalizer = finalizerOf(attacher);
    const others = (object: KubeObject): string[] =>
      (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    const withFinalizers = (object: KubeObject, finalizers: string[]): KubeObject => ({
      ...object,
      metadata: { ...object.metadata, finalizers },
    });
    if (seen.object.metadata.deletionTimestamp !== undefined) {
      yield calls.sleep(driver.detachUs(this.#operations++, 0));
      const reply = yield calls.patch(seen.id, (object) => withFinalizers(object, others(object)));
      return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
    }
    yield calls.patch(seen.id, (object) => withFinalizers(object, [...others(object), finalizer]));
    yield calls.sleep(driver.attachUs(this.#operations++, 0));
    const now = this.#attachments.get(key);
    if (now === undefined || now.object.metadata.deletionTimestamp !== undefined) return DONE;
    const status = { ...now.object['status'], attached: true };
    const reply = yield calls.updateStatus(now.id, { ...now.object, status }, 0);
    return reply.code < 400 || reply.code === 404 ? DONE : RETRY;
  }
}

export const csiAttacherController: ControllerDefinition = {
  name: 'csi-attacher',
  clientName: 'external-attacher',
  about: 'attaches and detaches volumes of CSI drivers',
  // --worker-threads; --kube-api-qps and --kube-api-burst (external-attacher/cmd/csi-attacher).
  workers: 10,
  limits: () => ({ qps: 5, burst: 10 }),
  create: (context) => new CsiAttacher(context),
};
