// RBAC, network policies, ingresses, autoscalers, budgets, priorities, admission, API services and the rest.
import { describe, expect, it } from 'vitest';
import { kinds as admission } from '../../../engine/kinds/admissionregistration.ts';
import { kinds as apiServices } from '../../../engine/kinds/apiservice.ts';
import { kinds as requests } from '../../../engine/kinds/certificates.ts';
import { kinds as dra } from '../../../engine/kinds/dra.ts';
import { kinds as flow } from '../../../engine/kinds/flowcontrol.ts';
import { kinds as autoscalers } from '../../../engine/kinds/horizontalpodautoscaler.ts';
import { kinds as ingresses } from '../../../engine/kinds/ingress.ts';
import { kinds as addresses } from '../../../engine/kinds/networking-misc.ts';
import { kinds as policies } from '../../../engine/kinds/networkpolicy.ts';
import { kinds as budgets } from '../../../engine/kinds/poddisruptionbudget.ts';
import { kinds as priorities } from '../../../engine/kinds/priorityclass.ts';
import { kinds as rbac } from '../../../engine/kinds/rbac.ts';
import { kinds as reviews } from '../../../engine/kinds/reviews.ts';
import { kinds as runtimes } from '../../../engine/kinds/runtimeclass.ts';
import { outcomeOf, refusals } from './table.ts';

const group = 'rbac.authorization.k8s.io';

describe('RBAC', () => {
  it('fills in the group of roles, users and groups, not of service accounts', () => {
    const body = {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    };
    const { object } = outcomeOf(rbac, 'RoleBinding', body);
    expect(object.roleRef.apiGroup).toBe(group);
    expect(object.subjects.map(({ apiGroup }: { apiGroup?: string }) => apiGroup)).toEqual([
      group,
      undefined,
    ]);
  });

  refusals(rbac, 'ClusterRole', [
    ['URLs', { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }, []],
    [
      'an empty rule',
      { rules: [{ verbs: [] }] },
      [
        'rules[0].verbs: Required value: verbs must contain at least one value',
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    [
      'aggregation of nothing',
      { aggregationRule: {} },
      [
        'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
      ],
    ],
  ]);
  const roleRef = { kind: 'ClusterRole', name: 'r' };
  refusals(rbac, 'ClusterRoleBinding', [
    [
      'a role of one namespace',
      { roleRef: { kind: 'Role', name: 'r' } },
      ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
    ],
    [
      'an account without namespace',
      { roleRef, subjects: [{ kind: 'ServiceAccount', name: 's' }] },
      ['subjects[0].namespace: Required value'],
    ],
    [
      'a robot',
      { roleRef, subjects: [{ kind: 'Robot', name: 's' }] },
      ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
    ],
    ['a role without name', { roleRef: { kind: 'ClusterRole', name: '' } }, ['roleRef.name: Required value']],
    [
      'a role with a slash',
      { roleRef: { kind: 'ClusterRole', name: 'a/b' } },
      [`roleRef.name: Invalid value: "a/b": may not contain '/'`],
    ],
  ]);
});

describe('NetworkPolicy', () => {
  const ingress = (rule: object) => ({ spec: { podSelector: {}, ingress: [rule] } });
  refusals(policies, 'NetworkPolicy', [
    ['a range of ports', ingress({ ports: [{ port: 1, endPort: 9 }] }), []],
    [
      'a range backwards',
      ingress({ ports: [{ port: 9, endPort: 1 }] }),
      ['spec.ingress[0].ports[0].endPort: Invalid value: 9: must be greater than or equal to `port`'],
    ],
    [
      'a range from a name',
      ingress({ ports: [{ port: 'http', endPort: 9 }] }),
      ['spec.ingress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port` is non-numeric'],
    ],
    ['nobody', ingress({ from: [{}] }), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
    [
      'a block and pods',
      ingress({ from: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }),
      ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
    ],
    [
      'a hole in the block',
      ingress({ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }),
      [],
    ],
    [
      'a hole beside the block',
      ingress({ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }] }),
      [
        'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
      ],
    ],
    [
      'a hole of its size',
      ingress({ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }] }),
      [
        'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
      ],
    ],
    [
      'another direction',
      { spec: { podSelector: {}, policyTypes: ['Both'] } },
      ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Egress", "Ingress"'],
    ],
  ]);
});

