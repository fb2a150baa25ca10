// Devices: which ones a claim gets on which node, and what a pod is told that gets none.
import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import {
  allocated,
  claim,
  DRIVER,
  decide,
  device,
  deviceClass,
  exactly,
  node,
  pod,
  selecting,
  slice,
} from './device-cases.ts';

const big = device(
  'big',
  { model: 'big', numa: 0, fast: true, firmware: 'v1.10.0' },
  { capacity: { memory: { value: '80Gi' } } },
);
const small = device(
  'small',
  { model: 'small', numa: 1, firmware: 'v1.9.3' },
  { capacity: { memory: { value: '20Gi' } } },
);
const NONE =
  '- 0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';

/** Devices of the claim `c` on a node `n` with these devices, or why there are none. */
function got(
  devices: Json[],
  requests: Json[],
  more: Json = {},
  others: KubeObject[] = [],
  where?: Json,
): string {
  const cluster = [
    node('n', { zone: 'a' }),
    deviceClass(),
    slice('n', devices, where),
    claim('c', requests, more),
    ...others,
  ];
  const { verdicts, devices: held } = decide(cluster, pod('p', 'c'));
  if (verdicts[0] === NONE) return 'none';
  return verdicts[0] === 'n' ? held['c']!.map((each) => each.split('/')[1]).join(' ') : verdicts[0]!;
}

describe('selectors', () => {
  const model = `device.attributes["${DRIVER}"].model`;
  const memory = `device.capacity["${DRIVER}"].memory`;
  it.each([
    [`${model} == "small"`, 'small'],
    [`${model} != "small"`, 'big'],
    [`${model} in ["tiny", "small"]`, 'small'],
    [`${model}.startsWith("b") && device.driver == "${DRIVER}"`, 'big'],
    [`device.attributes["${DRIVER}"].numa == 1`, 'small'],
    [`device.attributes["${DRIVER}"].numa + 1 > 1`, 'small'],
    [`${memory}.compareTo(quantity("40Gi")) < 0`, 'small'],
    [`${memory}.isGreaterThan(quantity("79Gi"))`, 'big'],
    [`${memory} == quantity("20480Mi")`, 'small'],
    // As text 1.9.3 would come after 1.10.0.
    [`device.attributes["${DRIVER}"].firmware.isLessThan(semver("1.10.0"))`, 'small'],
    [`has(device.attributes["${DRIVER}"].fast) && device.attributes["${DRIVER}"].fast`, 'big'],
    [`!has(device.attributes["${DRIVER}"].fast)`, 'small'],
    [`cel.bind(a, device.attributes["${DRIVER}"], a.model == "small" && a.numa > 0)`, 'small'],
    // A domain without values is an empty map, and is not in the map of domains.
    [`!has(device.attributes["other.example.com"].x) && ${model} == "small"`, 'small'],
    [`"other.example.com" in device.attributes`, 'none'],
    ['device.allowMultipleAllocations', 'none'],
    ['"has(" == "has(" && true', 'big'],
  ])('%s takes %s', (expression, expected) => {
    expect(got([big, small], [exactly('r', selecting(expression))])).toBe(expected);
  });

  it('that cannot be compiled, or fails for a device, is an error of the attempt', () => {
    const fails = (expression: string) => got([big], [exactly('r', selecting(expression))]);
    const prefix = '- running "DynamicResources" filter plugin: claim default/c: selector #0: CEL';
    expect(fails(`device.attributes["${DRIVER}"].nothing == 1`)).toBe(
      `${prefix} runtime error: no such key: nothing`,
    );
    expect(fails('device.nothing')).toBe(`${prefix} compile error: compilation failed: no such key: nothing`);
    expect(fails('1 + 1')).toBe(
      `${prefix} compile error: must evaluate to bool or the unknown type, not int`,
    );
  });

  it('of the class come before those of the request', () => {
    const narrow = deviceClass('narrow', `${model} == "small"`);
    expect(got([big, small], [{ name: 'r', exactly: { deviceClassName: 'narrow' } }], {}, [narrow])).toBe(
      'small',
    );
    const both = selecting(`${model} == "big"`, { deviceClassName: 'narrow' });
    expect(got([big, small], [{ name: 'r', exactly: both }], {}, [narrow])).toBe('none');
  });
});

