// The objects that a cluster makes in every namespace.
import type { KubeObject } from './kind.ts';

/** Fresh objects, complete but for what the server sets. */
export const namespaceDefaults = (namespace: string): KubeObject[] => [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'kube-root-ca.crt',
      namespace,
      annotations: {
        'kubernetes.io/description':
          'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
      },
    },
    data: { 'ca.crt': '' },
  },
];
