// Creating objects: defaults, admission, checks and warnings of pods and workloads, in tables.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CreateContext, createObject } from '../../../engine/apiserver/registry.ts';
import { imageTag } from '../../../engine/kinds/container-image.ts';
import { CronError, parseCronSchedule } from '../../../engine/kinds/cron-schedule.ts';
import { intOrPercentValue, scaledIntOrPercent } from '../../../engine/kinds/intorstring.ts';
import { countIndexes } from '../../../engine/kinds/job-policies.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { podQosClass } from '../../../engine/kinds/pod.ts';
import { kindOf, listKinds } from '../../../engine/kinds/registry.ts';

const context: CreateContext = {
  uid: () => 'u-1',
  creationTimestamp: () => '2024-01-01T00:00:00Z',
  suffix: () => 'abcde',
  nodeLifecycle: true,
  volumeProtection: true,
  namespaceExists: (name) => name !== 'gone',
  serviceAccount: (_namespace, name) =>
    name === 'default' || name === 'quiet'
      ? {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name },
          automountServiceAccountToken: name !== 'quiet',
        }
      : undefined,
  priorityClass: (name) =>
    name === 'high'
      ? {
          apiVersion: 'scheduling.k8s.io/v1',
          kind: 'PriorityClass',
          metadata: { name },
          value: 1000,
          preemptionPolicy: 'Never',
        }
      : undefined,
};

const container = (more: Json = {}): Json => ({ name: 'c', image: 'app:v1', ...more });
const pod = (spec: Json = {}, metadata: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'x', ...metadata },
  spec: { containers: [container()], ...spec },
});
const labels = { app: 'x' };
const workload = (kind: string, more: Json = {}, template: Json = {}): Json => ({
  apiVersion: kind === 'Job' || kind === 'CronJob' ? 'batch/v1' : 'apps/v1',
  kind,
  metadata: { name: 'x' },
  spec: {
    ...(kind === 'Job' ? {} : { selector: { matchLabels: labels } }),
    template: { metadata: { labels }, spec: { containers: [container()], ...template } },
    ...more,
  },
});

function create(raw: Json): Json {
  const answer = createObject(raw, context);
  if (answer.code !== 201) throw new Error(answer.message);
  return answer.object;
}
function causes(raw: Json): string[] {
  const answer = createObject(raw, context);
  return answer.code === 422
    ? answer.causes.map((cause) => `${cause.field}: ${cause.message}`)
    : [String(answer.code)];
}

describe('admission of pods', () => {
  it('gives an account, its token, a priority and tolerations', () => {
    const { spec } = create(pod());
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default', priority: 0 });
    expect(spec.volumes.map((volume: Json) => volume.name)).toEqual(['kube-api-access-abcde']);
    expect(spec.containers[0].volumeMounts[0].mountPath).toBe(
      '/var/run/secrets/kubernetes.io/serviceaccount',
    );
    expect(spec.tolerations.map((toleration: Json) => toleration.tolerationSeconds)).toEqual([300, 300]);
  });

  it.each([
    ['the pod says no', { automountServiceAccountToken: false }],
    ['the account says no', { serviceAccountName: 'quiet' }],
  ])('mounts no token when %s', (_name, spec) => {
    expect(create(pod(spec)).spec.volumes).toBeUndefined();
  });

  it('reads the priority class', () => {
    expect(create(pod({ priorityClassName: 'high' })).spec).toMatchObject({
      priority: 1000,
      preemptionPolicy: 'Never',
    });
    expect(create(pod({ priorityClassName: 'system-node-critical' })).spec.priority).toBe(2_000_001_000);
  });

  it.each<[string, Json, number, string]>([
    [
      'account',
      pod({ serviceAccountName: 'sa' }),
      403,
      'pods "x" is forbidden: error looking up service account default/sa: serviceaccount "sa" not found',
    ],
    [
      'class',
      pod({ priorityClassName: 'low' }),
      403,
      'pods "x" is forbidden: no PriorityClass with name low was found',
    ],
    ['namespace', pod({}, { namespace: 'gone' }), 404, 'namespaces "gone" not found'],
  ])('refuses a missing %s', (_name, raw, code, message) => {
    expect(createObject(raw, context)).toMatchObject({ code, message });
  });

  it('tolerates what the pod already tolerates', () => {
    const tolerations = [{ operator: 'Exists' }];
    expect(create(pod({ tolerations })).spec.tolerations).toEqual(tolerations);
  });

  it('generates a name', () => {
    expect(create(pod({}, { name: undefined, generateName: 'web-' })).metadata.name).toBe('web-abcde');
  });

  it('taints a new node', () => {
    const node = create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } });
    expect(node.spec.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  });

  it('protects claims and volumes where their controllers are', () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c', finalizers: ['example.com/mine'] },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    expect(create(claim).metadata.finalizers).toEqual(['example.com/mine', 'kubernetes.io/pvc-protection']);
    const alone = createObject(claim, { ...context, volumeProtection: false });
    expect((alone as Json).object.metadata.finalizers).toEqual(['example.com/mine']);
  });

  it('taints no node where nothing would take the taint away', () => {
    const raw = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } };
    const answer = createObject(raw, { ...context, nodeLifecycle: false });
    expect(answer).toMatchObject({ code: 201 });
    expect((answer as Json).object.spec.taints).toBeUndefined();
  });
});