describe('requests', () => {
  const four = ['a', 'b', 'c', 'd'].map((name, i) => device(name, { numa: i % 2, model: i < 3 ? 'x' : 'y' }));
  const numa = `${DRIVER}/numa`;
  it.each<[string, Json[], Json, string]>([
    ['one device: the first', [exactly('r')], {}, 'a'],
    ['a count', [exactly('r', { count: 3 })], {}, 'a b c'],
    ['more than there are', [exactly('r', { count: 5 })], {}, 'none'],
    ['all of them', [exactly('r', { allocationMode: 'All' })], {}, 'a b c d'],
    [
      'all that are selected',
      [exactly('r', selecting(`device.attributes["${DRIVER}"].numa == 1`, { allocationMode: 'All' }))],
      {},
      'b d',
    ],
    ['all of none', [exactly('r', selecting('false', { allocationMode: 'All' }))], {}, 'none'],
    // numa: a 0, b 1, c 0, d 1.
    [
      'two of the same kind',
      [exactly('r', { count: 2 })],
      { constraints: [{ matchAttribute: numa }] },
      'a c',
    ],
    [
      'three of the same kind',
      [exactly('r', { count: 3 })],
      { constraints: [{ matchAttribute: numa }] },
      'none',
    ],
    [
      'two of different kinds',
      [exactly('r', { count: 2 })],
      { constraints: [{ distinctAttribute: numa }] },
      'a b',
    ],
    [
      'a constraint on one request leaves the other free',
      [exactly('r', { count: 2 }), exactly('s', { count: 2 })],
      { constraints: [{ requests: ['s'], matchAttribute: numa }] },
      'a c b d',
    ],
    [
      'two requests that must match',
      [exactly('r'), exactly('s', selecting(`device.attributes["${DRIVER}"].model == "y"`))],
      { constraints: [{ matchAttribute: numa }] },
      'b d',
    ],
    [
      'an attribute that no device has',
      [exactly('r')],
      { constraints: [{ matchAttribute: `${DRIVER}/none` }] },
      'none',
    ],
    [
      'the first alternative that can be had',
      [
        {
          name: 'r',
          firstAvailable: [
            { name: 'lots', deviceClassName: 'gpu', count: 9 },
            { name: 'few', deviceClassName: 'gpu', count: 2 },
          ],
        },
      ],
      {},
      'a b',
    ],
    [
      'an alternative that leaves room for what follows',
      [
        {
          name: 'r',
          firstAvailable: [
            { name: 'three', deviceClassName: 'gpu', count: 3 },
            { name: 'one', deviceClassName: 'gpu', count: 1 },
          ],
        },
        exactly('s', { count: 2 }),
      ],
      {},
      'a b c',
    ],
  ])('%s', (_name, requests, more, expected) => {
    expect(got(four, requests, more)).toBe(expected);
  });

  it('of more than 32 devices are refused', () => {
    const many = Array.from({ length: 40 }, (_, i) => device(`d${i}`));
    expect(got(many, [exactly('r', { count: 33 })])).toContain(
      'number of requested devices 33 exceeds the claim limit of 32',
    );
    expect(got(many, [exactly('r', { count: 20 }), exactly('s', { count: 12 })]).split(' ')).toHaveLength(32);
  });

  it('that cannot be met are given up, however many ways there are to try', () => {
    const many = Array.from({ length: 30 }, (_, i) => device(`d${i}`));
    expect(got(many, [exactly('r', { count: 15 }), exactly('s', { count: 16 })])).toContain(
      'timed out trying to allocate devices',
    );
  });
});

describe('taints', () => {
  const tainted = (effect: string) => [
    device('a', {}, { taints: [{ key: 'broken', value: 'fan', effect }] }),
    device('b'),
  ];
  const tolerating = (toleration: Json) => exactly('r', { tolerations: [toleration] });
  it.each<[string, Json, string]>([
    ['NoSchedule', exactly('r'), 'b'],
    ['NoExecute', exactly('r'), 'b'],
    ['None', exactly('r'), 'a'],
    ['NoSchedule', tolerating({ operator: 'Exists' }), 'a'],
    ['NoSchedule', tolerating({ key: 'broken', operator: 'Equal', value: 'fan' }), 'a'],
    ['NoSchedule', tolerating({ key: 'broken', operator: 'Equal', value: 'fuse' }), 'b'],
    ['NoSchedule', tolerating({ key: 'broken', operator: 'Exists', effect: 'NoExecute' }), 'b'],
  ])('%s, %j: %s', (effect, request, expected) => {
    expect(got(tainted(effect), [request])).toBe(expected);
  });
});

