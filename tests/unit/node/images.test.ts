// Pulling images: who waits for whom on a node, what each pull policy asks of the registry, and what the node's status
// tells afterwards. A pull takes 400 ms and 1000 ms per MB; sandboxes are ready at 105 ms.
import { describe, expect, it } from 'vitest';
import { Images } from '../../../engine/node/images.ts';
import { StepTimes } from '../../../engine/node/step-times.ts';
import { cluster, nodeObject } from '../apiserver/cluster.ts';
import { container, kubeletCosts, kubelets, MS } from './harness.ts';

type Options = NonNullable<Parameters<typeof kubelets>[0]>;

/** When the images of pods created at 0 are there, ms; each pod is one container, by image name. */
function pulledAt(names: readonly string[], options: Options = {}, policy?: string): number[] {
  const k = kubelets(options);
  const more = policy === undefined ? {} : { imagePullPolicy: policy };
  names.forEach((name, i) => {
    k.pod(0, `p${i}`, { containers: [container(name, more)] });
  });
  k.run();
  return names.map((_, i) => k.stamps(`p${i}`)['pulled']!);
}

describe('a node that pulls one image at a time', () => {
  it.each([
    { name: 'queues other images: 1505, + 1400, + 1400', images: ['a', 'b', 'c'], at: [1505, 2905, 4305] },
    {
      name: 'finds the layers there when the turn of the same image comes: 1505 + 400',
      images: ['a', 'a'],
      at: [1505, 1905],
    },
    { name: 'lets a third pod wait for both', images: ['a', 'b', 'a'], at: [1505, 2905, 3305] },
  ])('$name', ({ images, at }) => {
    expect(pulledAt(images)).toEqual(at);
  });

  it('does not wait for other nodes', () => {
    const k = kubelets({ nodes: 2 });
    k.pod(0, 'p', { containers: [container('a')] }, {}, 0);
    k.pod(0, 'q', { containers: [container('a')] }, {}, 1);
    k.run();
    expect([k.stamps('p')['pulled'], k.stamps('q')['pulled']]).toEqual([1505, 1505]);
  });

  it('asks the registry no more for an image that has arrived', () => {
    const k = kubelets();
    k.pod(0, 'p', { containers: [container('a')] });
    k.pod(2000, 'q', { containers: [container('a')] });
    k.run();
    expect(k.stamps('q')['pulled']).toBe(2105);
    expect(k.reasons('q')[0]).toBe('2105 Pulled');
  });
});

describe('a node that pulls in parallel', () => {
  const parallel: Options = { kubelet: { serializeImagePulls: false } };
  it.each([
    { name: 'different images at once', images: ['a', 'b'], at: [1505, 1505] },
    {
      name: 'the same image once: the second pod is done when the first is',
      images: ['a', 'a'],
      at: [1505, 1505],
    },
  ])('$name', ({ images, at }) => {
    expect(pulledAt(images, parallel)).toEqual(at);
  });

  it('shares the registry limiter: what is beyond a burst of 2 is refused and comes again after 10 s', () => {
    const options = { kubelet: { ...parallel.kubelet, registryQps: 1, registryBurst: 2 } };
    // Begins at 105, 105; at 10 105 there are two tokens again.
    expect(pulledAt(['a', 'b', 'c', 'd'], options)).toEqual([1505, 1505, 11505, 11505]);
  });
});

it('one at a time, the limiter counts pulls when their turn comes', () => {
  // Turns at 105, 1505, 2905 are more than a second apart: a burst of 1 holds nobody.
  const options = { kubelet: { registryQps: 1, registryBurst: 1 } };
  expect(pulledAt(['a', 'b', 'c'], options)).toEqual([1505, 2905, 4305]);
});

