// The kubelets' volume managers: mount the volumes of claims before a pod's sandbox is made, and unmount them when its
// containers have stopped (pkg/kubelet/volumemanager, v1.36). A volume that is attached first must be in two lists of
// the node's status: volumesInUse, which the kubelet posts with its next status, each 10 s, and volumesAttached, which
// the attach-detach controller writes. It looks for them with a back-off from 0.5 s, doubled each time.
//
// Sources without claims (emptyDir, configMap, hostPath …) are part of the sandbox's time.
import type { ApiClient } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { StorageBackend } from '../contracts/storage-backend.ts';
import type { PodVolumes, VolumesReply } from '../contracts/volumes.ts';
import { assert, type EventKind, type Sampler } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { type PodClaim, podClaimName, podClaims } from '../kinds/volume-facts.ts';
import { keyOf, Verb } from '../state/index.ts';
import { VolumeExpansions } from './volume-expansion.ts';

const MS = 1000;
/** podAttachAndMountRetryInterval: how often the pod's sync looks whether all is mounted. */
const POLL_US = 300 * MS;
/** podAttachAndMountTimeout. */
const TIMEOUT_US = 123_000 * MS;
/** goroutinemap/exponentialbackoff. */
const BACKOFF_US = 500 * MS;
const BACKOFF_MAX_US = 122_000 * MS;

interface Driver {
  readonly name: string;
  readonly backend: StorageBackend;
  readonly stageUs: Sampler;
  readonly unstageUs: Sampler;
  readonly publishUs: Sampler;
  readonly unpublishUs: Sampler;
  readonly nodeExpandUs: Sampler;
}

/** A volume on its way into a pod, mounted, or on its way out. */
interface Mount {
  readonly pod: number;
  readonly generation: number;
  readonly node: number;
  readonly claim: string;
  /** Name of the volume in the pod's spec. */
  readonly name: string;
  /** PersistentVolume; '' until the claim is bound. */
  volume: string;
  driver: Driver | null;
  isMounted: boolean;
  backoffUs: number;
}

interface Request {
  readonly pod: number;
  readonly generation: number;
  readonly node: number;
  readonly arg: number;
  readonly done: VolumesReply;
  readonly sinceUs: number;
  readonly mounts: readonly Mount[];
  isAnswered: boolean;
}

/** What the kubelets lend. */
export interface KubeletHands {
  client(node: number): ApiClient;
  /** The machine runs. */
  isUp(node: number): boolean;
  onReturn(call: (node: number) => void): void;
}

export class VolumeManager implements PodVolumes {
  readonly #c: RunContext;
  readonly #byDriver = new Map<string, Driver>();
  readonly #bySource: (readonly [string, Driver])[] = [];
  /** By template id. */
  readonly #claims: (readonly PodClaim[] | undefined)[] = [];
  readonly #requests = new Map<number, Request>();
  /** Mounts of pods, by pod. */
  readonly #mounts = new Map<number, readonly Mount[]>();
  /** Pods that have a volume staged on a node: `node volume`. */
  readonly #staged = new Map<string, Set<number>>();
  /** Mounts of a claim, whatever node they are on. */
  readonly #byClaim = new Map<string, Set<Mount>>();
  readonly #expansions: VolumeExpansions;
  /** What the next status of a node will say is in use. */
  readonly #inUse = new Map<number, Set<string>>();
  readonly #posting = new Set<number>();
  /** Requests that wait for a claim to be bound. */
  readonly #waiting = new Map<string, Set<Mount>>();
  /** What waits for its machine to come back. */
  readonly #held = new Map<number, (() => void)[]>();
  readonly #actions = new Map<number, () => void>();
  #nextAction = 0;
  readonly #act: EventKind;
  readonly #phasePurpose: number;
  #hands: KubeletHands | null = null;
  #operations = 0;

