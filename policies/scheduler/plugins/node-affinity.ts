// NodeAffinity: nodeSelector and required terms decide, preferred terms score; a profile may add an affinity of its
// own to every pod (plugins/nodeaffinity, v1.36).
import * as z from 'zod';
import {
  ClusterEvent,
  Code,
  definePlugin,
  type Json,
  NodeField,
  PASS,
  type PodTemplate,
  SKIP,
} from '../../../engine/index.ts';
import { argsSchema } from './args.ts';
import {
  compileNodeSelector,
  compilePreferred,
  LABEL_HOSTNAME,
  type NodeSelector,
  type PreferredTerms,
  selectorOfMap,
} from './node-selector.ts';
import { normalizeByMaximum, perTemplate } from './support.ts';

const REASON_POD = "node(s) didn't match Pod's node affinity/selector";
const REASON_ENFORCED = "node(s) didn't match scheduler-enforced node affinity";
const REASON_CONFLICT = 'pod affinity terms conflict';

const requirement = z.object({
  key: z.string(),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: z.array(z.string()).optional(),
});
const term = z.strictObject({
  matchExpressions: z.array(requirement).optional(),
  matchFields: z.array(requirement).optional(),
});
const args = argsSchema({
  addedAffinity: z
    .strictObject({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .strictObject({ nodeSelectorTerms: z.array(term).min(1) })
        .optional(),
      preferredDuringSchedulingIgnoredDuringExecution: z
        .array(z.strictObject({ weight: z.number().int().min(1).max(100), preference: term }))
        .optional(),
    })
    .optional(),
});

/** What a template asks of nodes. */
interface Wish {
  readonly selector: NodeSelector | null;
  readonly required: NodeSelector | null;
  readonly preferred: PreferredTerms | null;
  /** Names that all terms pin the pod to; null: not pinned. */
  readonly names: readonly string[] | null;
  readonly text: string;
}

const affinityOf = (template: PodTemplate): Json => template.spec.affinity?.nodeAffinity;

function wishOf(template: PodTemplate): Wish {
  const affinity = affinityOf(template);
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution;
  const nodeSelector = template.spec.nodeSelector;
  return {
    selector: nodeSelector ? selectorOfMap(nodeSelector) : null,
    required: required ? compileNodeSelector(required.nodeSelectorTerms ?? []) : null,
    preferred: preferred ? compilePreferred(preferred) : null,
    names: pinnedTo(required?.nodeSelectorTerms ?? []),
    text: JSON.stringify([nodeSelector ?? null, required ?? null, preferred ?? null]),
  };
}

/** Terms are united, `metadata.name In` requirements within a term intersected; a term without one frees the pod. */
function pinnedTo(terms: readonly Json[]): readonly string[] | null {
  if (terms.length === 0) return null;
  const names = new Set<string>();
  for (const each of terms) {
    let own: string[] | null = null;
    for (const field of each.matchFields ?? []) {
      if (field.key !== 'metadata.name' || field.operator !== 'In') continue;
      const values: string[] = field.values ?? [];
      own = own === null ? [...values] : own.filter((name) => values.includes(name));
    }
    if (own === null) return null;
    for (const name of own) names.add(name);
  }
  return [...names];
}

export const nodeAffinity = definePlugin({
  name: 'NodeAffinity',
  about:
    "Keeps pods on nodes that match their nodeSelector and required affinity, prefers those they'd like.",
  points: ['preFilter', 'filter', 'preScore', 'score'],
  args,
  create({ addedAffinity }, handle) {
    const rejected = handle.verdict(Code.unschedulableAndUnresolvable, REASON_POD);
    const enforced = handle.verdict(Code.unschedulableAndUnresolvable, REASON_ENFORCED);
    const conflict = handle.verdict(Code.unschedulableAndUnresolvable, REASON_CONFLICT);
    const wish = perTemplate(wishOf);
    const addedRequired = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const addedPreferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    const added = addedRequired ? compileNodeSelector(addedRequired.nodeSelectorTerms) : null;
    const addedScore = addedPreferred ? compilePreferred(addedPreferred) : null;
    return {
      locality: 'node',
      reads: NodeField.labels | NodeField.name,
      sign: (pod) => (pod.pinnedNode === '' ? '' : `@${pod.pinnedNode} `) + wish(pod.template).text,
      events: [
        {
          events: ClusterEvent.nodeAdd | ClusterEvent.nodeLabel,
          hint(pod, { node, before }, cluster) {
            if (pod.pinnedNode !== '' && pod.pinnedNode !== cluster.nodeName(node)) return false;
            const { selector, required } = wish(pod.template);
            const all = [added, selector, required].filter((s) => s !== null);
            if (!all.every((s) => s.matches(cluster, node))) return false;
            if (before === null) return true;
            const name = cluster.nodeName(node);
            const label = (key: string): string | undefined =>
              key === LABEL_HOSTNAME && before.hostnameLabel ? name : before.labels[key];
            return !all.every((s) => s.matchesLabels(label, name));
          },
        },
      ],
      preFilter(pod, _cluster, control) {
        const { selector, required, names } = wish(pod.template);
        const { pinnedNode } = pod;
        if (pinnedNode !== '') {
          control.restrict([pinnedNode]);
          return undefined;
        }
        if (selector === null && required === null && added === null) return SKIP;
        if (names !== null) {
          if (names.length === 0) control.reject(conflict);
          else control.restrict(names);
        }
        return undefined;
      },
      filter(pod, node) {
        const { cluster } = handle;
        if (added !== null && !added.matches(cluster, node.id)) return enforced;
        if (pod.pinnedNode !== '' && pod.pinnedNode !== node.name) return rejected;
        const { selector, required } = wish(pod.template);
        if (selector !== null && !selector.matches(cluster, node.id)) return rejected;
        return required === null || required.matches(cluster, node.id) ? PASS : rejected;
      },
      filterBatch(pod, cluster, nodes, from, to, _state, verdicts) {
        const { selector, required } = wish(pod.template);
        const { pinnedNode } = pod;
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          if (added !== null && !added.matches(cluster, node)) verdicts[node] = enforced;
          else if (pinnedNode !== '' && pinnedNode !== cluster.nodeName(node)) verdicts[node] = rejected;
          else if (selector !== null && !selector.matches(cluster, node)) verdicts[node] = rejected;
          else if (required !== null && !required.matches(cluster, node)) verdicts[node] = rejected;
          else nodes[kept++] = node;
        }
        return kept;
      },
      preScore(pod) {
        return wish(pod.template).preferred === null && addedScore === null ? SKIP : undefined;
      },
      score(pod, node) {
        const { preferred } = wish(pod.template);
        return (
          (addedScore?.score(handle.cluster, node.id) ?? 0) + (preferred?.score(handle.cluster, node.id) ?? 0)
        );
      },
      normalize: (scores, count) => normalizeByMaximum(scores, count, false),
    };
  },
});
