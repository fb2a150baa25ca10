// LimitRanger: what a namespace's LimitRange fills into containers, and what it refuses, in the API server's words.
import { describe, expect, it } from 'vitest';
import { createObject } from '../../../engine/apiserver/registry.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';

const rangeOf = (limit: Json): KubeObject => {
  const made = createObject(
    { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'lr' }, spec: { limits: [limit] } },
    contextWith([]),
  );
  if (!('object' in made)) throw new Error(made.message);
  return made.object;
};

const contextWith = (ranges: readonly KubeObject[]) => ({
  namespaceExists: () => true,
  serviceAccount: () => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }),
  priorityClass: () => undefined,
  limitRanges: () => ranges,
  suffix: () => 'xxxxx',
  uid: () => 'uid',
  creationTimestamp: () => '2026-01-01T00:00:00Z',
});

const createPod = (limit: Json, resources: Json, more: Json = {}) =>
  createObject(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'app:v1', ...(resources ? { resources } : {}) }], ...more },
    },
    contextWith([rangeOf(limit)]),
  );

const CONTAINER = {
  type: 'Container',
  default: { cpu: '500m', memory: '256Mi' },
  defaultRequest: { cpu: '200m' },
  max: { cpu: '1' },
  min: { cpu: '100m' },
};

describe('defaults', () => {
  // The request of memory that the range does not name is that of its default limit.
  it.each<[string, Json, Json, string]>([
    [
      'of a container that states nothing',
      undefined,
      { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '200m', memory: '256Mi' } },
      'cpu, memory request for container c; cpu, memory limit for container c',
    ],
    [
      'beside a limit, which is the request too',
      { limits: { cpu: '800m' } },
      { limits: { cpu: '800m', memory: '256Mi' }, requests: { cpu: '800m', memory: '256Mi' } },
      'memory request for container c; memory limit for container c',
    ],
  ])('%s', (_title, given, stored, said) => {
    const made = createPod(CONTAINER, given) as { object: Json };
    expect(made.object.spec.containers[0].resources).toEqual(stored);
    expect(made.object.metadata.annotations['kubernetes.io/limit-ranger']).toBe(
      `LimitRanger plugin set: ${said}`,
    );
  });

  it('leave a pod alone that states everything', () => {
    const all = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } };
    expect((createPod(CONTAINER, all) as { object: Json }).object.metadata.annotations).toBeUndefined();
  });
});

describe('refusals', () => {
  it.each<[string, Json, Json, Json, string]>([
    [
      'limit above the maximum',
      CONTAINER,
      { limits: { cpu: '2' } },
      {},
      'maximum cpu usage per Container is 1, but limit is 2',
    ],
    [
      'request below the minimum',
      CONTAINER,
      { requests: { cpu: '50m' }, limits: { cpu: '200m' } },
      {},
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [
      'no limit where a maximum of pods stands',
      { type: 'Pod', max: { memory: '1Gi' } },
      { requests: { memory: '1Mi' } },
      {},
      'maximum memory usage per Pod is 1Gi.  No limit is specified',
    ],
    [
      // 600m + 600m = 1200m
      'a sum of containers above the maximum of a pod',
      { type: 'Pod', max: { cpu: '1' } },
      { limits: { cpu: '600m' } },
      {
        containers: ['a', 'b'].map((name) => ({
          name,
          image: 'app:v1',
          resources: { limits: { cpu: '600m' } },
        })),
      },
      'maximum cpu usage per Pod is 1, but limit is 1200m',
    ],
    [
      'limit too far above the request',
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '100m' }, limits: { cpu: '250m' } },
      {},
      'cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000',
    ],
    [
      'several bounds at once',
      { type: 'Container', max: { cpu: '1', memory: '1Gi' } },
      { limits: { cpu: '2', memory: '2Gi' } },
      {},
      '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
    ],
  ])('%s', (_title, limit, resources, more, message) => {
    expect(createPod(limit, resources, more)).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: `pods "p" is forbidden: ${message}`,
    });
  });

  it.each([
    ['1Gi', 'minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi'],
    ['9Gi', 'maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 9Gi'],
  ])('a claim of %s', (storage, message) => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    };
    const limit = { type: 'PersistentVolumeClaim', min: { storage: '2Gi' }, max: { storage: '5Gi' } };
    const answer = createObject(claim, contextWith([rangeOf(limit)]));
    expect(answer).toMatchObject({ message: `persistentvolumeclaims "data" is forbidden: ${message}` });
  });

  it('come after those of validation', () => {
    const answer = createPod(CONTAINER, { limits: { cpu: '2' } }, { restartPolicy: 'Sometimes' });
    expect(answer.code).toBe(422);
  });
});
