// kubectl: steps in order, one request after the answer to the one before; what is refused or not there is told and
// passed over. A request takes 2 × 5 ms of network and 10 ms of work; watches 0.
import { describe, expect, it } from 'vitest';
import type { Sink } from '../../../engine/contracts/result.ts';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import { StepDriver } from '../../../engine/drivers/steps.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { Verb } from '../../../engine/state/index.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { cluster, podObject } from '../apiserver/cluster.ts';

const MS = 1000;
const costs = { ...zero, apiserver: { ...zero.apiserver, networkUs: 5 * MS, handlerUs: { '*': 10 * MS } } };

const replicaSet = (name: string, replicas = 1): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, namespace: 'default' },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: {} },
});
const sourced = (object: KubeObject) => ({ source: 'test.yaml', object });
const create = (ms: number, ...objects: KubeObject[]): TimedStep => ({
  atUs: ms * MS,
  do: 'create',
  objects: objects.map(sourced),
});
const target = (kind: string, name: string, replicas?: number) => ({
  kind,
  namespace: 'default',
  name,
  ...(replicas === undefined ? {} : { replicas }),
});

function play(steps: readonly TimedStep[], limits = zero.clients.kubectl) {
  const losses: string[] = [];
  const sink: Sink = {
    open: () => ({
      table: ({ name }) =>
        name === 'loss'
          ? { row: ([source, kind, , count, note]) => void losses.push(`${source} ${kind} ${count} ${note}`) }
          : null,
      close: () => {},
    }),
  };
  const c = cluster({ ...costs, clients: { ...costs.clients, kubectl: limits } }, { sinks: [sink] });
  const lines: string[] = [];
  c.server.watch('ReplicaSet', (log, from, to) => {
    for (let p = from; p < to; p++) {
      const object = log.object(p) as KubeObject;
      const what = ['added', 'modified', 'deleted'][log.verb(p)]!;
      const more = log.verb(p) === Verb.modified ? ` replicas=${object['spec'].replicas}` : '';
      lines.push(`${c.kernel.now / MS} ${what} ${object.metadata.name}${more}`);
    }
  });
  c.server.watch('pods', (log, from, to) => {
    for (let p = from; p < to; p++) {
      lines.push(
        `${c.kernel.now / MS} ${['added', 'modified', 'deleted'][log.verb(p)]} ${c.state.podName(log.id(p))}`,
      );
    }
  });
  new StepDriver(c.context, steps).start();
  c.kernel.run();
  c.recorder.finish({
    livePods: c.state.pods.livePods(),
    virtualUs: c.kernel.now,
    eventsRun: 0,
    endReason: 'idle',
    ingredients: {},
    fingerprint: '',
    unschedulable: 0,
    expect: [],
  });
  return { lines, losses };
}

