// kubectl drain in a run: what it removes, what it waits for, when it gives up, and what it prints. The costs are those
// of the recorded control plane: pods run 1 s after they were bound, and stop within 0.2 s.
import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { nodeCommand } from '../../../experiments/kubectl-nodes.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { recorded } from '../../../policies/costs/recorded.ts';
import { create, pod, SECOND, scenario, workload } from '../../property/simulation/scenario.ts';

const kubectl = (atMs: number, line: string): TimedStep => {
  const words = line.split(' ');
  return nodeCommand(atMs * 1000, words[0] as 'drain', words, (_index, message) => {
    throw new Error(message);
  })!;
};

const budget = (minAvailable: number): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'web' } }, minAvailable },
});

const web = (n: number, annotations: Json = {}): KubeObject =>
  workload('Deployment', 'web', n, '10m', { annotations });

/** The commands among the steps, as the timeline tells them. */
function play(nodes: number, steps: readonly TimedStep[]) {
  let timeline: Timeline | undefined;
  simulateBuiltIn(
    scenario([{ count: nodes }], steps, { untilUs: 60 * SECOND, costs: recorded, stopWhenIdle: false }),
    {
      timeline: (told) => {
        timeline = told;
      },
    },
  );
  const told = timeline!;
  const rows = [...told.transitions];
  const commands = told.steps.filter((step) => step.exit !== undefined);
  const at = (o: string, w: string, k = 1): number =>
    rows.find((row) => row.o.endsWith(o) && row.w === w && (row.k ?? 1) === k)?.t ?? Number.NaN;
  return { rows, commands, at };
}

const lines = (text: string | undefined): string[] => (text ?? '').split('\n').slice(0, -1);

describe('kubectl cordon and uncordon', () => {
  it('say what they did, and what was so already', () => {
    const { commands, rows } = play(1, [
      kubectl(1000, 'cordon node-1'),
      kubectl(2000, 'cordon node-1'),
      kubectl(3000, 'uncordon node-1'),
      kubectl(4000, 'uncordon node-1'),
    ]);
    expect(commands.map(({ stdout, exit }) => [stdout, exit])).toEqual([
      ['node/node-1 cordoned\n', 0],
      ['node/node-1 already cordoned\n', 0],
      ['node/node-1 uncordoned\n', 0],
      ['node/node-1 already uncordoned\n', 0],
    ]);
    expect(rows.filter((row) => row.w === 'unschedulable').map((row) => row.v)).toEqual(['true', 'unset']);
  });

  it('fail where there is no such node, and touch no other', () => {
    const { commands, rows } = play(1, [kubectl(1000, 'cordon node-1 lost')]);
    expect(commands[0]).toMatchObject({
      exit: 1,
      stdout: '',
      stderr: 'Error from server (NotFound): nodes "lost" not found\n',
    });
    expect(rows.some((row) => row.w === 'unschedulable')).toBe(false);
  });

  it('need 75 ms to start before the first request', () => {
    const { at } = play(1, [kubectl(1000, 'cordon node-1')]);
    // 1000 + 75, GET 1.5 + 1.5 + 3, PATCH 1.5 and some ms of work.
    expect(at('Node/node-1', 'unschedulable')).toBeGreaterThan(1080);
    expect(at('Node/node-1', 'unschedulable')).toBeLessThan(1100);
  });
});

