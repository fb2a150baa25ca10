// The scenarios whose fingerprints are kept: the examples, and small ones that each show one part at work.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ResolvedScenario } from '../../engine/contracts/scenario.ts';
import { loadScenario } from '../../experiments/load.ts';
import { withPortableSources } from '../../experiments/source-names.ts';
import { zero } from '../../policies/costs/zero.ts';
import { change, create, pod, SECOND, scenario, service, workload } from '../property/simulation/scenario.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLES = [
  'replication-controller',
  'deployment',
  'statefulset',
  'daemonset',
  'node-failure',
  'containers',
  'logging',
  'container-runtimes',
  'poisson',
  'surf-jobs',
  'job',
  'cronjob',
  'dump',
  'quota',
  'rollout-under-load',
  'load-balancer',
  'proxy-modes',
  'disruption-budget',
  'hpa',
  'hpa-load',
  'eviction',
  'image-gc',
  'preemption',
  'namespaces',
  'slow-etcd',
  'volumes-node-failure',
  'volumes-backends',
  'volume-expansion',
  'devices',
];

const example = (name: string) => async (): Promise<ResolvedScenario> => {
  const path = `${root}examples/${name}.yaml`;
  if (!existsSync(path)) throw new Error(`examples/${name}.yaml is gone: take it out of the golden cases`);
  return withPortableSources((await loadScenario([path])).scenario, [path]);
};

const nodes = [{ count: 3, zones: ['a', 'b', 'c'] }];
const made = (s: ResolvedScenario) => async () => s;

/** Name → scenario; names stand in fingerprints.json. */
export const GOLDEN: Readonly<Record<string, () => Promise<ResolvedScenario>>> = {
  ...Object.fromEntries(EXAMPLES.map((name) => [`example ${name}`, example(name)])),
  'pods without costs': made(
    scenario(nodes, [create(0, ...['a', 'b', 'c', 'd'].map((name) => pod(name, '500m')))], { costs: zero }),
  ),
  'crash loop': made(
    scenario(
      nodes,
      [
        create(
          0,
          pod('p', '1', { annotations: { 'kubetick.io/run-ms': '500', 'kubetick.io/exit-codes': '1' } }),
        ),
      ],
      { untilUs: 300 * SECOND },
    ),
  ),
  'unschedulable until a pod goes': made(
    scenario(
      [{ count: 1, cpu: '2' }],
      [create(0, pod('first', '1500m'), pod('second', '1')), change(20_000, 'delete', 'Pod', 'first')],
      { untilUs: 60 * SECOND },
    ),
  ),
  'scale up and down behind a service': made(
    scenario(
      nodes,
      [
        create(0, workload('ReplicationController', 'web', 3, '100m'), service('web')),
        change(20_000, 'scale', 'ReplicationController', 'web', 9),
        change(40_000, 'scale', 'ReplicationController', 'web', 2),
      ],
      { untilUs: 90 * SECOND },
    ),
  ),
  'deployment deleted': made(
    scenario(
      nodes,
      [
        create(0, workload('Deployment', 'web', 5, '100m'), service('web')),
        change(30_000, 'delete', 'Deployment', 'web'),
      ],
      { untilUs: 120 * SECOND },
    ),
  ),
  'init containers, sidecars and probes': made(
    scenario(nodes, [
      create(
        0,
        pod('p', '100m', {
          initContainers: [
            {
              name: 'side',
              image: 'side:v1',
              restartPolicy: 'Always',
              startupProbe: { httpGet: { port: 80 } },
            },
            { name: 'init', image: 'init:v1' },
          ],
          containers: [
            { name: 'c', image: 'c:v1', readinessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 3 } },
          ],
        }),
      ),
    ]),
  ),
};
