// Folding versions of objects into rows: what is told, in which order, under which name.
import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { type Change, type PodVersion, TimelineCollector } from '../../../engine/timeline/collector.ts';

const OPTIONS = {
  home: 'demo',
  originUs: 0,
  firstChangeUs: Number.POSITIVE_INFINITY,
  shared: false,
  given: new Set<string>(),
  startMs: 0,
};

const PENDING: PodVersion = {
  phase: 'Pending',
  node: '',
  unschedulable: '',
  ready: '',
  deleting: false,
  restarts: 0,
  owner: '',
  finalizers: '',
  nominated: false,
  disruption: '',
};
const RUNNING: Partial<PodVersion> = { phase: 'Running', node: 'demo-n1', ready: 'True' };

/** A collector past its baseline; writes happen 1 ms after each other. */
class Script {
  readonly collector: TimelineCollector;
  #ms = 0;

  constructor(options: Partial<typeof OPTIONS> = {}) {
    this.collector = new TimelineCollector({ ...OPTIONS, ...options });
    this.collector.baseline = false;
  }

  object(change: Change, object: Partial<KubeObject> & { uid: string; owner?: string }): this {
    this.#ms += 1;
    const { uid, owner, metadata, ...rest } = object;
    const reference = { apiVersion: 'v1', kind: 'X', name: 'x', uid: owner ?? '', controller: true };
    this.collector.object(this.#ms * 1000, this.#ms, change, {
      apiVersion: 'v1',
      kind: 'ReplicaSet',
      ...rest,
      metadata: {
        name: uid,
        namespace: 'demo',
        ...metadata,
        uid,
        ...(owner === undefined ? {} : { ownerReferences: [reference] }),
      },
    });
    return this;
  }

  pod(
    change: Change,
    key: string,
    version: Partial<PodVersion>,
    name = `${version.owner ?? 'p'}-abcde`,
  ): this {
    this.#ms += 1;
    const whole = { ...PENDING, ...version };
    const base = name.endsWith('-abcde') ? name.slice(0, -5) : '';
    this.collector.pod(this.#ms * 1000, this.#ms, change, key, whole, () => ({
      namespace: 'demo',
      name,
      base,
      owner: whole.owner,
      index: '',
      pinned: '',
    }));
    return this;
  }

  rows(): string[] {
    return [...this.collector.finish().transitions].map(
      ({ o, w, v, k, t, ord }) =>
        `${t}${ord ?? ''} ${o} ${w}${v === undefined ? '' : `=${v}`}${k ? ` k${k}` : ''}`,
    );
  }
}

const deployment = (spec: Json, status: Json = {}) => ({ kind: 'Deployment', uid: 'd', spec, status });

describe('rows of objects', () => {
  it('tell what differs from the version before, in order of field within one write', () => {
    const script = new Script()
      .object('added', deployment({ replicas: 3 }, { replicas: 0 }))
      .object('modified', deployment({ replicas: 3 }, { replicas: 3, readyReplicas: 1 }))
      .object('modified', deployment({ replicas: 3 }, { replicas: 3 }))
      .object('deleted', deployment({ replicas: 3 }));
    expect(script.rows()).toEqual([
      '1 Deployment/d created',
      '1= Deployment/d spec.replicas=3',
      '2< Deployment/d status.readyReplicas=1',
      '2= Deployment/d status.replicas=3',
      // A number that is gone is 0 (omitempty).
      '3< Deployment/d status.readyReplicas=0',
      '4< Deployment/d gone',
    ]);
  });

  it('count how often a value was taken, and call a text that is gone unset', () => {
    const paused = (flag: boolean) => deployment(flag ? { paused: true } : {});
    const script = new Script().object('added', paused(true));
    for (const flag of [false, true, false]) script.object('modified', paused(flag));
    expect(script.rows().slice(2)).toEqual([
      '2< Deployment/d spec.paused=unset',
      '3< Deployment/d spec.paused=true k2',
      '4< Deployment/d spec.paused=unset k2',
    ]);
  });

  it('of what happened before time 0 tell only what was created, and count the rest', () => {
    const script = new Script({ originUs: 2500 })
      .object('added', deployment({ replicas: 3 }))
      .object('modified', deployment({ replicas: 4 }))
      .object('modified', deployment({ replicas: 3 }));
    expect(script.rows()).toEqual(['-1.5 Deployment/d created', '0.5< Deployment/d spec.replicas=3 k2']);
  });

  it('leave out what was there before the scenario; a node that was tainted loses its taint for the second time', () => {
    const node = (spec: Json) => ({
      kind: 'Node',
      uid: 'n',
      metadata: { name: 'demo-n1', namespace: '' },
      spec,
    });
    const script = new Script();
    script.collector.baseline = true;
    script.object('added', node({}));
    script.collector.baseline = false;
    script.object('modified', node({ taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] }));
    script.object('modified', node({}));
    expect(script.rows()).toEqual(['2 Node/n1 taints=a=b:NoSchedule', '3< Node/n1 taints=unset k2']);
  });
});

