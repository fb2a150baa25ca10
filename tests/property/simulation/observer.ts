// Checks of a whole run from inside: an observer that watches pods as any component does, and looks at the tables after
// each change and at the end. It knows nothing of how the rooms keep their sums: it counts again.
import type { ControllerContext, ControllerDefinition } from '../../../engine/contracts/controller.ts';
import type { RunResult } from '../../../engine/contracts/result.ts';
import type { RunContext } from '../../../engine/contracts/run-context.ts';
import type { ResolvedScenario } from '../../../engine/contracts/scenario.ts';
import { simulate } from '../../../engine/index.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { isTerminal, PodBit, Verb } from '../../../engine/state/index.ts';
import { schedulerRegistry } from '../../../policies/scheduler/index.ts';
import { workloads } from '../../../workloads/index.ts';

export interface Observed {
  readonly result: RunResult;
  readonly run: RunContext;
  /** What was wrong, each with its time. */
  readonly problems: readonly string[];
}

/** After every batch of pod changes. */
export type Check = (run: RunContext, tell: (problem: string) => void) => void;

/** Sums kept by node against the pods counted anew; requested never above allocatable. */
const nodesHoldWhatTheyMay: Check = ({ state }, tell) => {
  const { nodes, pods } = state;
  const sums = Array.from({ length: nodes.used }, () => ({ pods: 0, cpu: 0, memory: 0 }));
  for (const id of pods.livePods()) {
    const node = pods.node[id]!;
    if (node < 0 || isTerminal(pods.word[id]!)) continue;
    const sum = sums[node]!;
    const template = state.template(id);
    sum.pods += 1;
    sum.cpu += template.cpuMilli;
    sum.memory += template.memoryBytes;
  }
  sums.forEach((sum, node) => {
    const kept = {
      pods: nodes.podCount[node]!,
      cpu: nodes.cpuRequested[node]!,
      memory: nodes.memoryRequested[node]!,
    };
    if (kept.pods !== sum.pods || kept.cpu !== sum.cpu || kept.memory !== sum.memory) {
      tell(`${nodes.name[node]} keeps ${JSON.stringify(kept)}, its pods are ${JSON.stringify(sum)}`);
    }
    const room = {
      pods: nodes.podsMax[node]!,
      cpu: nodes.cpuMilli[node]!,
      memory: nodes.memoryBytes[node]!,
    };
    if (sum.pods > room.pods || sum.cpu > room.cpu || sum.memory > room.memory) {
      tell(`${nodes.name[node]} holds ${JSON.stringify(sum)} of ${JSON.stringify(room)}`);
    }
  });
};

/** Every ready endpoint is a Ready pod that the Service selects, and every such pod is an endpoint. */
export function endpointProblems({ state }: RunContext): string[] {
  const { pods, objects } = state;
  const problems: string[] = [];
  const all = (kind: string): Json[] => [...objects.kind(kind).ids.values()].map((id) => objects.get(id));
  for (const service of all('Service')) {
    const { name, namespace } = service.metadata;
    const wanted: string[] = [];
    for (const id of pods.livePods()) {
      const labels = state.labels.get(pods.labelSet[id]!);
      const selected = Object.entries(service.spec.selector ?? {}).every(([k, v]) => labels[k] === v);
      const word = pods.word[id]!;
      if (!selected || state.podNamespace(id) !== namespace || isTerminal(word)) continue;
      if (word & PodBit.ready && !(word & PodBit.deleting)) wanted.push(state.podName(id));
    }
    const found: string[] = [];
    for (const slice of all('EndpointSlice')) {
      if (
        slice.metadata.labels?.['kubernetes.io/service-name'] !== name ||
        slice.metadata.namespace !== namespace
      )
        continue;
      for (const endpoint of slice.endpoints ?? []) {
        if (endpoint.conditions?.ready !== false) found.push(endpoint.targetRef.name);
      }
    }
    if (wanted.sort().join() !== found.sort().join()) {
      problems.push(`service ${name}: ready pods [${wanted}], ready endpoints [${found}]`);
    }
  }
  return problems;
}

/** Runs a scenario under observation. */
export function observe(scenario: ResolvedScenario, checks: readonly Check[] = []): Observed {
  const problems: string[] = [];
  let run: RunContext | undefined;
  const definition: ControllerDefinition = {
    name: 'observer',
    clientName: 'observer',
    about: 'watches and checks',
    create(context: ControllerContext) {
      const found = context.run;
      run = found;
      const tell = (problem: string): void => {
        if (problems.length < 20) problems.push(`${found.kernel.now / 1e6} s: ${problem}`);
      };
      /** Node of each pod when it was first seen there, by creation number. */
      const nodeOf = new Map<number, number>();
      found.api.watch('pods', (log, from, to) => {
        const { pods } = found.state;
        for (let p = from; p < to; p++) {
          const node = log.node(p);
          const serial = pods.serial[log.id(p)]!;
          if (node >= 0 && (nodeOf.get(serial) ?? node) !== node) tell(`pod ${serial} is on two nodes`);
          if (node >= 0) nodeOf.set(serial, node);
          if (log.verb(p) === Verb.deleted) nodeOf.delete(serial);
        }
        for (const check of [nodesHoldWhatTheyMay, ...checks]) check(found, tell);
      });
      return {
        // Nothing is ever put into its queue.
        *reconcile() {
          yield* [];
          return 0 as const;
        },
      };
    },
  };
  const result = simulate(scenario, { workloads, scheduler: schedulerRegistry, controllers: [definition] });
  return { result, run: run!, problems };
}
