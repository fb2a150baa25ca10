// The eviction manager looks only when something can have changed: the same pods must go at the same times, with the same
// words, as when it looks each time that its kubelet would.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { container, kubelets } from '../../unit/node/harness.ts';

interface Load {
  readonly atS: number;
  readonly requestMi: number;
  readonly startMi: number;
  readonly perSecondKi: number;
  readonly maxMi: number;
  readonly what: 'memory' | 'disk' | 'volume' | 'inodes';
  readonly limited: boolean;
  readonly priority: number;
  readonly endsAfterS: number;
  /** Its image of 2 GB is pulled, in 20 s. */
  readonly pulls: boolean;
}

const load: fc.Arbitrary<Load> = fc.record({
  atS: fc.nat(60),
  requestMi: fc.nat(60),
  startMi: fc.nat(300),
  perSecondKi: fc.constantFrom(0, 0, 700, 3000, 20_000),
  maxMi: fc.constantFrom(350, 600, 2000),
  what: fc.constantFrom('memory', 'memory', 'disk', 'volume', 'inodes'),
  limited: fc.boolean(),
  priority: fc.nat(2),
  endsAfterS: fc.constantFrom(0, 0, 45, 130),
  pulls: fc.boolean(),
});

interface Settings {
  readonly hardMi: number;
  readonly softMi: number;
  readonly graceS: number;
  readonly reclaimMi: number;
  readonly transitionS: number;
  /** Ephemeral storage of the node; ''. Where it has room for all that its pods can use, nobody needs to look. */
  readonly disk: '' | '1Gi' | '6Gi' | '16Gi' | '30Gi';
}

function annotations(l: Load): Record<string, string> {
  const ends = l.endsAfterS > 0 ? `exit-after=${l.endsAfterS}s ` : '';
  const ramp = `${l.startMi}Mi+${l.perSecondKi}Ki/s..${l.maxMi}Mi`;
  if (l.what === 'volume')
    return { 'container.kubetick.io/a': `${ends}stop=1s`, 'volume.kubetick.io/v': ramp };
  const inodes = `${l.startMi * 100}+${l.perSecondKi}/s${l.maxMi < 2000 ? `..${l.maxMi * 300}` : ''}`;
  const use = l.what === 'inodes' ? `inodes=${inodes}` : `${l.what}=${ramp}`;
  return { 'container.kubetick.io/a': `${ends}${use}` };
}

/** Everything that the eviction manager did. `always`: it is made to look at every time at which it could. */
function play(loads: readonly Load[], s: Settings, always: boolean): string[] {
  const k = kubelets({
    images: ['a:v1'],
    kubelet: {
      evictionHard: {
        'memory.available': `${s.hardMi}Mi`,
        'nodefs.available': '10%',
        'nodefs.inodesFree': '5%',
      },
      evictionSoft: { 'memory.available': `${s.softMi}Mi` },
      evictionSoftGracePeriod: { 'memory.available': `${s.graceS}s` },
      evictionMinimumReclaim: { 'memory.available': `${s.reclaimMi}Mi` },
      evictionPressureTransitionPeriodUs: s.transitionS * 1_000_000,
      imageBytes: { 'big:v1': 2e9 },
      pullBytesPerSecond: 100e6,
    },
    shape: (object) => {
      const { allocatable } = object['status'];
      const disk = s.disk === '' ? {} : { 'ephemeral-storage': s.disk };
      object['status'].allocatable = { ...allocatable, memory: '1Gi', ...disk };
    },
  });
  for (const [i, l] of loads.entries()) {
    const resources = {
      requests: { memory: `${l.requestMi}Mi` },
      ...(l.limited ? { limits: { 'ephemeral-storage': '400Mi' } } : {}),
    };
    const image = l.pulls ? { image: 'big:v1' } : {};
    const volumes = [{ name: 'v', emptyDir: l.limited ? { sizeLimit: '300Mi' } : {} }];
    const spec = { containers: [container('a', { resources, ...image })], volumes, priority: l.priority };
    k.pod(l.atS * 1000, `p${i}`, spec, {}, 0, annotations(l));
  }
  // A step that says nothing about memory: whoever listens looks again.
  if (always)
    for (let ms = 500; ms < 600_000; ms += 1000)
      k.at(ms, () => k.state.usage.set(k.kernel.now, 'cpu', 'none', {}, 0));
  else k.at(599_500, () => {});
  k.run(600_000);
  return [
    ...k.events
      .filter((e) => ['Evicted', 'EvictionThresholdMet'].includes(e.reason) || e.reason.startsWith('NodeHas'))
      .map((e) => `${e.ms} ${e.pod} ${e.reason} ${e.message}`),
    ...[...k.history].map(([pod, lines]) => `${pod}: ${lines.at(-1)}`),
  ];
}

it('skipped looks would have found nothing', () => {
  const settings = fc.record({
    hardMi: fc.integer({ min: 50, max: 200 }),
    softMi: fc.integer({ min: 200, max: 500 }),
    graceS: fc.constantFrom(5, 30, 95),
    reclaimMi: fc.constantFrom(0, 100),
    transitionS: fc.constantFrom(20, 300),
    disk: fc.constantFrom('' as const, '1Gi' as const, '6Gi' as const, '16Gi' as const, '30Gi' as const),
  });
  fc.assert(
    fc.property(fc.array(load, { minLength: 1, maxLength: 5 }), settings, (loads, s) => {
      expect(play(loads, s, false)).toEqual(play(loads, s, true));
    }),
    { numRuns: 150 },
  );
});
