// In-tree disks that a CSI driver serves where a node says so (staging/src/k8s.io/csi-translation-lib, v1.36): the
// driver's name, the handle of the volume, and the label by which the driver knows a zone.
import type { Json, KubeObject } from '../../../engine/index.ts';

const MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins';
const ZONE = 'topology.kubernetes.io/zone';
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';
const ZONES = '__';
const PORTWORX = 'kubernetes.io/portworx-volume';

interface Migration {
  readonly plugin: string;
  readonly driver: string;
  /** Field of the volume source. */
  readonly source: string;
  /** Label by which the driver's topology knows zones; null: the driver keeps the labels. */
  readonly zoneKey: string | null;
  handle(source: Json, labels: Readonly<Record<string, string>>): string;
}

const UNSPECIFIED = 'UNSPECIFIED';

function gceHandle(source: Json, labels: Readonly<Record<string, string>>): string {
  const zones = (labels[ZONE] ?? labels[BETA_ZONE] ?? '').split(ZONES).filter((zone) => zone !== '');
  if (zones.length > 1) {
    const region = zones[0]!.slice(0, zones[0]!.lastIndexOf('-'));
    return `projects/${UNSPECIFIED}/regions/${region}/disks/${source.pdName}`;
  }
  return `projects/${UNSPECIFIED}/zones/${zones[0] ?? UNSPECIFIED}/disks/${source.pdName}`;
}

/** `aws://zone/vol-1` is `vol-1`. */
function awsHandle(source: Json): string {
  const id: string = source.volumeID ?? '';
  return id.startsWith('aws://') ? id.slice(id.lastIndexOf('/') + 1) : id;
}

const MIGRATIONS: readonly Migration[] = [
  {
    plugin: 'kubernetes.io/aws-ebs',
    driver: 'ebs.csi.aws.com',
    source: 'awsElasticBlockStore',
    zoneKey: 'topology.ebs.csi.aws.com/zone',
    handle: awsHandle,
  },
  {
    plugin: 'kubernetes.io/gce-pd',
    driver: 'pd.csi.storage.gke.io',
    source: 'gcePersistentDisk',
    zoneKey: 'topology.gke.io/zone',
    handle: gceHandle,
  },
  {
    plugin: 'kubernetes.io/azure-disk',
    driver: 'disk.csi.azure.com',
    source: 'azureDisk',
    zoneKey: 'topology.disk.csi.azure.com/zone',
    handle: (source) => source.diskURI ?? '',
  },
  {
    plugin: 'kubernetes.io/cinder',
    driver: 'cinder.csi.openstack.org',
    source: 'cinder',
    zoneKey: 'topology.cinder.csi.openstack.org/zone',
    handle: (source) => source.volumeID ?? '',
  },
  {
    plugin: PORTWORX,
    driver: 'pxd.portworx.com',
    source: 'portworxVolume',
    zoneKey: null,
    handle: (source) => source.volumeID ?? '',
  },
];

/** What a source says of a migrated disk: a volume of a pod, or the spec of a PersistentVolume. */
function migrationOf(sources: Json): Migration | null {
  return MIGRATIONS.find(({ source }) => sources[source] !== undefined) ?? null;
}

export const isMigratable = (sources: Json): boolean => migrationOf(sources) !== null;

/** The node says that the plug-in is served by its CSI driver there. */
function isMigratedOn(csiNode: KubeObject | null, plugin: string): boolean {
  const plugins = csiNode?.metadata.annotations?.[MIGRATED_PLUGINS] ?? '';
  return plugins.split(',').includes(plugin);
}

/** For limits the node's word counts for Portworx alone; the in-tree code of the others is gone (isCSIMigrationOn). */
function isCountedOn(csiNode: KubeObject | null, { plugin }: Migration): boolean {
  return csiNode !== null && (plugin !== PORTWORX || isMigratedOn(csiNode, plugin));
}

export interface Handle {
  readonly driver: string;
  readonly volume: string;
}

/** Driver and handle under which an in-tree disk counts on the node; null: it does not. */
export function migratedHandle(
  sources: Json,
  labels: Readonly<Record<string, string>>,
  csiNode: KubeObject | null,
): Handle | null {
  const migration = migrationOf(sources);
  if (migration === null || !isCountedOn(csiNode, migration)) return null;
  return { driver: migration.driver, volume: migration.handle(sources[migration.source], labels) };
}

/** Driver under which volumes of a provisioner count on the node; '': they do not. */
export function provisioningDriver(provisioner: string, csiNode: KubeObject | null): string {
  const migration = MIGRATIONS.find(({ plugin }) => plugin === provisioner);
  if (migration === undefined) return provisioner;
  return isCountedOn(csiNode, migration) ? migration.driver : '';
}

const known = new WeakMap<KubeObject, readonly Json[]>();

/**
 * Required node selector terms of a volume as they read on the node; null: it may be used anywhere. Of a migrated disk,
 * the zone is looked for under the driver's own label (translateTopologyFromInTreeToCSI).
 */
export function volumeTerms(volume: KubeObject, csiNode: KubeObject | null): readonly Json[] | null {
  const own: readonly Json[] | null = volume['spec'].nodeAffinity?.required?.nodeSelectorTerms ?? null;
  const migration = migrationOf(volume['spec']);
  if (migration === null || migration.zoneKey === null) return own;
  if (!isMigratedOn(csiNode, migration.plugin)) return own;
  let terms = known.get(volume);
  if (terms === undefined) {
    terms = translated(volume, own ?? [], migration.zoneKey);
    known.set(volume, terms);
  }
  return terms.length === 0 ? own : terms;
}

function translated(volume: KubeObject, terms: readonly Json[], zoneKey: string): readonly Json[] {
  const keys = new Set<string>(
    terms.flatMap((term) => (term.matchExpressions ?? []).map(({ key }: Json) => key)),
  );
  const labels = volume.metadata.labels ?? {};
  const stable = keys.has(ZONE) || (!keys.has(BETA_ZONE) && labels[ZONE] !== undefined);
  const [zone, region] = stable ? [ZONE, REGION] : [BETA_ZONE, BETA_REGION];
  const renamed = terms.map((term) => ({
    ...term,
    matchExpressions: (term.matchExpressions ?? []).map((expression: Json) => {
      if (expression.key === zone) return { ...expression, key: zoneKey };
      return expression.key === region ? { ...expression, key: REGION } : expression;
    }),
  }));
  const label = labels[zone];
  if (keys.has(zone) || !label) return renamed;
  const values = label.split(ZONES);
  const added = { key: zoneKey, operator: 'In', values };
  if (renamed.length === 0) return [{ matchExpressions: [added] }];
  return renamed.map((term) => ({ ...term, matchExpressions: [...term.matchExpressions, added] }));
}