  constructor(context: RunContext) {
    this.#c = context;
    const { costs, durations, kernel, draw } = context;
    for (const [name, backend] of Object.entries(costs.storage ?? {})) {
      const sampler = (step: string, us: StorageBackend['stageUs']): Sampler =>
        durations.sampler(`storage/${name}/${step}`, us);
      const driver: Driver = {
        name,
        backend,
        stageUs: sampler('stage', backend.stageUs),
        unstageUs: sampler('unstage', backend.unstageUs),
        publishUs: sampler('publish', backend.publishUs),
        unpublishUs: sampler('unpublish', backend.unpublishUs),
        nodeExpandUs: sampler('node-expand', backend.nodeExpandUs ?? 0),
      };
      if (backend.driver !== '') this.#byDriver.set(backend.driver, driver);
      if (backend.source !== '') this.#bySource.push([backend.source, driver]);
    }
    this.#expansions = new VolumeExpansions(context, {
      client: (node) => this.#hands!.client(node),
      after: (node, us, act) => this.#after(node, us, act),
      mounted: (claim) => [...(this.#byClaim.get(claim) ?? [])].find((mount) => mount.isMounted),
    });
    this.#phasePurpose = draw.purpose('kubelet/status');
    this.#act = kernel.on('kubelet/volumes', (action) => {
      const act = this.#actions.get(action)!;
      this.#actions.delete(action);
      act();
    });
  }

  connect(hands: KubeletHands): void {
    this.#hands = hands;
    hands.onReturn((node) => {
      const held = this.#held.get(node) ?? [];
      this.#held.delete(node);
      for (const act of held) act();
    });
    // Kubelets read claims live; a watch tells when looking again is worth it.
    this.#c.api.watch('PersistentVolumeClaim', (log, from, to) => {
      for (let p = from; p < to; p++) {
        if (log.verb(p) === Verb.deleted) continue;
        const claim = log.object(p) as KubeObject;
        const { namespace, name } = claim.metadata;
        const key = keyOf(namespace, name!);
        this.#expansions.seen(claim, key, (placed) =>
          (placed as Mount).driver!.nodeExpandUs(this.#operations++, 0),
        );
        const mounts = this.#waiting.get(key);
        if (mounts === undefined) continue;
        this.#waiting.delete(key);
        for (const mount of mounts) this.#find(mount);
      }
    });
  }

  // ---- PodVolumes ----

  prepare(pod: number, arg: number, done: VolumesReply): void {
    const mounts = this.#mountsOf(pod);
    if (mounts.length === 0) return done(pod, arg);
    const { state, kernel } = this.#c;
    const { generation, node } = mounts[0]!;
    const request = { pod, generation, node, arg, done, sinceUs: kernel.now, mounts, isAnswered: false };
    this.#forget(pod);
    this.#requests.set(pod, request);
    this.#mounts.set(pod, mounts);
    assert(state.pods.node[pod] === node, 'a pod with volumes is on its node');
    for (const mount of mounts) this.#find(mount);
    if (!request.isAnswered) this.#after(node, TIMEOUT_US, () => this.#timedOut(request));
  }

  adopt(pod: number): void {
    const mounts = this.#mountsOf(pod);
    if (mounts.length === 0) return;
    this.#mounts.set(pod, mounts);
    for (const mount of mounts) {
      if (!this.#resolve(mount)) continue;
      mount.isMounted = true;
      this.#stage(mount);
      if (mount.driver?.backend.attachRequired) this.#use(mount.node, mount.volume);
    }
  }

  release(pod: number, arg: number, done: VolumesReply | null): void {
    const mounts = this.#mounts.get(pod);
    if (mounts === undefined) return done?.(pod, arg);
    this.#requests.delete(pod);
    this.#mounts.delete(pod);
    let left = mounts.length;
    const { generation } = mounts[0]!;
    for (const mount of mounts) {
      this.#waiting.get(mount.claim)?.delete(mount);
      this.#whenUp(mount.node, () =>
        this.#unmount(mount, () => {
          left -= 1;
          if (left === 0 && this.#c.state.pods.generation[pod] === generation) done?.(pod, arg);
        }),
      );
    }
  }

  /** An earlier request and what it mounted: its machine has booted since. */
  #forget(pod: number): void {
    this.#requests.delete(pod);
    for (const mount of this.#mounts.get(pod) ?? []) {
      this.#waiting.get(mount.claim)?.delete(mount);
      this.#unstage(mount);
    }
  }

  #mountsOf(pod: number): Mount[] {
    const { state } = this.#c;
    const template = state.template(pod);
    let claims = this.#claims[template.id];
    if (claims === undefined) {
      claims = podClaims(template.spec);
      this.#claims[template.id] = claims;
    }
    if (claims.length === 0) return NO_MOUNTS;
    const generation = state.pods.generation[pod]!;
    const node = state.pods.node[pod]!;
    return claims.map((claim) => ({
      pod,
      generation,
      node,
      claim: keyOf(state.podNamespace(pod), podClaimName(state.podName(pod), claim)),
      name: claim.volume,
      volume: '',
      driver: null,
      isMounted: false,
      backoffUs: BACKOFF_US,
    }));
  }

  // ---- up ----

  #isWanted(mount: Mount): boolean {
    return this.#mounts.get(mount.pod)?.includes(mount) === true;
  }

  /** Looks up the claim's volume and who mounts it; false: the claim is not bound. */
  #resolve(mount: Mount): boolean {
    const { objects } = this.#c.state;
    const split = mount.claim.indexOf('/');
    const id = objects.find(
      'PersistentVolumeClaim',
      mount.claim.slice(0, split),
      mount.claim.slice(split + 1),
    );
    const name: string | undefined = id < 0 ? undefined : objects.get(id)!['spec'].volumeName;
    const volumeId = name === undefined ? -1 : objects.find('PersistentVolume', '', name);
    if (volumeId < 0) return false;
    const { spec } = objects.get(volumeId) as KubeObject & { spec: Record<string, unknown> };
    mount.volume = name!;
    const csi = spec['csi'] as { driver?: string } | undefined;
    mount.driver =
      this.#byDriver.get(csi?.driver ?? '') ??
      this.#bySource.find(([source]) => spec[source] !== undefined)?.[1] ??
      null;
    return true;
  }

  #find(mount: Mount): void {
    if (!this.#isWanted(mount)) return;
    if (!this.#resolve(mount)) {
      const waiting = this.#waiting.get(mount.claim);
      if (waiting === undefined) this.#waiting.set(mount.claim, new Set([mount]));
      else waiting.add(mount);
      return;
    }
    if (mount.driver === null || !mount.driver.backend.attachRequired) return this.#mount(mount);
    this.#use(mount.node, mount.volume);
    this.#postStatus(mount.node);
    this.#verify(mount);
  }

  /** VerifyControllerAttachedVolume. */
  #verify(mount: Mount): void {
    if (!this.#isWanted(mount)) return;
    const { attached, inUse } = this.#c.state.nodes.volumes(mount.node);
    if (attached.includes(mount.volume) && inUse.includes(mount.volume)) return this.#mount(mount);
    this.#after(mount.node, mount.backoffUs, () => this.#verify(mount));
    mount.backoffUs = Math.min(2 * mount.backoffUs, BACKOFF_MAX_US);
  }

  #mount(mount: Mount): void {
    const { driver } = mount;
    const operation = this.#operations++;
    const isStaged = this.#staged.has(stagedKey(mount));
    const us =
      driver === null ? 0 : (isStaged ? 0 : driver.stageUs(operation, 0)) + driver.publishUs(operation, 0);
    this.#stage(mount);
    // A file system that is to grow does so on its way in.
    const grows = driver !== null && this.#expansions.isPending(mount.claim);
    if (grows) this.#expansions.begin(mount);
    const growUs = grows ? driver.nodeExpandUs(this.#operations++, 0) : 0;
    this.#after(mount.node, us + growUs, () => {
      if (grows) this.#expansions.finish(mount);
      if (!this.#isWanted(mount)) return;
      mount.isMounted = true;
      const { recorder, state, kernel } = this.#c;
      const { volume, claim } = mount;
      recorder.volumes.mounted(volume, claim, driver?.name ?? '', state.nodeName(mount.node), kernel.now);
      this.#checkAlone(mount);
      const request = this.#requests.get(mount.pod);
      if (request?.mounts.every((each) => each.isMounted)) this.#allMounted(request);
    });
  }

  /** Told at the next look of the pod's sync. */
  #allMounted(request: Request): void {
    const { kernel, recorder } = this.#c;
    const polls = Math.ceil((kernel.now - request.sinceUs) / POLL_US);
    const answer = (): void => {
      if (this.#requests.get(request.pod) !== request) return;
      request.isAnswered = true;
      this.#requests.delete(request.pod);
      recorder.observe(recorder.latency('volume.mount'), kernel.now - request.sinceUs);
      request.done(request.pod, request.arg);
    };
    this.#after(request.node, request.sinceUs + polls * POLL_US - kernel.now, answer);
  }

  #timedOut(request: Request): void {
    if (this.#requests.get(request.pod) !== request) return;
    const { pods } = this.#c.state;
    if (pods.generation[request.pod] !== request.generation) return;
    const missing = request.mounts.filter((mount) => !mount.isMounted).map((mount) => mount.name);
    const text = `Unable to attach or mount volumes: unmounted volumes=[${missing.join(' ')}], unattached volumes=[], failed to process volumes=[]: context deadline exceeded`;
    this.#hands!.client(request.node).podEvent('Warning', 'FailedMount', request.pod, text);
    this.#after(request.node, TIMEOUT_US, () => this.#timedOut(request));
  }

  /** ReadWriteOncePod means what it says. */
  #checkAlone(mount: Mount): void {
    const { objects } = this.#c.state;
    const id = objects.find('PersistentVolume', '', mount.volume);
    if (id < 0 || !(objects.get(id)!['spec'].accessModes ?? []).includes('ReadWriteOncePod')) return;
    for (const pod of this.#staged.get(stagedKey(mount)) ?? []) {
      const other = this.#mounts.get(pod)?.find((each) => each.volume === mount.volume);
      assert(
        other === undefined || other === mount || !other.isMounted,
        () => `volume ${mount.volume} is for one pod, and two have mounted it`,
      );
    }
  }

  // ---- down ----

  #unmount(mount: Mount, done: () => void): void {
    const { driver } = mount;
    const isLast = this.#unstage(mount);
    if (!mount.isMounted || driver === null) {
      if (isLast) this.#unuse(mount);
      return done();
    }
    mount.isMounted = false;
    const operation = this.#operations++;
    this.#after(mount.node, driver.unpublishUs(operation, 0), () => {
      done();
      if (!isLast) return;
      this.#after(mount.node, driver.unstageUs(operation, 0), () => this.#unuse(mount));
    });
  }

  #stage(mount: Mount): void {
    const ofClaim = this.#byClaim.get(mount.claim);
    if (ofClaim === undefined) this.#byClaim.set(mount.claim, new Set([mount]));
    else ofClaim.add(mount);
    const key = stagedKey(mount);
    const pods = this.#staged.get(key);
    if (pods === undefined) this.#staged.set(key, new Set([mount.pod]));
    else pods.add(mount.pod);
  }

  /** Whether no other pod of the node has the volume. */
  #unstage(mount: Mount): boolean {
    const ofClaim = this.#byClaim.get(mount.claim);
    if (ofClaim?.delete(mount) && ofClaim.size === 0) this.#byClaim.delete(mount.claim);
    const key = stagedKey(mount);
    const pods = this.#staged.get(key);
    if (pods === undefined) return true;
    pods.delete(mount.pod);
    if (pods.size > 0) return false;
    this.#staged.delete(key);
    return true;
  }

  // ---- status.volumesInUse ----

  #use(node: number, volume: string): void {
    const volumes = this.#inUse.get(node);
    if (volumes === undefined) this.#inUse.set(node, new Set([volume]));
    else volumes.add(volume);
  }

  #unuse(mount: Mount): void {
    // A pod that came meanwhile uses it on.
    if (this.#staged.has(stagedKey(mount))) return;
    if (this.#inUse.get(mount.node)?.delete(mount.volume)) this.#postStatus(mount.node);
  }

  /** With the node's next status (nodeStatusUpdateFrequency), if it says anything new. */
  #postStatus(node: number): void {
    if (this.#posting.has(node)) return;
    this.#posting.add(node);
    const { kernel, draw, costs, state } = this.#c;
    const periodUs = Math.max(1, costs.kubelet.nodeStatusUs);
    const phaseUs = draw.below(this.#phasePurpose, node, 0, periodUs);
    const ticks = Math.floor((kernel.now - phaseUs) / periodUs) + 1;
    this.#after(node, phaseUs + ticks * periodUs - kernel.now, () => {
      this.#posting.delete(node);
      if (state.nodes.removed[node] === 1) return;
      const volumesInUse = [...(this.#inUse.get(node) ?? [])];
      this.#hands!.client(node).writeNode(node, 'patch nodes/status', { volumesInUse }, 0, null);
    });
  }

  // ---- time on a machine ----

  #after(node: number, us: number, act: () => void): void {
    const action = this.#nextAction++;
    this.#actions.set(action, () => this.#whenUp(node, act));
    this.#c.kernel.after(us, this.#act, action, 0);
  }

  #whenUp(node: number, act: () => void): void {
    if (this.#hands === null || this.#hands.isUp(node)) return act();
    const held = this.#held.get(node);
    if (held === undefined) this.#held.set(node, [act]);
    else held.push(act);
  }
}

const NO_MOUNTS: Mount[] = [];

const stagedKey = (mount: Mount): string => `${mount.node} ${mount.volume}`;
