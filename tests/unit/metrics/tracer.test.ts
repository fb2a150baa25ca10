// `--trace OBJECT`: what can be traced, and whose hops are told.
import { describe, expect, it } from 'vitest';
import type { TraceHop } from '../../../engine/contracts/result.ts';
import { parseTraceTarget, Tracer } from '../../../engine/metrics/tracer.ts';

describe('parseTraceTarget', () => {
  it.each([
    ['rc/web', 'ReplicationController', 'default', 'web'],
    ['rs/web', 'ReplicaSet', 'default', 'web'],
    ['deployment/shop/web', 'Deployment', 'shop', 'web'],
    ['Deploy/shop/web', 'Deployment', 'shop', 'web'],
    ['svc/web', 'Service', 'default', 'web'],
    ['po/x', 'Pod', 'default', 'x'],
    ['pods/x', 'Pod', 'default', 'x'],
    ['ep/web', 'Endpoints', 'default', 'web'],
    ['eps/web', 'EndpointSlice', 'default', 'web'],
    ['no/n1', 'Node', '', 'n1'],
    ['ns/shop', 'Namespace', '', 'shop'],
  ])('%s', (text, kind, namespace, name) => {
    expect(parseTraceTarget(text)).toEqual({ kind, namespace, name });
  });

  it.each([
    ['web', 'not of the form'],
    ['rc/', 'not of the form'],
    ['a/b/c/d', 'not of the form'],
    ['widget/web', '"widget" is no kind that can be traced'],
    ['node/default/n1', 'Node has no namespace: write node/n1'],
  ])('%s: %s', (text, problem) => {
    expect(parseTraceTarget(text)).toContain(problem);
  });
});

describe('Tracer', () => {
  function traced(object: string) {
    const hops: TraceHop[] = [];
    let now = 0;
    const tracer = new Tracer({ object, emit: (hop) => hops.push(hop) }, () => now);
    const at = (timeUs: number) => {
      now = timeUs;
    };
    return { tracer, hops, at, told: () => hops.map((hop) => `${hop.timeUs} ${hop.object} ${hop.what}`) };
  }

  it('is off without an object', () => {
    const tracer = new Tracer(undefined, () => 0);
    expect(tracer.enabled).toBe(false);
    tracer.hop('kubectl', 'Pod', 'default', 'x', 'create');
  });

  it('tells the hops of the object, of what it owns, and of Services that select its pods with their Endpoints', () => {
    const { tracer, at, told } = traced('rc/web');
    at(1);
    tracer.hop('kubectl', 'Service', 'default', 'web', 'create');
    tracer.link('Endpoints', 'default', 'web', 'Service', 'default', 'web');
    at(2);
    tracer.hop('kube-controller-manager/endpoints', 'Endpoints', 'default', 'web', 'create');
    at(3);
    tracer.hop('kubectl', 'ReplicationController', 'default', 'web', 'create');
    tracer.hop('kubectl', 'ReplicationController', 'default', 'other', 'create');
    tracer.hop('kubectl', 'ReplicationController', 'shop', 'web', 'create');
    at(4);
    tracer.link('Pod', 'default', 'web-1', 'ReplicationController', 'default', 'web');
    tracer.link('Pod', 'default', 'other-1', 'ReplicationController', 'default', 'other');
    tracer.hop('kube-scheduler', 'Pod', 'default', 'web-1', 'bind');
    tracer.hop('kube-scheduler', 'Pod', 'default', 'other-1', 'bind');
    at(5);
    // The Service turns out to belong to the story: what it and its Endpoints did before is told now.
    tracer.link('Service', 'default', 'web', 'Pod', 'default', 'web-1');
    tracer.hop('kube-proxy/n1', 'Endpoints', 'default', 'web', 'rules');
    expect(told()).toEqual([
      '3 replicationcontroller/web create',
      '4 pod/web-1 bind',
      '1 service/web create',
      '2 endpoints/web create',
      '5 endpoints/web rules',
    ]);
  });

  it('knows kinds by every name', () => {
    const { tracer, told } = traced('rc/web');
    tracer.hop('a', 'rc', 'default', 'web', 'by alias');
    tracer.hop('a', 'replicationcontrollers', 'default', 'web', 'by resource');
    expect(told()).toHaveLength(2);
  });

  it('shows the namespace of objects in another one', () => {
    const { tracer, told } = traced('deployment/shop/web');
    tracer.link('Pod', 'shop', 'p', 'Deployment', 'shop', 'web');
    tracer.link('Pod', 'else', 'q', 'Deployment', 'shop', 'web');
    tracer.hop('a', 'Pod', 'shop', 'p', 'x');
    tracer.hop('a', 'Pod', 'else', 'q', 'x');
    expect(told()).toEqual(['0 pod/p x', '0 pod/else/q x']);
  });

  it('tells a hop at the time that the caller computed', () => {
    const { tracer, told } = traced('pod/x');
    tracer.hopAt(77, 'kubelet/n1', 'Pod', 'default', 'x', 'sandbox');
    expect(told()).toEqual(['77 pod/x sandbox']);
  });

  it('refuses an object that cannot be traced', () => {
    expect(() => traced('web')).toThrow(RangeError);
  });
});