describe('Ingress', () => {
  const backend = { service: { name: 's', port: { number: 80 } } };
  const path = (more: object, host?: string) => ({
    spec: { rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...more }] } }] },
  });
  const at = 'spec.rules[0].http.paths[0]';
  refusals(ingresses, 'Ingress', [
    ['any host of a domain', path({}, '*.example.com'), []],
    [
      'an address as host',
      path({}, '1.2.3.4'),
      ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address'],
    ],
    ['two slashes', path({ path: '/a//b' }), [`${at}.path: Invalid value: "/a//b": must not contain '//'`]],
    [
      'a path to the parent',
      path({ path: '/a/..' }),
      [`${at}.path: Invalid value: "/a/..": cannot end with '/..'`],
    ],
    ['no path, left to the implementation', path({ path: '', pathType: 'ImplementationSpecific' }), []],
    [
      'no backend',
      path({ backend: {} }),
      [`${at}.backend: Invalid value: "": resource or service backend is required`],
    ],
    [
      'no port',
      path({ backend: { service: { name: 's' } } }),
      [`${at}.backend: Required value: port name or number is required`],
    ],
    [
      'a port by name and number',
      path({ backend: { service: { name: 's', port: { name: 'a', number: 1 } } } }),
      [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [
      'two classes',
      {
        metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } },
        spec: { defaultBackend: backend, ingressClassName: 'b' },
      },
      [
        'annotations[kubernetes.io/ingress.class]: Invalid value: "a": must match `ingressClassName` when both are specified',
      ],
    ],
  ]);
  refusals(ingresses, 'IngressClass', [
    ['a controller', { spec: { controller: 'example.com/c' } }, []],
    ['no controller', { spec: {} }, ['spec.controller: Required value']],
    [
      'parameters of a namespace nobody names',
      { spec: { controller: 'example.com/c', parameters: { kind: 'K', name: 'n', scope: 'Namespace' } } },
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
  ]);
});

