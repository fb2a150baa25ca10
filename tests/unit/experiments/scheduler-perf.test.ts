// Workloads of upstream's scheduler benchmark as scenarios: what each description means, how many pods must be scheduled, what an
// attempt is charged, and what is refused.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScenario } from '../../../experiments/load.ts';
import { UserError } from '../../../experiments/problems.ts';
import { schedulerPerfCase } from '../../../experiments/scheduler-perf.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';

const HEADER =
  'file,case,workload,labels,feature_gates,init_nodes,init_pods,measure_pods,other_params,threshold_pods_per_s,measure_pod_template,init_pod_template,setup';

const pod = (extra: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-, labels: {color: blue}}\nspec:\n  containers: [{name: c, image: pause:3.10, resources: {requests: {cpu: 900m}}}]\n${extra}`;

let folder = '';
let table = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-perf-'));
  table = join(folder, 'workloads.csv');
  mkdirSync(join(folder, 'templates'));
  const template = (name: string, text: string): void =>
    writeFileSync(join(folder, 'templates', `${name}.yaml`), text);
  template(
    'node-default',
    'apiVersion: v1\nkind: Node\nmetadata: {generateName: scheduler-perf-}\nspec: {}\nstatus: {capacity: {cpu: "4", memory: 32Gi, pods: "110"}}\n',
  );
  template('small', pod(''));
  template('large', pod('  priority: 10\n').replace('900m', '3'));
  template('huge', pod('').replace('900m', '9'));
  writeFileSync(
    table,
    [
      HEADER,
      'misc,Basic,3Nodes,,,3,2,4,,500,small,small,',
      'misc,Zones,4Nodes,,,4,0,1,,,small,,"nodes labelled round-robin topology.kubernetes.io/zone in {a,b}"',
      'misc,Preempt,2Nodes,,,2,8,2,,,large,small,"4 low-priority pods per node (0.9 CPU each on a 4-CPU node); each high-priority pod (3 CPU, priority 10) must preempt 3"',
      'misc,Churn,2Nodes,,,2,0,5,,10,small,,"churn: create one unschedulable huge (9 CPU) every 100 ms while measuring"',
      'misc,NoTemplate,1Node,,,1,0,1,,,absent,,',
      'misc,Strange,1Node,,,1,0,1,,,small,,"the moon is full"',
      '',
    ].join('\n'),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (name: string) => {
  const one = schedulerPerfCase(table, name);
  return { ...one, summary: simulateBuiltIn(one.scenario, {}).summary };
};

describe('a workload', () => {
  it('has its nodes, its initial pods at 0 s and its measured pods when those are placed', () => {
    const { measured, threshold, initPods, summary } = run('Basic/3Nodes');
    // 5 s, and 2 pods at 12 a second at worst: 1 s
    expect({ measured, threshold, initPods }).toEqual({
      measured: { namespace: 'measured', pods: 4, fromUs: 6_000_000 },
      threshold: 500,
      initPods: 2,
    });
    expect(summary.pods).toMatchObject({ created: 6, scheduled: 6, started: 0, pending: 6 });
    expect(summary.nodes.count).toBe(3);
  });
  it('deals zones to its nodes', () => {
    expect(schedulerPerfCase(table, 'Zones/4Nodes').scenario.nodes).toMatchObject([
      { count: 4, zones: ['a', 'b'] },
    ]);
  });
  it('gives a number of priority a class: three of four small pods leave each node for a large one', () => {
    // 4 CPU a node, 4 x 0.9 taken; 3 CPU more need 4 - 3 = 1 CPU: one small pod may stay. 2 nodes: 6 victims.
    const { summary } = run('Preempt/2Nodes');
    expect(summary.pods).toMatchObject({ created: 10, deleted: 6, pending: 4, unschedulable: 0 });
  });
  it('churns while it measures: one pod each 100 ms for 5 / 10 s', () => {
    const { summary } = run('Churn/2Nodes');
    expect(summary.pods).toMatchObject({ created: 10, scheduled: 5, unschedulable: 5 });
  });
  it('tells what of its description it did not act on', () => {
    expect(schedulerPerfCase(table, 'Strange/1Node').scenario.loss).toMatchObject([
      { field: 'setup', note: 'not acted on: the moon is full' },
    ]);
  });
  it('is a PATH of run', async () => {
    const { scenario } = await loadScenario([`${table}#Basic/3Nodes`]);
    expect(scenario).toMatchObject({ experiment: 'basic-3nodes', costs: { name: 'scheduler-perf' } });
  });
});

describe('bad input', () => {
  const problemsOf = (file: string, name: string): string[] => {
    try {
      schedulerPerfCase(file, name);
    } catch (error) {
      if (error instanceof UserError)
        return error.problems.map((one) => `${one.code} ${one.message}${one.hint ? ` (${one.hint})` : ''}`);
      throw error;
    }
    return [];
  };
  it('an unknown workload names the nearest', () => {
    const [told] = problemsOf(table, 'Basic/3Node');
    expect(told).toMatch(/^E1105 no workload Basic\/3Node \(.*Basic\/3Nodes/);
  });
  it('a template that is not there is named with its file', () => {
    expect(problemsOf(table, 'NoTemplate/1Node')).toEqual([
      `E1105 no template ${join(folder, 'templates/absent.yaml')} (templates stand beside the table, one file each)`,
    ]);
  });
  it('a file that is no such table, or is not there', () => {
    const other = join(folder, 'other.csv');
    writeFileSync(other, 'a,b\n1,2\n');
    expect(problemsOf(other, 'x')[0]).toMatch(
      /^E1105 not a table of scheduler_perf workloads: no column case/,
    );
    expect(problemsOf(join(folder, 'none.csv'), 'x')).toEqual(['E1101 no such file']);
  });
});

const upstream = join(import.meta.dirname, '../../../../shared/data/scheduler-perf/workloads.csv');
describe.skipIf(!existsSync(upstream))("upstream's table (skipped where ../shared is absent)", () => {
  it.each([
    'SchedulingBasic/5Nodes',
    'SchedulingPodAntiAffinity/5Nodes',
    'SchedulingPodAffinity/5Nodes',
    'SchedulingPreferredPodAntiAffinity/5Nodes',
    'SchedulingRequiredPodAntiAffinityWithNSSelector/10Nodes',
    'TopologySpreading/5Nodes',
    'SchedulingDaemonset/5Nodes',
  ])('%s: every pod is scheduled', (name) => {
    const { scenario, measured, initPods } = schedulerPerfCase(upstream, name);
    const { pods } = simulateBuiltIn(scenario, {}).summary;
    expect(pods).toMatchObject({ scheduled: measured.pods + initPods, unschedulable: 0 });
  });
});
