// LimitRanger's live list: the first pod or claim in a namespace without LimitRanges waits for a LIST of them, which is
// remembered for 30 s. Times by hand: no network, 2 ms a creation, 5 ms a LIST, nothing for etcd.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { costPresets } from '../../../policies/costs/index.ts';
import { cluster, podObject } from './cluster.ts';

const MS = 1000;
const zero = costPresets['zero']!;
const costs = {
  ...zero,
  apiserver: { ...zero.apiserver, concurrency: 4, handlerUs: { '*': 2 * MS, 'list limitranges': 5 * MS } },
};

const named = (kind: string, name: string, namespace: string): KubeObject =>
  ({ apiVersion: 'v1', kind, metadata: { name, namespace }, spec: {} }) as KubeObject;
const pod = (name: string, namespace: string): KubeObject => podObject(name, {}, { namespace });

/** [sent at, answered at] of each creation, ms. */
function play(sent: readonly (readonly [number, KubeObject])[], existing: readonly KubeObject[] = []) {
  const { kernel, server, state } = cluster(costs);
  state.objects.register('LimitRange', 'v1', 'limitranges', true);
  state.objects.register('ConfigMap', 'v1', 'configmaps', true);
  state.objects.register('PersistentVolumeClaim', 'v1', 'persistentvolumeclaims', true);
  for (const name of ['a', 'b'])
    server.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, status: { phase: 'Active' } });
  for (const object of existing) server.seed(object);
  const client = server.client('test', { qps: 0, burst: 0 });
  const times: [number, number, number][] = [];
  const send = kernel.on('test/send', (i) => {
    const [, object] = sent[i]!;
    client.create(object, (reply) => {
      times[i] = [sent[i]![0], kernel.now / MS, reply.code];
    });
  });
  for (const [i, [ms]] of sent.entries()) kernel.at(ms * MS, send, i, 0);
  kernel.run();
  return times;
}

describe('the first pod of a namespace', () => {
  it.each<[string, [number, KubeObject][], [number, number, number][]]>([
    ['waits for the list: 2 + 5 ms', [[0, pod('x', 'a')]], [[0, 7, 201]]],
    [
      'and those that come meanwhile wait for the same one: until 5 ms, then 2 ms of their own',
      [
        [0, pod('x', 'a')],
        [3, pod('y', 'a')],
      ],
      [
        [0, 7, 201],
        [3, 7, 201],
      ],
    ],
    [
      'later ones do not wait until 30 s after the answer',
      [
        [0, pod('x', 'a')],
        [20_000, pod('y', 'a')],
        [30_004, pod('z', 'a')],
        [30_005, pod('w', 'a')],
      ],
      [
        [0, 7, 201],
        [20_000, 20_002, 201],
        [30_004, 30_006, 201],
        [30_005, 30_012, 201],
      ],
    ],
    [
      'each namespace is listed for itself, and claims are limited, too',
      [
        [0, pod('x', 'a')],
        [10, named('PersistentVolumeClaim', 'c', 'b')],
        [20, pod('y', 'b')],
      ],
      [
        [0, 7, 201],
        [10, 17, 201],
        [20, 22, 201],
      ],
    ],
    [
      'a LimitRange that comes later ends it: nobody lists when 30 s are over',
      [
        [0, pod('x', 'a')],
        [100, named('LimitRange', 'limits', 'a')],
        [31_000, pod('y', 'a')],
      ],
      [
        [0, 7, 201],
        [100, 102, 201],
        [31_000, 31_002, 201],
      ],
    ],
    ['what is refused for its namespace does not wait', [[0, pod('x', 'nowhere')]], [[0, 2, 404]]],
    ['what LimitRanges do not limit does not wait', [[0, named('ConfigMap', 'c', 'a')]], [[0, 2, 201]]],
  ])('%s', (_, sent, times) => {
    expect(play(sent)).toEqual(times);
  });

  it('does not wait where the namespace has a LimitRange: the informer holds it', () => {
    const range = named('LimitRange', 'limits', 'a');
    expect(
      play(
        [
          [0, pod('x', 'a')],
          [10, pod('y', 'b')],
        ],
        [range],
      ),
    ).toEqual([
      [0, 2, 201],
      [10, 17, 201],
    ]);
  });
});