describe('HorizontalPodAutoscaler', () => {
  const base = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 };

  it('aims at 80 % CPU from one replica up', () => {
    expect(outcomeOf(autoscalers, 'HorizontalPodAutoscaler', { spec: base }).object.spec).toMatchObject({
      minReplicas: 1,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    });
  });

  it('completes a behavior that is given in part', () => {
    const { behavior } = outcomeOf(autoscalers, 'HorizontalPodAutoscaler', {
      spec: { ...base, behavior: { scaleUp: { selectPolicy: 'Min' } } },
    }).object.spec;
    expect(behavior.scaleUp).toEqual({
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Min',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    });
    expect(behavior.scaleDown).toEqual({
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    });
  });

  const metric = (one: object) => ({ spec: { ...base, metrics: [one] } });
  refusals(autoscalers, 'HorizontalPodAutoscaler', [
    [
      'more at least than at most',
      { spec: { ...base, minReplicas: 4 } },
      ['spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`'],
    ],
    [
      'no type',
      metric({ type: '' }),
      ['spec.metrics[0].type: Required value: must specify a metric source type'],
    ],
    [
      'a type without its source',
      metric({ type: 'Pods' }),
      ['spec.metrics[0].pods: Required value: must populate information for the given metric source'],
    ],
    [
      'a Pods metric without target',
      metric({ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue' } } }),
      [
        'spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue',
      ],
    ],
    [
      'a window of more than an hour',
      { spec: { ...base, behavior: { scaleDown: { stabilizationWindowSeconds: 3601 } } } },
      [
        'spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
      ],
    ],
  ]);
});

describe('PodDisruptionBudget', () => {
  refusals(budgets, 'PodDisruptionBudget', [
    ['half', { spec: { minAvailable: '50%' } }, []],
    [
      'half a pod',
      { spec: { maxUnavailable: 'half' } },
      [
        "spec.maxUnavailable: Invalid value: \"half\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ],
    ],
    [
      'an unknown eviction policy',
      { spec: { unhealthyPodEvictionPolicy: 'Never' } },
      [
        'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
      ],
    ],
  ]);
});

describe('PriorityClass', () => {
  refusals(priorities, 'PriorityClass', [
    ['the highest', { value: 1e9 }, []],
    [
      'one above',
      { value: 1e9 + 1 },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    ['a built-in class as it is', { metadata: { name: 'system-node-critical' }, value: 2000001000 }, []],
    [
      'a built-in class with another value',
      { metadata: { name: 'system-node-critical' }, value: 5 },
      [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000",
      ],
    ],
  ]);
});

describe('admission', () => {
  const hook = {
    name: 'a.example.com',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    clientConfig: { service: { name: 's', namespace: 'n' } },
  };
  const webhook = (more: object) => ({ webhooks: [{ ...hook, ...more }] });
  refusals(admission, 'ValidatingWebhookConfiguration', [
    ['a sound webhook', webhook({}), []],
    [
      'a name of two parts',
      webhook({ name: 'a.b' }),
      [
        'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
      ],
    ],
    [
      'half a minute and more',
      webhook({ timeoutSeconds: 31 }),
      ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
    ],
    [
      'plain HTTP',
      webhook({ clientConfig: { url: 'http://a/' } }),
      [
        `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      ],
    ],
    [
      'everything and one more',
      webhook({
        rules: [{ operations: ['*', 'CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      }),
      [
        `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
      ],
    ],
  ]);
  const match = {
    resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
  };
  refusals(admission, 'ValidatingAdmissionPolicy', [
    [
      'an expression',
      { spec: { matchConstraints: match, validations: [{ expression: 'object.spec.replicas < 5' }] } },
      [],
    ],
    [
      'a name that does not exist',
      { spec: { matchConstraints: match, validations: [{ expression: 'thing' }] } },
      [
        "spec.validations[0].expression: Invalid value: \"thing\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'thing' (in container '')\n | thing\n | ^",
      ],
    ],
    [
      'no constraints',
      { spec: { validations: [{ expression: 'true' }] } },
      ['spec.matchConstraints: Required value'],
    ],
  ]);
  refusals(admission, 'ValidatingAdmissionPolicyBinding', [
    [
      'refused and warned at once',
      { spec: { policyName: 'p', validationActions: ['Deny', 'Warn'] } },
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
  ]);
});

describe('the rest', () => {
  refusals(apiServices, 'APIService', [
    [
      'a local service with a bundle and a wrong name',
      {
        spec: {
          group: 'g.io',
          version: 'v1',
          groupPriorityMinimum: 100,
          versionPriority: 1001,
          insecureSkipTLSVerify: true,
        },
      },
      [
        'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.g.io"',
        'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000',
        'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
      ],
    ],
  ]);
  refusals(requests, 'CertificateSigningRequest', [
    [
      'a usage twice',
      {
        spec: {
          request: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0=',
          signerName: 'example.com/s',
          usages: ['any', 'any'],
        },
      },
      ['spec.usages[1]: Duplicate value: "any"'],
    ],
  ]);
  refusals(flow, 'PriorityLevelConfiguration', [
    [
      'limited by nothing',
      { spec: { type: 'Limited' } },
      ['spec.limited: Required value: must not be empty when type is Limited'],
    ],
    [
      'limited, refusing the rest',
      { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
      [],
    ],
  ]);
  const flowRule = (rule: object) => ({
    spec: {
      priorityLevelConfiguration: { name: 'p' },
      rules: [{ subjects: [{ kind: 'User', user: { name: 'u' } }], ...rule }],
    },
  });
  refusals(flow, 'FlowSchema', [
    ['every path', flowRule({ nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/healthz/*'] }] }), []],
    [
      'a wildcard inside a path',
      flowRule({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a*b'] }] }),
      [
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*b": wildcard can only do suffix matching',
      ],
    ],
    [
      'no scope',
      flowRule({ resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] }),
      [
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    ],
    [
      'no rule',
      flowRule({}),
      [
        'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
      ],
    ],
  ]);
  refusals(addresses, 'ServiceCIDR', [
    ['both families', { spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] } }, []],
    ['none', { spec: {} }, ['spec.cidrs: Required value: at least one CIDR required']],
  ]);
  refusals(runtimes, 'RuntimeClass', [
    ['a handler with overhead', { handler: 'kata', overhead: { podFixed: { cpu: '250m' } } }, []],
    [
      'a toleration of everything that is not Exists',
      { handler: 'kata', scheduling: { tolerations: [{ value: 'v' }] } },
      [
        'scheduling.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
  ]);
  refusals(dra, 'ResourceClaim', [
    [
      'one device',
      { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } } },
      [],
    ],
    [
      'no device in particular',
      { spec: { devices: { requests: [{ name: 'r' }] } } },
      ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    ],
  ]);
  it('a device request asks for one device', () => {
    const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } };
    const { object } = outcomeOf(dra, 'ResourceClaim', { spec });
    expect(object.spec.devices.requests[0].exactly).toEqual({
      deviceClassName: 'gpu',
      allocationMode: 'ExactCount',
      count: 1,
    });
  });
  it('an access review asks for one thing', () => {
    const { problems } = outcomeOf(reviews, 'SelfSubjectAccessReview', { spec: {} });
    expect(problems).toContain(
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  });
});
