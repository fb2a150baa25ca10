// VolumeZone: a bound volume with zone or region labels is used in that zone or region only (plugins/volumezone, v1.36).
import {
  ClusterEvent,
  Code,
  definePlugin,
  type KubeObject,
  NodeField,
  PASS,
  SKIP,
  storageClassOf,
} from '../../../engine/index.ts';
import { asksFor, claimVolumes, missingClaim, missingClass, missingVolume } from './volumes.ts';

const REASON = 'node(s) had no available volume zone';
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const LABELS = [BETA_ZONE, BETA_REGION, ZONE, REGION];
/** The label's newer name, which nodes carry. */
const STABLE: Readonly<Record<string, string>> = { [BETA_ZONE]: ZONE, [BETA_REGION]: REGION };

interface Topology {
  readonly key: string;
  readonly values: ReadonlySet<string>;
}

/** Zones and regions of a volume. A label may list several, `a__b`; one that cannot be read counts as absent. */
function topologiesOf(volume: KubeObject): Topology[] {
  const found: Topology[] = [];
  for (const key of LABELS) {
    const label = volume.metadata.labels?.[key];
    if (label === undefined) continue;
    const values = label.split('__').map((value) => value.trim());
    if (!values.includes('')) found.push({ key, values: new Set(values) });
  }
  return found;
}

export const volumeZone = definePlugin<undefined, readonly Topology[]>({
  name: 'VolumeZone',
  about: "Keeps pods in the zones and regions of their claims' volumes.",
  points: ['preFilter', 'filter'],
  create(_args, handle) {
    const rejected = handle.verdict(Code.unschedulableAndUnresolvable, REASON);
    const unresolvable = (text: string) => handle.verdict(Code.unschedulableAndUnresolvable, text);
    return {
      locality: 'stratum',
      reads: NodeField.labels,
      sign: (pod) => (claimVolumes(pod.template).some(({ ephemeral }) => !ephemeral) ? null : ''),
      events: [
        { events: ClusterEvent.nodeAdd | ClusterEvent.nodeLabel },
        {
          events: ClusterEvent.storageClass,
          hint: (_pod, { object, previous }) =>
            !object || (!previous && object['volumeBindingMode'] === 'WaitForFirstConsumer'),
        },
        { events: ClusterEvent.claim, hint: (pod, { object }) => !object || asksFor(pod, object) },
        {
          events: ClusterEvent.volume,
          hint: (_pod, { object, previous }) =>
            !object ||
            !previous ||
            LABELS.some((key) => object.metadata.labels?.[key] !== previous.metadata.labels?.[key]),
        },
      ],
      preFilter(pod, { storage }, control) {
        if (claimVolumes(pod.template).length === 0) return SKIP;
        const topologies: Topology[] = [];
        for (const { ephemeral, name } of claimVolumes(pod.template)) {
          if (ephemeral) continue;
          if (name === '') {
            control.reject(unresolvable('PersistentVolumeClaim had no name'));
            return SKIP;
          }
          const claim = storage.claim(pod.namespace, name);
          if (claim === null) {
            control.reject(unresolvable(missingClaim(name)));
            return SKIP;
          }
          const volumeName: string = claim['spec'].volumeName ?? '';
          if (volumeName === '') {
            const problem = unboundProblem(storageClassOf(claim));
            if (problem === null) continue;
            control.reject(unresolvable(problem));
            return SKIP;
          }
          const volume = storage.volume(volumeName);
          if (volume === null) {
            control.reject(unresolvable(missingVolume(volumeName)));
            return SKIP;
          }
          topologies.push(...topologiesOf(volume));
        }
        return topologies.length === 0 ? SKIP : topologies;

        /** An unbound claim has no zone yet if its class waits for the pod. */
        function unboundProblem(className: string): string | null {
          if (!storage.controllers) return null;
          if (className === '') return 'PersistentVolumeClaim had no pv name and storageClass name';
          const storageClass = storage.storageClass(className);
          if (storageClass === null) return missingClass(className);
          return storageClass['volumeBindingMode'] === 'WaitForFirstConsumer'
            ? null
            : 'PersistentVolume had no name';
        }
      },
      filter(_pod, node, topologies) {
        if (LABELS.every((key) => node.label(key) === undefined)) return PASS;
        for (const { key, values } of topologies) {
          const value = node.label(key) ?? node.label(STABLE[key] ?? key);
          if (value === undefined || !values.has(value)) return rejected;
        }
        return PASS;
      },
    };
  },
});
