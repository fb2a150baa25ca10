// A small cluster for tests: kernel, tables, server, with everything accepted as it is and costs as given.

import { Server, type ServerOptions } from '../../../engine/apiserver/server.ts';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { RunOptions } from '../../../engine/contracts/result.ts';
import { Seeder } from '../../../engine/drivers/seed.ts';
import {
  Durations,
  Fingerprint,
  Kernel,
  KeyedDraw,
  PeriodicWork,
  Rng,
} from '../../../engine/kernel/index.ts';
import { podTemplateCompiler } from '../../../engine/kinds/ingest/pod-template.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { Recorder } from '../../../engine/metrics/recorder.ts';
import { podRowSource } from '../../../engine/pod-rows.ts';
import { ClusterState } from '../../../engine/state/index.ts';
import { costPresets } from '../../../policies/costs/index.ts';

const RESOURCES: Record<string, [string, string, boolean]> = {
  Namespace: ['v1', 'namespaces', false],
  Service: ['v1', 'services', true],
  Deployment: ['apps/v1', 'deployments', true],
  ReplicaSet: ['apps/v1', 'replicasets', true],
  EndpointSlice: ['discovery.k8s.io/v1', 'endpointslices', true],
};

/** `sinks` take the tables, without one nobody asks for Events; `trace` hears the hops of an object. */
export function cluster(
  costs: CostPreset = costPresets['zero']!,
  options: Pick<RunOptions, 'sinks' | 'trace'> & {
    /** The kinds' rules; without them everything is accepted as it is. */
    admit?(state: ClusterState): ServerOptions['admit'];
  } = {},
) {
  const fingerprint = new Fingerprint();
  const kernel = new Kernel({ fingerprint });
  const rng = new Rng(1, 1);
  const draw = new KeyedDraw(1, 1);
  const durations = new Durations(draw);
  const state = new ClusterState(podTemplateCompiler);
  for (const [kind, [apiVersion, resource, namespaced]] of Object.entries(RESOURCES)) {
    state.objects.register(kind, apiVersion, resource, namespaced);
  }
  const labels = { experiment: 'test', variant: 'default', replication: 1, seed: 1 };
  const recorder = new Recorder({
    labels,
    warmUpUs: 0,
    sinks: options.sinks ?? [],
    pods: podRowSource(state),
    now: () => kernel.now,
    ...(options.trace ? { trace: options.trace } : {}),
  });
  const server = new Server({
    kernel,
    rng,
    draw,
    durations,
    fingerprint,
    state,
    recorder,
    costs,
    admit: options.admit?.(state) ?? ((object) => ({ code: 201, object })),
    addNode: (object, revision) =>
      seeder.node(object, {
        name: object.metadata.name!,
        zone: '',
        hostname: true,
        us: kernel.now,
        revision,
      }),
    describeKind: (object) => ({
      resource: `${object.kind.toLowerCase()}s`,
      namespaced: true,
      modelled: false,
    }),
  });
  const seeder: Seeder = new Seeder(state, recorder, server);
  seeder.namespaces([]);
  const periodic = new PeriodicWork(kernel, true);
  const context = { kernel, rng, draw, durations, state, api: server, recorder, costs, periodic };
  return { ...context, context, server, seeder, fingerprint };
}

export const podObject = (name: string, spec: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { containers: [{ name: 'c', image: 'app:v1' }], ...spec },
});

export const nodeObject = (cpu = '4', pods = '110'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {},
  status: { allocatable: { cpu, memory: '16Gi', pods } },
});