describe('imagePullPolicy', () => {
  it.each([
    { policy: 'IfNotPresent', images: [], at: 1505 },
    { policy: 'IfNotPresent', images: ['a:v1'], at: 105 },
    { policy: 'Always', images: [], at: 1505 },
    // The manifest is asked for, no layer is fetched: 105 + 400.
    { policy: 'Always', images: ['a:v1'], at: 505 },
    { policy: 'Never', images: ['a:v1'], at: 105 },
  ])('$policy with $images on the node: $at ms', ({ policy, images, at }) => {
    expect(pulledAt(['a'], { images }, policy)).toEqual([at]);
  });

  it('Never without the image waits for ever and says why; its deletion needs no grace', () => {
    const k = kubelets();
    k.pod(0, 'p', { containers: [container('a', { imagePullPolicy: 'Never' })] });
    k.at(60_000, () => k.remove('p'));
    k.run();
    expect(k.history.get('p')).toEqual([
      '0 Pending',
      '105 Pending ErrImageNeverPull',
      '60000 Pending deleting ErrImageNeverPull',
      '60000 Failed deleting ErrImageNeverPull',
      '60000 gone',
    ]);
    expect(k.events).toEqual([
      {
        ms: 105,
        pod: 'p',
        reason: 'ErrImageNeverPull',
        message: 'Container image "a:v1" is not present with pull policy of Never',
      },
    ]);
  });
});

it('texts and sizes: a pull tells how long it took, waiting included', () => {
  const k = kubelets({ kubelet: { imageBytes: { 'b:v1': 3_000_000 } } });
  k.pod(0, 'p', { containers: [container('a')] });
  k.pod(0, 'q', { containers: [container('b')] });
  k.run();
  // b waits 1400 ms for a, then takes 400 + 3000.
  expect(k.events.filter((e) => e.pod === 'q').map((e) => e.message)).toEqual([
    'Pulling image "b:v1"',
    'Successfully pulled image "b:v1" in 4800ms (4800ms including waiting). Image size: 3000000 bytes.',
    'Container created',
    'Container started',
  ]);
});

describe('the status of a node', () => {
  it('tells each image within one period of its arrival, also one that was still on its way before', () => {
    const k = kubelets({ kubelet: { nodeStatusUs: 1000 * MS } });
    k.pod(0, 'p', { containers: [container('a')] });
    k.pod(0, 'q', { containers: [container('b')] });
    k.run();
    expect(k.statuses.map((line) => line.replace(/^\S+ /, ''))).toEqual(['n1 a:v1', 'n1 a:v1 b:v1']);
    const [first, second] = k.statuses.map((line) => Number.parseFloat(line));
    // There at 1505 and 2905; both on the node's own phase of the second.
    expect(first).toBeGreaterThanOrEqual(1505);
    expect(first).toBeLessThan(2505);
    expect(second).toBeGreaterThanOrEqual(2905);
    expect(second).toBeLessThan(3905);
    expect((second! - first!) % 1000).toBe(0);
  });

  it('is not written when nothing is new', () => {
    const k = kubelets({ images: ['a:v1'] });
    k.pod(0, 'p', { containers: [container('a', { imagePullPolicy: 'Always' })] });
    k.run();
    expect(k.stamps('p')['pulled']).toBe(505);
    expect(k.statuses).toEqual([]);
  });

  it('holds the 50 largest images', () => {
    const { state, seeder, context } = cluster();
    const node = seeder.node(nodeObject(), { name: 'n', zone: '', hostname: true });
    const ids = Array.from({ length: 60 }, (_, i) => state.images.id(`i${i}:v1`));
    const imageBytes = Object.fromEntries(ids.map((_, i) => [`i${i}:v1`, 1000 + i]));
    const images = new Images(state, { ...kubeletCosts, imageBytes }, new StepTimes(context));
    for (const id of ids) images.ensure(node, id, 'IfNotPresent', 0, 1, 0);
    // Sizes 1010 to 1059.
    expect(images.list(node, 1e12)).toEqual(ids.slice(10));
  });
});