describe('pools', () => {
  const request = [exactly('r')];
  it.each<[string, Json, string]>([
    ['of another node', { nodeName: 'm' }, 'none'],
    ['of all nodes', { allNodes: true }, 'big'],
    [
      'of nodes with a label',
      {
        nodeSelector: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }],
        },
      },
      'big',
    ],
    [
      'of nodes with another',
      {
        nodeSelector: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] }],
        },
      },
      'none',
    ],
    [
      'whose slices have not all come',
      { nodeName: 'n', pool: { name: 'n', generation: 1, resourceSliceCount: 2 } },
      'none',
    ],
  ])('%s', (_name, where, expected) => {
    expect(got([big], request, {}, [], where)).toBe(expected);
  });

  it('whose devices say themselves where they are', () => {
    const here = device('here', {}, { nodeName: 'n' });
    const there = device('there', {}, { nodeName: 'm' });
    expect(got([there, here], request, {}, [], { perDeviceNodeSelection: true })).toBe('here');
  });

  it('of an older generation are forgotten', () => {
    const newer = slice(
      'n',
      [small],
      { nodeName: 'n' },
      { pool: { name: 'n', generation: 2, resourceSliceCount: 1 } },
    );
    newer.metadata.name = 'newer';
    expect(got([big], request, {}, [newer])).toBe('small');
    // The newer one has nothing for this node: what is known of it is out of date.
    const moved = { ...newer, spec: { ...newer['spec'], nodeName: 'm' } };
    expect(got([big], request, {}, [moved])).toBe('none');
  });

  it('with two devices of one name are not used', () => {
    expect(got([big, big], request)).toContain('1 invalid resource pools were encountered');
  });

  it('come in the order of their names, slices too, devices as they are listed', () => {
    const of = (pool: string, name: string) => slice(pool, [device(name)], { nodeName: 'n' });
    const cluster = [
      node('n'),
      deviceClass(),
      of('p2', 'x'),
      of('p1', 'y'),
      claim('c', [exactly('r', { count: 2 })]),
    ];
    expect(decide(cluster, pod('p', 'c')).devices['c']).toEqual(['p1/y', 'p2/x']);
  });
});

describe('parts of devices', () => {
  it('that share counters: as many as the counters last', () => {
    // 4 slots; a half takes 2, the whole all 4.
    const part = (name: string, slots: string) =>
      device(name, {}, { consumesCounters: [{ counterSet: 'card', counters: { slots: { value: slots } } }] });
    const counters = slice(
      'n',
      [],
      { nodeName: 'n' },
      {
        sharedCounters: [{ name: 'card', counters: { slots: { value: '4' } } }],
        pool: { name: 'n', generation: 1, resourceSliceCount: 2 },
      },
    );
    counters.metadata.name = 'counters';
    const parts = [part('whole', '4'), part('half-0', '2'), part('half-1', '2')];
    const where = { nodeName: 'n', pool: { name: 'n', generation: 1, resourceSliceCount: 2 } };
    expect(got(parts, [exactly('r')], {}, [counters], where)).toBe('whole');
    expect(got(parts, [exactly('r', { count: 2 })], {}, [counters], where)).toBe('half-0 half-1');
    const held = claim('held', [exactly('r')], {}, allocated('n', 'half-1'));
    expect(got(parts, [exactly('r')], {}, [counters, held], where)).toBe('half-0');
  });

  it('that claims consume: until the capacity is used up', () => {
    const shared = device(
      'link',
      {},
      {
        allowMultipleAllocations: true,
        capacity: {
          bandwidth: { value: '10', requestPolicy: { default: '1', validRange: { min: '1', step: '2' } } },
        },
      },
    );
    const wants = (bandwidth?: string) =>
      exactly('r', bandwidth === undefined ? {} : { capacity: { requests: { bandwidth } } });
    const cluster = [
      node('n'),
      deviceClass(),
      slice('n', [shared]),
      claim('a', [wants('4')]),
      claim('b', [wants()]),
      claim('c', [wants('5')]),
    ];
    // 4 becomes 5 (1 + 2 steps of 2), without request 1; 5 more would make 11 of 10.
    const { verdicts, claims } = decide(cluster, pod('p', 'a'), pod('q', 'b'), pod('s', 'c'));
    expect(verdicts).toEqual(['n', 'n', NONE]);
    const [result] = claims[0]!['status'].allocation.devices.results;
    expect(result.consumedCapacity).toEqual({ bandwidth: '5' });
    expect(result.shareID).toBeTypeOf('string');
  });
});

