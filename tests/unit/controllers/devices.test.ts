// Claims of devices in whole runs: made from templates, written by the scheduler, shared, given back, deleted.
import { describe, expect, it } from 'vitest';
import { type ControllerDefinition, DONE } from '../../../engine/contracts/controller.ts';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import { leavesUs } from '../../../engine/controllers/device-taint-eviction.ts';
import { generatedName } from '../../../engine/controllers/resourceclaim.ts';
import { simulate } from '../../../engine/index.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { Verb } from '../../../engine/state/index.ts';
import { BUILT_IN } from '../../../experiments/registry.ts';
import { create, pod, SECOND, scenario } from '../../property/simulation/scenario.ts';
import { claim, device, deviceClass, exactly, slice } from '../scheduler/device-cases.ts';

const template = (requests: Json[]): KubeObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name: 't', namespace: 'default' },
  spec: { metadata: { labels: { made: 'yes' } }, spec: { devices: { requests } } },
});
/** A pod with a claim of its own, made from the template, or the claim of that name. */
const user = (name: string, shared?: string, more: Json = {}): KubeObject =>
  pod(name, '100m', {
    ...more,
    resourceClaims: [
      { name: 'gpu', ...(shared ? { resourceClaimName: shared } : { resourceClaimTemplateName: 't' }) },
    ],
  });
const base = (devices: number): KubeObject[] => [
  deviceClass(),
  slice(
    'node-1',
    Array.from({ length: devices }, (_, i) => device(`d${i}`)),
  ),
];
const remove = (s: number, name: string): TimedStep => ({
  atUs: s * SECOND,
  do: 'delete-pod',
  objects: [],
  target: { kind: 'Pod', namespace: 'default', name },
});
const patch = (s: number, body: Json, name = 'c'): TimedStep => ({
  atUs: s * SECOND,
  do: 'patch',
  objects: [],
  target: { kind: 'ResourceClaim', namespace: 'default', name },
  patch: { type: 'merge', body },
});

function run(steps: readonly TimedStep[], untilS = 300) {
  let timeline: Timeline | undefined;
  const claims = new Map<string, KubeObject>();
  const deleted: string[] = [];
  /** Devices that claims held at the same time, in excess of one each. */
  let doubles = 0;
  /** Sees what a client would see. */
  const observer: ControllerDefinition = {
    name: 'observer',
    clientName: 'observer',
    about: '',
    create: (ctx) => {
      ctx.onObjects('ResourceClaim', (seen, verb) => {
        if (verb === Verb.deleted) {
          claims.delete(seen.name);
          deleted.push(seen.name);
        } else claims.set(seen.name, seen.object);
        const held = [...claims.values()].flatMap((each) =>
          (each['status']?.allocation?.devices.results ?? []).map((one: Json) => `${one.pool}/${one.device}`),
        );
        doubles += held.length - new Set(held).size;
      });
      return {
        *reconcile(_key, calls) {
          yield calls.sleep(0);
          return DONE;
        },
      };
    },
  };
  const result = simulate(
    scenario([{ count: 2 }], steps, { untilUs: untilS * SECOND, stopWhenIdle: false }),
    { ...BUILT_IN.registry, controllers: [observer] },
    { timeline: (told) => (timeline = told) },
  );
  const failed = timeline!.events.filter(
    ({ reason }) => reason === 'FailedScheduling' || /Claim/.test(String(reason)),
  );
  return {
    claims,
    deleted,
    doubles,
    pods: result.summary.pods,
    messages: failed.map(({ message }) => String(message)),
    /** What the controller of device taints said, and when, in s. */
    evictions: timeline!.events
      .filter(({ reason }) => reason === 'DeviceTaintManagerEviction')
      .map(({ first, message }) => `${Math.floor(first / 1000)} ${message}`),
    refusals: result.summary.loss.filter(({ source }) => source === 'kubectl').map(({ note }) => note),
  };
}

const reserved = (each: KubeObject | undefined): string[] =>
  (each?.['status']?.reservedFor ?? []).map(({ name }: Json) => name);

