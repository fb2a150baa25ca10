// Service: what is filled in, what the API server still has to hand out, what a single-stack cluster refuses.
import { describe, expect, it } from 'vitest';
import {
  kinds,
  needsClusterIP,
  needsHealthCheckNodePort,
  portsNeedingNodePort,
} from '../../../engine/kinds/service.ts';
import { outcomeOf, refusals } from './table.ts';

const port = { port: 80 };
const serviceOf = (spec: object) => outcomeOf(kinds, 'Service', { spec });

describe('Service defaults', () => {
  it('sends each port to the same number over TCP', () => {
    expect(serviceOf({ ports: [port] }).object.spec.ports).toEqual([
      { port: 80, protocol: 'TCP', targetPort: 80 },
    ]);
  });

  it('gives external services a cluster-wide traffic policy, internal ones none', () => {
    expect(serviceOf({ ports: [port] }).object.spec.externalTrafficPolicy).toBeUndefined();
    expect(serviceOf({ ports: [port], externalIPs: ['1.2.3.4'] }).object.spec.externalTrafficPolicy).toBe(
      'Cluster',
    );
    expect(serviceOf({ type: 'NodePort', ports: [port] }).object.spec.externalTrafficPolicy).toBe('Cluster');
  });

  it('lets client affinity last three hours', () => {
    // 3 h × 3600 s = 10800 s
    const { spec } = serviceOf({ ports: [port], sessionAffinity: 'ClientIP' }).object;
    expect(spec.sessionAffinityConfig).toEqual({ clientIP: { timeoutSeconds: 10800 } });
  });

  it('asks for both families only where others manage the endpoints', () => {
    expect(serviceOf({ clusterIP: 'None' }).object.spec).toMatchObject({
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
    });
    expect(serviceOf({ clusterIP: 'None', selector: { a: 'b' } }).object.spec).toMatchObject({
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
  });

  it('leaves an external name without addresses, families and internal policy', () => {
    const { object, problems } = serviceOf({ type: 'ExternalName', externalName: 'db.example.com' });
    expect(problems).toEqual([]);
    expect(object.spec).toEqual({
      type: 'ExternalName',
      externalName: 'db.example.com',
      sessionAffinity: 'None',
    });
  });

  it('drops a given status', () => {
    const body = { spec: { ports: [port] }, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } };
    expect(outcomeOf(kinds, 'Service', body).object.status).toEqual({ loadBalancer: {} });
  });
});

describe('what the API server hands out', () => {
  it.each([
    ['a plain service', { ports: [port] }, true, [], false],
    ['a headless one', { clusterIP: 'None' }, false, [], false],
    ['an external name', { type: 'ExternalName', externalName: 'a.b' }, false, [], false],
    ['one with an address', { clusterIP: '10.96.0.9', ports: [port] }, false, [], false],
    [
      'node ports, one given',
      {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 1, nodePort: 30001 },
          { name: 'b', port: 2 },
        ],
      },
      true,
      [1],
      false,
    ],
    [
      'a load balancer without node ports',
      { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [port] },
      true,
      [],
      false,
    ],
    [
      'a local load balancer',
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [port] },
      true,
      [0],
      true,
    ],
  ])('%s', (_title, spec, address, nodePorts, healthPort) => {
    const { object } = serviceOf(spec);
    expect(needsClusterIP(object)).toBe(address);
    expect(portsNeedingNodePort(object)).toEqual(nodePorts);
    expect(needsHealthCheckNodePort(object)).toBe(healthPort);
  });
});