describe('claims', () => {
  const base = [
    node('n'),
    node('m'),
    deviceClass(),
    slice('n', [device('a'), device('b')]),
    slice('m', [device('c')]),
  ];

  it('that several pods share lead them to one node, once they are allocated', () => {
    const held = claim('c', [exactly('r')], {}, allocated('m', 'c'));
    expect(decide([...base, held], pod('p', 'c'), pod('q', 'c')).verdicts).toEqual(['m', 'm']);
  });

  it('that are being allocated make others wait', () => {
    const { verdicts } = decide([...base, claim('c', [exactly('r')])], pod('p', 'c'), pod('q', 'c'));
    expect(verdicts[1]).toContain('resource claim default/c is in the process of being allocated');
  });

  it('take their devices from others, but those of administrators', () => {
    const all = ['x', 'y', 'z', 'w'].map((name) => claim(name, [exactly('r')]));
    const watcher = claim('watcher', [exactly('r', { allocationMode: 'All', adminAccess: true })]);
    const pods = ['x', 'y', 'z', 'w', 'watcher'].map((name) => pod(`p-${name}`, name));
    const { verdicts, devices } = decide([...base, ...all, watcher], ...pods);
    expect(verdicts.map((each) => each.slice(0, 1)).sort()).toEqual(['-', 'm', 'm', 'n', 'n'].sort());
    expect(['x', 'y', 'z'].flatMap((name) => devices[name]!).sort()).toEqual(['m/c', 'n/a', 'n/b']);
    expect(devices['w']).toEqual([]);
  });

  it('that nobody has reserved are given back if they keep a pod from its node', () => {
    const onN = claim('c', [exactly('r')], {}, allocated('n', 'a'));
    const onM = claim(
      'd',
      [exactly('r')],
      {},
      allocated('m', 'c', [{ resource: 'pods', name: 'x', uid: 'x' }]),
    );
    const { verdicts, claims } = decide([...base, onN, onM], pod('p', 'c', 'd'));
    expect(verdicts[0]).toContain(
      '2 resourceclaim not available on the node. deallocation of ResourceClaim completed',
    );
    expect(claims[0]!['status'].allocation).toBeUndefined();
    expect(claims[1]!['status'].allocation).toBeDefined();
  });

  it.each<[string, KubeObject[], string]>([
    ['that do not exist', [], 'gated: could not find ResourceClaim "default/c"'],
    [
      'that are being deleted',
      [
        {
          ...claim('c', [exactly('r')]),
          metadata: { name: 'c', namespace: 'default', uid: 'c', deletionTimestamp: '2026-01-01T00:00:00Z' },
        },
      ],
      'gated: resourceclaim "c" is being deleted',
    ],
  ])('%s keep the pod out of the queue', (_name, claims, expected) => {
    expect(decide([...base, ...claims], pod('p', 'c')).verdicts).toEqual([expected]);
  });

  it('that are made from templates are waited for, and must be the pod’s own', () => {
    const templated = (status: Json): KubeObject => ({
      ...pod('p'),
      spec: {
        resourceClaims: [{ name: 'r', resourceClaimTemplateName: 't' }],
        containers: [{ name: 'c', image: 'i' }],
      },
      ...status,
    });
    const named = { status: { resourceClaimStatuses: [{ name: 'r', resourceClaimName: 'c' }] } };
    const own = claim('c', [exactly('r')]);
    own.metadata.ownerReferences = [
      { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p', controller: true },
    ];
    expect(decide(base, templated({})).verdicts).toEqual([
      'gated: pod "default/p": ResourceClaim not created yet',
    ]);
    expect(decide([...base, own], templated(named)).verdicts[0]).toMatch(/^[nm]$/);
    expect(decide([...base, claim('c', [exactly('r')])], templated(named)).verdicts).toEqual([
      'gated: ResourceClaim default/c was not created for pod default/p (pod is not owner)',
    ]);
  });

  it('of a class that does not exist', () => {
    const lost = claim('c', [{ name: 'r', firstAvailable: [{ name: 'x', deviceClassName: 'tpu' }] }]);
    expect(decide([...base, lost], pod('p', 'c')).verdicts[0]).toContain(
      'request r/x: device class tpu does not exist',
    );
  });

  it('draw their pods to nodes with the alternatives that stand first', () => {
    const firstAvailable = ['a', 'c'].map((wanted) => ({
      name: wanted,
      deviceClassName: 'named',
      selectors: [{ cel: { expression: `device.attributes["${DRIVER}"].id == "${wanted}"` } }],
    }));
    const cluster = [
      node('n'),
      node('m'),
      deviceClass('named'),
      slice('n', [device('a', { id: 'a' })]),
      slice('m', [device('c', { id: 'c' })]),
      claim('q', [{ name: 'r', firstAvailable }]),
    ];
    // 8 points for the first alternative, 7 for the second; scaled to 100 and 87; times the weight 2.
    expect(decide(cluster, pod('p', 'q')).scores[0]).toEqual({ n: 200, m: 174 });
  });
});
