// PATCH through the server: the newest version is changed, defaulted and checked; what may not change is refused.
import { describe, expect, it } from 'vitest';
import { admission } from '../../../engine/apiserver/admit.ts';
import type { ApiReply } from '../../../engine/contracts/api.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { applyPatch } from '../../../engine/kinds/patch.ts';
import { cluster } from './cluster.ts';

const deployment = (image = 'app:v1'): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});

function setup() {
  const c = cluster(undefined, { admit: admission });
  const user = c.server.client('kubectl', { qps: 0, burst: 0 }, { trusted: false });
  const replies: { code: number; message: string; id: number; object: KubeObject | null }[] = [];
  const reply = (r: ApiReply): void => {
    replies.push({ code: r.code, message: r.message, id: r.id, object: r.object });
  };
  user.create(deployment(), reply);
  c.kernel.run();
  const { id } = replies[0]!;
  const patch = (change: (object: KubeObject) => KubeObject) => {
    user.patch(id, change, reply);
    c.kernel.run();
    return replies.at(-1)!;
  };
  return { ...c, id, patch };
}

// pkg/registry/core/service: NormalizeClusterIPs, patchAllocatedValues and dropTypeDependentFields before validation,
// ValidateServiceUpdate before the rules of the Service itself.
describe('a PATCH of a Service', () => {
  const ports = [{ port: 80 }];
  const make = (name: string, spec: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec,
  });
  const plain = { selector: { app: 'x' }, ports };
  const change = 'may not change once set';
  it.each<[string, object, object, string]>([
    [
      'to ExternalName gives the address and its family back',
      plain,
      { type: 'ExternalName', externalName: 'a.example' },
      '',
    ],
    [
      'of a headless one, too',
      { ...plain, clusterIP: 'None' },
      { type: 'ExternalName', externalName: 'a.example' },
      '',
    ],
    [
      'from ExternalName takes an address',
      { type: 'ExternalName', externalName: 'a.example' },
      { type: 'ClusterIP', externalName: null, ports },
      '',
    ],
    ['without its address keeps it', plain, { clusterIP: '', clusterIPs: null }, ''],
    [
      'with another address',
      plain,
      { clusterIP: '10.96.9.9' },
      `spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: ${change}`,
    ],
    [
      'with an address for none, and no ports',
      { selector: { app: 'x' }, clusterIP: 'None' },
      { clusterIP: '10.96.9.9' },
      `[spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: ${change}, spec.ports: Required value]`,
    ],
    [
      'with another class of load balancer',
      { ...plain, type: 'LoadBalancer', loadBalancerClass: 'a.example/b' },
      { loadBalancerClass: 'a.example/c' },
      `spec.loadBalancerClass: Invalid value: "a.example/c": ${change}`,
    ],
    [
      'with another type and no class any more',
      { ...plain, type: 'LoadBalancer', loadBalancerClass: 'a.example/b' },
      { type: 'ClusterIP' },
      '',
    ],
  ])('%s', (_name, spec, body, refusal) => {
    const c = cluster(undefined, { admit: admission });
    const user = c.server.client('kubectl', { qps: 0, burst: 0 }, { trusted: false });
    const answers: ApiReply[] = [];
    const reply = (r: ApiReply): void => void answers.push({ ...r });
    user.create(make('web', spec), reply);
    c.kernel.run();
    user.patch(answers[0]!.id, (o) => applyPatch(o, 'merge', { spec: body }), reply);
    c.kernel.run();
    expect(answers[0]!.code).toBe(201);
    expect([answers[1]!.code, answers[1]!.message]).toEqual(
      refusal === '' ? [200, ''] : [422, `Service "web" is invalid: ${refusal}`],
    );
    if (refusal !== '') return;
    const { type, clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = answers[1]!.object!['spec'];
    const addressed = type !== 'ExternalName';
    expect([clusterIP !== undefined, clusterIPs?.length, ipFamilies?.length, ipFamilyPolicy]).toEqual(
      addressed ? [true, 1, 1, 'SingleStack'] : [false, undefined, undefined, undefined],
    );
  });
});

