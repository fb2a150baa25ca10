// ConfigMap, Secret, ServiceAccount, Namespace, Node, Endpoints, EndpointSlice, quotas and limits.
import { describe, expect, it } from 'vitest';
import { kinds as configMaps } from '../../../engine/kinds/configmap.ts';
import { kinds as endpoints } from '../../../engine/kinds/endpoints.ts';
import { repackSubsets } from '../../../engine/kinds/endpoints-pack.ts';
import { kinds as slices } from '../../../engine/kinds/endpointslice.ts';
import { kinds as events } from '../../../engine/kinds/event.ts';
import { kinds as leases } from '../../../engine/kinds/lease.ts';
import { kinds as limitRanges } from '../../../engine/kinds/limitrange.ts';
import { kinds as namespaces } from '../../../engine/kinds/namespace.ts';
import { kinds as nodes } from '../../../engine/kinds/node.ts';
import { kinds as quotas } from '../../../engine/kinds/resourcequota.ts';
import { decodeBase64, encodeBase64, kinds as secrets } from '../../../engine/kinds/secret.ts';
import { kinds as accounts } from '../../../engine/kinds/serviceaccount.ts';
import { outcomeOf, refusals } from './table.ts';

describe('ConfigMap', () => {
  const limit = 1024 * 1024;
  refusals(configMaps, 'ConfigMap', [
    ['exactly 1 MiB', { data: { a: 'x'.repeat(limit - 3) }, binaryData: { b: 'AAAA' } }, []],
    // 1048574 bytes of text and 3 bytes of binary data: one too many.
    [
      'one byte more',
      { data: { a: 'x'.repeat(limit - 2) }, binaryData: { b: 'AAAA' } },
      [': Too long: may not be more than 1048576 bytes'],
    ],
    [
      'two bytes a letter',
      { data: { a: 'é'.repeat(limit / 2 + 1) } },
      [': Too long: may not be more than 1048576 bytes'],
    ],
    ['a key of dots', { data: { '..': '' } }, [`data[..]: Invalid value: "..": must not be '..'`]],
    [
      'a key that starts with dots',
      { data: { '..a': '' } },
      [`data[..a]: Invalid value: "..a": must not start with '..'`],
    ],
  ]);
});

describe('Secret', () => {
  it.each([
    ['', ''],
    ['a', 'YQ=='],
    ['ab', 'YWI='],
    ['abc', 'YWJj'],
    ['é€', 'w6nigqw='],
  ])('base64 of %j is %s', (text, coded) => {
    expect(encodeBase64(text)).toBe(coded);
    expect(decodeBase64(coded)).toBe(text);
  });

  it('lets stringData win over data', () => {
    const { object } = outcomeOf(secrets, 'Secret', {
      data: { a: 'b2xk', b: 'Yg==' },
      stringData: { a: 'new' },
    });
    expect(object).toMatchObject({ data: { a: 'bmV3', b: 'Yg==' }, type: 'Opaque' });
    expect(object.stringData).toBeUndefined();
  });

  const of = (type: string, data: object) => ({ type: `kubernetes.io/${type}`, stringData: data });
  const docker = '.dockerconfigjson';
  refusals(secrets, 'Secret', [
    [
      'a token without account',
      of('service-account-token', {}),
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
    ['registry logins missing', of('dockerconfigjson', {}), [`data[${docker}]: Required value`]],
    ['registry logins fine', of('dockerconfigjson', { [docker]: '{}' }), []],
    [
      'registry logins no JSON',
      of('dockerconfigjson', { [docker]: 'x' }),
      [
        `data[${docker}]: Invalid value: "<secret contents redacted>": invalid character 'x' looking for beginning of value`,
      ],
    ],
    ['basic auth with a name only', of('basic-auth', { username: 'u' }), []],
    [
      'basic auth with nothing',
      of('basic-auth', {}),
      ['data[username]: Required value', 'data[password]: Required value'],
    ],
    ['SSH without key', of('ssh-auth', {}), ['data[ssh-privatekey]: Required value']],
  ]);

  it('warns of a certificate that is no PEM', () => {
    const { warnings } = outcomeOf(secrets, 'Secret', of('tls', { 'tls.crt': 'x', 'tls.key': 'y' }));
    expect(warnings).toEqual(['tls: failed to find any PEM data in certificate input']);
  });
});

it('a service account keeps names of secrets only', () => {
  const { object } = outcomeOf(accounts, 'ServiceAccount', { secrets: [{ name: 's', namespace: 'n' }] });
  expect(object.secrets).toEqual([{ name: 's' }]);
});

describe('Namespace', () => {
  it('is born active, labelled with its name, kept by its finalizer', () => {
    const { object } = outcomeOf(namespaces, 'Namespace', {
      spec: { finalizers: ['a.b/c'] },
      status: { phase: 'Terminating' },
    });
    expect(object.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'x' });
    expect(object.spec.finalizers).toEqual(['a.b/c', 'kubernetes']);
    expect(object.status).toEqual({ phase: 'Active' });
  });
});

