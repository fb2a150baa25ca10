// Which fields of the modelled kinds the simulation acts on, and which cannot change what it measures. Everything else
// that a user wrote ends in loss.csv, once per kind and field, so that nobody takes a run for more than it is.
// A path covers what is below it; list indices and the keys of maps are left out. docs/experiment-file.md prints this.

/** Fields of one kind: `acts` is read by the model; `silent` is stored but has no effect on times and placement. */
interface FieldTable {
  readonly acts: readonly string[];
  readonly silent: readonly string[];
}

/** Written by the server, or bookkeeping of clients: never a loss. */
const METADATA: FieldTable = {
  acts: ['apiVersion', 'kind', 'metadata'],
  silent: [],
};

/** A container as the kubelet and the scheduler see it here. */
const CONTAINER: FieldTable = {
  acts: [
    'name',
    'image',
    'imagePullPolicy',
    'resources.requests',
    'resources.limits',
    'ports',
    'readinessProbe',
    'startupProbe',
    'livenessProbe',
    'lifecycle',
    'restartPolicy',
  ],
  silent: [
    // What the process does inside its container is not simulated: its times come from the cost preset.
    'command',
    'args',
    'workingDir',
    'env',
    'envFrom',
    'stdin',
    'stdinOnce',
    'tty',
    'terminationMessagePath',
    'terminationMessagePolicy',
    // Rights inside the container do not change when it starts.
    'securityContext',
    // Mounting takes part in the sandbox's time of the preset.
    'volumeMounts',
    // Which of the pod's claims a container uses changes nothing outside of it.
    'resources.claims',
  ],
};

const POD_SPEC: FieldTable = {
  acts: [
    'nodeName',
    'nodeSelector',
    'affinity',
    'tolerations',
    'topologySpreadConstraints',
    'schedulerName',
    'schedulingGates',
    'priority',
    'priorityClassName',
    'preemptionPolicy',
    'overhead',
    'restartPolicy',
    'terminationGracePeriodSeconds',
    'hostNetwork',
    'runtimeClassName',
    ...prefix('containers', CONTAINER.acts),
    ...prefix('initContainers', CONTAINER.acts),
    'ephemeralContainers',
    'volumes.name',
    'volumes.persistentVolumeClaim',
    'volumes.emptyDir',
    'volumes.ephemeral',
    'resourceClaims',
  ],
  silent: [
    ...prefix('containers', CONTAINER.silent),
    ...prefix('initContainers', CONTAINER.silent),
    'automountServiceAccountToken',
    'serviceAccount',
    'serviceAccountName',
    'imagePullSecrets',
    'securityContext',
    'dnsPolicy',
    'dnsConfig',
    'hostAliases',
    'hostname',
    'subdomain',
    'setHostnameAsFQDN',
    'enableServiceLinks',
    'hostIPC',
    'hostPID',
    'hostUsers',
    'shareProcessNamespace',
    'os',
    // Files that the kubelet writes itself; their time is part of the sandbox's.
    'volumes.configMap',
    'volumes.secret',
    'volumes.downwardAPI',
    'volumes.projected',
    'volumes.hostPath',
  ],
};

function prefix(path: string, fields: readonly string[]): string[] {
  return fields.map((field) => `${path}.${field}`);
}

function template(path: string): FieldTable {
  return {
    acts: [`${path}.metadata`, ...prefix(`${path}.spec`, POD_SPEC.acts)],
    silent: prefix(`${path}.spec`, POD_SPEC.silent),
  };
}

/** A workload with a pod template at `spec.template` and some fields of its own. */
function workload(acts: readonly string[], silent: readonly string[] = []): FieldTable {
  const pods = template('spec.template');
  return { acts: [...acts, ...pods.acts], silent: ['status', ...silent, ...pods.silent] };
}

const JOB_SPEC: FieldTable = {
  acts: [
    'parallelism',
    'completions',
    'completionMode',
    'backoffLimit',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
    'activeDeadlineSeconds',
    'suspend',
    'podFailurePolicy',
    'successPolicy',
    'podReplacementPolicy',
    'managedBy',
    'ttlSecondsAfterFinished',
  ],
  // Pods are found by their owner, which the selector never contradicts here.
  silent: ['selector', 'manualSelector'],
};

