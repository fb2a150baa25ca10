// Cluster IPs and node ports, as the API server's allocators give them: random in the range, upper part first, so that
// the lower stays free for static use (KEP-3070, KEP-3668; pkg/registry/core/service/{ipallocator,portallocator}).

import type { Stream } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { needsHealthCheckNodePort } from '../kinds/service.ts';

/** 10.96.0.0/16, the range of the recorded control plane and of kubeadm's /12 default's start. */
const NETWORK = 0x0a600000;
const ADDRESSES = 65_536;
/** Static band: min(max(16, size/16), 256) addresses at the start. */
const STATIC_ADDRESSES = 256;
const PORT_FIRST = 30_000;
const PORT_COUNT = 2_768;
/** Static band of node ports: min(max(16, size/32), 128). */
const STATIC_PORTS = 86;

const dotted = (n: number): string => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

const parseAddress = (text: string): number => {
  const parts = text.split('.').map(Number);
  return ((parts[0]! << 24) | (parts[1]! << 16) | (parts[2]! << 8) | parts[3]!) >>> 0;
};

/** Numbers below `size`, given at random from [reserved, size) first, then from [0, reserved). */
class Pool {
  readonly #taken = new Set<number>();
  readonly #size: number;
  readonly #reserved: number;
  readonly #random: Stream;

  constructor(size: number, reserved: number, random: Stream) {
    this.#size = size;
    this.#reserved = reserved;
    this.#random = random;
  }