describe('Node', () => {
  it('can allocate what it has, unless it says less', () => {
    const allocatable = (status: object) => outcomeOf(nodes, 'Node', { status }).object.status.allocatable;
    expect(allocatable({ capacity: { cpu: '8' } })).toEqual({ cpu: '8' });
    expect(allocatable({ capacity: { cpu: '8' }, allocatable: { cpu: '7' } })).toEqual({ cpu: '7' });
  });

  it('has one pod range in both fields', () => {
    expect(outcomeOf(nodes, 'Node', { spec: { podCIDR: '10.1.0.0/24' } }).object.spec.podCIDRs).toEqual([
      '10.1.0.0/24',
    ]);
  });

  refusals(nodes, 'Node', [
    [
      'one key, two effects',
      {
        spec: {
          taints: [
            { key: 'a', effect: 'NoSchedule' },
            { key: 'a', effect: 'NoExecute' },
          ],
        },
      },
      [],
    ],
    [
      'a fraction of a pod',
      { status: { capacity: { pods: '1500m' } } },
      [
        'status.capacity.pods: Invalid value: "1500m": must be an integer',
        'status.allocatable.pods: Invalid value: "1500m": must be an integer',
      ],
    ],
    [
      'less than nothing',
      { status: { allocatable: { cpu: '-1' } } },
      ['status.allocatable.cpu: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      'two ranges of one family',
      { spec: { podCIDRs: ['10.1.0.0/24', '10.2.0.0/24'] } },
      [
        'spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.2.0.0/24"]: may specify no more than one CIDR for each IP family',
      ],
    ],
    ['a range of each family', { spec: { podCIDRs: ['10.1.0.0/24', 'fd00::/64'] } }, []],
  ]);
});

describe('Endpoints', () => {
  refusals(endpoints, 'Endpoints', [
    [
      'an empty subset',
      { subsets: [{}] },
      ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    ],
    [
      'two ports, one named',
      { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'a', port: 1 }, { port: 2 }] }] },
      ['subsets[0].ports[1].name: Required value'],
    ],
    [
      'a link-local address',
      { subsets: [{ addresses: [{ ip: '169.254.0.1' }] }] },
      [
        'subsets[0].addresses[0].ip: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      ],
    ],
  ]);

  it('packs addresses of equal ports into one subset, in order', () => {
    const http = { name: 'http', port: 80, protocol: 'TCP' };
    const dns = { name: 'dns', port: 53, protocol: 'UDP' };
    const packed = repackSubsets([
      { addresses: [{ ip: '10.0.0.2' }], ports: [http] },
      { addresses: [{ ip: '10.0.0.1' }], ports: [http] },
      { notReadyAddresses: [{ ip: '10.0.0.3' }], ports: [http] },
      { addresses: [{ ip: '10.0.0.4' }], ports: [http, dns] },
    ]);
    expect(packed).toEqual([
      { addresses: [{ ip: '10.0.0.4' }], ports: [dns, http] },
      {
        addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
        notReadyAddresses: [{ ip: '10.0.0.3' }],
        ports: [http],
      },
    ]);
  });

  it('takes an address for not ready that is both', () => {
    const ports = [{ port: 80, protocol: 'TCP' }];
    const both = { addresses: [{ ip: '10.0.0.1' }], notReadyAddresses: [{ ip: '10.0.0.1' }], ports };
    expect(repackSubsets([both])).toEqual([{ notReadyAddresses: [{ ip: '10.0.0.1' }], ports }]);
  });
});

