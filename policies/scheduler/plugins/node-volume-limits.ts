// NodeVolumeLimits: a node attaches no more volumes of a CSI driver than its CSINode says
// (plugins/nodevolumelimits/csi.go, v1.36).
import {
  ClusterEvent,
  Code,
  definePlugin,
  type KubeObject,
  NodeField,
  PASS,
  type PodTemplate,
  SKIP,
  type StorageView,
  storageClassOf,
  type VolumePod,
} from '../../../engine/index.ts';
import { type Handle, isMigratable, migratedHandle, provisioningDriver } from './csi-migration.ts';
import { perTemplate } from './support.ts';
import { asksFor, claimName, claimVolume, missingClaim, ownershipProblem, volumesOf } from './volumes.ts';

const REASON = 'node(s) exceed max volume count';
/** Volumes that are still to be provisioned have no handle yet: the claim stands for it. */
const UNPROVISIONED = '\u0000unprovisioned';
const NO_LABELS = Object.freeze({});

const attachable = (template: PodTemplate): boolean =>
  volumesOf(template).some((volume) => claimVolume(volume) !== null || isMigratable(volume));

/** Attachable volumes by driver and handle; the value is the driver. */
type Volumes = Map<string, string>;

type Owner = Pick<VolumePod, 'namespace' | 'name' | 'uid' | 'template'>;

/** Driver and handle behind a claim; null: no CSI driver attaches it here. */
function handleOf(storage: StorageView, claim: KubeObject, csiNode: KubeObject | null): Handle | null {
  const volume = storage.volume(claim['spec'].volumeName ?? '');
  if (volume === null) {
    // Not bound, or to a volume that is not there: the class tells the driver.
    const storageClass = storage.storageClass(storageClassOf(claim));
    if (storageClass === null) return null;
    const driver = provisioningDriver(storageClass['provisioner'] ?? '', csiNode);
    const { namespace, name } = claim.metadata;
    return driver === '' ? null : { driver, volume: `${UNPROVISIONED}/${namespace}/${name}` };
  }
  const { csi } = volume['spec'];
  if (csi === undefined) return migratedHandle(volume['spec'], volume.metadata.labels ?? NO_LABELS, csiNode);
  return csi.driver && csi.volumeHandle ? { driver: csi.driver, volume: csi.volumeHandle } : null;
}

interface Problem {
  readonly code: Code;
  readonly text: string;
}

/** Adds what the pod attaches on a node with that CSINode; what cannot be told is left out. Returns the first such. */
function collect(
  storage: StorageView,
  pod: Owner,
  csiNode: KubeObject | null,
  volumes: Volumes,
): Problem | null {
  let problem: Problem | null = null;
  for (const volume of volumesOf(pod.template)) {
    const source = claimVolume(volume);
    let found: Handle | null;
    if (source === null) {
      found = migratedHandle(volume, NO_LABELS, csiNode);
    } else {
      const name = claimName(pod, source);
      const claim = storage.claim(pod.namespace, name);
      const text =
        claim === null
          ? `looking up PVC ${pod.namespace}/${name}: ${missingClaim(name)}`
          : source.ephemeral
            ? ownershipProblem(pod, claim)
            : null;
      if (claim === null || text !== null) {
        const code = claim === null ? Code.unschedulableAndUnresolvable : Code.error;
        problem ??= { code, text: text! };
        continue;
      }
      found = handleOf(storage, claim, csiNode);
    }
    if (found !== null) volumes.set(`${found.driver}/${found.volume}`, found.driver);
  }
  return problem;
}

/** Volumes of the node's pods. */
function usedOn(storage: StorageView, node: number, csiNode: KubeObject | null): Volumes {
  const volumes: Volumes = new Map();
  for (const pod of storage.podsOn(node)) collect(storage, pod, csiNode, volumes);
  return volumes;
}

/** Volumes that are attached to the node. */
function attachedTo(storage: StorageView, node: string): Volumes {
  const volumes: Volumes = new Map();
  for (const attachment of storage.attachmentsOn(node)) {
    const { attacher, source } = attachment['spec'];
    const handle = storage.volume(source?.persistentVolumeName ?? '')?.['spec'].csi?.volumeHandle;
    if (attacher && handle !== undefined) volumes.set(`${attacher}/${handle}`, attacher);
  }
  return volumes;
}

const count = (drivers: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const driver of drivers) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  return counts;
};

/** Most volumes of a driver that the node attaches, by driver. */
function limitsOf(csiNode: KubeObject | null): Map<string, number> {
  const limits = new Map<string, number>();
  for (const { name, allocatable } of csiNode?.['spec']?.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
  }
  return limits;
}

export const nodeVolumeLimits = definePlugin<undefined, undefined>({
  name: 'NodeVolumeLimits',
  about: 'Keeps pods off nodes that cannot attach as many volumes.',
  points: ['preFilter', 'filter'],
  create(_args, handle) {
    const exceeded = handle.verdict(Code.unschedulable, REASON);
    const attaches = perTemplate(attachable);
    return {
      locality: 'node',
      reads: NodeField.pods | NodeField.name,
      sign: (pod) => (attaches(pod.template) ? null : ''),
      events: [
        {
          events: ClusterEvent.csiNode,
          hint(_pod, { object, previous }) {
            if (!object || !previous) return true;
            const before = limitsOf(previous);
            return [...limitsOf(object)].some(([driver, limit]) => limit > (before.get(driver) ?? 0));
          },
        },
        {
          events: ClusterEvent.assignedPodDelete,
          hint: (_pod, { template }) => template === null || attaches(template),
        },
        {
          events: ClusterEvent.claim,
          hint: (pod, { object, previous }) => !object || (!previous && asksFor(pod, object)),
        },
        { events: ClusterEvent.volumeAttachment, hint: (_pod, { object }) => !object },
      ],
      preFilter: (pod) => (attaches(pod.template) ? undefined : SKIP),
      filter(pod, node) {
        const { storage } = handle.cluster;
        const csiNode = storage.csiNode(node.name);
        const wanted: Volumes = new Map();
        const problem = collect(storage, pod, csiNode, wanted);
        if (problem !== null && storage.controllers) return handle.verdict(problem.code, problem.text);
        if (wanted.size === 0) return PASS;
        const limits = limitsOf(csiNode);
        if (limits.size === 0) return PASS;
        const used = usedOn(storage, node.id, csiNode);
        for (const volume of used.keys()) wanted.delete(volume);
        // Attached, but of no pod here: it takes a place, and is no reason to leave the pod's own volume out.
        for (const [volume, driver] of attachedTo(storage, node.name)) used.set(volume, driver);
        const taken = count(used.values());
        for (const [driver, more] of count(wanted.values())) {
          const limit = limits.get(driver);
          if (limit !== undefined && (taken.get(driver) ?? 0) + more > limit) return exceeded;
        }
        return PASS;
      },
    };
  },
});