describe('names of generated claims', () => {
  it.each([
    ['p', 'gpu', 'p-gpu-'],
    // 50 + 1 + 10 + 1 = 62: cut to 50 × 57 / 62 = 45 and 10 × 57 / 62 = 9 characters.
    ['x'.repeat(50), 'y'.repeat(10), `${'x'.repeat(45)}-${'y'.repeat(9)}`],
  ])('%s, %s: %s', (podName, entry, expected) => {
    expect(generatedName(podName, entry)).toBe(expected);
  });
});

describe('claims from templates', () => {
  it('are made for each pod, owned by it, allocated and reserved', () => {
    const { claims, pods, doubles } = run([
      create(0, ...base(2), template([exactly('r')]), user('a'), user('b')),
    ]);
    expect(pods.running).toBe(2);
    expect(doubles).toBe(0);
    const [first, second] = [...claims.values()];
    expect(first!.metadata).toMatchObject({
      generateName: 'a-gpu-',
      labels: { made: 'yes' },
      annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' },
      finalizers: ['resource.kubernetes.io/delete-protection'],
    });
    expect(first!.metadata.name).toMatch(/^a-gpu-[a-z0-9]{5}$/);
    expect([reserved(first), reserved(second)]).toEqual([['a'], ['b']]);
  });

  it('wait for their template, which the pod is told', () => {
    const { pods, messages } = run([
      create(0, ...base(1), user('a')),
      create(20_000, template([exactly('r')])),
    ]);
    expect(pods.running).toBe(1);
    expect(messages).toContain(
      'PodResourceClaim gpu: resource claim template "t": resourceclaimtemplate.resource.k8s.io "t" not found',
    );
  });

  it('go with their pods, and the next pod gets the device', () => {
    const { claims, deleted, pods, doubles } = run([
      create(0, ...base(1), template([exactly('r')]), user('a')),
      create(10_000, user('b')),
      remove(30, 'a'),
    ]);
    expect(deleted.map((name) => name.slice(0, 5))).toEqual(['a-gpu']);
    expect([...claims.values()].map(reserved)).toEqual([['b']]);
    expect([pods.running, doubles]).toEqual([1, 0]);
  });

  it('go when their pods have ended, which stay', () => {
    const ends = (name: string): KubeObject => {
      const made = user(name, undefined, { restartPolicy: 'Never' });
      made.metadata.annotations = { 'kubetick.io/run-ms': '5000' };
      return made;
    };
    const { claims, deleted, pods, doubles } = run([
      create(0, ...base(1), template([exactly('r')]), ends('a'), ends('b'), ends('c')),
    ]);
    expect([pods.succeeded, claims.size, deleted.length, doubles]).toEqual([3, 0, 3, 0]);
  });
});

describe('claims that pods share', () => {
  it('are reserved for all of them, and deallocated when the last one goes', () => {
    const steps = [create(0, ...base(1), claim('c', [exactly('r')]), user('a', 'c'), user('b', 'c'))];
    const shared = run(steps);
    expect(reserved(shared.claims.get('c')).sort()).toEqual(['a', 'b']);
    expect(shared.messages[0]).toContain('resource claim NS/c is in the process of being allocated');
    const one = run([...steps, remove(60, 'a')]).claims.get('c');
    expect([reserved(one), one?.['status'].allocation !== undefined]).toEqual([['b'], true]);
    const none = run([...steps, remove(60, 'a'), remove(90, 'b')]).claims.get('c');
    expect([reserved(none), none?.['status'].allocation, none?.metadata.finalizers ?? []]).toEqual([
      [],
      undefined,
      [],
    ]);
  });

  it('that are deleted stay until no pod uses them', () => {
    const { claims, deleted } = run([
      create(0, ...base(1), claim('c', [exactly('r')]), user('a', 'c')),
      {
        atUs: 20 * SECOND,
        do: 'delete',
        objects: [],
        target: { kind: 'ResourceClaim', namespace: 'default', name: 'c' },
      },
      create(40_000, user('late', 'c')),
      remove(60, 'a'),
    ]);
    expect([deleted, claims.size]).toEqual([['c'], 0]);
  });

  it('are reserved for a pod that names its node itself', () => {
    const { claims } = run([
      create(0, ...base(1), claim('c', [exactly('r')]), user('a', 'c')),
      create(20_000, user('direct', 'c', { nodeName: 'node-1' })),
    ]);
    expect(reserved(claims.get('c'))).toEqual(['a', 'direct']);
  });

  it('cannot ask for something else later', () => {
    const { refusals } = run([
      create(0, claim('c', [exactly('r')])),
      patch(10, { spec: { devices: { requests: [exactly('r', { count: 2 })] } } }),
    ]);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain('field is immutable');
  });
});