describe('EndpointSlice', () => {
  refusals(slices, 'EndpointSlice', [
    [
      'an address of the other family',
      { addressType: 'IPv4', endpoints: [{ addresses: ['fd00::1'] }], ports: [] },
      ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address'],
    ],
    [
      'two ports of one name',
      {
        addressType: 'IPv4',
        endpoints: [],
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      ['ports[1].name: Duplicate value: "a"'],
    ],
  ]);
});

describe('Lease and Event', () => {
  refusals(leases, 'Lease', [
    [
      'transitions below zero',
      { spec: { leaseTransitions: -1 } },
      ['spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'],
    ],
  ]);
  refusals(events, 'Event', [
    ['about an object of its namespace', { involvedObject: { namespace: 'default' } }, []],
    ['about a node, in default', { involvedObject: { kind: 'Node' } }, []],
    [
      'about an object elsewhere',
      { involvedObject: { namespace: 'other' } },
      ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ],
  ]);
});

describe('ResourceQuota', () => {
  const hard = (name: string, amount = '1') => ({ spec: { hard: { [name]: amount } } });
  refusals(quotas, 'ResourceQuota', [
    ['object counts of any kind', hard('count/deployments.apps'), []],
    ['devices', hard('requests.nvidia.com/gpu'), []],
    ['huge pages', hard('hugepages-2Mi', '1Gi'), []],
    [
      'plain storage',
      hard('storage'),
      ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota'],
    ],
    [
      'below zero',
      hard('pods', '-1'),
      ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      'a scope that does not count Services',
      { spec: { hard: { services: '1' }, scopes: ['Terminating'] } },
      ['spec.scopes: Invalid value: ["Terminating"]: unsupported scope applied to resource'],
    ],
    [
      'priority classes without any',
      {
        spec: {
          hard: { pods: '1' },
          scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] },
        },
      },
      [
        "spec.scopeSelector.matchExpressions[0].values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
  ]);
});

describe('LimitRange', () => {
  const limit = (more: object) => ({ spec: { limits: [{ type: 'Container', ...more }] } });

  it('derives the default from the maximum, the default request from the default, then from the minimum', () => {
    const body = limit({ max: { cpu: '2' }, min: { cpu: '1', memory: '1Gi' } });
    expect(outcomeOf(limitRanges, 'LimitRange', body).object.spec.limits[0]).toMatchObject({
      default: { cpu: '2' },
      defaultRequest: { cpu: '2', memory: '1Gi' },
    });
  });

  refusals(limitRanges, 'LimitRange', [
    [
      'a pod with defaults',
      { spec: { limits: [{ type: 'Pod', default: { cpu: '1' } }] } },
      ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
    ],
    [
      'claims without storage bounds',
      { spec: { limits: [{ type: 'PersistentVolumeClaim' }] } },
      [
        'spec.limits: Required value: either minimum or maximum storage value is required, but neither was provided',
      ],
    ],
    // 4 / 1 = 4 < 5
    [
      'a ratio wider than the bounds',
      limit({ max: { cpu: '4' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '5' } }),
      [
        'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "5": ratio 5 is greater than max/min = 4.000000',
      ],
    ],
  ]);
});
