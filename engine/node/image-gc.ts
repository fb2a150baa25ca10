// Garbage collection of images: every 5 min, on each node's own phase, a kubelet looks at its disk. Where it is fuller than
// imageGCHighThresholdPercent, images that no pod uses go, those that were used longest ago first, until
// imageGCLowThresholdPercent would be reached; images unused for imageMaximumGCAge go in any case
// (pkg/kubelet/images/image_gc_manager.go, v1.36). When an image was used last is known as of these looks.
//
// Only looks that find something have an event: use grows with pulls and with what pods write, both of which tell here.
// Nodes that say nothing of their ephemeral storage are never full.
import type { ApiClient } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import type { NodeAdmission } from './admission.ts';
import type { Observation } from './eviction-ranking.ts';
import type { Images } from './images.ts';

const SECOND = 1_000_000;
/** ImageGCPeriod, pkg/kubelet/kubelet.go. */
const PERIOD_US = 300 * SECOND;
/** imageGCHighThresholdPercent, imageGCLowThresholdPercent, imageMinimumGCAge: apis/config/v1beta1/defaults.go. */
const HIGH_PERCENT = 85;
const LOW_PERCENT = 80;
const MINIMUM_AGE_US = 120 * SECOND;

export interface ImageGcHost {
  readonly images: Images;
  readonly admission: NodeAdmission;
  client(node: number): ApiClient;
  /** The machine runs. */
  runs(node: number): boolean;
  /** The disk will be nearly full then: whoever evicts pods for that should look. */
  full(node: number, us: number): void;
  /** Whatever pods write, as much of the disk is left as `spare` says. */
  hasRoom(node: number): boolean;
  /** Pods on the node write something. */
  isUsed(node: number): boolean;
  /** What is left on the disk for images; undefined: nobody knows. */
  disk(node: number): Observation | undefined;
  /** Images have been removed: the node's next status says so. */
  imagesGone(node: number): void;
}

export class ImageGc {
  readonly #c: RunContext;
  readonly #host: ImageGcHost;
  readonly #kind: EventKind;
  readonly #phase: number;
  readonly #highPercent: number;
  readonly #lowPercent: number;
  readonly #minimumAgeUs: number;
  readonly #maximumAgeUs: number;
  /** Next look by node, and whether it is one that may go on finding the same for ever. */
  readonly #nextUs = new Map<number, { readonly us: number; readonly idle: boolean }>();
  readonly #isOn: boolean;
  /** Nodes whose images fill half of what they may: there it counts which of them was used last. */
  readonly #followed = new Set<number>();

  constructor(context: RunContext, host: ImageGcHost) {
    this.#c = context;
    this.#host = host;
    const { kernel, draw, costs } = context;
    const k = costs.kubelet;
    this.#highPercent = k.imageGCHighThresholdPercent ?? HIGH_PERCENT;
    this.#lowPercent = k.imageGCLowThresholdPercent ?? LOW_PERCENT;
    this.#minimumAgeUs = k.imageMinimumGCAgeUs ?? MINIMUM_AGE_US;
    this.#maximumAgeUs = k.imageMaximumGCAgeUs ?? 0;
    // StartGarbageCollection: 100 % and no age turn it off. Kubelets that only wait have no images.
    this.#isOn = k.exactDelays === undefined && (this.#highPercent < 100 || this.#maximumAgeUs > 0);
    this.#phase = draw.purpose('kubelet/image-gc');
    this.#kind = kernel.on('kubelet/image-gc', (node) => this.#due(node));
  }