/** By `group/Kind` (core kinds without group). A kind that is missing here is a loss as a whole. */
export const COVERAGE: Readonly<Record<string, FieldTable>> = {
  Namespace: { acts: [], silent: ['spec.finalizers', 'status'] },
  Node: {
    acts: [
      'spec.taints',
      'spec.unschedulable',
      'status.capacity',
      'status.allocatable',
      'status.conditions',
      'status.images',
    ],
    silent: [
      'spec.podCIDR',
      'spec.podCIDRs',
      'spec.providerID',
      'status.addresses',
      'status.daemonEndpoints',
      'status.nodeInfo',
      'status.runtimeHandlers',
      'status.features',
      'status.phase',
      // What is mounted now; attach limits stand in CSINode.
      'status.volumesInUse',
      'status.volumesAttached',
    ],
  },
  Pod: { acts: prefix('spec', POD_SPEC.acts), silent: ['status', ...prefix('spec', POD_SPEC.silent)] },
  ReplicationController: workload(['spec.replicas', 'spec.selector', 'spec.minReadySeconds']),
  'apps/ReplicaSet': workload(['spec.replicas', 'spec.selector', 'spec.minReadySeconds']),
  'apps/Deployment': workload([
    'spec.replicas',
    'spec.selector',
    'spec.minReadySeconds',
    'spec.strategy',
    'spec.revisionHistoryLimit',
    'spec.progressDeadlineSeconds',
    'spec.paused',
  ]),
  'apps/DaemonSet': workload([
    'spec.selector',
    'spec.minReadySeconds',
    'spec.updateStrategy',
    'spec.revisionHistoryLimit',
  ]),
  'apps/StatefulSet': workload(
    [
      'spec.replicas',
      'spec.selector',
      'spec.minReadySeconds',
      'spec.ordinals',
      'spec.podManagementPolicy',
      'spec.updateStrategy',
      'spec.revisionHistoryLimit',
      'spec.persistentVolumeClaimRetentionPolicy',
      'spec.volumeClaimTemplates.metadata',
      'spec.volumeClaimTemplates.spec',
    ],
    ['spec.serviceName', 'spec.volumeClaimTemplates.kind', 'spec.volumeClaimTemplates.apiVersion'],
  ),
  // Written by controllers; one that a user brings along is taken over by its owner.
  'apps/ControllerRevision': { acts: ['data', 'revision'], silent: [] },
  'batch/Job': workload(prefix('spec', JOB_SPEC.acts), prefix('spec', JOB_SPEC.silent)),
  'batch/CronJob': {
    acts: [
      'spec.schedule',
      'spec.timeZone',
      'spec.concurrencyPolicy',
      'spec.startingDeadlineSeconds',
      'spec.suspend',
      'spec.successfulJobsHistoryLimit',
      'spec.failedJobsHistoryLimit',
      'spec.jobTemplate.metadata',
      ...prefix('spec.jobTemplate.spec', JOB_SPEC.acts),
      ...template('spec.jobTemplate.spec.template').acts,
    ],
    silent: [
      'status',
      ...prefix('spec.jobTemplate.spec', JOB_SPEC.silent),
      ...template('spec.jobTemplate.spec.template').silent,
    ],
  },
  Service: {
    acts: [
      'spec.selector',
      'spec.ports',
      'spec.type',
      'spec.clusterIP',
      'spec.clusterIPs',
      'spec.publishNotReadyAddresses',
      'spec.internalTrafficPolicy',
      'spec.externalTrafficPolicy',
      'spec.trafficDistribution',
      'spec.sessionAffinity',
      'spec.sessionAffinityConfig',
      'spec.allocateLoadBalancerNodePorts',
      'spec.healthCheckNodePort',
      'spec.loadBalancerClass',
    ],
    silent: ['status', 'spec.ipFamilies', 'spec.ipFamilyPolicy'],
  },
  PersistentVolumeClaim: {
    acts: [
      'spec.accessModes',
      'spec.resources.requests',
      'spec.selector',
      'spec.storageClassName',
      'spec.volumeAttributesClassName',
      'spec.volumeMode',
      'spec.volumeName',
    ],
    silent: ['status'],
  },
  PersistentVolume: {
    acts: [
      'spec.accessModes',
      'spec.capacity',
      'spec.claimRef',
      'spec.nodeAffinity',
      'spec.persistentVolumeReclaimPolicy',
      'spec.storageClassName',
      'spec.volumeAttributesClassName',
      'spec.volumeMode',
      'spec.hostPath.path',
    ],
    // What the storage itself is called, and how it is mounted.
    silent: ['status', 'spec.hostPath.type', 'spec.local', 'spec.nfs', 'spec.csi', 'spec.mountOptions'],
  },
  'storage.k8s.io/StorageClass': {
    acts: ['provisioner', 'reclaimPolicy', 'volumeBindingMode', 'allowedTopologies', 'allowVolumeExpansion'],
    silent: ['parameters', 'mountOptions'],
  },
  'storage.k8s.io/CSIDriver': {
    acts: ['spec.storageCapacity'],
    silent: ['spec.podInfoOnMount', 'spec.fsGroupPolicy', 'spec.volumeLifecycleModes', 'spec.seLinuxMount'],
  },
  'storage.k8s.io/CSINode': { acts: ['spec.drivers'], silent: [] },
  'storage.k8s.io/CSIStorageCapacity': {
    acts: ['capacity', 'maximumVolumeSize', 'nodeTopology', 'storageClassName'],
    silent: [],
  },
  'storage.k8s.io/VolumeAttachment': { acts: ['spec'], silent: ['status'] },
  LimitRange: { acts: ['spec'], silent: [] },
  'autoscaling/HorizontalPodAutoscaler': { acts: ['spec'], silent: ['status'] },
  'policy/PodDisruptionBudget': { acts: ['spec'], silent: ['status'] },
  ResourceQuota: { acts: ['spec'], silent: ['status'] },
  Endpoints: { acts: ['subsets'], silent: [] },
  'discovery.k8s.io/EndpointSlice': { acts: ['addressType', 'endpoints', 'ports'], silent: [] },
  ConfigMap: { acts: [], silent: ['data', 'binaryData', 'immutable'] },
  Secret: { acts: [], silent: ['data', 'stringData', 'type', 'immutable'] },
  ServiceAccount: { acts: [], silent: ['secrets', 'imagePullSecrets', 'automountServiceAccountToken'] },
  'node.k8s.io/RuntimeClass': { acts: ['overhead', 'scheduling'], silent: ['handler'] },
  'resource.k8s.io/DeviceClass': { acts: ['spec.selectors', 'spec.config'], silent: [] },
  'resource.k8s.io/ResourceClaim': { acts: ['spec'], silent: ['status'] },
  'resource.k8s.io/ResourceClaimTemplate': { acts: ['spec'], silent: [] },
  'resource.k8s.io/ResourceSlice': {
    acts: [
      'spec.driver',
      'spec.pool',
      'spec.nodeName',
      'spec.nodeSelector',
      'spec.allNodes',
      'spec.perDeviceNodeSelection',
      'spec.sharedCounters',
      ...prefix('spec.devices', [
        'name',
        'attributes',
        'capacity',
        'consumesCounters',
        'nodeName',
        'nodeSelector',
        'allNodes',
        'taints',
        'allowMultipleAllocations',
      ]),
    ],
    silent: [],
  },
  'scheduling.k8s.io/PriorityClass': {
    acts: ['value', 'globalDefault', 'preemptionPolicy'],
    silent: ['description'],
  },
};

