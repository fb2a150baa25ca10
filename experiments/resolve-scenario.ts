// A recorded scenario file to a resolved scenario: the cluster, namespace and steps of its header, run with the costs of
// the control plane that the recordings were made on. What `setup` makes is made before the scenario's time 0.
import type { ResolvedScenario, TimedStep } from '../engine/contracts/scenario.ts';
import { recorded } from '../policies/costs/recorded.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { neighboursOf } from './neighbours.ts';
import { DEFAULT_NODE, nodeGroup } from './node-groups.ts';
import type { InputObject } from './objects.ts';
import type { ScenarioHeader } from './schema.ts';
import { DEFAULT_SEED, DEFAULT_UNTIL_US, type ResolveContext } from './settings.ts';
import { resolveSteps } from './steps.ts';

/** Time between setup and the scenario's time 0 in the recordings: 2.1 to 3.0 s. */
const SETUP_US = 2_500_000;
const MINUTE_US = 60_000_000;
/** The nodes of a recorded scenario had joined that long before its time 0: 1.8 s and more, half of them 2.7 s. */
const JOINED_US = 2_700_000;
/** A recording stops after this long without change, unless its header says otherwise. */
const DEFAULT_IDLE_MS = 3_500;

/** When the scenario's time begins, µs of the run: after the setup, at its second of a minute on the clock. */
function originOf(hasSetup: boolean, secondOfMinute: number | undefined): number {
  const earliest = hasSetup ? SETUP_US : 0;
  if (secondOfMinute === undefined) return earliest;
  const us = Math.round(secondOfMinute * 1_000_000);
  return us + Math.ceil(Math.max(0, earliest - us) / MINUTE_US) * MINUTE_US;
}

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
  if ((header.parallel ?? 1) > 1 && neighboursOf(header) === 0)
    common.note('parallel', 'run alone: its neighbours would change nodes or act at the same instant');
  const created = new Set<InputObject>();
  const setup = resolveSteps(header.setup ?? [], { ...common, path: ['setup'], created });
  const originUs = originOf(setup.length > 0, header.secondOfMinute);
  const later = resolveSteps(header.steps, { ...common, path: ['steps'], created, recorded: { originUs } });
  for (const { object, manifest: from, verdict } of created)
    loss.object(from.source, object, verdict.modelled);
  const steps: TimedStep[] = [...setup, ...later];
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
    existing: [
      {
        source: manifest.source,
        object: {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: namespace, labels: { 'kubernetes.io/metadata.name': namespace } },
          spec: { finalizers: ['kubernetes'] },
          status: { phase: 'Active' },
        },
      },
    ],
    steps,
    workloads: [],
    policies: {},
    costs: recorded,
    queue: 'heap',
    untilUs: settings.untilUs ?? originUs + Math.round((header.end.maxMs ?? DEFAULT_UNTIL_US / 1000) * 1000),
    warmUpUs: 0,
    stopWhenIdle: true,
    expect: [],
    frame: {
      namespace,
      originUs,
      joinedUs: originUs - JOINED_US,
      idleUs: Math.round((header.end.idleMs ?? DEFAULT_IDLE_MS) * 1000),
      minUs: Math.round((header.end.minMs ?? 0) * 1000),
      shared: header.exclusive !== true,
      steps: header.steps.map((step) => ({ ...step })),
    },
    loss: loss.list(),
  };
}
