// Eviction by pressure: thresholds, who goes first, what is told, conditions that stay, admission under pressure, and
// limits of a pod's own on disk.
import { describe, expect, it } from 'vitest';
import { evictionThresholds } from '../../../engine/kinds/eviction-thresholds.ts';
import { FieldErrors } from '../../../engine/kinds/field-errors.ts';
import { kinds } from '../../../engine/kinds/node.ts';
import { container, type KubeletOptions, kubelets } from './harness.ts';

const GI = 2 ** 30;
const MI = 2 ** 20;

/** One node of 1 GiB and, unless `disk` says otherwise, of no known disk; it looks at 10, 20, … s after its first phase. */
function node(
  options: KubeletOptions & { disk?: string; capacity?: string; system?: Record<string, string> } = {},
) {
  const { disk, capacity, system, ...others } = options;
  return kubelets({
    images: ['a:v1', 'b:v1'],
    ...others,
    shape: (object) => {
      const allocatable = { ...object['status'].allocatable, memory: '1Gi' };
      if (disk !== undefined) allocatable['ephemeral-storage'] = disk;
      object['status'] = {
        ...object['status'],
        allocatable,
        capacity: { ...allocatable, memory: capacity ?? '1Gi' },
      };
      if (system !== undefined) object.metadata.annotations = system;
    },
  });
}
const asks = (memory: string | null, name = 'a', more: object = {}) => ({
  containers: [container(name, memory === null ? {} : { resources: { requests: { memory } } })],
  ...more,
});
const uses = (text: string, name = 'a') => ({ [`container.kubetick.io/${name}`]: text });
type Run = ReturnType<typeof kubelets>;
const evictions = (k: Run) => k.events.filter((e) => e.reason === 'Evicted');
const phaseOf = (k: Run, pod: string) => k.history.get(pod)!.at(-1)!.replace(/^\S+ /, '');

describe('memory.available < 100Mi', () => {
  it('ends the pod that uses more than it asked for, with upstream’s text', () => {
    const k = node();
    // 1 GiB - 100 MiB are passed by 600 + 5 t > 924, so from 64.8 s after the start on.
    k.pod(0, 'grows', asks('500Mi'), {}, 0, uses('memory=600Mi+5Mi/s'));
    k.run();
    const [told] = evictions(k);
    const s = told!.ms / 1000;
    expect(s).toBeGreaterThan(64.8);
    expect(s).toBeLessThanOrEqual(64.8 + 0.2 + 10);
    // What it used when it was looked at, in pages: 5 MiB/s since its containers ran (165 ms).
    const used = Math.floor((600 * MI + 5 * MI * (s - 0.165)) / 4096) * 4096;
    expect(told).toMatchObject({
      pod: 'grows',
      message: `The node was low on resource: memory. Threshold quantity: 100Mi, available: ${bytes(GI - used)}. Container a was using ${bytes(used)}, request is 500Mi, has larger consumption of memory. `,
    });
    expect(phaseOf(k, 'grows')).toBe('Failed Evicted');
    expect(k.state.pods.messages.get(k.row('grows'))).toBe(told!.message);
    expect(k.events.find((e) => e.reason === 'EvictionThresholdMet')).toMatchObject({
      pod: 'n1',
      message: 'Attempting to reclaim memory',
    });
  });

  it.each<{ name: string; first: object; second: object; goes: string }>([
    {
      name: 'more than asked for before less, whatever the priority',
      first: { spec: asks('200Mi', 'a', { priority: 10 }), memory: '300Mi' },
      second: { spec: asks('800Mi', 'b', { priority: 1 }), memory: '700Mi' },
      goes: 'first',
    },
    {
      name: 'lower priority first where both exceed',
      first: { spec: asks('100Mi', 'a', { priority: 10 }), memory: '700Mi' },
      second: { spec: asks('250Mi', 'b', { priority: 1 }), memory: '300Mi' },
      goes: 'second',
    },
    {
      name: 'most above its request among equals',
      first: { spec: asks('100Mi'), memory: '450Mi' },
      second: { spec: asks('300Mi', 'b'), memory: '550Mi' },
      goes: 'first',
    },
    {
      name: 'never a critical pod',
      first: { spec: asks(null, 'a', { priority: 2_000_000_000 }), memory: '700Mi' },
      second: { spec: asks('400Mi', 'b', { priority: 1_999_999_999 }), memory: '300Mi' },
      goes: 'second',
    },
  ])('$name', ({ first, second, goes }) => {
    const k = node();
    for (const [name, pod] of Object.entries({ first, second })) {
      const { spec, memory } = pod as { spec: { containers: { name: string }[] }; memory: string };
      k.pod(0, name, spec, {}, 0, uses(`memory=${memory}`, spec.containers[0]!.name));
    }
    k.run(60_000);
    expect(evictions(k).map((e) => e.pod)).toEqual([goes]);
  });

  it('ends one pod a look and looks again when it is cleaned up: 1 s later, not 10', () => {
    const k = node();
    for (const name of ['p', 'q', 'r']) k.pod(0, name, asks(null), {}, 0, uses('memory=500Mi'));
    k.run(60_000);
    // 1500 → 1000 → 500 MiB of 924.
    const times = evictions(k).map((e) => e.ms);
    expect(times).toHaveLength(2);
    // SIGTERM takes 300 ms; the first poll after that, 1 s later, finds it gone.
    expect(times[1]! - times[0]!).toBe(1300);
  });

  it('takes what the pods’ cgroup has left, and what the system uses', () => {
    // Capacity 2 GiB, allocatable 1 GiB: the pods may use 1 GiB + 100 MiB less 100 MiB.
    const used = (memory: string, system?: Record<string, string>) => {
      const k = node({ capacity: '2Gi', ...(system === undefined ? {} : { system }) });
      k.pod(0, 'p', asks(null), {}, 0, uses(`memory=${memory}`));
      k.run(60_000);
      return evictions(k).length;
    };
    expect(used('1024Mi')).toBe(0);
    expect(used('1025Mi')).toBe(1);
    // 2048 - 100 - 1400 = 548 MiB are left beside a system that uses 1400 MiB.
    expect(used('548Mi', { 'kubetick.io/memory': '1400Mi' })).toBe(0);
    expect(used('549Mi', { 'kubetick.io/memory': '1400Mi' })).toBe(1);
  });

  it('follows steps that set what pods use', () => {
    const k = node();
    k.pod(0, 'p', asks(null));
    k.at(30_000, () => k.state.usage.set(k.kernel.now, 'memory', 'default', {}, 1000 * MI * 1000));
    k.run(25_000);
    expect(evictions(k)).toHaveLength(0);
    k.run(41_000);
    expect(evictions(k)).toHaveLength(1);
  });

  it('does nothing where kubelets only wait', () => {
    const k = node({ kubelet: { exactDelays: { startUs: 0, readyUs: 0, stopUs: 0 } } });
    k.pod(0, 'p', asks(null), {}, 0, uses('memory=2Gi'));
    k.run(60_000);
    expect(evictions(k)).toHaveLength(0);
  });
});

