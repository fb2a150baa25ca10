// Default plug-ins that the simulation does not act on. A profile may name them; where one of them would have acted on
// a pod, the loss report says so.
import type { Json, PodTemplate, UnmodelledPlugin } from '../../../engine/index.ts';

const hasVolume = (template: PodTemplate, kinds: readonly string[]): boolean =>
  (template.spec.volumes ?? []).some((volume: Json) => kinds.some((kind) => volume[kind] !== undefined));

const CLAIMS = ['persistentVolumeClaim', 'ephemeral'];
const EXCLUSIVE_DISKS = ['gcePersistentDisk', 'awsElasticBlockStore', 'iscsi', 'rbd'];

export const UNMODELLED: readonly UnmodelledPlugin[] = [
  {
    name: 'VolumeRestrictions',
    points: ['preFilter', 'filter'],
    acts: (template) => (hasVolume(template, EXCLUSIVE_DISKS) ? 'spec.volumes' : null),
    note: 'the scheduler does not keep pods off nodes because of their volumes',
  },
  {
    name: 'NodeVolumeLimits',
    points: ['preFilter', 'filter'],
    acts: (template) => (hasVolume(template, CLAIMS) ? 'spec.volumes' : null),
    note: 'the scheduler does not keep pods off nodes because of their volumes',
  },
  {
    name: 'VolumeBinding',
    points: ['preFilter', 'filter', 'preScore', 'reserve', 'preBind'],
    acts: (template) => (hasVolume(template, CLAIMS) ? 'spec.volumes' : null),
    note: 'the scheduler does not keep pods off nodes because of their volumes',
  },
  {
    name: 'VolumeZone',
    points: ['preFilter', 'filter'],
    acts: (template) => (hasVolume(template, CLAIMS) ? 'spec.volumes' : null),
    note: 'the scheduler does not keep pods off nodes because of their volumes',
  },
  {
    name: 'PodTopologySpread',
    points: ['preFilter', 'filter', 'preScore', 'score'],
    // Pods of a controller without constraints get the default ones: soft, over hosts and zones.
    acts: (template, owned) =>
      owned || (template.spec.topologySpreadConstraints ?? []).length > 0
        ? 'spec.topologySpreadConstraints'
        : null,
    note: 'topology spread constraints, the default ones of controlled pods included, do not influence placement',
  },
  {
    name: 'InterPodAffinity',
    points: ['preFilter', 'filter', 'preScore', 'score'],
    acts(template) {
      const affinity = template.spec.affinity;
      if (affinity?.podAffinity) return 'spec.affinity.podAffinity';
      return affinity?.podAntiAffinity ? 'spec.affinity.podAntiAffinity' : null;
    },
    note: 'affinity between pods does not influence placement',
  },
  {
    name: 'DynamicResources',
    points: ['preEnqueue', 'preFilter', 'filter', 'postFilter', 'score', 'reserve', 'preBind'],
    acts: (template) => ((template.spec.resourceClaims ?? []).length > 0 ? 'spec.resourceClaims' : null),
    note: 'resource claims are not allocated',
  },
  {
    name: 'DefaultPreemption',
    points: ['preEnqueue', 'postFilter'],
    acts: (template) =>
      template.priority > 0 && template.preemptionPolicy !== 'Never' ? 'spec.priority' : null,
    note: 'priority orders the queue, but no pod is evicted to make room',
  },
  {
    name: 'NodeDeclaredFeatures',
    points: ['preFilter', 'filter'],
    acts: () => null,
    note: 'features that nodes declare are not compared with what pods need',
  },
];