describe('names', () => {
  it('go by owner and order of creation; a second object of a name is told apart', () => {
    const script = new Script()
      .object('added', { kind: 'Deployment', uid: 'd' })
      .object('added', { uid: 'd-1', owner: 'd' })
      .object('added', { uid: 'd-2', owner: 'd' })
      .pod('added', '1', { owner: 'd-2' })
      .object('added', { kind: 'ConfigMap', uid: 'c', metadata: { name: 'cfg' } })
      .object('deleted', { kind: 'ConfigMap', uid: 'c', metadata: { name: 'cfg' } })
      .object('added', { kind: 'ConfigMap', uid: 'c2', metadata: { name: 'cfg' } })
      .object('added', { kind: 'ConfigMap', uid: 'c3', metadata: { name: 'cfg', namespace: 'shop' } });
    const created = script.rows().filter((row) => row.endsWith('created') || row.includes('pods'));
    expect(created.map((row) => row.split(' ')[1])).toEqual([
      'Deployment/d',
      'Deployment/d/rs#1',
      'Deployment/d/rs#2',
      'Deployment/d/rs#2',
      'Deployment/d/rs#2/pod#1',
      'ConfigMap/cfg',
      'ConfigMap/cfg~2',
      'shop:ConfigMap/cfg',
    ]);
  });

  it('stand in the texts of Events, ordinals of pods left out', () => {
    const script = new Script()
      .object('added', { kind: 'Deployment', uid: 'd' })
      .object('added', { uid: 'd-1', owner: 'd' })
      .pod('added', '1', { owner: 'd-1' });
    const event = (kind: string, name: string, message: string, count = 1): void =>
      script.collector.event({
        us: 5000,
        type: 'Normal',
        reason: 'R',
        kind,
        namespace: 'demo',
        name,
        count,
        message,
      });
    event('Deployment', 'd', 'Scaled up replica set d-1 from 0 to 1');
    event('ReplicaSet', 'd-1', 'Created pod: d-1-abcde');
    event('ReplicaSet', 'd-1', 'Created pod: d-1-fghij');
    event('Pod', 'd-1-abcde', 'Successfully assigned demo/d-1-abcde to demo-n1');
    event('Pod', 'd-1-abcde', 'Successfully assigned demo/d-1-abcde to demo-n1', 4);
    event('ReplicaSet', 'd-1', 'Error creating: pods "d-1-xzz22" is forbidden: exceeded quota: q');
    expect(script.collector.finish().events.map((e) => `${e.o} ${e.message} x${e.count}`)).toEqual([
      'Deployment/d Scaled up replica set Deployment/d/rs#1 from 0 to 1 x1',
      'Deployment/d/rs#1 Created pod: Deployment/d/rs#*/pod#* x2',
      // Once, and the same Event again with a count of 4: 1 + 3.
      'Deployment/d/rs#1/pod#* Successfully assigned NS/Deployment/d/rs#*/pod#* to <node> x4',
      'Deployment/d/rs#1 Error creating: pods "Deployment/d/rs#1-<5>" is forbidden: exceeded quota: q x1',
    ]);
  });
});

describe('pods', () => {
  it('count the milestones of their owner, each once a pod', () => {
    const script = new Script().object('added', { uid: 'r' });
    for (const key of ['1', '2']) script.pod('added', key, { owner: 'r' });
    script.pod('modified', '2', { owner: 'r', ...RUNNING });
    script.pod('modified', '2', { owner: 'r', ...RUNNING, ready: 'False' });
    script.pod('modified', '2', { owner: 'r', ...RUNNING });
    script.pod('modified', '1', { owner: 'r', ...RUNNING });
    expect(script.rows().filter((row) => row.includes('pods.ready'))).toEqual([
      '4< ReplicaSet/r pods.ready=1',
      '7< ReplicaSet/r pods.ready=2',
    ]);
  });

  it('are told one by one up to 24; with the 25th only their counts stay', () => {
    for (const [pods, told] of [
      [24, 24],
      [25, 0],
    ] as const) {
      const script = new Script().object('added', { uid: 'r' });
      for (let i = 0; i < pods; i++) script.pod('added', `${i}`, { owner: 'r' });
      const rows = script.rows();
      expect(rows.filter((row) => row.includes('/pod#') && row.endsWith('created'))).toHaveLength(told);
      expect(rows.filter((row) => row.includes('pods.created'))).toHaveLength(pods);
      expect(Object.keys(script.collector.finish().final)).toHaveLength(told + 1);
    }
  });

  it('make the envelope: most at any time, fewest from the first change on', () => {
    // Three ready at 7 ms; from 7.5 ms on one is deleted (8), replaced (9) and gone (10).
    const script = new Script({ firstChangeUs: 7500 }).object('added', { uid: 'r' });
    for (const key of ['1', '2', '3']) {
      script.pod('added', key, { owner: 'r' });
      script.pod('modified', key, { owner: 'r', ...RUNNING });
    }
    script.pod('modified', '1', { owner: 'r', ...RUNNING, deleting: true });
    script.pod('added', '4', { owner: 'r' });
    script.pod('deleted', '1', { owner: 'r', ...RUNNING, deleting: true });
    expect(script.collector.finish().envelope).toEqual({
      'ReplicaSet/r': {
        notDeleting: { max: 3, minAfterFirstChange: 2 },
        readyNotDeleting: { max: 3, minAfterFirstChange: 2 },
        all: { max: 4, minAfterFirstChange: 3 },
      },
    });
  });
});
