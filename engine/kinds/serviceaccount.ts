// ServiceAccount (core/v1): of each listed secret only the name is kept (strategy.go, v1.36).
import { omitEmpty } from './checks.ts';
import type { KindDefinition, KubeObject } from './kind.ts';

const enforceMountableSecrets = 'kubernetes.io/enforce-mountable-secrets';

function defaults(account: KubeObject): void {
  omitEmpty(account, 'secrets', 'imagePullSecrets');
  if (account.secrets !== undefined) {
    account.secrets = account.secrets.map(({ name }: { name?: string }) => (name ? { name } : {}));
  }
}

function warnings(account: KubeObject): string[] {
  if (account.metadata.annotations?.[enforceMountableSecrets] === undefined) return [];
  const advice = 'deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets';
  return [`metadata.annotations[${enforceMountableSecrets}]: ${advice}`];
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    resource: 'serviceaccounts',
    namespaced: true,
    shortNames: ['sa'],
    modelled: true,
    defaults,
    validate: () => undefined,
    warnings,
  },
];
