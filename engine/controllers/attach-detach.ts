// The attach-detach controller: attaches the volumes of pods to the nodes they are on before they are mounted, and
// detaches them when no pod of the node needs them and the node's kubelet says that it does not use them
// (pkg/controller/volume/attachdetach, v1.36). A volume of one node at a time waits until it has left the other one; of
// a node that is down it is taken after 6 minutes, at once if the node is tainted out of service. Attaching itself is
// the work of the driver's external-attacher, told by a VolumeAttachment.
//
// Upstream looks at everything each 100 ms; here a look is made on that grid when something has changed.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import { assert, hashText } from '../kernel/index.ts';
import { hasTaint, TAINT_OUT_OF_SERVICE } from '../kinds/ingest/node-conditions.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { isTerminal, NodeReady, Verb } from '../state/index.ts';
import { ClaimPods } from './claim-pods.ts';

const MS = 1000;
/** ReconcilerLoopPeriod. */
const PERIOD_US = 100 * MS;
/** ReconcilerMaxWaitForUnmountDuration. */
const MAX_WAIT_US = 6 * 60 * 1000 * MS;
const KEY = 'reconcile';

const State = { wanted: 0, attaching: 1, attached: 2, detaching: 3 } as const;
type State = (typeof State)[keyof typeof State];

/** A volume on a node: what is, and which pods want it there. */
interface Place {
  readonly volume: string;
  readonly node: number;
  readonly pods: Set<number>;
  state: State;
  /** State since, µs. */
  sinceUs: number;
  /** No pod has wanted it since, µs; NaN: some do. */
  unwantedUs: number;
  /** Pods were told that it is somewhere else. */
  isRefused: boolean;
}

/** A volume with these modes can be on one node only (isMultiAttachForbidden). */
function isExclusive(volume: KubeObject): boolean {
  const modes: readonly string[] = volume['spec'].accessModes ?? [];
  return modes.length > 0 && !modes.includes('ReadWriteMany') && !modes.includes('ReadOnlyMany');
}

class AttachDetach implements Controller {
  readonly #ctx: ControllerContext;
  readonly #claims: SeenObjects;
  readonly #volumes: SeenObjects;
  readonly #attachments: SeenObjects;
  readonly #pods: ClaimPods;
  readonly #drivers = new Set<string>();
  readonly #phaseUs: number;
  /** By volume, then node. */
  readonly #places = new Map<string, Map<number, Place>>();
  /** The same by node: what a change of a node is about. */
  readonly #on = new Map<number, Set<Place>>();
  /** Where each pod wants its volumes. */
  readonly #ofPod = new Map<number, Place[]>();
  /** What the status of each node says, or will say once its writes have arrived. */
  readonly #told = new Map<number, Set<string>>();
  /** Places that the next look is for. */
  readonly #due = new Set<Place>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#claims = ctx.objects('PersistentVolumeClaim');
    this.#volumes = ctx.objects('PersistentVolume');
    this.#attachments = ctx.objects('VolumeAttachment');
    const { costs, draw } = ctx.run;
    this.#phaseUs = draw.below(draw.purpose(`${ctx.name}/phase`), 0, 0, PERIOD_US);
    for (const backend of Object.values(costs.storage ?? {}))
      if (backend.attachRequired) this.#drivers.add(backend.driver);
    this.#pods = new ClaimPods(ctx, (_claim, pod, { gone }) => this.#podSeen(pod, gone));
    // Bound only after its pod was there: a pod with a node given to it by hand.
    ctx.onObjects('PersistentVolumeClaim', (seen) => {
      for (const pod of this.#pods.using(seen.key)) this.#podSeen(pod, false);
    });
    ctx.onObjects('VolumeAttachment', (seen, verb) =>
      this.#attachmentSeen(seen.object, verb === Verb.deleted),
    );
    ctx.onNodes((node) => this.#nodeSeen(node));
  }

  // ---- what is wanted ----

  #podSeen(pod: number, gone: boolean): void {
    const { pods } = this.#ctx;
    const node = gone ? -1 : pods.node(pod);
    const isOver = gone || node < 0 || isTerminal(pods.word(pod));
    const before = this.#ofPod.get(pod);
    const now = isOver ? [] : this.#placesOf(pod, node);
    for (const place of before ?? []) if (!now.includes(place)) this.#unwant(place, pod);
    for (const place of now) {
      if (place.pods.has(pod)) continue;
      place.pods.add(pod);
      place.unwantedUs = Number.NaN;
      this.#look(place);
    }
    if (now.length > 0) this.#ofPod.set(pod, now);
    else if (before !== undefined) this.#ofPod.delete(pod);
  }