describe('a soft threshold', () => {
  const kubelet = {
    evictionSoft: { 'memory.available': '300Mi' },
    evictionSoftGracePeriod: { 'memory.available': '1m' },
    evictionMaxPodGracePeriod: 5,
  };
  it('waits for its grace, and ends the pod with at most evictionMaxPodGracePeriod', () => {
    const k = node({ kubelet: { ...kubelet, stopUs: 20_000_000 } });
    k.pod(0, 'p', asks(null), {}, 0, uses('memory=800Mi'));
    k.run();
    const [told] = evictions(k);
    // Seen at the first look after 0.165 s, ended at the look 60 s later; 5 s later it is killed.
    expect(told!.ms % 10_000).toBeGreaterThanOrEqual(0);
    expect(told!.ms).toBeGreaterThan(60_165);
    expect(told!.ms).toBeLessThanOrEqual(70_165);
    expect(k.history.get('p')!.at(-1)).toBe(`${told!.ms + 5000} Failed Evicted`);
  });

  it('begins anew when it was not met in between', () => {
    const k = node({ kubelet });
    k.pod(0, 'p', asks(null), {}, 0, uses('memory=800Mi'));
    const set = (mi: number) => k.state.usage.set(k.kernel.now, 'memory', 'default', {}, mi * MI * 1000);
    k.pod(0, 'q', asks(null, 'b'));
    k.at(1000, () => set(0));
    // p uses what its container says, 800 of 724 MiB, until it goes; q nothing until 45 s, then 800.
    k.at(30_000, () => k.remove('p'));
    k.at(45_000, () => set(800));
    k.run();
    // Met again at the first look after 45 s.
    const [told] = evictions(k);
    expect(told!.pod).toBe('q');
    expect(told!.ms).toBeGreaterThan(105_000);
    expect(told!.ms).toBeLessThanOrEqual(115_000);
  });

  it('asks for as much more as evictionMinimumReclaim says', () => {
    const run = (minimum: string) => {
      const k = node({ kubelet: { evictionMinimumReclaim: { 'memory.available': minimum } } });
      for (const name of ['p', 'q', 'r']) k.pod(0, name, asks(null), {}, 0, uses('memory=320Mi'));
      k.run(60_000);
      return evictions(k).length;
    };
    // 1024 - 960 = 64 < 100; one less: 384, two less: 704.
    expect(run('0')).toBe(1);
    expect(run('283Mi')).toBe(1);
    expect(run('285Mi')).toBe(2);
  });
});

