// VolumeRestrictions: some disks can be mounted on a node once only, and a ReadWriteOncePod claim has one pod
// (plugins/volumerestrictions, v1.36).
import {
  ClusterEvent,
  Code,
  definePlugin,
  type Json,
  NodeField,
  PASS,
  type PodTemplate,
  type PodView,
  SKIP,
} from '../../../engine/index.ts';
import { perTemplate } from './support.ts';
import { asksFor, claimVolumes, missingClaim, volumesOf } from './volumes.ts';

const REASON_DISK = 'node(s) had no available disk';
const REASON_ONE_POD =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

/** Disks that a node may mount once, or more often if all mounts are read-only. */
const EXCLUSIVE: readonly {
  readonly source: string;
  same(a: Json, b: Json): boolean;
  readonly shared: boolean;
}[] = [
  { source: 'gcePersistentDisk', same: (a, b) => a.pdName === b.pdName, shared: true },
  { source: 'awsElasticBlockStore', same: (a, b) => a.volumeID === b.volumeID, shared: false },
  { source: 'iscsi', same: (a, b) => a.iqn === b.iqn, shared: true },
  {
    source: 'rbd',
    same: (a, b) =>
      a.pool === b.pool &&
      a.image === b.image &&
      (a.monitors ?? []).some((monitor: string) => (b.monitors ?? []).includes(monitor)),
    shared: true,
  },
];

const exclusiveDisks = (template: PodTemplate): readonly Json[] =>
  volumesOf(template).filter((volume) => EXCLUSIVE.some(({ source }) => volume[source] !== undefined));

function conflict(a: Json, b: Json): boolean {
  return EXCLUSIVE.some(({ source, same, shared }) => {
    const own = a[source];
    const other = b[source];
    if (own === undefined || other === undefined || !same(own, other)) return false;
    return !(shared && own.readOnly === true && other.readOnly === true);
  });
}

/** What is known of a pod's ReadWriteOncePod claims in one attempt. */
interface OnePodClaims {
  readonly names: ReadonlySet<string>;
  /** Claims in use somewhere; corrected while preemption tries victims. */
  conflicts: number;
}

export const volumeRestrictions = definePlugin<undefined, OnePodClaims>({
  name: 'VolumeRestrictions',
  about: 'Keeps disks from being mounted twice on a node, and ReadWriteOncePod claims to one pod.',
  points: ['preFilter', 'filter'],
  create(_args, handle) {
    const rejectedDisk = handle.verdict(Code.unschedulable, REASON_DISK);
    const rejectedClaim = handle.verdict(Code.unschedulable, REASON_ONE_POD);
    const disks = perTemplate(exclusiveDisks);
    const uses = (pod: PodView, names: ReadonlySet<string>): number => {
      let count = 0;
      for (const { ephemeral, name } of claimVolumes(pod.template))
        if (!ephemeral && names.has(name)) count += 1;
      return count;
    };
    return {
      locality: 'global',
      reads: NodeField.pods,
      // What a pod asks for is the same for equal pods, but who uses a claim is not on any node.
      sign: (pod) =>
        disks(pod.template).length === 0 && claimVolumes(pod.template).length === 0 ? '' : null,
      events: [
        {
          events: ClusterEvent.assignedPodDelete,
          // The pod that left held a disk or a claim of this one.
          hint: (pod, { template }) =>
            template === null ||
            disks(pod.template).some((disk) => disks(template).some((held) => conflict(disk, held))) ||
            claimVolumes(pod.template).some(
              ({ ephemeral, name }) =>
                !ephemeral && claimVolumes(template).some((held) => !held.ephemeral && held.name === name),
            ),
        },
        { events: ClusterEvent.nodeAdd },
        {
          events: ClusterEvent.claim,
          hint: (pod, { object, previous }) => !object || (!previous && asksFor(pod, object)),
        },
      ],
      preFilter(pod, { storage }, control) {
        if (disks(pod.template).length === 0 && claimVolumes(pod.template).length === 0) return SKIP;
        const names = new Set<string>();
        for (const { ephemeral, name } of claimVolumes(pod.template)) {
          if (ephemeral) continue;
          const claim = storage.claim(pod.namespace, name);
          if (claim === null) {
            control.reject(handle.verdict(Code.unschedulableAndUnresolvable, missingClaim(name)));
            return SKIP;
          }
          if ((claim['spec'].accessModes ?? []).includes('ReadWriteOncePod')) names.add(name);
        }
        let conflicts = 0;
        for (const name of names) if (storage.claimUsers(pod.namespace, name) > 0) conflicts += 1;
        return disks(pod.template).length === 0 && conflicts === 0 ? SKIP : { names, conflicts };
      },
      podChanged(pod, state, other, _node, sign) {
        if (other.namespace === pod.namespace) state.conflicts += sign * uses(other, state.names);
      },
      filter(pod, node, state) {
        const own = disks(pod.template);
        if (own.length > 0) {
          for (const { template } of handle.cluster.storage.podsOn(node.id)) {
            const held = disks(template);
            if (own.some((disk) => held.some((other) => conflict(disk, other)))) return rejectedDisk;
          }
        }
        return state.conflicts > 0 ? rejectedClaim : PASS;
      },
    };
  },
});
