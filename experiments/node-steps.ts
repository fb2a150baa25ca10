// Steps about nodes: patch-node, cordon, uncordon, remove-node through the API; stop-node, start-node, cut-off and
// reboot past it. A step names its nodes (`node`), or picks those of a `zone` or with labels (`selector`), perhaps only
// `count` of them; `for` undoes it after a while.
import type { NodePick, TimedStep } from '../engine/contracts/scenario.ts';
import { parseDuration } from './duration.ts';
import type { ExperimentStep } from './schema.ts';

export interface NodeStepTools {
  problem(code: string, field: string, message: string, hint?: string): void;
  /** `a=b,c=d` as a map; undefined after a problem. */
  labels(selector: string): Record<string, string> | undefined;
  /** Name of the Node object. */
  nameOf(written: string): string;
}

/** What undoes a step; absent: nothing does. */
const UNDONE = {
  'stop-node': 'start-node',
  'cut-off': 'start-node',
  reboot: 'start-node',
  cordon: 'uncordon',
} as const;

/** A machine that says nothing is down this long while it boots. */
const REBOOT_US = 60_000_000;

type NodeVerb =
  | 'stop-node'
  | 'start-node'
  | 'cut-off'
  | 'reboot'
  | 'cordon'
  | 'uncordon'
  | 'patch-node'
  | 'remove-node';

const NODE_VERBS: ReadonlySet<string> = new Set<NodeVerb>([
  'stop-node',
  'start-node',
  'cut-off',
  'reboot',
  'cordon',
  'uncordon',
  'patch-node',
  'remove-node',
]);

export const isNodeStep = (verb: string | undefined): verb is NodeVerb => NODE_VERBS.has(verb ?? '');

/** kubectl cordon and uncordon. */
const cordon = (on: boolean): Pick<TimedStep, 'do' | 'patch'> => ({
  do: 'patch-node',
  patch: { type: 'merge', body: { spec: { unschedulable: on ? true : null } } },
});

export function nodeSteps(atUs: number, step: ExperimentStep, tools: NodeStepTools): TimedStep[] {
  const verb = step.do as NodeVerb;
  const nodes = pick(step, tools);
  const forUs = step.for === undefined ? undefined : (parseDuration(step.for) ?? 0);
  const undo = UNDONE[verb as keyof typeof UNDONE];
  if (forUs !== undefined && undo === undefined) {
    tools.problem(
      'E3002',
      'for',
      `step \`${verb}\` cannot be undone`,
      `with for: ${Object.keys(UNDONE).join(', ')}`,
    );
    return [];
  }
  const change = changeOf(verb, step, tools);
  if (nodes === undefined || change === undefined) return [];
  const first: TimedStep = { atUs, objects: [], nodes, ...change };
  const afterUs = verb === 'reboot' ? (forUs ?? REBOOT_US) : forUs;
  if (afterUs === undefined) return [first];
  const back = undo === 'uncordon' ? cordon(false) : ({ do: 'start-node' } as const);
  return [first, { atUs: atUs + afterUs, objects: [], nodes, ...back }];
}

function changeOf(
  verb: NodeVerb,
  step: ExperimentStep,
  tools: NodeStepTools,
): Pick<TimedStep, 'do' | 'patch'> | undefined {
  if (verb === 'cordon' || verb === 'uncordon') return cordon(verb === 'cordon');
  if (verb === 'reboot') return { do: 'crash-node' };
  if (verb !== 'patch-node') return { do: verb };
  const type = step.type ?? 'merge';
  if (type !== 'merge' && type !== 'strategic' && type !== 'json') {
    tools.problem('E3002', 'type', `no patch type ${JSON.stringify(type)}: merge, strategic or json`);
    return undefined;
  }
  if (step.body === undefined) {
    tools.problem('E3002', '', 'step `patch-node` needs a body');
    return undefined;
  }
  const status = step.subresource === 'status';
  return { do: 'patch-node', patch: { type, body: step.body, status } };
}

function pick(step: ExperimentStep, tools: NodeStepTools): NodePick | undefined {
  const count = step.count === undefined ? {} : { count: step.count };
  const written = step.node ?? step.name;
  if (written !== undefined) {
    if (step.zone !== undefined || step.selector !== undefined)
      tools.problem('E3002', 'node', 'give either `node`, or `zone` and `selector`, not both');
    const names = (Array.isArray(written) ? written : [written]).map(tools.nameOf);
    return { names: names.slice(0, step.count) };
  }
  if (step.zone === undefined && step.selector === undefined && step.count === undefined) {
    tools.problem('E3002', '', `step \`${step.do}\` needs a node`, 'node: NAME, or zone, selector and count');
    return undefined;
  }
  const zone = step.zone === undefined ? {} : { zone: step.zone };
  if (step.selector === undefined) return { ...zone, ...count };
  const matchLabels = tools.labels(step.selector);
  return matchLabels === undefined ? undefined : { ...zone, ...count, matchLabels };
}
