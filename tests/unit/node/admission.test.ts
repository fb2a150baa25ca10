// Pods that are bound to a node which cannot take them: the kubelet refuses them, with upstream's reasons and texts.
import { describe, expect, it } from 'vitest';
import { container, kubelets } from './harness.ts';

const asks = (requests: object, more: object = {}) => ({
  containers: [container('a', { resources: { requests }, ...more })],
});
const affinity = (values: string[]) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }],
    },
  },
});
const port = { ports: [{ containerPort: 80, hostPort: 8080 }] };

describe('a pod bound to a node of 64 CPUs', () => {
  it.each<{ name: string; first: object; second: object; reason: string; message: string }>([
    {
      name: 'too much CPU',
      first: asks({ cpu: '60' }),
      second: asks({ cpu: '5' }),
      reason: 'OutOfcpu',
      message: "Node didn't have enough resource: cpu, requested: 5000, used: 60000, capacity: 64000",
    },
    {
      name: 'a node that it does not select',
      first: asks({}),
      second: { ...asks({}), nodeSelector: { disk: 'ssd' } },
      reason: 'NodeAffinity',
      message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    },
    {
      name: 'a node that its affinity does not take',
      first: asks({}),
      second: { ...asks({}), affinity: affinity(['n2']) },
      reason: 'NodeAffinity',
      message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    },
    {
      name: 'a port that is taken',
      first: asks({}, port),
      second: asks({}, port),
      reason: 'NodePorts',
      message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    },
  ])('$name: $reason', ({ first, second, reason, message }) => {
    const k = kubelets({ images: ['a:v1'] });
    k.pod(0, 'first', first);
    k.pod(1000, 'second', second);
    k.run();
    expect(k.history.get('first')!.at(-1)).toBe('165 Running Ready');
    expect(k.history.get('second')).toEqual(['1000 Pending', `1000 Failed ${reason}`]);
    expect(k.events.filter((e) => e.pod === 'second')).toMatchObject([{ ms: 1000, reason, message }]);
  });

  it('counts pods: the third of two', () => {
    const k = kubelets({ images: ['a:v1'], podsMax: 2 });
    for (const name of ['p', 'q', 'r']) k.pod(0, name, asks({}));
    k.run();
    expect(k.history.get('r')!.at(-1)).toBe('0 Failed OutOfpods');
    expect(k.events.find((e) => e.pod === 'r')!.message).toBe(
      "Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2",
    );
  });

  it('has its room back when a pod has ended', () => {
    const k = kubelets({ images: ['a:v1'], podsMax: 1 });
    k.pod(0, 'p', asks({}));
    k.at(1000, () => k.remove('p'));
    k.pod(1299, 'early', asks({}));
    k.pod(1300, 'late', asks({}));
    k.run();
    // p stops at 1000 + 300.
    expect(k.history.get('early')!.at(-1)).toBe('1299 Failed OutOfpods');
    expect(k.history.get('late')!.at(-1)).toBe('1465 Running Ready');
  });

  it('matches affinity and runs', () => {
    const k = kubelets({ images: ['a:v1'] });
    k.pod(0, 'p', { ...asks({}), affinity: affinity(['n1']) });
    k.run();
    expect(k.history.get('p')!.at(-1)).toBe('165 Running Ready');
  });
});