  take(n: number): boolean {
    if (n < 0 || n >= this.#size || this.#taken.has(n)) return false;
    this.#taken.add(n);
    return true;
  }

  release(n: number): void {
    this.#taken.delete(n);
  }

  /** A free number, or -1. */
  any(): number {
    for (const [from, to] of [
      [this.#reserved, this.#size],
      [0, this.#reserved],
    ] as const) {
      const start = this.#random.int(to - from);
      for (let i = 0; i < to - from; i++) {
        const n = from + ((start + i) % (to - from));
        if (this.take(n)) return n;
      }
    }
    return -1;
  }
}

const needsClusterIp = (spec: Json): boolean => spec.type !== 'ExternalName' && spec.clusterIP !== 'None';
const needsNodePorts = (spec: Json): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
/** Reached from outside the cluster: what externalTrafficPolicy is about. */
const isExternal = (spec: Json): boolean =>
  spec.type === 'NodePort' ||
  spec.type === 'LoadBalancer' ||
  (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
const portKey = (port: Json): string => `${port.protocol ?? 'TCP'} ${port.port}`;

/**
 * A changed Service before it is checked: what was allocated stays where it is still needed and the change does not
 * say otherwise, and goes where the new type has no use for it (pkg/registry/core/service: patchAllocatedValues and
 * dropTypeDependentFields, v1.36).
 */
export function carryAllocated(changed: KubeObject, stored: KubeObject): KubeObject {
  const before: Json = stored['spec'];
  const ports: Json[] = (changed['spec'].ports ?? []).map((port: Json) => ({ ...port }));
  const spec: Json = { ...changed['spec'], ...(changed['spec'].ports === undefined ? {} : { ports }) };
  const known = new Map<string, number>(
    (before.ports ?? []).map((port: Json) => [portKey(port), port.nodePort]),
  );
  const same = (field: string): boolean => JSON.stringify(spec[field]) === JSON.stringify(before[field]);
  // NormalizeClusterIPs: a client that knows the first address alone means the list as well.
  if (!same('clusterIP') && same('clusterIPs'))
    spec.clusterIPs = spec.clusterIP ? [spec.clusterIP] : undefined;
  if (needsClusterIp(before) && needsClusterIp(spec) && !spec.clusterIP) {
    spec.clusterIP = before.clusterIP;
    spec.clusterIPs = before.clusterIPs;
  }
  if (spec.type === 'ExternalName' && before.type !== 'ExternalName') {
    if (same('clusterIP') && same('clusterIPs')) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    for (const field of ['ipFamilies', 'ipFamilyPolicy']) if (same(field)) delete spec[field];
  }
  const samePorts = ports.every((port) => (port.nodePort ?? 0) === (known.get(portKey(port)) ?? 0));
  for (const port of ports) {
    if (needsNodePorts(spec)) port.nodePort ??= known.get(portKey(port));
    if (port.nodePort === undefined || (needsNodePorts(before) && !needsNodePorts(spec) && samePorts))
      delete port.nodePort;
  }
  const gone = [
    ...(isExternal(before) && !isExternal(spec) ? ['externalTrafficPolicy'] : []),
    ...(before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer'
      ? ['allocateLoadBalancerNodePorts', 'loadBalancerClass']
      : []),
    ...(needsHealthCheckNodePort(stored) && !needsHealthCheckNodePort({ ...changed, spec })
      ? ['healthCheckNodePort']
      : []),
  ];
  for (const field of gone) if (spec[field] === before[field]) delete spec[field];
  return { ...changed, spec };
}

export class ServiceAddresses {
  readonly #ips: Pool;
  readonly #ports: Pool;

  constructor(random: Stream) {
    this.#ips = new Pool(ADDRESSES - 1, STATIC_ADDRESSES, random);
    this.#ips.take(0);
    this.#ports = new Pool(PORT_COUNT, STATIC_PORTS, random);
  }

  /** Fills what the server allocates; returns a refusal's text or null. Takes nothing if it refuses. */
  allocate(service: KubeObject): string | null {
    const spec = service['spec'];
    if (spec.type === 'ExternalName') return null;
    if (spec.clusterIP !== 'None') {
      if (spec.clusterIP) {
        if (!this.#ips.take(parseAddress(spec.clusterIP) - NETWORK)) {
          return `spec.clusterIPs: Invalid value: ["${spec.clusterIP}"]: failed to allocate IP ${spec.clusterIP}: provided IP is already allocated`;
        }
      } else {
        const n = this.#ips.any();
        if (n < 0) return 'failed to allocate a serviceIP: range is full';
        spec.clusterIP = dotted(NETWORK + n);
      }
      spec.clusterIPs = [spec.clusterIP];
    } else {
      spec.clusterIPs = ['None'];
    }
    if (
      spec.type === 'NodePort' ||
      (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
    ) {
      for (const port of spec.ports ?? []) {
        if (port.nodePort) {
          if (!this.#ports.take(port.nodePort - PORT_FIRST))
            return `provided port is already allocated: ${port.nodePort}`;
        } else {
          const n = this.#ports.any();
          if (n < 0) return 'failed to allocate a nodePort: range is full';
          port.nodePort = PORT_FIRST + n;
        }
      }
    }
    if (needsHealthCheckNodePort(service)) {
      const n = this.#ports.any();
      if (n < 0) return 'failed to allocate a healthCheckNodePort: range is full';
      spec.healthCheckNodePort = PORT_FIRST + n;
    }
    return null;
  }

  /** Fills what the new version of a Service needs besides the old one's; a refusal's text or null. */
  reallocate(next: KubeObject, stored: KubeObject): string | null {
    const spec: Json = next['spec'];
    const before: Json = stored['spec'];
    const had = new Set<number>((before.ports ?? []).map((port: Json) => port.nodePort).filter(Boolean));
    const taken: number[] = [];
    const refuse = (text: string): string => {
      for (const port of taken) this.#ports.release(port - PORT_FIRST);
      return text;
    };
    if (needsNodePorts(spec)) {
      for (const port of spec.ports ?? []) {
        if (port.nodePort && had.has(port.nodePort)) continue;
        if (port.nodePort && !this.#ports.take(port.nodePort - PORT_FIRST))
          return refuse(`spec.ports: Invalid value: ${port.nodePort}: provided port is already allocated`);
        if (!port.nodePort) {
          const n = this.#ports.any();
          if (n < 0) return refuse('failed to allocate a nodePort: range is full');
          port.nodePort = PORT_FIRST + n;
        }
        taken.push(port.nodePort);
      }
    }
    if (needsHealthCheckNodePort(next) && !spec.healthCheckNodePort) {
      const n = this.#ports.any();
      if (n < 0) return refuse('failed to allocate a healthCheckNodePort: range is full');
      spec.healthCheckNodePort = PORT_FIRST + n;
    }
    if (before.healthCheckNodePort && !spec.healthCheckNodePort)
      this.#ports.release(before.healthCheckNodePort - PORT_FIRST);
    if (needsClusterIp(spec) && !spec.clusterIP) {
      const n = this.#ips.any();
      if (n < 0) return refuse('failed to allocate a serviceIP: range is full');
      spec.clusterIP = dotted(NETWORK + n);
      spec.clusterIPs = [spec.clusterIP];
    }
    const kept = new Set((spec.ports ?? []).map((port: Json) => port.nodePort));
    for (const port of had) if (!kept.has(port)) this.#ports.release(port - PORT_FIRST);
    if (before.clusterIP && before.clusterIP !== 'None' && before.clusterIP !== spec.clusterIP)
      this.#ips.release(parseAddress(before.clusterIP) - NETWORK);
    return null;
  }

  release(service: KubeObject): void {
    const spec = service['spec'];
    if (spec.clusterIP && spec.clusterIP !== 'None')
      this.#ips.release(parseAddress(spec.clusterIP) - NETWORK);
    for (const port of spec.ports ?? []) if (port.nodePort) this.#ports.release(port.nodePort - PORT_FIRST);
    if (spec.healthCheckNodePort) this.#ports.release(spec.healthCheckNodePort - PORT_FIRST);
  }
}