describe('Service refusals', () => {
  const range = (ip: string) =>
    `spec.clusterIPs: Invalid value: ["${ip}"]: failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`;
  refusals(kinds, 'Service', [
    ['no ports', { spec: {} }, ['spec.ports: Required value']],
    ['inside the range', { spec: { clusterIP: '10.96.12.1', ports: [port] } }, []],
    ['outside the range', { spec: { clusterIP: '10.97.0.1', ports: [port] } }, [range('10.97.0.1')]],
    ['the network address', { spec: { clusterIP: '10.96.0.0', ports: [port] } }, [range('10.96.0.0')]],
    [
      'the broadcast address',
      { spec: { clusterIP: '10.96.255.255', ports: [port] } },
      [range('10.96.255.255')],
    ],
    [
      'address errors hide all others',
      { spec: { clusterIP: 'x', ports: [{ port: 0 }] } },
      [
        'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [
      'addresses that differ',
      { spec: { clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.3'], ports: [port] } },
      ['spec.clusterIPs: Invalid value: ["10.96.0.3"]: first value must match `clusterIP`'],
    ],
    [
      'None and more',
      { spec: { clusterIP: 'None', clusterIPs: ['None', '10.96.0.3'] } },
      [`spec.clusterIPs: Invalid value: ["None","10.96.0.3"]: 'None' must be the first and only value`],
    ],
    [
      'two families under one stack',
      { spec: { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack', ports: [port] } },
      ['spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster'],
    ],
    [
      'a family twice',
      { spec: { ipFamilies: ['IPv4', 'IPv4'], ports: [port] } },
      ['spec.ipFamilies[1]: Duplicate value: "IPv4"'],
    ],
    [
      'a family that does not fit its address',
      { spec: { clusterIP: '10.96.0.3', ipFamilies: ['IPv6'], ports: [port] } },
      [
        'spec.clusterIPs[0]: Invalid value: "10.96.0.3": expected an IPv6 value as indicated by `ipFamilies[0]`',
      ],
    ],
    [
      'an unknown family policy',
      { spec: { ipFamilyPolicy: 'Any', ports: [port] } },
      [
        'spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
      ],
    ],
    [
      'the port of the kubelet on a load balancer',
      { spec: { type: 'LoadBalancer', ports: [{ port: 10250 }] } },
      [
        'spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet',
      ],
    ],
    [
      'an unnamed external name with an address',
      { spec: { type: 'ExternalName', clusterIP: '10.96.0.3', ipFamilyPolicy: 'SingleStack' } },
      [
        'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
        'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
        'spec.externalName: Required value',
      ],
    ],
    ['a name with a final dot', { spec: { type: 'ExternalName', externalName: 'a.example.com.' } }, []],
    [
      'a protocol nobody speaks',
      { spec: { ports: [{ port: 80, protocol: 'ICMP' }] } },
      ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'a target port name that is none',
      { spec: { ports: [{ port: 80, targetPort: '8080' }] } },
      ['spec.ports[0].targetPort: Invalid value: "8080": must contain at least one letter (a-z)'],
    ],
    [
      'one port twice',
      {
        spec: {
          ports: [
            { name: 'a', port: 80 },
            { name: 'b', port: 80 },
          ],
        },
      },
      [
        'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
      ],
    ],
    [
      'one port over two protocols',
      {
        spec: {
          ports: [
            { name: 'a', port: 53 },
            { name: 'b', port: 53, protocol: 'UDP' },
          ],
        },
      },
      [],
    ],
    [
      'one node port twice',
      {
        spec: {
          type: 'NodePort',
          ports: [
            { name: 'a', port: 1, nodePort: 30001 },
            { name: 'b', port: 2, nodePort: 30001 },
          ],
        },
      },
      ['spec.ports[1].nodePort: Duplicate value: 30001'],
    ],
    [
      'affinity for more than a day',
      {
        spec: {
          ports: [port],
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } },
        },
      },
      [
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
      ],
    ],
    [
      'a loopback address as external',
      { spec: { ports: [port], externalIPs: ['127.0.0.1'] } },
      [
        'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [
      'what only load balancers have',
      {
        spec: {
          ports: [port],
          allocateLoadBalancerNodePorts: true,
          loadBalancerClass: 'a',
          loadBalancerSourceRanges: [' 10.0.0.0/8 '],
        },
      },
      [
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
        "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      ],
    ],
    [
      'a health check port where nothing is checked',
      { spec: { type: 'LoadBalancer', ports: [port], healthCheckNodePort: 30001 } },
      [
        "spec.healthCheckNodePort: Invalid value: 30001: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
    ],
    [
      'unknown traffic policies',
      {
        spec: {
          type: 'NodePort',
          ports: [port],
          externalTrafficPolicy: 'Far',
          internalTrafficPolicy: 'Near',
          trafficDistribution: 'Even',
        },
      },
      [
        'spec.externalTrafficPolicy: Unsupported value: "Far": supported values: "Cluster", "Local"',
        'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
        'spec.trafficDistribution: Unsupported value: "Even": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
      ],
    ],
  ]);
});

it('warns of fields that are ignored or read differently elsewhere', () => {
  expect(serviceOf({ ports: [port], externalName: 'a.b', externalIPs: ['010.1.1.1'] }).warnings).toEqual([
    'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    'spec.externalIPs[0]: non-standard IP address "010.1.1.1" will be considered invalid in a future Kubernetes release: use "10.1.1.1"',
    'spec.externalName is ignored when spec.type is not "ExternalName"',
  ]);
});
