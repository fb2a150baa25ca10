// PersistentVolumeClaim (core/v1): defaults.go, registry strategy and ValidatePersistentVolumeClaimSpec, v1.36.
// The spec functions also serve claim templates (StatefulSet, ephemeral volumes).
import { checkLabelSelector, checkPositiveQuantity, checkSubdomain, omitEmpty } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { checkAccessModes, storageClassAnnotationWarning, volumeModes } from './persistentvolume.ts';
import { tryQuantity } from './quantity.ts';

const snapshotGroup = 'snapshot.storage.k8s.io';

/** Sources that dataSource could always name; anything else goes to dataSourceRef only. */
function isClassicSource(source: Json): boolean {
  const group = source.apiGroup ?? '';
  return (
    (source.kind === 'PersistentVolumeClaim' && group === '') ||
    (source.kind === 'VolumeSnapshot' && group === snapshotGroup)
  );
}

/** Defaults of a claim's spec: file system mode. */
export function defaultPersistentVolumeClaimSpec(spec: Json): void {
  spec.volumeMode ??= 'Filesystem';
  spec.resources ??= {};
}

function normaliseDataSources(spec: Json): void {
  if (spec.dataSource !== undefined) spec.dataSource.apiGroup ??= null;
  if (spec.dataSourceRef !== undefined) spec.dataSourceRef.apiGroup ??= null;
  if (spec.dataSource !== undefined && !isClassicSource(spec.dataSource)) delete spec.dataSource;
  if (spec.dataSourceRef !== undefined && (spec.dataSourceRef.namespace ?? '') !== '') return;
  if (spec.dataSource !== undefined && spec.dataSourceRef === undefined) {
    spec.dataSourceRef = { ...spec.dataSource };
  } else if (spec.dataSourceRef !== undefined && spec.dataSource === undefined) {
    const { apiGroup, kind, name } = spec.dataSourceRef;
    spec.dataSource = { apiGroup, kind, name };
  }
}

function defaults(claim: KubeObject): void {
  claim.spec ??= {};
  defaultPersistentVolumeClaimSpec(claim.spec);
  omitEmpty(claim.spec, 'accessModes', 'volumeName');
  normaliseDataSources(claim.spec);
  claim.status = { phase: 'Pending' };
}

function checkDataSource(source: Json, field: string, errors: FieldErrors): void {
  const group = source.apiGroup ?? '';
  if ((source.name ?? '') === '') errors.required(`${field}.name`);
  if ((source.kind ?? '') === '') errors.required(`${field}.kind`);
  if (group === '' && source.kind !== 'PersistentVolumeClaim') {
    const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.invalid(field, source.kind ?? '', detail);
  }
  if (group !== '') checkSubdomain(errors, `${field}.apiGroup`, group);
}

/** Checks a claim's spec at `field`. */
export function checkPersistentVolumeClaimSpec(spec: Json, field: string, errors: FieldErrors): void {
  const modes: string[] = spec.accessModes ?? [];
  if (modes.length === 0) errors.required(`${field}.accessModes`, 'at least 1 access mode is required');
  checkLabelSelector(errors, `${field}.selector`, spec.selector);
  checkAccessModes(modes, `${field}.accessModes`, errors);
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) errors.required(`${field}.resources[storage]`);
  else checkPositiveQuantity(errors, `${field}.resources[storage]`, storage);
  if ((spec.storageClassName ?? '') !== '')
    checkSubdomain(errors, `${field}.storageClassName`, spec.storageClassName);
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.notSupported(`${field}.volumeMode`, spec.volumeMode, volumeModes);
  }
  if (spec.dataSource !== undefined) checkDataSource(spec.dataSource, `${field}.dataSource`, errors);
  if (spec.dataSourceRef !== undefined) checkDataSource(spec.dataSourceRef, `${field}.dataSourceRef`, errors);
  checkDataSourceAgreement(spec, field, errors);
  if ((spec.volumeAttributesClassName ?? '') !== '') {
    checkSubdomain(errors, `${field}.volumeAttributesClassName`, spec.volumeAttributesClassName);
  }
}

function checkDataSourceAgreement(spec: Json, field: string, errors: FieldErrors): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSourceRef === undefined) return;
  if ((dataSourceRef.namespace ?? '') !== '') {
    if (dataSource !== undefined) {
      const detail = 'may not be specified when dataSourceRef.namespace is specified';
      errors.invalid(field, `${field}.dataSource`, detail);
    }
    return;
  }
  const same =
    dataSource !== undefined &&
    ['kind', 'name', 'apiGroup'].every((key) => (dataSource[key] ?? '') === (dataSourceRef[key] ?? ''));
  if (!same && dataSource !== undefined)
    errors.invalid(field, `${field}.dataSource`, 'must match dataSourceRef');
}

function warnings(claim: KubeObject): string[] {
  const found = storageClassAnnotationWarning(claim);
  for (const list of ['limits', 'requests']) {
    const amount = claim.spec?.resources?.[list]?.storage;
    const nanos = tryQuantity(amount)?.nanos;
    if (nanos !== undefined && nanos % 1_000_000_000n !== 0n) {
      found.push(
        `spec.resources.${list}[storage]: fractional byte value "${amount}" is invalid, must be an integer`,
      );
    }
  }
  return found;
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    resource: 'persistentvolumeclaims',
    namespaced: true,
    shortNames: ['pvc'],
    modelled: true,
    defaults,
    validate: (claim, errors) => checkPersistentVolumeClaimSpec(claim.spec, 'spec', errors),
    warnings,
  },
];