describe('kubectl drain', () => {
  it('evicts what is there and looks each second until it is gone', () => {
    const { commands, at } = play(1, [create(0, web(1)), kubectl(5000, 'drain node-1')]);
    expect(lines(commands[0]!.stdout)).toEqual([
      'node/node-1 cordoned',
      'evicting pod default/Deployment/web/rs#1/pod#1',
      'pod/Deployment/web/rs#1/pod#1 evicted',
      'node/node-1 drained',
    ]);
    // Gone after 0.3 s; seen by the second look, 1 s after the first.
    expect(at('pod#1', 'gone')).toBeLessThan(5400);
    expect(commands[0]!.tookMs).toBeGreaterThan(1080);
    expect(commands[0]!.tookMs).toBeLessThan(1200);
  });

  it('tries again after 5 s what a budget forbids', () => {
    // Three of four must be healthy, two stand on each node. One goes at once. The other loses the race for the budget's
    // status, is refused 500 to 550 ms later and tried again 5 s after that, when a pod on the other node has long taken
    // the first one's place: 5000 + 75 + some requests + 500 + 5000.
    const { commands, rows } = play(2, [create(0, budget(3), web(4)), kubectl(5000, 'drain node-1')]);
    const deleting = rows.filter((row) => row.o === 'Deployment/web/rs#1' && row.w === 'pods.deleting');
    expect(deleting.map((row) => row.v)).toEqual([1, 2]);
    expect(deleting[0]!.t).toBeLessThan(5200);
    expect(deleting[1]!.t).toBeGreaterThan(10_575);
    expect(deleting[1]!.t).toBeLessThan(10_800);
    expect(commands[0]!.exit).toBe(0);
    expect(lines(commands[0]!.stderr)).toHaveLength(1);
  });

  it('gives up after its time, and names the node that is left', () => {
    const { commands } = play(1, [create(0, budget(1), web(1)), kubectl(5000, 'drain node-1 --timeout=7s')]);
    const { exit, stdout, stderr, tookMs } = commands[0]!;
    expect(exit).toBe(1);
    expect(lines(stdout).filter((line) => line.startsWith('evicting'))).toHaveLength(3);
    const failed =
      'error when evicting pods/"Deployment/web/rs#1/pod#1" -n "default": global timeout reached: 7s';
    const again =
      'error when evicting pods/"Deployment/web/rs#1/pod#1" -n "default" (will retry after 5s): Cannot evict pod as it would violate the pod\'s disruption budget.';
    expect(lines(stderr)).toEqual([
      again,
      again,
      `error: unable to drain node "node-1" due to error: ${failed}, continuing command...`,
      'There are pending nodes to be drained:',
      ' node-1',
      `error: ${failed}`,
    ]);
    // The time is looked at before each try: at 0, 5 and 10 s.
    expect(tookMs).toBeGreaterThan(10_000);
    expect(tookMs).toBeLessThan(10_300);
  });

  it('asks no budget with --disable-eviction', () => {
    const { commands } = play(1, [
      create(0, budget(1), web(1)),
      kubectl(5000, 'drain node-1 --disable-eviction'),
    ]);
    expect(lines(commands[0]!.stdout)).toEqual([
      'node/node-1 cordoned',
      'pod/Deployment/web/rs#1/pod#1 deleted',
      'node/node-1 drained',
    ]);
  });

  const emptyDir = { volumes: [{ name: 'scratch', emptyDir: {} }] };
  const local = pod('local', '10m');
  it.each<[string, KubeObject, string, string]>([
    [
      'a bare pod',
      pod('bare', '10m'),
      'drain node-1',
      'cannot delete Pods that declare no controller (use --force to override): default/Pod/bare',
    ],
    [
      'local data',
      { ...local, spec: { ...local['spec'], ...emptyDir } },
      'drain node-1 --force',
      'cannot delete Pods with local storage (use --delete-emptydir-data to override): default/Pod/local',
    ],
    [
      'a DaemonSet',
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'agent', namespace: 'default' },
        spec: {
          selector: { matchLabels: { app: 'agent' } },
          template: {
            metadata: { labels: { app: 'agent' } },
            spec: { containers: [{ name: 'c', image: 'i' }] },
          },
        },
      },
      'drain node-1 --force',
      'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/DaemonSet/agent/pod@node-1',
    ],
  ])('removes nothing because of %s', (_what, object, line, why) => {
    const { commands, rows } = play(1, [create(0, object), kubectl(5000, line)]);
    expect(commands[0]!.exit).toBe(1);
    expect(lines(commands[0]!.stderr).at(-1)).toBe(`error: ${why}`);
    expect(rows.some((row) => row.w === 'deleting')).toBe(false);
    // The node stays cordoned.
    expect(rows.some((row) => row.w === 'unschedulable' && row.v === 'true')).toBe(true);
  });

  it('warns with --force of pods that nobody makes again', () => {
    const { commands } = play(1, [create(0, pod('bare', '10m')), kubectl(5000, 'drain node-1 --force')]);
    expect(commands[0]).toMatchObject({
      exit: 0,
      stderr: 'Warning: deleting Pods that declare no controller: default/Pod/bare\n',
    });
  });

  it('takes one node after the other', () => {
    const { commands } = play(3, [create(0, web(6)), kubectl(5000, 'drain node-1 node-2')]);
    const told = lines(commands[0]!.stdout).filter((line) => line.startsWith('node/'));
    expect(told).toEqual([
      'node/node-1 cordoned',
      'node/node-2 cordoned',
      'node/node-1 drained',
      'node/node-2 drained',
    ]);
  });
});
