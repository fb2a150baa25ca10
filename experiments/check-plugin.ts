// `kubetick check-plugin`: looks for small clusters on which a scheduler plug-in does not do what it declares. Each check
// is a property over random cases; a case that breaks it is made smaller until nothing can be taken away.
import type * as FastCheck from 'fast-check';
import {
  type KubeObject,
  type PluginAnswer,
  type PluginDefinition,
  PluginProbe,
  PolicyFault,
} from '../engine/index.ts';
import {
  Cases,
  type Change,
  type ClusterCase,
  clusterObjects,
  type PodCase,
  podObject,
  withoutNode,
} from './check-cases.ts';
import { faultProblem } from './registry.ts';

/** A plug-in with the arguments that it is checked with. */
export interface Subject {
  readonly definition: PluginDefinition;
  readonly args: unknown;
  /** Texts that its cases may use as labels and values. */
  readonly words: readonly string[];
}

/** The smallest case found, as objects, with the two answers that should have been equal. */
export interface Violation {
  readonly text: string;
  /** Node whose answers differ; '': the whole. */
  readonly node: string;
  readonly was: string;
  readonly is: string;
  readonly cluster: readonly KubeObject[];
  readonly pod: KubeObject;
  /** The cluster after the change, or the second pod. */
  readonly other?: readonly KubeObject[];
}

export interface CheckResult {
  readonly check: CheckName;
  readonly about: string;
  /** Cases tried; fewer than asked for where one broke it. */
  readonly cases: number;
  readonly violation: Violation | null;
}

interface Sample {
  readonly cluster: ClusterCase;
  readonly pod: PodCase;
  readonly vary: (pod: PodCase) => PodCase;
  readonly change: Change;
  /** Node in question, and another one, by place (modulo the number of nodes). */
  readonly node: number;
  readonly other: number;
}

type Check = (subject: Subject, sample: Sample) => Violation | null;

const probe = (subject: Subject, cluster: ClusterCase, ...pods: PodCase[]): PluginProbe =>
  new PluginProbe(subject.definition, subject.args, clusterObjects(cluster), pods.map(podObject));

/** `passes, score 7` */
function said(answer: PluginAnswer, node: string): string {
  const verdict = answer.verdicts[node]!;
  const score = answer.scores[node];
  return `${verdict === '' ? 'passes' : `rejects (${verdict})`}${score === undefined ? '' : `, score ${score}`}`;
}

/** The first node of whose answers the texts differ, with both. */
function difference(
  was: PluginAnswer,
  is: PluginAnswer,
  nodes: readonly string[],
): { node: string; was: string; is: string } | null {
  for (const node of nodes) {
    const [before, after] = [said(was, node), said(is, node)];
    if (before !== after) return { node, was: before, is: after };
    const [a, b] = [was.normalized[node], is.normalized[node]];
    if (a !== b && was.scores[node] === is.scores[node] && sameNodes(was, is))
      return { node, was: `normalised score ${a}`, is: `normalised score ${b}` };
  }
  return null;
}

/** Normalised scores compare only where the same nodes had the same scores. */
const sameNodes = (a: PluginAnswer, b: PluginAnswer): boolean => {
  const names = Object.keys(a.scores);
  return (
    names.length === Object.keys(b.scores).length && names.every((name) => a.scores[name] === b.scores[name])
  );
};

const namesOf = ({ nodes }: ClusterCase): string[] => nodes.map(({ name }) => name);

function violation(
  text: string,
  found: { node: string; was: string; is: string } | null,
  { cluster, pod }: Sample,
  other?: readonly KubeObject[],
): Violation | null {
  if (found === null) return null;
  return {
    text,
    ...found,
    cluster: clusterObjects(cluster),
    pod: podObject(pod),
    ...(other === undefined ? {} : { other }),
  };
}

const repeats: Check = (subject, sample) => {
  const { cluster, pod } = sample;
  const one = probe(subject, cluster, pod);
  const first = one.ask(0);
  return (
    violation(
      'asked twice about the same pod, it answers differently',
      difference(first, one.ask(0), namesOf(cluster)),
      sample,
    ) ??
    violation(
      'two instances answer differently: state is kept outside of create',
      difference(first, probe(subject, cluster, pod).ask(0), namesOf(cluster)),
      sample,
    )
  );
};

const order: Check = (subject, sample) => {
  const { cluster, pod } = sample;
  const was = probe(subject, cluster, pod).ask(0);
  const is = probe(subject, cluster, pod).ask(0, { reverse: true });
  return violation(
    'the answer depends on the order of the nodes',
    difference(was, is, namesOf(cluster)),
    sample,
  );
};

const batch: Check = (subject, sample) => {
  const { cluster, pod } = sample;
  const was = probe(subject, cluster, pod).ask(0);
  const is = probe(subject, cluster, pod).ask(0, { batch: true });
  return violation(
    'the batch form answers otherwise than the form per node',
    difference(was, is, namesOf(cluster)),
    sample,
  );
};

const untouched: Check = (subject, sample) => {
  const one = probe(subject, sample.cluster, sample.pod);
  const was = one.digest();
  one.ask(0);
  one.ask(0, { batch: true });
  const is = one.digest();
  const changed = was === is ? null : { node: '', was: 'as it was shown', is: 'changed' };
  return violation('it changes what it was shown: nodes, pods or templates', changed, sample);
};

