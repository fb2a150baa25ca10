// Small clusters with devices, and what the scheduler decides on them: objects as a user writes them, the plain verdict
// of a pod, the devices that its claims got.
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { loadProfiles } from '../../../engine/scheduler/profiles.ts';
import { Snapshot } from '../../../engine/scheduler/snapshot.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';

export const DRIVER = 'gpu.example.com';
const API = 'resource.k8s.io/v1';

const object = (kind: string, name: string, spec: Json, apiVersion = API): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, uid: `uid-${kind}-${name}` },
  spec,
});

export const node = (name: string, labels: Record<string, string> = {}): KubeObject => ({
  ...object('Node', name, {}, 'v1'),
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  status: { allocatable: { cpu: '8', memory: '32Gi', pods: '110' } },
});

export const deviceClass = (name = 'gpu', expression = `device.driver == "${DRIVER}"`): KubeObject =>
  object('DeviceClass', name, { selectors: [{ cel: { expression } }] });

/** A device with attributes: texts, whole numbers and truth values as they are; `v…`: a version. */
export function device(name: string, attributes: Record<string, unknown> = {}, more: Json = {}): Json {
  const typed = (value: unknown): Json => {
    if (typeof value === 'number') return { int: value };
    if (typeof value === 'boolean') return { bool: value };
    return /^v\d/.test(String(value)) ? { version: String(value).slice(1) } : { string: value };
  };
  const all = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, typed(value)]));
  return { name, attributes: all, ...more };
}

/** A pool that is one slice, of the node of its name unless `where` says otherwise. */
export const slice = (
  pool: string,
  devices: Json[],
  where: Json = { nodeName: pool },
  more: Json = {},
): KubeObject =>
  object('ResourceSlice', `${pool}-slice`, {
    driver: DRIVER,
    pool: { name: pool, generation: 1, resourceSliceCount: 1 },
    devices,
    ...where,
    ...more,
  });

export const exactly = (name: string, more: Json = {}): Json => ({
  name,
  exactly: { deviceClassName: 'gpu', ...more },
});
export const selecting = (expression: string, more: Json = {}): Json => ({
  selectors: [{ cel: { expression } }],
  ...more,
});

export const claim = (name: string, requests: Json[], more: Json = {}, status?: Json): KubeObject => ({
  ...object('ResourceClaim', name, { devices: { requests, ...more } }),
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  ...(status === undefined ? {} : { status }),
});

/** status of a claim that has a device of the pool. */
export const allocated = (pool: string, name: string, reservedFor: Json[] = []): Json => ({
  allocation: {
    devices: { results: [{ request: 'r', driver: DRIVER, pool, device: name }] },
    nodeSelector: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [pool] }] }],
    },
  },
  reservedFor,
});

export const pod = (name: string, ...claims: string[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  spec: {
    resourceClaims: claims.map((each) => ({ name: each, resourceClaimName: each })),
    containers: [{ name: 'c', image: 'i' }],
  },
});

export interface Decided {
  /** By pod: its node; `-` and the message where it fits nowhere; `gated:` and why. */
  readonly verdicts: readonly string[];
  /** By claim: `pool/device` for each of its devices. */
  readonly devices: Readonly<Record<string, readonly string[]>>;
  /** By pod: points of the plug-in by node. */
  readonly scores: readonly Readonly<Record<string, number>>[];
  readonly claims: readonly KubeObject[];
}

export function decide(cluster: readonly KubeObject[], ...pending: KubeObject[]): Decided {
  const loaded = loadProfiles(undefined, schedulerRegistry);
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  const snapshot = new Snapshot({ name: '', family: '', settings: loaded.settings, cluster, pending });
  const { pods } = snapshot.run();
  const claims = snapshot.cache.devices.all().filter(({ kind }) => kind === 'ResourceClaim');
  const results = (each: KubeObject): Json[] => each['status']?.allocation?.devices?.results ?? [];
  return {
    verdicts: pods.map(({ node: chosen, gate, message }) =>
      gate ? `gated: ${gate.reasons.join()}` : (chosen ?? `- ${message}`),
    ),
    devices: Object.fromEntries(
      claims.map((each) => [
        each.metadata.name,
        results(each).map(({ pool, device: name }) => `${pool}/${name}`),
      ]),
    ),
    scores: pods.map(({ scores = {} }) =>
      Object.fromEntries(Object.entries(scores).map(([name, own]) => [name, own['DynamicResources']!])),
    ),
    claims,
  };
}
