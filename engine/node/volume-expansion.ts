// File systems of volumes that have grown: the kubelet makes them larger, while the volume is mounted at the next sync of
// a pod that has it, else before it is mounted the next time (pkg/volume/util/operationexecutor/node_expander.go, v1.36).
// A pod's worker syncs it 60 to 90 s after the time before (workerResyncIntervalJitterFactor, pkg/kubelet/pod_workers.go;
// SyncFrequency), so an online growth waits for a drawn part of that.
import type { ApiClient } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import { markInProgressOnNode, markResized, resizeStatusOf } from '../kinds/claim-resize.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { volumeSize } from '../kinds/volume-facts.ts';
import { timestampText } from '../state/index.ts';

const SYNC_US = 60_000_000;
const SYNC_JITTER_US = 30_000_000;

/** A volume of a pod on a node. */
export interface Placed {
  readonly pod: number;
  readonly generation: number;
  readonly node: number;
  readonly volume: string;
  /** namespace/name of its claim. */
  readonly claim: string;
}

export interface ExpansionHost {
  client(node: number): ApiClient;
  after(node: number, us: number, act: () => void): void;
  /** A volume of that claim that is mounted; undefined: none is. */
  mounted(claim: string): Placed | undefined;
}

export class VolumeExpansions {
  readonly #c: RunContext;
  readonly #host: ExpansionHost;
  readonly #purpose: number;
  /** Claims whose growth is waited for or under way. */
  readonly #busy = new Set<string>();
  #waits = 0;

  constructor(context: RunContext, host: ExpansionHost) {
    this.#c = context;
    this.#host = host;
    this.#purpose = context.draw.purpose('kubelet/resync');
  }

  /** The kubelets have seen a claim. `nodeExpandUs` draws what the growth takes on the node of a mount. */
  seen(claim: KubeObject, key: string, nodeExpandUs: (placed: Placed) => number): void {
    if (resizeStatusOf(claim) !== 'NodeResizePending' || this.#busy.has(key)) return;
    const placed = this.#host.mounted(key);
    if (placed === undefined) return;
    const { draw, state } = this.#c;
    this.#busy.add(key);
    const entity = state.pods.serial[placed.pod]!;
    const wait = 2 * this.#waits++;
    const cycle = SYNC_US + draw.below(this.#purpose, entity, wait, SYNC_JITTER_US);
    const waitUs = draw.below(this.#purpose, entity, wait + 1, cycle);
    this.#host.after(placed.node, waitUs, () => {
      this.#busy.delete(key);
      // Whoever has it by now: the pod may have gone, and another one come, whose mounting did it.
      const now = this.#host.mounted(key);
      if (now === undefined || !this.isPending(key)) return;
      this.#busy.add(key);
      this.begin(now);
      this.#host.after(now.node, nodeExpandUs(now), () => {
        this.#busy.delete(key);
        this.finish(now);
      });
    });
  }

  /** The file system of the claim's volume is to grow, and nobody is at it. */
  isPending(key: string): boolean {
    const claim = this.#claim(key);
    return claim !== null && resizeStatusOf(claim.object) === 'NodeResizePending' && !this.#busy.has(key);
  }

  begin({ node, claim }: Placed): void {
    const found = this.#claim(claim);
    if (found !== null) this.#host.client(node).patch(found.id, markInProgressOnNode, null);
  }

  finish({ pod, generation, node, volume, claim }: Placed): void {
    const { state, kernel } = this.#c;
    const found = this.#claim(claim);
    const id = state.objects.find('PersistentVolume', '', volume);
    if (found === null || id < 0) return;
    const client = this.#host.client(node);
    const text = `MountVolume.NodeExpandVolume succeeded for volume "${volume}" ${state.nodeName(node)}`;
    if (state.pods.alive(pod, generation)) client.podEvent('Normal', 'FileSystemResizeSuccessful', pod, text);
    const { namespace, name } = found.object.metadata;
    client.event(
      'Normal',
      'FileSystemResizeSuccessful',
      'PersistentVolumeClaim',
      namespace ?? '',
      name!,
      text,
    );
    const size = volumeSize(state.objects.get(id)!);
    client.patch(found.id, (object) => markResized(object, size, timestampText(kernel.now)), null);
  }

  #claim(key: string): { readonly id: number; readonly object: KubeObject } | null {
    const { objects } = this.#c.state;
    const split = key.indexOf('/');
    const id = objects.find('PersistentVolumeClaim', key.slice(0, split), key.slice(split + 1));
    return id < 0 ? null : { id, object: objects.get(id)! };
  }
}
