// The API objects that generators create: the smallest manifests a user would write, everything else by defaults.
// One object serves all arrivals that differ in name only, so that the engine interns its template once.
import type { KubeObject } from '../engine/index.ts';
import { cpuMilli, memoryBytes } from './units.ts';

/** Requests of a pod: millicores and bytes; 0 leaves the request out. */
export interface Requests {
  readonly cpu: number;
  readonly memory: number;
}

/** One container, `main`, with requests and no limits. */
function container(image: string, { cpu, memory }: Requests): KubeObject['spec'] {
  const requests = {
    ...(cpu > 0 ? { cpu: cpuMilli.print(cpu) } : {}),
    ...(memory > 0 ? { memory: memoryBytes.print(memory) } : {}),
  };
  return { name: 'main', image, ...(Object.keys(requests).length > 0 ? { resources: { requests } } : {}) };
}

export function pod(
  app: string,
  image: string,
  requests: Requests,
  restartPolicy: 'Always' | 'Never',
  priorityClassName?: string,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: app, labels: { app } },
    spec: {
      restartPolicy,
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      containers: [container(image, requests)],
    },
  };
}

/** Its selector is its own name: Deployments that shared one would spread over, and serve, each other's pods. */
export function deployment(name: string, image: string, requests: Requests, replicas: number): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [container(image, requests)] } },
    },
  };
}

/** ClusterIP Service in front of the pods labelled `app: name`. */
export function service(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  };
}

/** Largest number of distinct objects kept for reuse: beyond it a request set is a new object, equal in content. */
const KEPT = 4096;

/** Gives the same object for equal requests. */
export function memoised(
  build: (requests: Requests) => KubeObject,
): (cpu: number, memory: number) => KubeObject {
  const byRequests = new Map<string, KubeObject>();
  return (cpu, memory) => {
    const key = `${cpu}/${memory}`;
    let object = byRequests.get(key);
    if (object === undefined) {
      object = build({ cpu, memory });
      if (byRequests.size < KEPT) byRequests.set(key, object);
    }
    return object;
  };
}