describe('defaults', () => {
  it('copies limits to requests in pods, not in templates', () => {
    const resources = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } };
    const own = create(pod({ containers: [container({ resources })] })).spec.containers[0].resources;
    expect(own.requests).toEqual({ cpu: '500m', memory: '1Gi' });
    const template = create(workload('Deployment', {}, { containers: [container({ resources })] })).spec
      .template;
    expect(template.spec.containers[0].resources.requests).toEqual({ cpu: '500m' });
  });

  it('a negative grace period becomes one second in pods and stays in templates', () => {
    expect(create(pod({ terminationGracePeriodSeconds: -3 })).spec.terminationGracePeriodSeconds).toBe(1);
    const set = create(workload('ReplicaSet', {}, { terminationGracePeriodSeconds: -3 }));
    expect(set.spec.template.spec.terminationGracePeriodSeconds).toBe(-3);
  });

  it('merges matchLabelKeys into the selectors of a pod', () => {
    const constraint = {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: {},
      matchLabelKeys: ['rev'],
    };
    const made = create(pod({ topologySpreadConstraints: [constraint] }, { labels: { rev: '7' } }));
    expect(made.spec.topologySpreadConstraints[0].labelSelector.matchExpressions).toEqual([
      { key: 'rev', operator: 'In', values: ['7'] },
    ]);
  });

  it('a Job selects its own pods', () => {
    const job = create(workload('Job', {}, { restartPolicy: 'Never' }));
    expect(job.spec.selector.matchLabels).toEqual({ 'batch.kubernetes.io/controller-uid': 'u-1' });
    expect(job.metadata.labels).toMatchObject({ app: 'x', 'job-name': 'x' });
  });

  it.each<[string, Json, string]>([
    ['nothing given', {}, 'BestEffort'],
    ['one request', { requests: { cpu: '1' } }, 'Burstable'],
    [
      'limits equal requests',
      { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
      'Guaranteed',
    ],
    [
      'limits above requests',
      { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
      'Burstable',
    ],
    ['limits of one resource only', { limits: { cpu: '1' }, requests: { cpu: '1' } }, 'Burstable'],
  ])('QoS class, %s', (_name, resources, expected) => {
    expect(podQosClass({ containers: [{ resources }] })).toBe(expected);
  });

  it.each([
    ['app', 'latest'],
    ['app:v1', 'v1'],
    ['reg:5000/app', 'latest'],
    ['reg:5000/app:v1', 'v1'],
    [`app@sha256:${'0'.repeat(64)}`, ''],
    [`app:v1@sha256:${'0'.repeat(64)}`, 'v1'],
    ['Bad_Name', ''],
    ['$IMAGE', ''],
  ])('tag of %s is "%s"', (image, tag) => {
    expect(imageTag(image)).toBe(tag);
  });
});

