// What a node has left, and who sees to it: the eviction manager and the garbage collection of images, which tell each
// other of disks that fill.
import type { ApiClient } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { NodeAdmission } from './admission.ts';
import type { ContainerRuns } from './container-runs.ts';
import { EvictionManager } from './eviction-manager.ts';
import { ImageGc } from './image-gc.ts';
import type { Images } from './images.ts';
import type { NodeStatus } from './node-status.ts';
import { PodUsage } from './pod-usage.ts';
import type { PodWorkers } from './pod-workers.ts';
import type { Eviction } from './way-down.ts';

export interface ResourceParts {
  readonly workers: PodWorkers;
  readonly runs: ContainerRuns;
  readonly images: Images;
  readonly admission: NodeAdmission;
  readonly nodeStatus: NodeStatus;
  client(node: number): ApiClient;
  /** The machine runs. */
  isUp(node: number): boolean;
  evict(pod: number, graceSeconds: number, eviction: Eviction): void;
}

export class NodeResources {
  readonly evictions: EvictionManager;
  readonly imageGc: ImageGc;

  constructor(context: RunContext, parts: ResourceParts) {
    const { workers, runs, images, admission, nodeStatus, client, isUp, evict } = parts;
    const { kernel } = context;
    this.evictions = new EvictionManager(context, {
      workers,
      usage: new PodUsage(context, workers, runs),
      images,
      admission,
      client,
      runs: isUp,
      pressed: (node, pressures) => nodeStatus.pressed(node, pressures),
      evict,
      spareDisk: (capacity) => this.imageGc.spare(capacity),
      freeImages: (node) => this.imageGc.deleteUnused(node),
      diskSeen: (node, disk) => this.imageGc.grew(node, disk, kernel.now),
    });
    this.imageGc = new ImageGc(context, {
      images,
      admission,
      client,
      runs: isUp,
      isUsed: (node) => this.evictions.watches(node),
      hasRoom: (node) => this.evictions.hasRoom(node),
      full: (node, us) => this.evictions.lookAt(node, us),
      disk: (node) => this.evictions.disk(node),
      imagesGone: (node) => nodeStatus.imageAt(node, kernel.now),
    });
  }
}