describe('steps', () => {
  it('of one time go one after another: each request takes 5 + 10 + 5 ms', () => {
    const { lines } = play([create(0, replicaSet('a'), replicaSet('b')), create(0, replicaSet('c'))]);
    // Committed at 15, 20 + 15, 40 + 15.
    expect(lines).toEqual(['15 added a', '35 added b', '55 added c']);
  });

  it('that fall due while others are on their way wait for them', () => {
    const { lines } = play([
      create(0, replicaSet('a'), replicaSet('b')),
      create(25, replicaSet('c')),
      create(500, replicaSet('d')),
    ]);
    expect(lines).toEqual(['15 added a', '35 added b', '55 added c', '515 added d']);
  });

  it('are done in order of time, not as listed', () => {
    const { lines } = play([create(300, replicaSet('late')), create(100, replicaSet('early'))]);
    expect(lines).toEqual(['115 added early', '315 added late']);
  });

  it('scale and delete', () => {
    const { lines, losses } = play([
      create(0, replicaSet('a')),
      { atUs: 100 * MS, do: 'scale', objects: [], target: target('ReplicaSet', 'a', 7) },
      { atUs: 200 * MS, do: 'delete', objects: [], target: target('ReplicaSet', 'a') },
    ]);
    expect(lines).toEqual(['15 added a', '115 modified a replicas=7', '215 deleted a']);
    expect(losses).toEqual([]);
  });

  it('reach objects that nothing acts on: their second deletion finds none', () => {
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' } };
    const remove = (ms: number): TimedStep => ({
      atUs: ms * MS,
      do: 'delete',
      objects: [],
      target: target('ConfigMap', 'c'),
    });
    expect(play([create(0, settings), remove(100)]).losses).toEqual([]);
    expect(play([create(0, settings), remove(100), remove(200)]).losses).toHaveLength(1);
  });

  it('delete the objects of a file, and pods by name', () => {
    const { lines } = play([
      create(0, replicaSet('a'), podObject('p'), podObject('q-abcde')),
      { atUs: 100 * MS, do: 'delete', objects: [sourced(replicaSet('a')), sourced(podObject('p'))] },
      { atUs: 200 * MS, do: 'delete', objects: [], target: target('Pod', 'q-abcde') },
    ]);
    // An unbound pod is written with a grace period of 0, then removed. Of the server's 10 ms for a DELETE half lie
    // between the two writes.
    expect(lines.slice(3)).toEqual([
      '115 deleted a',
      '130 modified p',
      '135 deleted p',
      '210 modified q-abcde',
      '215 deleted q-abcde',
    ]);
  });

  it('keep to the limits of kubectl: 1 request a second, burst 1', () => {
    const { lines } = play([create(0, replicaSet('a'), replicaSet('b'), replicaSet('c'))], {
      qps: 1,
      burst: 1,
    });
    expect(lines).toEqual(['15 added a', '1015 added b', '2015 added c']);
  });
});

describe('what does not work', () => {
  it('is told with the server’s answer, and the next step goes on', () => {
    const elsewhere = podObject('b', {}, { namespace: 'nowhere' });
    const { lines, losses } = play([create(0, replicaSet('a'), replicaSet('a'), elsewhere, replicaSet('c'))]);
    expect(lines).toEqual(['15 added a', '75 added c']);
    expect(losses).toEqual([
      'kubectl Pod 1 404 namespaces "nowhere" not found',
      'kubectl ReplicaSet 1 409 replicasets.apps "a" already exists',
    ]);
  });

  it('an object that is not there costs no request', () => {
    const { lines, losses } = play([
      { atUs: 0, do: 'scale', objects: [], target: target('ReplicaSet', 'x', 3) },
      { atUs: 0, do: 'delete', objects: [], target: target('Pod', 'p') },
      { atUs: 0, do: 'delete', objects: [], target: target('Unknown', 'u') },
      create(0, replicaSet('a')),
    ]);
    expect(lines).toEqual(['15 added a']);
    expect(losses.map((line) => line.replace(/^kubectl \S+ 1 /, ''))).toEqual([
      '404 pods "p" not found',
      '404 ReplicaSet "x" not found',
      '404 Unknown "u" not found',
    ]);
  });

  // kubectl pkg/polymorphichelpers/objectpauser.go, objectresumer.go and objectrestarter.go.
  it.each<[string, boolean | undefined, boolean, string[]]>([
    ['a pause of what is paused', true, true, []],
    ['a pause of what is not', undefined, true, ['115 modified a replicas=4']],
    ['a resumption of what is not paused', undefined, false, []],
    ['a resumption of what is paused', true, false, ['115 modified a replicas=4']],
  ])('%s sends nothing where kubectl sees that it is so already', (_what, paused, unless, expected) => {
    const object = replicaSet('a');
    if (paused !== undefined) object['spec'].paused = paused;
    const patch = { type: 'merge', body: { spec: { replicas: 4 } } } as const;
    const step: TimedStep = {
      atUs: 100 * MS,
      do: 'patch',
      objects: [],
      target: target('ReplicaSet', 'a'),
      patch,
      unless: { paused: unless, says: 'is so already' },
    };
    expect(play([create(0, object), step]).lines.slice(1)).toEqual(expected);
  });

  it('many such steps are passed over without deep recursion', () => {
    const missing = Array.from({ length: 50_000 }, (): TimedStep => {
      return { atUs: 0, do: 'delete', objects: [], target: target('Pod', 'p') };
    });
    const { lines } = play(
      [{ ...create(0), objects: [] }, ...missing].slice(1).concat(create(0, replicaSet('a'))),
    );
    expect(lines).toEqual(['15 added a']);
  });
});
