// Images on nodes: what is there, what is being pulled, and how long a pull takes. With serializeImagePulls one pull
// at a time runs on a node and the others queue (pkg/kubelet/images/puller.go); pulls of a node share its registry
// limiter (registryPullQPS), which refuses what comes too fast: it comes again after back-off.
import type { CostPreset } from '../contracts/costs.ts';
import { normalizedImage } from '../kinds/ingest/pod-template.ts';
import type { ClusterState } from '../state/index.ts';
import type { StepTimes } from './step-times.ts';

/** At most this many images stand in node.status.images (nodeStatusMaxImages, kubelet defaults.go v1.36). */
const STATUS_IMAGES_MAX = 50;

interface NodeImages {
  /** Image id → when it is on the node, µs. */
  readonly readyUs: Map<number, number>;
  /** When a pod that used the image ended last, µs, where that is followed. */
  readonly usedUntilUs: Map<number, number>;
  /** When each puller is free; with unlimited pulls none. */
  readonly pullersFreeUs: number[];
  /** Token bucket of the registry limiter as theoretical arrival time. */
  registryUs: number;
}

export interface Pull {
  /** When the image is on the node; now if nothing had to be done. */
  readonly doneUs: number;
  /** Whether the runtime was asked to pull. */
  readonly pulled: boolean;
  /** When this pull began, after waiting for others. */
  readonly startUs: number;
  /** Why there is no image when the pull is done, as the kubelet tells it; null: there is. */
  readonly failure: string | null;
}

/** A search for images that may go. */
export interface ImageSweep {
  readonly nowUs: number;
  readonly inUse: ReadonlySet<number>;
  /** Stop when so many bytes are freed. */
  readonly wantedBytes: number;
  /** Since they were detected. */
  readonly minimumAgeUs: number;
  /** Since they were used last; 0: they may grow old. */
  readonly maximumAgeUs: number;
  /** The kubelet's last look not after, and its first one not before a time, µs. */
  lookBefore(us: number): number;
  lookAfter(us: number): number;
}

/** `app:v1` as runtimes write it. */
const canonical = (image: string): string => (image.includes('/') ? image : `docker.io/library/${image}`);

export class Images {
  readonly #state: ClusterState;
  readonly #costs: CostPreset['kubelet'];
  readonly #times: StepTimes;
  readonly #nodes: (NodeImages | undefined)[] = [];

  constructor(state: ClusterState, costs: CostPreset['kubelet'], times: StepTimes) {
    this.#state = state;
    this.#costs = costs;
    this.#times = times;
  }

  /** EnsureImageExists for one container at `nowUs`; `entity` and `k` key the pull's own draw. */
  ensure(node: number, image: number, policy: string, nowUs: number, entity: number, k: number): Pull {
    const here = this.#of(node);
    const ready = here.readyUs.get(image);
    const present = ready !== undefined && ready <= nowUs;
    if (policy === 'Never' || (present && policy !== 'Always'))
      return { doneUs: nowUs, pulled: false, startUs: nowUs, failure: null };
    const { registryQps, registryBurst } = this.#costs;
    const { serializeImagePulls, maxParallelImagePulls = 0, pullBytesPerSecond } = this.#times.runtime(node);
    const pullers = serializeImagePulls ? 1 : maxParallelImagePulls;
    const slot = freeSlot(here.pullersFreeUs, pullers);
    const startUs = Math.max(nowUs, here.pullersFreeUs[slot] ?? 0);
    // The limiter wraps the runtime's service, so it is asked when a pull's turn has come (pkg/kubelet/images/helpers.go).
    if (registryQps > 0) {
      const interval = 1_000_000 / registryQps;
      if (here.registryUs - (registryBurst - 1) * interval > startUs)
        return { doneUs: startUs, pulled: true, startUs, failure: 'pull QPS exceeded' };
      here.registryUs = Math.max(here.registryUs, startUs) + interval;
    }
    const missing = this.#isMissing(image);
    let doneUs = startUs + this.#times.pullBase(node, entity, k);
    if (missing) {
      // The registry has answered that it does not know it: nothing is fetched.
    } else if (ready === undefined) {
      doneUs += Math.round((this.bytes(image) / pullBytesPerSecond) * 1_000_000);
      here.readyUs.set(image, doneUs);
    } else {
      // Somebody has fetched the layers or is at it: nothing is fetched twice, but all have to be there.
      doneUs = Math.max(doneUs, ready);
    }
    if (slot >= 0) here.pullersFreeUs[slot] = doneUs;
    return { doneUs, pulled: true, startUs, failure: missing ? this.#notFound(image) : null };
  }

  #isMissing(image: number): boolean {
    const missing = this.#costs.missingImages;
    if (missing === undefined || missing.length === 0) return false;
    const name = this.#state.images.text(image);
    return missing.some((entry) =>
      entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === normalizedImage(entry),
    );
  }

