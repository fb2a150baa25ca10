// Ephemeral containers: started beside the others when they are added, or with the pod's sandbox; what is refused.
import { describe, expect, it } from 'vitest';
import type { ApiReply } from '../../../engine/contracts/api.ts';
import { container, kubelets } from './harness.ts';

const CONTAINER = { containers: [container('a')] };

function play(steps: [number, object][], options: Parameters<typeof kubelets>[0] = {}) {
  const k = kubelets({ images: ['a:v1'], ...options });
  const answers: string[] = [];
  k.pod(0, 'p', CONTAINER);
  for (const [ms, spec] of steps)
    k.at(ms, () => {
      const { pods } = k.state;
      const reply = (r: ApiReply): void => void answers.push(`${r.code} ${r.message}`.trim());
      k.client.debugPod(k.row('p'), pods.generation[k.row('p')]!, spec, reply);
    });
  return { k, answers };
}

describe('an ephemeral container', () => {
  it('is pulled and started while the pod runs, which stays as it is', () => {
    const { k, answers } = play([[1000, { name: 'dbg', image: 'tool:v1' }]]);
    k.run();
    expect(answers).toEqual(['200']);
    // sync 5; pull 400 + 1000; create 20 + start 30.
    expect(k.reasons('p').slice(3)).toEqual(['1005 Pulling', '2455 Created', '2455 Started']);
    expect(k.history.get('p')).toEqual(['0 Pending', '165 Running Ready']);
    expect(k.state.template(k.row('p')).spec.ephemeralContainers).toEqual([
      { name: 'dbg', image: 'tool:v1', imagePullPolicy: 'IfNotPresent' },
    ]);
  });

  it('waits for the sandbox, and for the one before it', () => {
    const { k } = play([
      [10, { name: 'one', image: 'a:v1' }],
      [20, { name: 'two', image: 'a:v1' }],
    ]);
    k.run();
    // The sandbox is ready at 105; 5 + 50 each.
    expect(k.reasons('p').filter((text) => text.endsWith('Started'))).toEqual([
      '155 Started',
      '160 Started',
      '215 Started',
    ]);
  });

  it('is not started on a machine that has stopped, but when that is back', () => {
    const { k } = play([[1000, { name: 'dbg', image: 'a:v1' }]]);
    k.at(500, () => k.kubelets.power.stop(0));
    k.at(5000, () => k.kubelets.power.start(0));
    k.run();
    expect(k.reasons('p').at(-1)).toBe('5055 Started');
  });

  it('whose image nobody has says so', () => {
    const { k } = play([[1000, { name: 'dbg', image: 'none:v1' }]], {
      kubelet: { missingImages: ['none:v1'] },
    });
    k.run();
    expect(k.reasons('p').slice(3)).toEqual(['1005 Pulling', '1405 Failed', '1405 Failed']);
  });

  it.each([
    [{ name: 'a', image: 'x' }, 'spec.ephemeralContainers[0].name: Duplicate value: "a"'],
    [
      { name: 'b', image: 'x', targetContainerName: 'c' },
      'spec.ephemeralContainers[0].targetContainerName: Not found: "c"',
    ],
  ])('%j is refused', (spec, problem) => {
    const { k, answers } = play([[1000, spec]]);
    k.run();
    expect(answers).toEqual([`422 Pod "p" is invalid: ${problem}`]);
  });

  it('of latest is pulled each time', () => {
    const { k } = play([[1000, { name: 'dbg', image: 'busybox' }]]);
    k.run();
    expect(k.state.template(k.row('p')).ephemeral[0]).toMatchObject({ pullPolicy: 'Always' });
  });
});
