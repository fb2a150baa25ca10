// Which nodes a step means.
import type { NodePick } from '../contracts/scenario.ts';
import type { ClusterState } from '../state/index.ts';

/** Rows of the live nodes that are meant, in order of joining. Names that no node has are left out. */
export function pickNodes(state: ClusterState, pick: NodePick): number[] {
  const { nodes } = state;
  const found: number[] = [];
  if (pick.names !== undefined) {
    for (const name of pick.names) {
      const node = nodes.find(name);
      if (node >= 0) found.push(node);
    }
    return found;
  }
  const labels = Object.entries(pick.matchLabels ?? {});
  for (let node = 0; node < nodes.used; node++) {
    if (found.length === pick.count) break;
    if (nodes.removed[node] === 1) continue;
    if (pick.zone !== undefined && nodes.zone(node) !== pick.zone) continue;
    if (labels.every(([key, value]) => nodes.label(node, key) === value)) found.push(node);
  }
  return found;
}