const reads: Check = (subject, sample) => {
  const { cluster, pod, change } = sample;
  const at = sample.node % cluster.nodes.length;
  const changed = change.apply(cluster, at);
  if (changed === null) return null;
  const one = probe(subject, cluster, pod);
  if ((change.touches & one.plugin.reads) !== 0) return null;
  const found = difference(one.ask(0), probe(subject, changed, pod).ask(0), [cluster.nodes[at]!.name]);
  const text = `${change.about}: \`reads\` does not name that, and the answer for that node changes`;
  return violation(text, found, sample, clusterObjects(changed));
};

const locality: Check = (subject, sample) => {
  const { cluster, pod, change } = sample;
  if (cluster.nodes.length < 2) return null;
  const at = sample.node % cluster.nodes.length;
  const elsewhere = (at + 1 + (sample.other % (cluster.nodes.length - 1))) % cluster.nodes.length;
  const one = probe(subject, cluster, pod);
  if (one.plugin.locality !== 'node') return null;
  const name = cluster.nodes[at]!.name;
  const was = one.ask(0);
  const changed = change.apply(cluster, elsewhere);
  if (changed !== null) {
    const found = difference(was, probe(subject, changed, pod).ask(0), [name]);
    const text = `${change.about}, another one (${cluster.nodes[elsewhere]!.name}): locality is "node", and the answer for ${name} changes`;
    if (found !== null) return violation(text, found, sample, clusterObjects(changed));
  }
  const fewer = withoutNode(cluster, elsewhere);
  const found = difference(was, probe(subject, fewer, pod).ask(0), [name]);
  const text = `another node (${cluster.nodes[elsewhere]!.name}) leaves: locality is "node", and the answer for ${name} changes`;
  return violation(text, found, sample, clusterObjects(fewer));
};

const sign: Check = (subject, sample) => {
  const { cluster, pod } = sample;
  const twin = { ...sample.vary(pod), name: 'twin' };
  const one = probe(subject, cluster, pod, twin);
  const [was, is] = [one.ask(0), one.ask(1)];
  if (was.sign === null || was.sign !== is.sign) return null;
  const text = `both pods have the signature ${JSON.stringify(was.sign)}, and their answers differ`;
  return violation(text, difference(was, is, namesOf(cluster)), sample, [podObject(twin)]);
};

const state: Check = (subject, sample) => {
  const { cluster, pod } = sample;
  const newcomer = { ...sample.vary(pod), name: 'newcomer' };
  const node = cluster.nodes[sample.node % cluster.nodes.length]!.name;
  const answers = probe(subject, cluster, pod, newcomer).afterArrival(0, 1, node);
  if (answers === null) return null;
  const answer = (verdicts: PluginAnswer['verdicts']): PluginAnswer => ({
    sign: null,
    verdicts,
    scores: {},
    normalized: {},
  });
  const found = difference(answer(answers.fresh), answer(answers.kept), namesOf(cluster));
  const text = `a pod comes to ${node} during the attempt (preemption and nominated pods suppose that): the state of preFilter is out of date`;
  return violation(text, found, sample, [podObject(newcomer)]);
};

const restrict: Check = (subject, sample) => {
  const [node] = probe(subject, sample.cluster, sample.pod).leftOutButPassing(0);
  if (node === undefined) return null;
  const found = { node, was: 'preFilter leaves it out', is: 'filter lets the pod there' };
  return violation('preFilter and filter disagree', found, sample);
};

const CHECKS = {
  repeats: { about: 'asked twice, and made anew, it answers the same', run: repeats },
  order: { about: 'the order of the nodes does not matter', run: order },
  batch: { about: 'batch forms agree with the forms per node', run: batch },
  untouched: { about: 'it changes nothing that it is shown', run: untouched },
  reads: { about: 'what `reads` does not name does not matter', run: reads },
  locality: { about: 'locality "node": other nodes and their pods do not matter', run: locality },
  sign: { about: 'pods with equal signatures get equal answers', run: sign },
  state: { about: 'the state of preFilter keeps up with pods that come', run: state },
  restrict: { about: 'filter rejects the nodes that preFilter leaves out', run: restrict },
} as const satisfies Record<string, { about: string; run: Check }>;

export type CheckName = keyof typeof CHECKS;

/** Runs all checks of one plug-in, or `only` one, each over `runs` cases; the same seed gives the same cases. */
export async function checkPlugin(
  subject: Subject,
  { seed, runs, only }: { readonly seed: number; readonly runs: number; readonly only?: CheckName },
): Promise<CheckResult[]> {
  const fc: typeof FastCheck = await import('fast-check');
  const cases = new Cases(fc, subject.words);
  const sample: FastCheck.Arbitrary<Sample> = fc.record({
    cluster: cases.cluster,
    pod: cases.pod,
    vary: cases.variation,
    change: cases.change,
    node: fc.nat(3),
    other: fc.nat(2),
  });
  const names = only === undefined ? (Object.keys(CHECKS) as CheckName[]) : [only];
  return names.map((check) => {
    const { about, run } = CHECKS[check];
    const holds = (one: Sample): Violation | null => told(() => run(subject, one), one);
    const result = fc.check(
      fc.property(sample, (one) => holds(one) === null),
      { seed, numRuns: runs, verbose: 0 },
    );
    const smallest = result.counterexample?.[0];
    return {
      check,
      about,
      cases: result.numRuns,
      violation: smallest === undefined ? null : holds(smallest),
    };
  });
}

/** What a plug-in throws, or answers out of range, is a violation of its own. */
function told(action: () => Violation | null, sample: Sample): Violation | null {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PolicyFault)) throw error;
    const { file, line, path, message } = faultProblem(error);
    const is = `${message.split('\n')[0]} (${file}${line === undefined ? '' : `:${line}`})`;
    return violation(`${path} fails`, { node: error.node, was: 'an answer', is }, sample);
  }
}