  #placesOf(pod: number, node: number): Place[] {
    const places: Place[] = [];
    for (const use of this.#pods.claimsOf(pod)) {
      const claim = this.#claims.get(this.#pods.keyOf(pod, use))?.object;
      const volume = this.#volumes.get(claim?.['spec'].volumeName ?? '')?.object;
      if (volume === undefined || !this.#drivers.has(volume['spec'].csi?.driver)) continue;
      places.push(this.#place(volume.metadata.name!, node));
    }
    return places;
  }

  #place(volume: string, node: number): Place {
    let nodes = this.#places.get(volume);
    if (nodes === undefined) {
      nodes = new Map();
      this.#places.set(volume, nodes);
    }
    let place = nodes.get(node);
    if (place === undefined) {
      const sinceUs = this.#ctx.run.kernel.now;
      place = {
        volume,
        node,
        pods: new Set(),
        state: State.wanted,
        sinceUs,
        unwantedUs: Number.NaN,
        isRefused: false,
      };
      nodes.set(node, place);
      const here = this.#on.get(node);
      if (here === undefined) this.#on.set(node, new Set([place]));
      else here.add(place);
    }
    return place;
  }

  #unwant(place: Place, pod: number): void {
    place.pods.delete(pod);
    if (place.pods.size > 0) return;
    place.unwantedUs = this.#ctx.run.kernel.now;
    if (place.state === State.wanted) this.#drop(place);
    else this.#look(place);
  }

  #drop(place: Place): void {
    this.#due.delete(place);
    const nodes = this.#places.get(place.volume)!;
    nodes.delete(place.node);
    if (nodes.size === 0) this.#places.delete(place.volume);
    const here = this.#on.get(place.node)!;
    here.delete(place);
    if (here.size === 0) this.#on.delete(place.node);
    // Who waited for it may have it now.
    for (const other of nodes.values()) this.#look(other);
  }

  /** The next look, on the grid, is for this place, too. */
  #look(place: Place, afterUs = 0): void {
    this.#due.add(place);
    const { now } = this.#ctx.run.kernel;
    const at = now + afterUs;
    const ticks = Math.floor((at - this.#phaseUs) / PERIOD_US) + 1;
    this.#ctx.queue.addAfter(KEY, this.#phaseUs + ticks * PERIOD_US - now);
  }

  // ---- what is ----

  #attachmentSeen(attachment: KubeObject, gone: boolean): void {
    const { nodeName, source } = attachment['spec'];
    const node = this.#ctx.run.state.nodes.find(nodeName);
    const place = this.#places.get(source?.persistentVolumeName ?? '')?.get(node);
    if (place === undefined) return;
    const { kernel, recorder } = this.#ctx.run;
    if (gone) {
      if (place.state !== State.detaching) return;
      recorder.observe(recorder.latency('volume.detach'), kernel.now - place.sinceUs);
      recorder.volumes.detached(place.volume);
      place.state = State.wanted;
      place.sinceUs = kernel.now;
      if (place.pods.size === 0) this.#drop(place);
      else this.#look(place);
      return;
    }
    if (place.state !== State.attaching || attachment['status']?.attached !== true) return;
    place.state = State.attached;
    recorder.observe(recorder.latency('volume.attach'), kernel.now - place.sinceUs);
    recorder.volumes.attached(place.volume);
    place.sinceUs = kernel.now;
    this.#checkExclusive(place);
    const text = `AttachVolume.Attach succeeded for volume "${place.volume}" `;
    for (const pod of place.pods) this.#ctx.client.podEvent('Normal', 'SuccessfulAttachVolume', pod, text);
    this.#tellNode(place.node, place.volume, true);
    if (place.pods.size === 0) this.#look(place);
  }

  /** A promise to whoever writes to it, whatever happens to nodes. */
  #checkExclusive(place: Place): void {
    const volume = this.#volumes.get(place.volume)?.object;
    if (volume === undefined || !isExclusive(volume)) return;
    for (const other of this.#places.get(place.volume)!.values()) {
      assert(
        other === place || other.state === State.wanted,
        () => `volume ${place.volume} is attached to two nodes, though only one may write to it`,
      );
    }
  }

  /** status.volumesAttached, from which the node's kubelet learns that it may mount. */
  #tellNode(node: number, volume: string, isAttached: boolean): void {
    const { nodes } = this.#ctx.run.state;
    if (nodes.removed[node] === 1) return;
    let told = this.#told.get(node);
    if (told === undefined) {
      told = new Set();
      this.#told.set(node, told);
    }
    if (isAttached) told.add(volume);
    else told.delete(volume);
    const change = { volumesAttached: [...told] };
    this.#ctx.client.writeNode(node, 'patch nodes/status', change, 0, null);
  }

  /** A node that changed may let go of volumes that nobody wants there any more. */
  #nodeSeen(node: number): void {
    for (const place of this.#on.get(node) ?? []) if (!Number.isNaN(place.unwantedUs)) this.#look(place);
  }

  // ---- the loop ----

  *reconcile(_key: string, calls: Calls): Steps {
    const due = [...this.#due];
    this.#due.clear();
    let isWaiting = false;
    // Detaching goes first: what it frees can be attached.
    for (const place of due) {
      if (place.pods.size > 0 || place.state !== State.attached || !this.#mayDetach(place)) continue;
      place.state = State.detaching;
      place.sinceUs = this.#ctx.run.kernel.now;
      this.#tellNode(place.node, place.volume, false);
      const attachment = this.#attachments.get(this.#nameOf(place));
      if (attachment === undefined) continue;
      calls.delete(attachment.id);
      isWaiting = true;
    }
    for (const place of due) {
      if (place.pods.size === 0 || place.state !== State.wanted || !this.#mayAttach(place)) continue;
      place.state = State.attaching;
      place.sinceUs = this.#ctx.run.kernel.now;
      calls.create(this.#attachment(place));
      isWaiting = true;
    }
    if (isWaiting) yield calls.sleep(0);
    return DONE;
  }

  #mayDetach(place: Place): boolean {
    const { nodes } = this.#ctx.run.state;
    const { kernel } = this.#ctx.run;
    const { node } = place;
    if (nodes.removed[node] === 1 || !nodes.volumes(node).inUse.includes(place.volume)) return true;
    const taints = nodes.taints[node]!;
    if (
      hasTaint(taints, TAINT_OUT_OF_SERVICE, 'NoExecute') ||
      hasTaint(taints, TAINT_OUT_OF_SERVICE, 'NoSchedule')
    )
      return true;
    const leftUs = place.unwantedUs + MAX_WAIT_US - kernel.now;
    if (leftUs <= 0) return nodes.ready[node] !== NodeReady.true;
    this.#look(place, leftUs);
    return false;
  }

  /** A volume of one node at a time is nowhere else; otherwise its pods are told, once. */
  #mayAttach(place: Place): boolean {
    const volume = this.#volumes.get(place.volume)?.object;
    if (volume === undefined) return false;
    if (!isExclusive(volume)) return true;
    const others = [...this.#places.get(place.volume)!.values()].filter(
      (other) => other !== place && other.state !== State.wanted,
    );
    if (others.length === 0) return true;
    if (place.isRefused) return false;
    place.isRefused = true;
    const { state } = this.#ctx.run;
    const users = others.flatMap((other) => [...other.pods].map((pod) => state.podName(pod)));
    const where =
      users.length > 0
        ? `Volume is already used by pod(s) ${users.join(', ')}`
        : "Volume is already exclusively attached to one node and can't be attached to another";
    const text = `Multi-Attach error for volume "${place.volume}" ${where}`;
    for (const pod of place.pods) this.#ctx.client.podEvent('Warning', 'FailedAttachVolume', pod, text);
    return false;
  }

  /** Upstream hashes driver, volume and node with SHA-256; any name that says the same does. */
  #nameOf(place: Place): string {
    const text = `${place.volume} ${this.#ctx.run.state.nodeName(place.node)}`;
    const part = (salt: number): string => (hashText(text, salt) >>> 0).toString(16).padStart(8, '0');
    return `csi-${[1, 2, 3, 4].map(part).join('')}`;
  }

  #attachment(place: Place): KubeObject {
    const volume = this.#volumes.get(place.volume)!.object;
    return {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: this.#nameOf(place) },
      spec: {
        attacher: volume['spec'].csi.driver,
        nodeName: this.#ctx.run.state.nodeName(place.node),
        source: { persistentVolumeName: place.volume },
      },
      status: { attached: false },
    };
  }
}

export const attachDetachController: ControllerDefinition = {
  name: 'attachdetach',
  clientName: 'attachdetach-controller',
  about: 'attaches volumes to the nodes of pods and detaches them',
  workers: 1,
  create: (context) => new AttachDetach(context),
};
