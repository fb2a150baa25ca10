// Garbage collection of images: a disk that is too full, which images go first, how young they may be, how old.
import { describe, expect, it } from 'vitest';
import { container, type KubeletOptions, kubelets } from './harness.ts';

const MB = 1_000_000;
const MIN = 60_000;

/** One node with a disk of 1 GB; images are pulled in no time. Each look is 5 min after the one before. */
function node(sizesMb: Record<string, number>, kubelet: KubeletOptions['kubelet'] = {}, disk = '1G') {
  const imageBytes = Object.fromEntries(Object.entries(sizesMb).map(([name, mb]) => [`${name}:v1`, mb * MB]));
  return kubelets({
    kubelet: { imageBytes, pullBytesPerSecond: 1e15, evictionHard: {}, ...kubelet },
    shape: (object) => {
      const { allocatable } = object['status'];
      object['status'].allocatable = {
        ...allocatable,
        ...(disk === '' ? {} : { 'ephemeral-storage': disk }),
      };
    },
  });
}
type Run = ReturnType<typeof node>;

/** A pod that ends after a second; `stays`: it runs on. */
const uses = (k: Run, ms: number, image: string, stays = false): void =>
  k.pod(
    ms,
    `${image}-${ms}`,
    { containers: [container(image)], restartPolicy: 'Never' },
    stays ? {} : { 'run-ms': '1000' },
  );
const images = (k: Run): string => k.statuses.at(-1)!.split(' ').slice(2).sort().join(' ');
const warnings = (k: Run): string[] =>
  k.events.filter((e) => e.pod === 'n1' && e.reason === 'FreeDiskSpaceFailed').map((e) => e.message);

describe('a disk that is too full', () => {
  it.each<{ name: string; sizes: Record<string, number>; pods: [number, string, boolean?][]; left: string }>([
    {
      // 900 MB: 10 % are left; 200 are to be, 100 more than now: the image used longest ago is enough.
      name: 'loses what was used longest ago, down to 80 %',
      sizes: { a: 400, b: 300, c: 200 },
      pods: [
        [0, 'a'],
        [6 * MIN, 'b'],
        [12 * MIN, 'c'],
      ],
      left: 'b:v1 c:v1',
    },
    {
      name: 'and as many as it takes: 50 MB of the first are too few',
      sizes: { a: 50, b: 300, c: 550 },
      pods: [
        [0, 'a'],
        [6 * MIN, 'b'],
        [12 * MIN, 'c'],
      ],
      left: 'c:v1',
    },
    {
      name: 'an image that is used again counts from then on',
      sizes: { a: 400, b: 300, c: 200 },
      pods: [
        [0, 'a'],
        [6 * MIN, 'b'],
        [9 * MIN, 'a', true],
        [12 * MIN, 'c'],
      ],
      left: 'a:v1 c:v1',
    },
    {
      // 840 MB: 16 % are left, 84 % are used.
      name: 'is none at 84 %',
      sizes: { a: 440, b: 400 },
      pods: [
        [0, 'a'],
        [6 * MIN, 'b'],
      ],
      left: 'a:v1 b:v1',
    },
  ])('$name', ({ sizes, pods, left }) => {
    const k = node(sizes);
    for (const [ms, image, stays] of pods) uses(k, ms, image, stays);
    k.run(30 * MIN);
    expect(images(k)).toBe(left);
  });

  it('fails, and says so, where everything is in use', () => {
    const k = node({ a: 900 });
    uses(k, 0, 'a', true);
    k.run(14 * MIN);
    // 200 MB - 100 MB.
    const failed =
      'Failed to garbage collect required amount of images. Attempted to free 100000000 bytes, but only found 0 bytes eligible to free.';
    expect(warnings(k)[0]).toBe(failed);
    expect(images(k)).toBe('a:v1');
  });

  it('counts what pods write: 20 MB + 1 MB/s pass 84 % with an image of 500 MB after 320 s', () => {
    const k = node({ a: 500, w: 20 });
    uses(k, 0, 'a');
    k.pod(0, 'writes', { containers: [container('w')] }, {}, 0, { 'container.kubetick.io/w': 'disk=0+1M/s' });
    k.run(310_000);
    expect(images(k)).toBe('a:v1 w:v1');
    k.run(321_000 + 5 * MIN + 10_000);
    expect(images(k)).toBe('w:v1');
  });

  it('is never one where the node does not tell its size', () => {
    const k = node({ a: 400, b: 600 }, {}, '');
    uses(k, 0, 'a');
    uses(k, 6 * MIN, 'b');
    k.run(30 * MIN);
    expect(images(k)).toBe('a:v1 b:v1');
  });

  it('keeps what is younger than imageMinimumGCAge', () => {
    const at = (imageMinimumGCAgeUs: number): string => {
      const k = node({ a: 900 }, { imageMinimumGCAgeUs });
      uses(k, 0, 'a');
      k.run(11 * MIN);
      return images(k);
    };
    // It is detected at the first look, when it is too young; the second is 5 min later.
    expect(at(4 * MIN * 1000)).toBe('');
    expect(at(6 * MIN * 1000)).toBe('a:v1');
  });

  it('is left alone at a threshold of 100 %', () => {
    const k = node({ a: 990 }, { imageGCHighThresholdPercent: 100 });
    uses(k, 0, 'a');
    k.run(20 * MIN);
    expect(images(k)).toBe('a:v1');
  });
});

it('images unused for imageMaximumGCAge go whatever the disk', () => {
  const k = node({ a: 1, b: 1 }, { imageMaximumGCAgeUs: 20 * MIN * 1000 }, '');
  uses(k, 0, 'a');
  uses(k, 0, 'b', true);
  k.run(20 * MIN);
  expect(images(k)).toBe('a:v1 b:v1');
  k.run(31 * MIN);
  expect(images(k)).toBe('b:v1');
});

it('a pod whose image has gone pulls it again', () => {
  const k = node({ a: 900 });
  uses(k, 0, 'a');
  uses(k, 20 * MIN, 'a', true);
  k.run(30 * MIN);
  expect(k.events.filter((e) => e.reason === 'Pulling')).toHaveLength(2);
});
