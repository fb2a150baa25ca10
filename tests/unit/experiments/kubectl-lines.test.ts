// Command lines of kubectl as the steps they amount to.
import { describe, expect, it } from 'vitest';
import { onlyLooks, plainStep } from '../../../experiments/kubectl-lines.ts';

const patch = (ref: string, type: string, body: object) => ({ do: 'patch', ref, type, body });
const image = (name: string, text: string) => ({
  spec: { template: { spec: { containers: [{ name, image: text }] } } },
});

describe('a command line of kubectl', () => {
  it.each<[string, object]>([
    [
      'rollout restart deployment/web',
      {
        ...patch('deployment/web', 'strategic', {
          spec: {
            template: {
              metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:01:30Z' } },
            },
          },
        }),
        unless: { paused: true, says: "can't restart paused deployment (run rollout resume first)" },
      },
    ],
    ['set image sts/db c=app:v2', patch('sts/db', 'strategic', image('c', 'app:v2'))],
    ['set image deployment web c=app:v2', patch('deployment/web', 'strategic', image('c', 'app:v2'))],
    ['patch ds/agent -p {"spec":{}}', patch('ds/agent', 'strategic', { spec: {} })],
    ['patch ds/agent --type=merge --patch={"spec":{}}', patch('ds/agent', 'merge', { spec: {} })],
    [
      'label svc/web tier=front old-',
      patch('svc/web', 'merge', { metadata: { labels: { tier: 'front', old: null } } }),
    ],
    ['annotate rs web note=a=b', patch('rs/web', 'merge', { metadata: { annotations: { note: 'a=b' } } })],
    [
      'label node n1 disk=ssd --overwrite',
      { do: 'patch-node', node: 'n1', type: 'merge', body: { metadata: { labels: { disk: 'ssd' } } } },
    ],
    [
      'taint nodes n1 a=b:NoExecute c:NoSchedule',
      {
        do: 'patch-node',
        node: 'n1',
        type: 'strategic',
        body: {
          spec: {
            taints: [
              { key: 'a', value: 'b', effect: 'NoExecute' },
              { key: 'c', effect: 'NoSchedule' },
            ],
          },
        },
      },
    ],
    [
      'taint node n1 a:NoExecute-',
      {
        do: 'patch-node',
        node: 'n1',
        type: 'strategic',
        body: { spec: { taints: [{ $patch: 'delete', key: 'a' }] } },
      },
    ],
    ['delete job calc --cascade=orphan', { do: 'delete', ref: 'job/calc', propagation: 'Orphan' }],
    ['delete job/calc', { do: 'delete', ref: 'job/calc', propagation: 'Background' }],
  ])('%s', (line, step) => {
    expect(plainStep(line.split(' '), 90_500_000)).toEqual(step);
  });

  it.each([
    'rollout status deployment/web',
    'set env deployment/web A=b',
    'set image deployment/web c',
    'patch ds/agent -p {',
    'label svc/web',
    'taint nodes n1 a=b',
    'delete job/calc job/other',
    'delete job/calc --cascade=maybe',
    'exec pod/p -- true',
  ])('that is none of them: %s', (line) => {
    expect(plainStep(line.split(' '), 0)).toBeNull();
  });
});

describe('a command line that changes nothing', () => {
  it.each<[string, boolean]>([
    ['get pods', true],
    ['wait --for=condition=Ready pod/p', true],
    ['rollout status deployment/web', true],
    ['rollout history deployment/web', true],
    ['rollout undo deployment/web', false],
    ['delete pod p', false],
    ['exec pod/p', false],
  ])('%s: %s', (line, expected) => {
    const [verb, word] = line.split(' ');
    expect(onlyLooks(verb, word)).toBe(expected);
  });
});
