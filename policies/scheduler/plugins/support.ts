// What several plug-ins share: values kept per pod template, and the default normalisation of scores.
import {
  type DomainCounts,
  NODE_SCORE_MAX,
  type NodeDimensions,
  type PodTemplate,
} from '../../../engine/index.ts';

/** Nodes differ by their domain, or, where each domain is one node, by its count. */
export function divide(dimensions: NodeDimensions, { domains, counts }: DomainCounts): void {
  if (domains.isSingle) dimensions.through(domains.of, counts);
  else dimensions.by(domains.of);
}

/** Computes something once per pod template of a run. */
export function perTemplate<T>(compute: (template: PodTemplate) => T): (template: PodTemplate) => T {
  const known: T[] = [];
  const has: boolean[] = [];
  return (template) => {
    const { id } = template;
    if (has[id] !== true) {
      known[id] = compute(template);
      has[id] = true;
    }
    return known[id]!;
  };
}

/**
 * Scales scores so that the largest becomes 100; `reverse`: so that it becomes 0 and none becomes 100. Nothing to
 * scale: all 0, or all 100 if reversed (plugins/helper/normalize_score.go, v1.36).
 */
export function normalizeByMaximum(scores: Int32Array, count: number, reverse: boolean): void {
  let maximum = 0;
  for (let i = 0; i < count; i++) if (scores[i]! > maximum) maximum = scores[i]!;
  if (maximum === 0) {
    if (reverse) scores.fill(NODE_SCORE_MAX, 0, count);
    return;
  }
  for (let i = 0; i < count; i++) {
    const scaled = Math.floor((scores[i]! * NODE_SCORE_MAX) / maximum);
    scores[i] = reverse ? NODE_SCORE_MAX - scaled : scaled;
  }
}
