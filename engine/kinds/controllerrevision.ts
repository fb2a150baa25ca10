// ControllerRevision (apps/v1): what a DaemonSet or StatefulSet remembers of its earlier templates
// (pkg/apis/apps/validation ValidateControllerRevision, v1.36). Controllers write them.
import { checkNonNegative } from './checks.ts';
import type { KindDefinition } from './kind.ts';

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    resource: 'controllerrevisions',
    namespaced: true,
    modelled: true,
    defaults: (object) => {
      object['revision'] ??= 0;
    },
    validate: (object, errors) => checkNonNegative(errors, 'revision', object['revision']),
  },
];