  /** An image will be on the node at that time. */
  pulled(node: number, doneUs: number): void {
    if (!this.#isOn) return;
    if (this.#maximumAgeUs > 0) this.#at(node, doneUs + this.#maximumAgeUs + PERIOD_US, false);
    const { nodes } = this.#c.state;
    const capacity = nodes.ephemeralBytes[node]!;
    if (capacity === 0) return;
    // Most disks are far from full: a look at the images alone says so.
    const images = this.#host.images.bytesOn(node, Number.POSITIVE_INFINITY);
    const share = (100 * images) / capacity;
    if (2 * share >= this.#highPercent) this.#followed.add(node);
    const nothingElse = !this.#host.isUsed(node) && nodes.object[node]!.metadata.annotations === undefined;
    if (nothingElse && share < this.#highPercent - 1) return;
    if (this.#host.hasRoom(node)) return;
    this.grew(node, this.#host.disk(node), doneUs);
  }

  /** With so much left of a disk of that capacity `grew` has nothing to do, bytes. */
  spare(capacity: number): number {
    return this.#isOn ? Math.max(capacity / 2, this.#least(capacity)) : 0;
  }

  /** usagePercent, cut off to a whole number, reaches the threshold when no more than this is left. */
  #least(capacity: number): number {
    return (capacity * (101 - this.#highPercent)) / 100;
  }

  /** The disk is used as observed now; what is being pulled comes by `fromUs`. */
  grew(node: number, disk: Observation | undefined, fromUs: number): void {
    if (!this.#isOn || disk === undefined) return;
    if (disk.available * 2 < disk.capacity) this.#followed.add(node);
    const { now } = this.#c.kernel;
    const coming = this.#host.images.bytesOn(node, fromUs) - this.#host.images.bytesOn(node, now);
    const margin = disk.available - coming - this.#least(disk.capacity);
    if (margin < 0) {
      this.#at(node, fromUs, false);
      this.#host.full(node, fromUs);
    } else if (disk.rate > 0) this.#at(node, now + (margin / disk.rate) * SECOND + 1, false);
  }

  /** A pod has ended on its node. */
  left(pod: number): void {
    if (!this.#isOn) return;
    const { state, kernel } = this.#c;
    const node = state.pods.node[pod]!;
    if (this.#maximumAgeUs === 0 && !this.#followed.has(node)) return;
    for (const image of state.template(pod).images) this.#host.images.usedUntil(node, image, kernel.now);
    if (this.#maximumAgeUs > 0) this.#at(node, kernel.now + this.#maximumAgeUs + PERIOD_US, false);
  }

  /** DeleteUnusedImages, as the eviction manager asks for it: the bytes freed. */
  deleteUnused(node: number): number {
    return this.#sweep(node, Number.POSITIVE_INFINITY).bytes;
  }

  #sweep(node: number, wantedBytes: number): { readonly bytes: number; readonly young: number } {
    const { state, kernel, recorder } = this.#c;
    const inUse = new Set<number>();
    for (const pod of this.#host.admission.podsOn(node)) {
      const { images, ephemeral } = state.template(pod);
      for (const image of images) inUse.add(image);
      for (const { image } of ephemeral) inUse.add(image);
    }
    const swept = this.#host.images.deleteUnused(node, {
      nowUs: kernel.now,
      inUse,
      wantedBytes,
      minimumAgeUs: this.#minimumAgeUs,
      maximumAgeUs: this.#maximumAgeUs > 0 && kernel.now > this.#maximumAgeUs ? this.#maximumAgeUs : 0,
      lookBefore: (us) => this.#look(node, us, Math.floor),
      lookAfter: (us) => this.#look(node, us, Math.ceil),
    });
    if (swept.count > 0) {
      recorder.count(recorder.counter('kubelet.imagesRemoved'), swept.count);
      this.#host.imagesGone(node);
    }
    return swept;
  }

  /** A look of the node's that is not after (floor) or not before (ceil) a time. */
  #look(node: number, us: number, round: (looks: number) => number): number {
    const phase = this.#c.draw.below(this.#phase, node, 0, PERIOD_US);
    return phase + round((us - phase) / PERIOD_US) * PERIOD_US;
  }

  #at(node: number, us: number, idle: boolean): void {
    const { kernel, periodic } = this.#c;
    const at = this.#look(node, Math.max(us, kernel.now + 1), Math.ceil);
    const next = this.#nextUs.get(node);
    if (next !== undefined && next.us <= at && (idle || !next.idle)) return;
    if (next?.idle) periodic.disarm();
    this.#nextUs.set(node, { us: at, idle });
    if (idle) periodic.arm();
    kernel.at(at, this.#kind, node, 0);
  }

  #due(node: number): void {
    const { kernel, periodic, state } = this.#c;
    const next = this.#nextUs.get(node);
    // A look that an earlier one has overtaken.
    if (next === undefined || next.us !== kernel.now) return kernel.countDropped();
    this.#nextUs.delete(node);
    if (next.idle && periodic.fired()) return;
    if (state.nodes.removed[node] === 1) return;
    if (!this.#host.runs(node)) return this.#at(node, kernel.now + 1, true);
    if (this.#maximumAgeUs > 0) this.#sweep(node, 0);
    const disk = this.#host.disk(node);
    if (disk === undefined) return;
    const percent = 100 - Math.floor((disk.available * 100) / disk.capacity);
    if (percent < this.#highPercent) return this.grew(node, disk, kernel.now);
    const wanted = Math.floor((disk.capacity * (100 - this.#lowPercent)) / 100) - disk.available;
    const { bytes: freed, young } = this.#sweep(node, wanted);
    if (freed >= wanted) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`;
    const name = state.nodeName(node);
    for (const reason of ['FreeDiskSpaceFailed', 'ImageGCFailed'])
      this.#host.client(node).event('Warning', reason, 'Node', '', name, message);
    // Images that are too young will be old enough one day; what is in use may be so for ever.
    this.#at(node, kernel.now + 1, young === 0);
  }
}