/**
 * Fields of a pod's spec that only one scheduler plug-in reads. Where the profile's plug-in is not modelled the run
 * itself reports them, pod by pod; `validate` warns by this table.
 */
const READ_BY_PLUGIN: readonly (readonly [string, string])[] = [
  ['topologySpreadConstraints', 'PodTopologySpread'],
  ['affinity.podAffinity', 'InterPodAffinity'],
  ['affinity.podAntiAffinity', 'InterPodAffinity'],
  ['volumes.persistentVolumeClaim', 'VolumeBinding'],
  ['volumes.ephemeral', 'VolumeBinding'],
  ['resourceClaims', 'DynamicResources'],
];

/** Paths of such fields in the object whose plug-in is among `unmodelled`, each with the plug-in. */
export function fieldsOfPlugins(
  kindKey: string,
  object: unknown,
  unmodelled: ReadonlySet<string>,
): [string, string][] {
  const table = Object.hasOwn(COVERAGE, kindKey) ? COVERAGE[kindKey] : undefined;
  if (table === undefined) return [];
  const spec =
    kindKey === 'Pod' ? 'spec' : table.acts.includes('spec.template.metadata') ? 'spec.template.spec' : null;
  if (spec === null) return [];
  return READ_BY_PLUGIN.filter(([, plugin]) => unmodelled.has(plugin))
    .map(([field, plugin]): [string, string] => [`${spec}.${field}`, plugin])
    .filter(([path]) => isPresent(object, path.split('.')));
}