describe('the node’s condition', () => {
  const start = (options: KubeletOptions = {}) => {
    const k = node({ ...options, images: ['a:v1', 'b:v1'] });
    k.pod(0, 'p', asks(null), {}, 0, uses('memory=1000Mi'));
    return k;
  };
  const pressure = (k: Run) =>
    k.state.nodes.conditions[0]?.find(({ type }) => type === 'MemoryPressure')?.status ?? 'False';

  it('is posted with the next status and stays for evictionPressureTransitionPeriod', () => {
    const k = start();
    const seen: string[] = [];
    for (let s = 1; s < 400; s++) k.at(s * 1000, () => void seen.push(pressure(k)));
    k.run(400_000);
    const first = seen.indexOf('True');
    const last = seen.lastIndexOf('True');
    expect(first).toBeLessThanOrEqual(20);
    // 5 min after the look that saw it last, at a look, with the status after it.
    expect(last - first).toBeGreaterThan(289);
    expect(last - first).toBeLessThanOrEqual(321);
    const told = k.events.filter((e) => e.pod === 'n1').map((e) => e.reason);
    expect(told).toEqual(['EvictionThresholdMet', 'NodeHasInsufficientMemory', 'NodeHasSufficientMemory']);
  });

  it.each([
    { name: 'a pod without requests is refused', spec: asks(null, 'b'), phase: 'Failed Evicted' },
    { name: 'one with requests is taken', spec: asks('10Mi', 'b'), phase: 'Running Ready' },
    { name: 'so is a critical one', spec: asks(null, 'b', { priority: 2e9 }), phase: 'Running Ready' },
    {
      name: 'and one that tolerates the taint',
      spec: asks(null, 'b', {
        tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }],
      }),
      phase: 'Running Ready',
    },
  ])('under MemoryPressure $name', ({ spec, phase }) => {
    const k = start();
    k.pod(60_000, 'later', spec);
    k.run(61_000);
    expect(phaseOf(k, 'later')).toBe(phase);
    if (phase.startsWith('Failed'))
      expect(k.state.pods.messages.get(k.row('later'))).toBe(
        'Pod was rejected: The node had condition: [MemoryPressure]. ',
      );
  });
});

describe('disk', () => {
  it('is freed of unused images first', () => {
    // 100 MB; 15 % have to be free. Two images of 1 MB and 60 MB in use; another of 30 MB is not used any more.
    const k = node({
      disk: '100M',
      kubelet: {
        imageBytesDefault: 60_000_000,
        imageBytes: { 'old:v1': 30_000_000 },
        pullBytesPerSecond: 1e12,
      },
    });
    k.pod(0, 'past', { ...asks(null, 'old'), restartPolicy: 'Never' }, { 'run-ms': '1000' });
    // The kubelet has noticed it within 5 min, and it has to be 2 min old.
    k.pod(500_000, 'p', asks(null, 'big'), {}, 0, uses('disk=1M', 'big'));
    k.run(560_000);
    expect(k.events.some((e) => e.reason === 'EvictionThresholdMet')).toBe(true);
    expect(evictions(k)).toHaveLength(0);
    expect(k.statuses.at(-1)).not.toContain('old:v1');
    expect(phaseOf(k, 'p')).toBe('Running Ready');
  });

  it('then of the pod that wrote more than it asked for', () => {
    const k = node({ disk: '1G' });
    k.pod(0, 'writes', asks(null), {}, 0, uses('disk=100M+20M/s'));
    k.pod(0, 'quiet', asks(null, 'b'), {}, 0, uses('disk=1M', 'b'));
    k.run(100_000);
    // imagefs.available < 15 %: 850 MB; 2 MB of images, 1 MB of the other's: (850 - 103) / 20 = 37.35 s.
    const [told] = evictions(k);
    expect(told!.pod).toBe('writes');
    expect(told!.ms).toBeGreaterThan(37_350);
    expect(told!.ms).toBeLessThanOrEqual(47_600);
    expect(told!.message).toMatch(
      /^The node was low on resource: ephemeral-storage\. Threshold quantity: 1\d+, available: \d+\w*\. Container a was using \w+, request is 0, has larger consumption of ephemeral-storage\. $/,
    );
  });

  it('refuses every pod under DiskPressure that is not critical', () => {
    const k = node({ disk: '1G' });
    k.pod(0, 'writes', asks(null), {}, 0, uses('disk=900M'));
    k.pod(60_000, 'later', asks('10Mi', 'b'));
    k.run(61_000);
    expect(phaseOf(k, 'later')).toBe('Failed Evicted');
  });

  it('has one inode for 16 KiB: 5 % of 61035 are 3051', () => {
    const run = (inodes: number) => {
      const k = node({ disk: '1G' });
      k.pod(0, 'p', asks(null), {}, 0, uses(`inodes=${inodes}`));
      k.run(30_000);
      return evictions(k).map((e) => e.message);
    };
    // 61035 - 57984 = 3051 is not below.
    expect(run(57_984)).toEqual([]);
    expect(run(57_985)).toEqual([
      'The node was low on resource: inodes. Threshold quantity: 3051, available: 3050. ',
    ]);
  });
});

