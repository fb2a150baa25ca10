// ConfigMap (core/v1): keys of data and binaryData, and a total size below 1 MiB (ValidateConfigMap, v1.36).
import { byteLength, entries, omitEmpty, report } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { configMapKeyMessages } from './names.ts';

/** Most bytes that the values of a ConfigMap or Secret may have together (core.MaxSecretSize). */
export const dataBytesMax = 1024 * 1024;

/** Bytes that a base64 text stands for. */
export function base64Bytes(text: string): number {
  const digits = text.replace(/[\s=]/g, '').length;
  return Math.floor((digits * 3) / 4);
}

function validate(configMap: KubeObject, errors: FieldErrors): void {
  let bytes = 0;
  for (const [field, key, value] of entries<string>('data', configMap.data)) {
    report(errors, field, key, configMapKeyMessages(key));
    if (configMap.binaryData !== undefined && key in configMap.binaryData) {
      errors.invalid(field, key, 'duplicate of key present in binaryData');
    }
    bytes += byteLength(value);
  }
  for (const [field, key, value] of entries<string>('binaryData', configMap.binaryData)) {
    report(errors, field, key, configMapKeyMessages(key));
    bytes += base64Bytes(value);
  }
  if (bytes > dataBytesMax) errors.tooLong('', dataBytesMax);
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    resource: 'configmaps',
    namespaced: true,
    shortNames: ['cm'],
    modelled: false,
    defaults: (configMap) => omitEmpty(configMap, 'data', 'binaryData'),
    validate,
  },
];
