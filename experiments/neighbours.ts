// What ran beside a recorded scenario. The recordings were made side by side in one cluster, each scenario in a namespace
// and on nodes of its own; what they shared is the control plane, above all the 20 requests a second of each controller's
// client. A file that says `parallel: N` is run among N - 1 copies of itself, which stand for the scenarios of its kind
// that were recorded with it: in other namespaces, on nodes and in zones of their own, started one after another. They
// are not told; the scenario is the one in the middle of the row.
//
// Run alone all the same: what says `exclusive`; what takes nodes away or changes them, for those of that kind were
// recorded minutes apart, and copies would fail together; and what begins at a second of the minute, for copies would
// act in step to the millisecond for as long as they run.
import type { NodeGroup, ResolvedScenario, SourcedObject, TimedStep } from '../engine/contracts/scenario.ts';
import type { Json, KubeObject } from '../engine/kinds/kind.ts';
import { isNodeCommand } from './kubectl-nodes.ts';
import { isNodeStep } from './node-steps.ts';
import type { ExperimentStep, ScenarioHeader } from './schema.ts';
import { byTime } from './steps.ts';

/** From one start to the next, µs: ten of the recorded batch with `parallel: 10` began within 4.5 s. */
const START_GAP_US = 500_000;
/** Label of the nodes of one scenario, by which its pods go there and nowhere else. */
const OWN_NODES = 'kubetick.io/scenario';
const ZONE = 'topology.kubernetes.io/zone';

/** Steps about nodes: they pick nodes, or make one, or are a kubectl of the node commands. */
const changesNodes = ({ do: verb, args }: ExperimentStep): boolean =>
  isNodeStep(verb) || verb === 'add-node' || (verb === 'kubectl' && isNodeCommand(args?.[0]));

/** How many others run at the same time. */
export function neighboursOf(header: ScenarioHeader): number {
  const { exclusive, secondOfMinute, parallel = 1, setup = [], steps } = header;
  const alone = exclusive === true || secondOfMinute !== undefined || [...setup, ...steps].some(changesNodes);
  return alone ? 0 : parallel - 1;
}

/** Namespace of the i-th neighbour. */
const besideName = (scenario: string, i: number): string => `beside-${i}-${scenario}`;

/** The pod template of a workload, or the pod itself; undefined for other objects. */
function podIn(object: Json): Json | undefined {
  const spec = object.kind === 'CronJob' ? object.spec?.jobTemplate?.spec : object.spec;
  const pod = object.kind === 'Pod' ? object : spec?.template;
  // Steps that delete name an object without its spec.
  return typeof pod?.spec === 'object' ? pod : undefined;
}

/** Nodes and steps of the scenario confined to its own nodes and zones, everything later by `shiftUs`. */
function apart(scenario: ResolvedScenario, own: string, zonePrefix: string, shiftUs: number) {
  const zoned = (zone: string): string => zonePrefix + zone;
  const labelled = (object: KubeObject): KubeObject => {
    const labels: Record<string, string> = { ...object.metadata.labels, [OWN_NODES]: own };
    if (labels[ZONE] !== undefined) labels[ZONE] = zoned(labels[ZONE]);
    return { ...object, metadata: { ...object.metadata, labels } };
  };
  const confined = ({ source, object }: SourcedObject): SourcedObject => {
    if (podIn(object) === undefined) return { source, object };
    const copy: KubeObject = structuredClone(object);
    const { spec } = podIn(copy)!;
    spec.nodeSelector = { ...spec.nodeSelector, [OWN_NODES]: own };
    return { source, object: copy };
  };
  const nodes = scenario.nodes.map(
    (group): NodeGroup => ({ ...group, object: labelled(group.object), zones: group.zones.map(zoned) }),
  );
  const steps = scenario.steps.map((step): TimedStep => {
    const { atUs, objects } = step;
    return { ...step, atUs: atUs + shiftUs, objects: objects.map(confined) };
  });
  return { nodes, steps };
}

/** The scenario among its neighbours. `resolve` gives the scenario of the same file under another name. */
export function amongNeighbours(
  told: ResolvedScenario,
  header: ScenarioHeader,
  resolve: (name: string) => ResolvedScenario,
): ResolvedScenario {
  const others = neighboursOf(header);
  if (others === 0 || told.frame === undefined) return told;
  const middle = Math.ceil(others / 2);
  const names = Array.from({ length: others }, (_, i) => besideName(header.scenario, i + 1));
  const shiftUs = middle * START_GAP_US;
  const own = apart(told, header.scenario, '', shiftUs);
  const beside = names.map((name, i) => {
    const copy = resolve(name);
    const place = i < middle ? i : i + 1;
    const parts = apart(copy, name, `${name}-`, place * START_GAP_US);
    // Only the scenario's own steps have a number, by which their answers are told.
    const steps = parts.steps.map(({ ordinal: _, ...step }): TimedStep => step);
    return { nodes: parts.nodes, steps, existing: copy.existing };
  });
  const { originUs, joinedUs } = told.frame;
  return {
    ...told,
    nodes: [...own.nodes, ...beside.flatMap((each) => each.nodes)],
    existing: [...told.existing, ...beside.flatMap((each) => each.existing)],
    steps: byTime([...own.steps, ...beside.flatMap((each) => each.steps)]),
    untilUs: told.untilUs + shiftUs,
    frame: {
      ...told.frame,
      originUs: originUs + shiftUs,
      joinedUs: joinedUs + shiftUs,
      neighbours: names,
    },
  };
}
