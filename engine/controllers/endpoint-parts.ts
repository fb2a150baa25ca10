// What endpoints are made of: ports that a Service port means on a pod, labels, hostnames. Used by the
// Endpoints and the EndpointSlice controller (pkg/controller/endpoint, endpointslice; podutil.FindPort, v1.36).
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { PodTemplate } from '../state/index.ts';

/** service.kubernetes.io/headless marks endpoints of Services without a cluster IP. */
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';
const MANAGED_BY_LABELS = ['endpoints.kubernetes.io/managed-by', 'endpointslice.kubernetes.io/managed-by'];

export const isHeadless = (service: KubeObject): boolean => service['spec'].clusterIP === 'None';

/** Neither ExternalName nor without selector: the controllers look after its endpoints. */
export function hasEndpoints(service: KubeObject): boolean {
  const { type, selector } = service['spec'];
  return type !== 'ExternalName' && selector !== undefined && selector !== null;
}

/** Labels of the Service that its endpoints carry, without those that the controllers themselves set. */
export function inheritedLabels(service: KubeObject): Record<string, string> {
  const labels = { ...service.metadata.labels };
  for (const key of [...MANAGED_BY_LABELS, HEADLESS_LABEL, 'kubernetes.io/service-name']) delete labels[key];
  return labels;
}

export interface ResolvedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol: string | undefined;
}

/** Number of a named container port with that protocol, undefined if no container has it. */
function namedPort(template: PodTemplate, name: string, protocol: string): number | undefined {
  const { containers, initContainers } = template.spec;
  const sidecars = (initContainers ?? []).filter((container: Json) => container.restartPolicy === 'Always');
  for (const container of [...(containers ?? []), ...sidecars]) {
    for (const port of container.ports ?? []) {
      if (port.name === name && (port.protocol ?? 'TCP') === protocol) return port.containerPort;
    }
  }
  return undefined;
}

/** The Service's ports on pods of the template; ports that those do not have are left out. */
export function resolvePorts(service: KubeObject, template: PodTemplate): ResolvedPort[] {
  const ports: ResolvedPort[] = [];
  for (const port of service['spec'].ports ?? []) {
    const protocol: string = port.protocol ?? 'TCP';
    const target: number | string = port.targetPort ?? port.port;
    const number = typeof target === 'number' ? target : namedPort(template, target, protocol);
    if (number === undefined) continue;
    ports.push({ name: port.name ?? '', port: number, protocol, appProtocol: port.appProtocol });
  }
  return ports;
}

/** Text that is equal exactly for equal lists of ports. */
export const portsKey = (ports: readonly ResolvedPort[]): string =>
  ports.map((port) => `${port.name}/${port.port}/${port.protocol}/${port.appProtocol ?? ''}`).join(' ');

/** spec.hostname where the pod's subdomain names this headless Service. */
export function hostnameOf(service: KubeObject, template: PodTemplate): string | undefined {
  const { hostname, subdomain } = template.spec;
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

/** Ports as slices have them. */
export const writeSlicePort = ({ name, protocol, port, appProtocol }: ResolvedPort): Json => ({
  name,
  protocol,
  port,
  ...(appProtocol === undefined ? {} : { appProtocol }),
});

export const readSlicePorts = (ports: Json): ResolvedPort[] =>
  (ports ?? []).map((port: Json) => ({
    name: port.name ?? '',
    port: port.port,
    protocol: port.protocol ?? 'TCP',
    appProtocol: port.appProtocol,
  }));
