// A recorded scenario file to a resolved scenario.
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { assemble, defaultCosts } from './assemble.ts';
import { DEFAULT_NODE, nodeGroup } from './node-groups.ts';
import type { InputObject } from './objects.ts';
import type { ScenarioHeader } from './schema.ts';
import { DEFAULT_SEED, DEFAULT_UNTIL_US, type ResolveContext } from './settings.ts';
import { resolveSteps } from './steps.ts';

/** A recorded scenario: its nodes, what `setup` made, and its steps. */
export function resolveScenarioFile(
  header: ScenarioHeader,
  manifest: ManifestObject,
  objects: readonly InputObject[],
  beside: readonly InputObject[],
  context: ResolveContext,
): ResolvedScenario {
  const { loss, problems, settings } = context;
  const namespace = header.scenario;
  for (const entry of beside) {
    problems.push({
      code: 'E3003',
      file: entry.manifest.source,
      ...entry.manifest.position([]),
      message: `objects beside the scenario ${manifest.source}: a scenario has its own`,
    });
  }
  const common = {
    manifest,
    objects,
    namespace,
    apply: (_file: string, problem: (message: string) => void) => {
      problem('a scenario file creates its own documents: use `do: create`');
      return [];
    },
    problems,
    note: (field: string, note: string) => loss.add(manifest.source, 'Scenario', field, note),
  };
  const made = new Set<InputObject>();
  const setup = resolveSteps(header.setup ?? [], { ...common, path: ['setup'], created: made });
  setup.forEach((step, i) => {
    if (step.do !== 'create') {
      problems.push({
        code: 'E3006',
        file: manifest.source,
        ...manifest.position(['setup', i]),
        path: `setup[${i}]`,
        message: 'setup steps other than create are not supported by this version',
      });
    }
  });
  const created = new Set<InputObject>();
  const later = resolveSteps(header.steps, { ...common, path: ['steps'], created });
  const { existing, steps } = assemble([...made], [], later, [...made, ...created], loss);
  return {
    experiment: header.scenario,
    variant: 'default',
    replication: 1,
    seed: settings.seed ?? DEFAULT_SEED,
    nodes: header.cluster.nodes.map((node) =>
      nodeGroup(
        {
          cpu: String(node.cpu ?? '8'),
          memory: String(node.memory ?? DEFAULT_NODE.memory),
          pods: node.pods ?? DEFAULT_NODE.pods,
          ...(node.labels === undefined ? {} : { labels: node.labels }),
          ...(node.taints === undefined ? {} : { taints: node.taints }),
        },
        1,
        { prefix: '', names: [`${namespace}-${node.name}`] },
        node.zone === undefined ? [] : [node.zone],
      ),
    ),
    existing,
    steps,
    workloads: [],
    policies: {},
    costs: defaultCosts(),
    queue: 'heap',
    untilUs: settings.untilUs ?? Math.round((header.end.maxMs ?? DEFAULT_UNTIL_US / 1000) * 1000),
    warmUpUs: 0,
    stopWhenIdle: true,
    expect: [],
    loss: loss.list(),
  };
}