describe('a PATCH of a StatefulSet', () => {
  const set: KubeObject = {
    ...deployment(),
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default' },
  };
  it.each<[object, number]>([
    [{ spec: { replicas: 5 } }, 200],
    [{ spec: { ordinals: { start: 3 } } }, 200],
    [{ spec: { updateStrategy: { rollingUpdate: { partition: 1 } } } }, 200],
    [{ spec: { serviceName: 'other' } }, 422],
    [{ spec: { podManagementPolicy: 'Parallel' } }, 422],
  ])('%j: %i', (body, code) => {
    const c = cluster(undefined, { admit: admission });
    const user = c.server.client('kubectl', { qps: 0, burst: 0 }, { trusted: false });
    const answers: { code: number; message: string; id: number }[] = [];
    const reply = (r: ApiReply): void => {
      answers.push({ code: r.code, message: r.message, id: r.id });
    };
    user.create(set, reply);
    c.kernel.run();
    user.patch(answers[0]!.id, (o) => applyPatch(o, 'merge', body), reply);
    c.kernel.run();
    expect(answers[1]!.code).toBe(code);
    if (code === 422)
      expect(answers[1]!.message).toBe(
        "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      );
  });
});

describe('a PATCH of a user', () => {
  it('is applied to the stored object, counted in generation, and defaulted', () => {
    const { patch } = setup();
    const body = { spec: { template: { spec: { containers: [{ name: 'extra', image: 'x' }] } } } };
    const { code, object } = patch((o) => applyPatch(o, 'strategic', body));
    expect(code).toBe(200);
    expect(object!.metadata.generation).toBe(2);
    const [extra, own] = object!['spec'].template.spec.containers;
    expect([extra.name, extra.imagePullPolicy, own.image]).toEqual(['extra', 'Always', 'app:v1']);
  });

  it.each<[string, object, RegExp]>([
    ['what the kind forbids', { spec: { replicas: -1 } }, /spec\.replicas: Invalid value: -1/],
    ['another selector', { spec: { selector: { matchLabels: { app: 'x' } } } }, /field is immutable/],
  ])('is refused for %s', (_name, body, message) => {
    const { patch, id, state } = setup();
    const before = state.objects.get(id);
    const answer = patch((o) => applyPatch(o, 'merge', body));
    expect(answer.code).toBe(422);
    expect(answer.message).toMatch(message);
    expect(state.objects.get(id)).toBe(before);
  });

  it("may take metadata away, and leaves alone what is the server's", () => {
    const { patch, id, state } = setup();
    patch((o) =>
      applyPatch(o, 'merge', { metadata: { labels: { a: 'b' }, finalizers: ['example.com/hold'] } }),
    );
    const body = { metadata: { labels: null, finalizers: null, uid: null, creationTimestamp: null } };
    const before = state.objects.get(id)!.metadata;
    expect(before.finalizers).toEqual(['example.com/hold']);
    const { metadata } = patch((o) => applyPatch(o, 'merge', body)).object!;
    expect(metadata.labels).toBeUndefined();
    expect(metadata.finalizers).toBeUndefined();
    expect([metadata.uid, metadata.creationTimestamp, metadata.name]).toEqual([
      before.uid,
      before.creationTimestamp,
      'web',
    ]);
  });

  it('that does not fit is 422, and one that changes nothing makes no revision', () => {
    const { patch, id, state } = setup();
    expect(patch((o) => applyPatch(o, 'json', [{ op: 'remove', path: '/spec/none' }])).code).toBe(422);
    const revision = state.objects.revision(id);
    expect(patch((o) => applyPatch(o, 'merge', { spec: { replicas: 2 } })).code).toBe(200);
    expect(state.objects.revision(id)).toBe(revision);
  });
});

describe('a PATCH of a Job', () => {
  const container = { name: 'c', image: 'app:v1' };
  const job = (spec: object): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'calc', namespace: 'default' },
    spec: {
      completions: 3,
      parallelism: 3,
      ...spec,
      template: { spec: { restartPolicy: 'Never', containers: [container] } },
    },
  });
  const template = (spec: object) => ({ spec: { template: { spec } } });
  const suspended = { suspend: true };
  const indexed = { completionMode: 'Indexed' };
  it.each<[string, object, object, number]>([
    ['parallelism', {}, { spec: { parallelism: 5 } }, 200],
    ['completions', {}, { spec: { completions: 5 } }, 422],
    ['completions of an Indexed Job alone', indexed, { spec: { completions: 5 } }, 422],
    ['both of an Indexed Job', indexed, { spec: { completions: 5, parallelism: 5 } }, 200],
    ['suspend', {}, { spec: suspended }, 200],
    ['the node selector of a running Job', {}, template({ nodeSelector: { a: 'b' } }), 422],
    ['the node selector of a suspended Job', suspended, template({ nodeSelector: { a: 'b' } }), 200],
    [
      'the labels of a suspended Job',
      suspended,
      { spec: { template: { metadata: { labels: { a: 'b' } } } } },
      200,
    ],
    [
      'the resources of a suspended Job',
      suspended,
      template({ containers: [{ ...container, resources: { requests: { cpu: '1' } } }] }),
      200,
    ],
    [
      'the image of a suspended Job',
      suspended,
      template({ containers: [{ ...container, image: 'app:v2' }] }),
      422,
    ],
  ])('that changes %s', (_name, spec, body, code) => {
    const c = cluster(undefined, { admit: admission });
    const user = c.server.client('kubectl', { qps: 0, burst: 0 }, { trusted: false });
    const answers: { code: number; message: string; id: number }[] = [];
    const reply = (r: ApiReply): void => {
      answers.push({ code: r.code, message: r.message, id: r.id });
    };
    user.create(job(spec), reply);
    c.kernel.run();
    user.patch(answers[0]!.id, (o) => applyPatch(o, 'merge', body), reply);
    c.kernel.run();
    expect([answers[1]!.code, answers[1]!.message]).toEqual([code, code === 200 ? '' : expect.any(String)]);
  });
});
