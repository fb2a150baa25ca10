// One scheduling decision of the plain search under the default profile: CPU per decision at 1,000 and 5,000 nodes,
// the adaptive share of which is looked at. Pods of 20 templates arrive and, once the cluster is half full, leave again
// in order of arrival, so that nodes differ in load as in a running cluster. Half of the measurements put a Service in
// front of each template, which brings its pods under the default spread constraints. The hash is over the chosen
// nodes: equal hashes, equal work.
import process from 'node:process';
import { mix32 } from '../../engine/kernel/hash.ts';
import { Rng } from '../../engine/kernel/index.ts';
import { ingestNode } from '../../engine/kinds/ingest/node.ts';
import { podTemplateCompiler } from '../../engine/kinds/ingest/pod-template.ts';
import type { KubeObject } from '../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../engine/scheduler/cache.ts';
import { Framework, type Instance, Verdicts } from '../../engine/scheduler/framework.ts';
import { loadProfiles } from '../../engine/scheduler/profiles.ts';
import { BruteSearch } from '../../engine/scheduler/search/brute.ts';
import { PodCursor } from '../../engine/scheduler/views.ts';
import { ClusterState, type PodId } from '../../engine/state/index.ts';
import { schedulerRegistry } from '../../policies/scheduler/index.ts';

const TEMPLATES = 20;
/** Pods kept per node: half of what fits. */
const PODS_PER_NODE = 8;

interface Figures {
  readonly nodes: number;
  /** Pods are under the default spread constraints. */
  readonly spread: boolean;
  readonly decisions: number;
  readonly usPerDecision: number;
  readonly nodesPerDecision: number;
  readonly hash: string;
}

const NODE: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {},
  status: { allocatable: { cpu: '16', memory: '64Gi', pods: '110' } },
};

function measure(nodes: number, decisions: number, spread: boolean): Figures {
  const state = new ClusterState(podTemplateCompiler);
  const cache = new SchedulerCache(state, () => 0);
  for (let i = 0; i < nodes; i++) {
    const how = { name: `node-${i}`, zone: `zone-${i % 3}`, hostname: true, us: 0, revision: 1 };
    cache.nodeChanged(ingestNode(state, NODE, how));
  }
  const loaded = loadProfiles(undefined, schedulerRegistry);
  if ('problems' in loaded) throw new Error('the default profile has problems');
  const verdicts = new Verdicts();
  const instances: Instance[] = [];
  const framework = new Framework(loaded.settings.profiles[0]!, cache, verdicts, instances, 0);
  const search = new BruteSearch(cache, verdicts, new Rng(1, 0).stream('scheduler/ties'));
  const pod = new PodCursor(state);
  const templates = Array.from({ length: TEMPLATES }, (_, i) =>
    state.templates.intern({
      labels: { app: `app-${i}` },
      annotations: {},
      spec: {
        containers: [
          {
            name: 'c',
            image: `app-${i}:v1`,
            resources: { requests: { cpu: `${250 + 75 * i}m`, memory: `${512 + 128 * (i % 7)}Mi` } },
          },
        ],
      },
      metadata: null,
    }),
  );
  const namespace = state.texts.id('default');
  for (let i = 0; spread && i < TEMPLATES; i++) {
    cache.objects.set({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name: `app-${i}` },
      spec: { selector: { app: `app-${i}` } },
    });
  }
  const rows: PodId[] = [];
  for (let i = 0; i < nodes * PODS_PER_NODE; i++) {
    const template = templates[i % TEMPLATES]!;
    rows.push(
      state.pods.create({
        namespace,
        nameBase: namespace,
        nameSuffix: -1,
        template: template.id,
        labelSet: template.labelSet,
        owner: -1,
        priority: 0,
        createdUs: 0,
        revision: 1,
        runUs: Number.NaN,
      }),
    );
  }
  let hash = 1;
  let looked = 0;
  let next = 0;
  const decide = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const row = rows[next++ % rows.length]!;
      if (cache.nodeOfPod(row) >= 0) cache.removePod(row);
      const { node, examined } = search.select(pod.at(row), framework);
      if (node < 0) throw new Error('the cluster is never full');
      cache.addPod(row, node, state.template(row));
      hash = mix32(Math.imul(hash, 31) + node);
      looked += examined;
    }
  };
  decide(rows.length);
  looked = 0;
  const before = process.cpuUsage();
  decide(decisions);
  const { user, system } = process.cpuUsage(before);
  return {
    nodes,
    spread,
    decisions,
    usPerDecision: Math.round((100 * (user + system)) / decisions) / 100,
    nodesPerDecision: Math.round(looked / decisions),
    hash: (hash >>> 0).toString(16).padStart(8, '0'),
  };
}

export async function run({ size, json }: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const isFull = size === 'full';
  const figures = [false, true].flatMap((spread) => [
    measure(1000, isFull ? 50_000 : 2000, spread),
    measure(5000, isFull ? 100_000 : 2000, spread),
  ]);
  if (json) {
    console.log(JSON.stringify({ benchmark: 'scheduler', figures }));
    return;
  }
  for (const f of figures) {
    console.log(
      `${f.nodes} nodes${f.spread ? ', default spread' : ''}: ${f.usPerDecision} µs CPU a decision, ${f.nodesPerDecision} nodes looked at, ${f.decisions} decisions, work hash ${f.hash}`,
    );
  }
}
