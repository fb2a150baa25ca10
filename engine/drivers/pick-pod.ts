// Which pod a step means by `selector` and `nth`: counted in order of creation among those that live and, unless the
// step says otherwise, are not being deleted.
import type { PodPick } from '../contracts/scenario.ts';
import { type ClusterState, compileMapSelector, isTerminal, PodBit } from '../state/index.ts';

/** Row of the pod, -1 if there are not so many. */
export function pickPod(state: ClusterState, pick: PodPick): number {
  const { pods, texts } = state;
  const namespace = texts.find(pick.namespace);
  const selector = compileMapSelector(pick.matchLabels, state.labels);
  let nth = pick.nth;
  for (const pod of pods.livePods()) {
    if (pods.namespace[pod] !== namespace || !selector.matchesSet(pods.labelSet[pod]!)) continue;
    const word = pods.word[pod]!;
    if (isTerminal(word) || (word & PodBit.deleting && !pick.deleting)) continue;
    if (nth-- === 0) return pod;
  }
  return -1;
}