describe('checks', () => {
  const volumes = [{ name: 'v', emptyDir: {} }];
  it.each<[string, Json, string[]]>([
    ['no name', pod({}, { name: '' }), ['metadata.name: Required value: name or generateName is required']],
    [
      'two containers of one name',
      pod({ containers: [container(), container()] }),
      ['spec.containers[1].name: Duplicate value: "c"'],
    ],
    [
      'sub-path leaves the volume',
      pod({
        volumes,
        containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/a', subPath: '../b' }] })],
      }),
      ['spec.containers[0].volumeMounts.subPath: Invalid value: "../b": must not contain \'..\''],
    ],
    [
      'request above limit',
      pod({ containers: [container({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } })] }),
      [
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      ],
    ],
    [
      'one init container probes',
      pod({ initContainers: [container({ name: 'i', livenessProbe: { exec: { command: ['x'] } } })] }),
      [
        'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      ],
    ],
    [
      'ephemeral containers',
      pod({ ephemeralContainers: [container({ name: 'e' })] }),
      ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
    ],
    [
      'host ports clash',
      pod({
        containers: [
          container({
            ports: [
              { containerPort: 1, hostPort: 9 },
              { containerPort: 2, hostPort: 9 },
            ],
          }),
        ],
      }),
      ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"'],
    ],
    [
      'escalation and privilege contradict',
      pod({ containers: [container({ securityContext: { runAsUser: -1 } })] }),
      [
        'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      ],
    ],
    [
      'label too long',
      pod({}, { labels: { a: 'x'.repeat(64) } }),
      [`metadata.labels: Invalid value: "${'x'.repeat(64)}": must be no more than 63 bytes`],
    ],
    [
      'label key with a long prefix',
      pod({}, { labels: { [`${'x'.repeat(254)}/a`]: 'b' } }),
      [`metadata.labels: Invalid value: "${'x'.repeat(254)}/a": prefix part must be no more than 253 bytes`],
    ],
    [
      'selector key with two slashes',
      pod({
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              {
                topologyKey: 'zone',
                labelSelector: { matchExpressions: [{ key: 'a/b/c', operator: 'Exists' }] },
              },
            ],
          },
        },
      }),
      [
        'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchExpressions[0].key: ' +
          "Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', " +
          "and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', " +
          "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain " +
          "prefix and '/' (e.g. 'example.com/MyName')",
      ],
    ],
    [
      // The addresses of a service are reserved before anything else is looked at.
      'Service whose address and name are wrong',
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'Not_A_Name' },
        spec: { clusterIP: '10.0.0.9' },
      },
      [
        'spec.clusterIPs: Invalid value: ["10.0.0.9"]: failed to allocate IP 10.0.0.9: the provided IP (10.0.0.9) ' +
          'is not in the valid range. The range of valid IPs is 10.96.0.0/16',
      ],
    ],
    [
      'disk with an impossible partition',
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'x' },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          gcePersistentDisk: { pdName: 'd', partition: 256 },
        },
      },
      ['spec.gcePersistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive'],
    ],
    [
      'Deployment that can neither add nor remove',
      workload('Deployment', { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    ],
    [
      'DaemonSet with both',
      workload('DaemonSet', { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
      [
        'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
      ],
    ],
  ])('%s', (_name, raw, expected) => {
    expect(causes(raw)).toEqual(expected);
  });

  it('a StatefulSet may mount its claims', () => {
    const claim = {
      metadata: { name: 'd' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    const mounts = { containers: [container({ volumeMounts: [{ name: 'd', mountPath: '/d' }] })] };
    expect(
      create(workload('StatefulSet', { volumeClaimTemplates: [claim] }, mounts)).spec.volumeClaimTemplates[0]
        .status,
    ).toEqual({ phase: 'Pending' });
  });

  it('warns of what it accepts', () => {
    const answer = createObject(
      pod({ volumes: [{ name: 'g', glusterfs: { endpoints: 'e', path: 'p' } }] }),
      context,
    );
    expect(answer).toMatchObject({
      code: 201,
      warnings: ['spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+'],
    });
  });
});

describe('small parsers', () => {
  it.each(['*/5 * * * *', '0 0 1,15 * mon-fri', '@daily', '@every 1h30m', '? ? ? ? ?', 'TZ=UTC 0 0 * * *'])(
    '%s is a schedule',
    (text) => {
      expect(() => parseCronSchedule(text)).not.toThrow();
    },
  );
  it.each([
    ['61 * * * *', 'end of range (61) above maximum (59): 61'],
    ['0 0 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['@never', 'unrecognized descriptor: @never'],
  ])('%s is none', (text, message) => {
    expect(() => parseCronSchedule(text)).toThrow(CronError);
    expect(() => parseCronSchedule(text)).toThrow(message);
  });
  it('counts indexes', () => {
    expect(countIndexes('1,3-5,9', 10)).toBe(5);
    expect(() => countIndexes('5', 5)).toThrow('too large index: "5"');
    expect(() => countIndexes('3,2', 5)).toThrow('non-increasing order, previous: 3, current: 2');
  });
  it('scales percentages', () => {
    // 25 % of 10 = 2.5.
    expect([scaledIntOrPercent('25%', 10, true), scaledIntOrPercent('25%', 10, false)]).toEqual([3, 2]);
    expect(scaledIntOrPercent(4, 10, true)).toBe(4);
    expect(scaledIntOrPercent('x', 10, true)).toBeUndefined();
    expect([intOrPercentValue('30%'), intOrPercentValue(2), intOrPercentValue('x')]).toEqual([30, 2, 0]);
  });
});

describe('registry', () => {
  it('has every served kind once', () => {
    const names = listKinds().map((definition) => `${definition.apiVersion} ${definition.kind}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(60);
    expect(kindOf('v1', 'Thing')).toBeUndefined();
  });

  it('marks as modelled the kinds that the simulation acts on, and no others', () => {
    const modelled = listKinds().filter((definition) => definition.modelled);
    expect(modelled.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`).sort()).toEqual([
      'apps/v1 ControllerRevision',
      'apps/v1 DaemonSet',
      'apps/v1 Deployment',
      'apps/v1 ReplicaSet',
      'apps/v1 StatefulSet',
      'autoscaling/v1 HorizontalPodAutoscaler',
      'autoscaling/v2 HorizontalPodAutoscaler',
      'batch/v1 CronJob',
      'batch/v1 Job',
      'discovery.k8s.io/v1 EndpointSlice',
      'node.k8s.io/v1 RuntimeClass',
      'policy/v1 PodDisruptionBudget',
      'resource.k8s.io/v1 DeviceClass',
      'resource.k8s.io/v1 ResourceClaim',
      'resource.k8s.io/v1 ResourceClaimTemplate',
      'resource.k8s.io/v1 ResourceSlice',
      'scheduling.k8s.io/v1 PriorityClass',
      'storage.k8s.io/v1 CSIDriver',
      'storage.k8s.io/v1 CSINode',
      'storage.k8s.io/v1 CSIStorageCapacity',
      'storage.k8s.io/v1 StorageClass',
      'storage.k8s.io/v1 VolumeAttachment',
      'v1 Endpoints',
      'v1 LimitRange',
      'v1 Namespace',
      'v1 Node',
      'v1 PersistentVolume',
      'v1 PersistentVolumeClaim',
      'v1 Pod',
      'v1 ReplicationController',
      'v1 ResourceQuota',
      'v1 Service',
      'v1 ServiceAccount',
    ]);
  });
});

describe('damaged manifests', () => {
  const path = join(import.meta.dirname, '../../oracle/data/manifests-selection.jsonl.gz');
  const raws: Json[] = gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .map((line) => JSON.parse(line).raw);
  const damage: Json[] = [null, '', 'x', 0, -1, 1.5, true, [], {}, [null], { a: null }];

  /** Replaces the value at a path of choices. */
  function damaged(value: Json, choices: readonly number[], by: Json): Json {
    const [choice, ...rest] = choices;
    if (
      choice === undefined ||
      typeof value !== 'object' ||
      value === null ||
      Object.keys(value).length === 0
    )
      return by;
    const key = Object.keys(value)[choice % Object.keys(value).length] as string;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    (copy as Json)[key] = damaged(value[key], rest, by);
    return copy;
  }

  it('are answered, whatever is wrong with them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: raws.length - 1 }),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }),
        fc.constantFrom(...damage),
        (index, choices, by) => {
          const raw = damaged(raws[index], choices, by);
          expect([201, 400, 403, 404, 422]).toContain(createObject(raw, context).code);
        },
      ),
      { numRuns: 3000, seed: 7 },
    );
  });
});