describe('pods that wait for devices', () => {
  const wants = claim('c', [exactly('r')]);
  const [gpus, held] = base(1) as [KubeObject, KubeObject];
  const empty = slice('node-1', []);
  const patched: TimedStep = {
    atUs: 60 * SECOND,
    do: 'patch',
    objects: [],
    target: { kind: 'ResourceSlice', namespace: '', name: 'node-1-slice' },
    patch: { type: 'merge', body: { spec: { devices: [device('d0')] } } },
  };
  const other = claim('other', [exactly('r')]);
  const late = (...objects: KubeObject[]): TimedStep => create(60_000, ...objects);

  /** Within seconds, long before the sweep of the queue. */
  it.each<[string, KubeObject[], TimedStep]>([
    ['the claim is there', [gpus, held], late(wants)],
    ['the class is there', [held, wants], late(gpus)],
    ['a slice is there', [gpus, wants], late(held)],
    ['a slice has more', [gpus, wants, empty], patched],
    [
      'another claim gives the device back',
      [gpus, held, wants, other, user('first', 'other')],
      remove(60, 'first'),
    ],
  ])('try again when %s', (_, before, step) => {
    // The other pod comes first.
    const steps = [create(0, ...before), create(10_000, user('a', 'c'))];
    const waiting = run(steps, 55).claims.get('c');
    expect(reserved(waiting)).toEqual([]);
    expect(reserved(run([...steps, step], 75).claims.get('c'))).toEqual(['a']);
  });
});

describe('access of administrators', () => {
  const admin = exactly('r', { adminAccess: true });
  const within = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, namespace: 'monitors' },
  });
  const namespace = (labels: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'monitors', labels },
  });
  const LABEL = 'resource.kubernetes.io/admin-access';

  it.each([claim('c', [exactly('q'), admin]), template([exactly('q'), admin])])(
    'is asked for in labelled namespaces only: $kind',
    (object) => {
      const { refusals } = run([create(0, namespace({ [LABEL]: 'yes' })), create(10_000, within(object))]);
      expect(refusals[0]).toContain(
        'spec.devices.requests[1].adminAccess: Forbidden: admin access to devices requires the ' +
          '`resource.kubernetes.io/admin-access: true` label on the containing namespace',
      );
      const { refusals: none } = run([
        create(0, namespace({ [LABEL]: 'true' })),
        create(10_000, within(object)),
      ]);
      expect(none).toEqual([]);
    },
  );

  it('is given to devices that others hold, and keeps them from nobody', () => {
    const steps = [
      create(0, namespace({ [LABEL]: 'true' })),
      create(10_000, ...base(1), claim('c', [exactly('r')]), user('a', 'c')),
      create(20_000, within(claim('watch', [admin])), within(user('monitor', 'watch'))),
    ];
    const { pods, claims } = run(steps);
    expect(pods.running).toBe(2);
    expect(reserved(claims.get('watch'))).toEqual(['monitor']);
  });
});

describe('devices that have to get ready', () => {
  const slow = (): KubeObject[] => [
    deviceClass(),
    slice('node-1', [
      device('d', {}, { bindingConditions: ['Attached'], bindingFailureConditions: ['Broken'] }),
      device('plain'),
    ]),
  ];
  const wants = claim('c', [exactly('r', { count: 2 })]);
  it('hold the binding until somebody reports them, and it is given up after 10 minutes', () => {
    const waiting = run([create(0, ...slow(), wants, user('a', 'c'))], 500);
    expect([waiting.pods.running, waiting.pods.pending]).toEqual([0, 1]);
    const late = run([create(0, ...slow(), wants, user('a', 'c'))], 700);
    expect(late.messages).toContain('running PreBind plugin "DynamicResources": device binding timeout');
  });
});