describe('processes', () => {
  it('count against threads-max: 1 GiB / 128 KiB = 8192', () => {
    const run = (pids: number) => {
      const k = node({ kubelet: { evictionHard: { 'pid.available': '1000' } } });
      k.pod(0, 'few', asks(null, 'b', { priority: 5 }), {}, 0, uses('pids=100', 'b'));
      k.pod(0, 'many', asks(null), {}, 0, uses(`pids=${pids}`));
      k.run(60_000);
      return evictions(k).map((e) => `${e.pod}: ${e.message}`);
    };
    expect(run(7092)).toEqual([]);
    expect(run(7093)).toEqual([
      'many: The node was low on resource: pids. Threshold quantity: 1k, available: 999. ',
    ]);
  });
});

describe('a pod’s own limits on disk', () => {
  const limited = (limit: string) => ({
    containers: [container('a', { resources: { limits: { 'ephemeral-storage': limit } } })],
  });
  const volume = {
    volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Gi' } }],
    containers: [container('a')],
  };
  it.each<{
    name: string;
    spec: object;
    annotations: Record<string, string>;
    afterS: number;
    message: string;
  }>([
    {
      name: 'an emptyDir beyond its sizeLimit',
      spec: volume,
      annotations: { 'volume.kubetick.io/cache': '0+64Mi/s' },
      afterS: 16,
      message: 'Usage of EmptyDir volume "cache" exceeds the limit "1Gi". ',
    },
    {
      name: 'a container beyond its limit is first a pod beyond it',
      spec: limited('256Mi'),
      annotations: uses('disk=0+32Mi/s'),
      afterS: 8,
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 256Mi. ',
    },
    {
      name: 'one of two containers',
      spec: {
        containers: [
          container('a', { resources: { limits: { 'ephemeral-storage': '100Mi' } } }),
          container('b', { resources: { limits: { 'ephemeral-storage': '1Gi' } } }),
        ],
      },
      annotations: uses('disk=0+50Mi/s'),
      afterS: 2,
      message: 'Container a exceeded its local ephemeral storage limit "100Mi". ',
    },
    {
      name: 'logs count: 1000 lines of 10 KiB a second, until 50 MiB are rotated away',
      spec: limited('40Mi'),
      annotations: uses('log=1000 log-line=10Ki'),
      afterS: 4.1,
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 40Mi. ',
    },
  ])('$name', ({ spec, annotations, afterS, message }) => {
    const k = node();
    k.pod(0, 'p', spec, {}, 0, annotations);
    k.run(60_000);
    const [told] = evictions(k);
    expect(told!.message).toBe(message);
    expect(told!.ms / 1000).toBeGreaterThan(afterS);
    expect(told!.ms / 1000).toBeLessThanOrEqual(afterS + 10.5);
    // The node is not under pressure, and the pod has no condition DisruptionTarget.
    expect(k.state.nodes.conditions[0] ?? null).toBeNull();
  });
});

describe('settings', () => {
  it.each([
    ['90s', 90],
    ['1m30s', 90],
    ['1h', 3600],
    ['500ms', 0.5],
  ])('a grace of %s is %d s', (text, seconds) => {
    const [threshold] = evictionThresholds({
      evictionSoft: { 'pid.available': '10%' },
      evictionSoftGracePeriod: { 'pid.available': text },
    });
    expect(threshold!.graceUs).toBe(seconds * 1e6);
  });

  it.each([
    ['500Mi', []],
    ['many', ['metadata.annotations[kubetick.io/memory]']],
    ['-1', ['metadata.annotations[kubetick.io/memory]']],
  ])('a node whose system uses %s of memory', (memory, fields) => {
    const errors = new FieldErrors();
    const annotations = { 'kubetick.io/memory': memory };
    const object = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n', annotations },
      spec: {},
      status: {},
    };
    kinds[0]!.validate(object, errors);
    expect(errors.list.map(({ field }) => field)).toEqual(fields);
  });
});

/** As quantities of bytes print: in the largest binary unit that divides them. */
function bytes(count: number): string {
  const units = ['', 'Ki', 'Mi', 'Gi'];
  let [amount, unit] = [count, 0];
  while (amount >= 1024 && amount % 1024 === 0) {
    amount /= 1024;
    unit += 1;
  }
  return `${amount}${units[unit]}`;
}
