// Strict decoding: Go's error texts, unknown fields, zero values, canonical forms.
import { describe, expect, it } from 'vitest';
import { canonicalBase64, decodeStrict } from '../../../engine/kinds/decode.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { schemaKinds, schemaStruct } from '../../../engine/kinds/schema.ts';
import { canonicalTime } from '../../../engine/kinds/time.ts';

const pod = (spec: Json, metadata: Json = { name: 'x' }): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec,
});
const container = (more: Json = {}): Json => ({ name: 'c', image: 'app:v1', ...more });

function refusal(raw: Json, duplicates: string[] = []): string {
  const result = decodeStrict(raw, duplicates);
  return 'message' in result ? result.message.replace(/^.* cannot be handled as a \w+: /, '') : 'decoded';
}

function decoded(raw: Json): Json {
  const result = decodeStrict(raw);
  if ('message' in result) throw new Error(result.message);
  return result.object;
}

describe('type errors', () => {
  it.each<[string, Json, string]>([
    [
      'scalar',
      { hostPID: 'yes' },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.hostPID of type bool',
    ],
    [
      'field of a list item',
      { containers: [container({ ports: [{ containerPort: '80' }] })] },
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    [
      'embedded struct',
      { volumes: [{ name: 'v', fc: { lun: '2' } }] },
      'json: cannot unmarshal string into Go struct field FCVolumeSource.spec.volumes.VolumeSource.fc.lun of type int32',
    ],
    [
      'number for text',
      { containers: [container({ env: [{ name: 'A', value: 1 }] })] },
      'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    ],
    [
      'object for a list',
      { containers: {} },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      'named type',
      { restartPolicy: 3 },
      'json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy',
    ],
    [
      'fraction',
      { terminationGracePeriodSeconds: 1.5 },
      'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64',
    ],
  ])('%s', (_name, spec, message) => {
    expect(refusal(pod(spec))).toBe(message);
  });

  it('win over unknown fields, and the first one wins', () => {
    expect(refusal(pod({ foo: 1, hostIPC: 'x', hostPID: 'y' }))).toContain('hostIPC');
  });

  it('a bad quantity ends decoding at once', () => {
    const spec = { containers: [container({ resources: { limits: { cpu: 'lots' } } })], hostPID: 'x' };
    expect(refusal(pod(spec))).toMatch(/^quantities must match/);
  });
});

describe('strict errors', () => {
  it('lists unknown fields with their paths, once each, in key order', () => {
    const raw = pod({ foo: 1, containers: [container({ Image: 'x' })] });
    expect(refusal(raw)).toBe(
      'strict decoding error: unknown field "spec.containers[0].Image", unknown field "spec.foo"',
    );
  });

  it('reports duplicates the reader saw', () => {
    expect(refusal(pod({}), ['spec.hostPID'])).toBe('strict decoding error: duplicate field "spec.hostPID"');
  });

  it('knows no other kinds', () => {
    expect(decodeStrict({ apiVersion: 'example.com/v1', kind: 'Thing' })).toEqual({
      code: 404,
      message: 'no such kind in this API server',
    });
    expect(decodeStrict('text')).toMatchObject({ code: 404 });
  });
});

describe('stored form', () => {
  it('keeps zero values of pointers and drops those of plain optional fields', () => {
    const deployment = decoded({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x', labels: {} },
      spec: {
        replicas: 0,
        paused: false,
        minReadySeconds: 0,
        selector: {},
        template: { spec: { containers: [] } },
      },
    });
    expect(deployment.spec).toEqual({
      replicas: 0,
      selector: {},
      strategy: {},
      template: { metadata: {}, spec: { containers: [] } },
    });
    expect(deployment.metadata).toEqual({ name: 'x' });
    expect(deployment.status).toEqual({});
  });

  it('treats null as absent, but as zero inside maps and lists', () => {
    const raw = pod({
      nodeName: null,
      containers: [container({ args: [null], resources: { limits: { cpu: null } } })],
    });
    const [only] = decoded(raw).spec.containers;
    expect(decoded(raw).spec.nodeName).toBeUndefined();
    expect(only.args).toEqual(['']);
    expect(only.resources.limits).toEqual({ cpu: '0' });
  });

  it('canonicalises quantities, and rounds those of resource lists up to thousandths', () => {
    const resources = { limits: { cpu: 0.5, memory: '1024Mi' }, requests: { cpu: '100u' } };
    const [only] = decoded(pod({ containers: [container({ resources })] })).spec.containers;
    expect(only.resources).toEqual({ limits: { cpu: '500m', memory: '1Gi' }, requests: { cpu: '1m' } });
  });
});

describe('canonicalBase64', () => {
  it.each([
    ['aGk=', 'aGk='],
    ['aG\nk=', 'aGk='],
    // Unused bits of the last digit are cleared.
    ['aGl=', 'aGk='],
    ['', ''],
  ])('%j becomes %j', (text, canonical) => {
    expect(canonicalBase64(text)).toBe(canonical);
  });

  it.each([
    ['<x>', 0],
    ['aGk', 3 - 3],
    ['aGk=x', 4],
    ['a=', 1],
  ])('%j is corrupt at %d', (text, offset) => {
    expect(canonicalBase64(text)).toBe(offset);
  });
});

describe('canonicalTime', () => {
  it.each([
    ['2024-03-01T10:00:00Z', 0, '2024-03-01T10:00:00Z'],
    ['2024-03-01T01:30:00+02:00', 0, '2024-02-29T23:30:00Z'],
    ['2024-03-01T10:00:00.123456789Z', 6, '2024-03-01T10:00:00.123456Z'],
  ] as const)('%s', (text, digits, expected) => {
    expect(canonicalTime(text, digits)).toBe(expected);
  });

  it('uses the words of Go', () => {
    expect(() => canonicalTime('soon', 0)).toThrow(
      'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
    );
    expect(() => canonicalTime('2024-02-30T00:00:00Z', 0)).toThrow(
      'parsing time "2024-02-30T00:00:00Z": day out of range',
    );
  });
});

describe('schema', () => {
  it('can be read whole', () => {
    const seen = new Set<number>();
    const visit = (index: number): void => {
      if (seen.has(index)) return;
      seen.add(index);
      for (const field of schemaStruct(index).fields.values()) {
        let type = field.type;
        while (type.element !== undefined) type = type.element;
        if (type.code === 'struct') visit(type.struct);
      }
    };
    for (const kind of schemaKinds().values()) visit(kind.struct);
    expect(seen.size).toBeGreaterThan(450);
    expect(schemaKinds().get('apps/v1 Deployment')).toMatchObject({
      resource: 'deployments',
      shortNames: ['deploy'],
    });
  });
});