function isPresent(at: unknown, steps: readonly string[]): boolean {
  if (Array.isArray(at)) return at.some((element) => isPresent(element, steps));
  const [step, ...rest] = steps;
  if (step === undefined) return !isEmpty(at);
  return (
    typeof at === 'object' &&
    at !== null &&
    Object.hasOwn(at, step) &&
    isPresent((at as Record<string, unknown>)[step], rest)
  );
}

/** What unmodelled fields are missed for, where it helps to say so; by the end of the path. */
const NOTES: readonly (readonly [RegExp, string])[] = [
  [/\bvolumes\b/, 'the volume is taken to be there at once'],
  [/\bactiveDeadlineSeconds\b/, 'the deadline is not enforced'],
  [/\bbinding(Failure)?Conditions\b/, 'no driver reports them: pods wait until the time is out'],
  [/\bextendedResourceName\b/, 'extended resources are taken from nodes, never from devices'],
];

interface Trie {
  /** Covered as a whole. */
  full: boolean;
  readonly next: Map<string, Trie>;
}

const tries = new Map<string, Trie | null>();

function trieOf(kindKey: string): Trie | null {
  const known = tries.get(kindKey);
  if (known !== undefined) return known;
  const table = Object.hasOwn(COVERAGE, kindKey) ? COVERAGE[kindKey] : undefined;
  if (table === undefined) {
    tries.set(kindKey, null);
    return null;
  }
  const root: Trie = { full: false, next: new Map() };
  for (const path of [...METADATA.acts, ...table.acts, ...table.silent]) {
    let at = root;
    for (const part of path.split('.')) {
      let next = at.next.get(part);
      if (next === undefined) {
        next = { full: false, next: new Map() };
        at.next.set(part, next);
      }
      at = next;
    }
    at.full = true;
  }
  tries.set(kindKey, root);
  return root;
}

/** `apps/Deployment`, `Pod`: group without version, and kind. */
export function kindKeyOf(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? kind : `${apiVersion.slice(0, slash)}/${kind}`;
}

/**
 * Whether the kind takes part in the model: something acts on it, or (ConfigMap, Secret, …) nothing has to. `modelled`
 * is what the registry of kinds says.
 */
export function isCovered(kindKey: string, modelled: boolean): boolean {
  const table = Object.hasOwn(COVERAGE, kindKey) ? COVERAGE[kindKey] : undefined;
  return table !== undefined && (modelled || table.acts.length === 0);
}

/** Paths (without indices) of fields in the object that the model does not act on; each once. */
export function uncoveredFields(kindKey: string, object: unknown): Set<string> {
  const found = new Set<string>();
  const root = trieOf(kindKey);
  if (root !== null) walk(root, object, '', found);
  return found;
}

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0);

function walk(at: Trie, value: unknown, path: string, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const element of value) walk(at, element, path, found);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key];
    const next = at.next.get(key);
    if (next === undefined) {
      if (!isEmpty(inner)) found.add(path === '' ? key : `${path}.${key}`);
    } else if (!next.full) walk(next, inner, path === '' ? key : `${path}.${key}`, found);
  }
}

/** The note beside a field in loss.csv. */
export function noteOf(field: string): string {
  return NOTES.find(([pattern]) => pattern.test(field))?.[1] ?? 'kept, not acted on';
}