const NOW = { key: 'broken', effect: 'NoExecute' };
/** The slice of node-1 with taints of its first device, from then on. */
const taint = (s: number, taints: Json[], taintedDevice = 'd0'): TimedStep => ({
  atUs: s * SECOND,
  do: 'patch',
  objects: [],
  target: { kind: 'ResourceSlice', namespace: '', name: 'node-1-slice' },
  patch: {
    type: 'merge',
    body: {
      spec: {
        devices: ['d0', 'd1'].map((name) => device(name, {}, name === taintedDevice ? { taints } : {})),
      },
    },
  },
});
const tolerating = (tolerations: Json[]): KubeObject => claim('c', [exactly('r', { tolerations })]);

describe('NoExecute taints of devices', () => {
  const evicting = (wants: KubeObject, ...steps: TimedStep[]) =>
    run([create(0, ...base(2), wants, user('a', 'c')), ...steps]);

  it('drive away the pod whose claim holds the device, which is given back', () => {
    const { evictions, pods, claims } = evicting(claim('c', [exactly('r')]), taint(60, [NOW]));
    expect(evictions).toEqual(['60 Marking for deletion']);
    expect([pods.deleted, pods.running]).toEqual([1, 0]);
    expect(claims.get('c')?.['status'].allocation).toBeUndefined();
  });

  it.each([
    ['other devices', [NOW], 'd1'],
    ['other effects', [{ key: 'broken', effect: 'NoSchedule' }], 'd0'],
  ])('of %s do not', (_, taints, name) => {
    const { evictions, pods } = evicting(claim('c', [exactly('r')]), taint(60, taints, name));
    expect([evictions, pods.running]).toEqual([[], 1]);
  });

  it('are tolerated for a while, counted from the full second in which they came', () => {
    const wants = tolerating([{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }]);
    expect(evicting(wants, taint(60, [NOW])).evictions).toEqual(['90 Marking for deletion']);
    const goes = evicting(wants, taint(60, [NOW]), taint(80, []));
    expect([goes.evictions, goes.pods.running]).toEqual([['80 Cancelling deletion'], 1]);
  });

  it('count from the time they name', () => {
    const wants = tolerating([{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }]);
    const old = { ...NOW, timeAdded: '2000-01-01T00:00:00Z' };
    expect(evicting(wants, taint(60, [old])).evictions).toEqual(['60 Marking for deletion']);
  });

  it('that come later and are tolerated for less bring the end forward', () => {
    const wants = tolerating([
      { key: 'broken', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 100 },
      { key: 'worse', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
    ]);
    const { evictions } = evicting(
      wants,
      taint(60, [NOW]),
      taint(80, [NOW, { key: 'worse', effect: 'NoExecute' }]),
    );
    expect(evictions).toEqual(['85 Marking for deletion']);
  });

  const at = { addedUs: 10 * SECOND, taint: { key: 'k', value: 'v', effect: 'NoExecute' } };
  const NEVER = Number.POSITIVE_INFINITY;
  it.each<[string, Json[], number]>([
    ['none', [], 10],
    ['for ever', [{ operator: 'Exists', effect: 'NoExecute' }], NEVER],
    [
      'the least of several',
      [30, 20].map((tolerationSeconds) => ({ operator: 'Exists', effect: 'NoExecute', tolerationSeconds })),
      30,
    ],
    [
      'for ever and for a while',
      [
        { operator: 'Exists', effect: 'NoExecute' },
        { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
      ],
      NEVER,
    ],
    ['a time below 0', [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: -5 }], 10],
    ['every effect', [{ operator: 'Exists' }], 10],
    ['another key', [{ key: 'x', operator: 'Exists', effect: 'NoExecute' }], 10],
    ['its value', [{ key: 'k', value: 'v', effect: 'NoExecute' }], NEVER],
    ['another value', [{ key: 'k', value: 'x', effect: 'NoExecute' }], 10],
  ])('tolerations: %s', (_, tolerations, seconds) => {
    expect(leavesUs(tolerations, at)).toBe(seconds * SECOND);
  });
});