  #notFound(image: number): string {
    const name = canonical(this.#state.images.text(image));
    const reference = JSON.stringify(name);
    return `rpc error: code = NotFound desc = failed to pull and unpack image ${reference}: failed to resolve reference ${reference}: ${name}: not found`;
  }

  /** Size of an image, bytes: as some node reported it, else by the preset. */
  bytes(image: number): number {
    const reported = this.#state.imageBytes[image];
    if (reported !== undefined) return reported;
    const bytes = this.#costs.imageBytes[this.#state.images.text(image)] ?? this.#costs.imageBytesDefault;
    this.#state.imageBytes[image] = bytes;
    return bytes;
  }

  /** When the last image that is still being pulled on the node will be there; `nowUs` if none is. */
  pullingUntil(node: number, nowUs: number): number {
    let latest = nowUs;
    for (const readyUs of this.#of(node).readyUs.values()) latest = Math.max(latest, readyUs);
    return latest;
  }

  /** When the next image will be on the node after `nowUs`; Infinity: none is being pulled. */
  nextReadyUs(node: number, nowUs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const readyUs of this.#of(node).readyUs.values())
      if (readyUs > nowUs && readyUs < next) next = readyUs;
    return next;
  }

  /** Bytes of the images on the node at `nowUs`. */
  bytesOn(node: number, nowUs: number): number {
    let bytes = 0;
    for (const [image, readyUs] of this.#of(node).readyUs) if (readyUs <= nowUs) bytes += this.bytes(image);
    return bytes;
  }

  /** A pod that used the image has ended. */
  usedUntil(node: number, image: number, nowUs: number): void {
    this.#of(node).usedUntilUs.set(image, nowUs);
  }

  /**
   * Removes unused images by their age, then those used longest ago until enough is free (freeOldImages, freeSpace).
   * `young`: so many were too young for the latter.
   */
  deleteUnused(node: number, how: ImageSweep): { count: number; bytes: number; young: number } {
    const { nowUs, inUse, wantedBytes, minimumAgeUs, maximumAgeUs } = how;
    const { readyUs, usedUntilUs } = this.#of(node);
    const removed = { count: 0, bytes: 0, young: 0 };
    const remove = (image: number): void => {
      readyUs.delete(image);
      usedUntilUs.delete(image);
      removed.count += 1;
      removed.bytes += this.bytes(image);
    };
    const unused: { image: number; detectedUs: number; usedUs: number }[] = [];
    for (const [image, us] of readyUs) {
      if (us > nowUs || inUse.has(image)) continue;
      // An image that was there when the kubelet started counts as detected before all others.
      const detectedUs = us === 0 ? Number.NEGATIVE_INFINITY : Math.min(how.lookAfter(us), nowUs);
      const used = how.lookBefore(usedUntilUs.get(image) ?? Number.NEGATIVE_INFINITY);
      const usedUs = used >= us ? used : Number.NEGATIVE_INFINITY;
      if (maximumAgeUs > 0 && nowUs - usedUs > maximumAgeUs) remove(image);
      else unused.push({ image, detectedUs, usedUs });
    }
    // Differences of two infinities are none.
    const before = (a: number, b: number): number => (a === b ? 0 : a - b);
    unused.sort(
      (a, b) => before(a.usedUs, b.usedUs) || before(a.detectedUs, b.detectedUs) || a.image - b.image,
    );
    for (const { image, detectedUs } of unused) {
      if (removed.bytes >= wantedBytes) break;
      if (nowUs - detectedUs >= minimumAgeUs) remove(image);
      else removed.young += 1;
    }
    return removed;
  }

  /** Whether the image is on the node at `nowUs`. */
  present(node: number, image: number, nowUs: number): boolean {
    return (this.#of(node).readyUs.get(image) ?? Number.POSITIVE_INFINITY) <= nowUs;
  }

  /** Image ids for node.status.images at `nowUs`, largest first as the kubelet lists them, at most 50. */
  list(node: number, nowUs: number): number[] {
    const present: number[] = [];
    for (const [image, readyUs] of this.#of(node).readyUs) if (readyUs <= nowUs) present.push(image);
    present.sort((a, b) => this.bytes(b) - this.bytes(a) || a - b);
    return present.slice(0, STATUS_IMAGES_MAX).sort((a, b) => a - b);
  }

  #of(node: number): NodeImages {
    let here = this.#nodes[node];
    if (here === undefined) {
      here = { readyUs: new Map(), usedUntilUs: new Map(), pullersFreeUs: [], registryUs: 0 };
      for (const image of this.#state.nodes.images[node] ?? []) here.readyUs.set(image, 0);
      this.#nodes[node] = here;
    }
    return here;
  }
}

/** The puller that is free first; -1: there is no limit. */
function freeSlot(freeUs: readonly number[], pullers: number): number {
  if (pullers === 0) return -1;
  if (freeUs.length < pullers) return freeUs.length;
  let slot = 0;
  for (let i = 1; i < freeUs.length; i++) if (freeUs[i]! < freeUs[slot]!) slot = i;
  return slot;
}
