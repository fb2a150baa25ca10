// Which pods of a node `kubectl drain` removes, which it leaves and says so, and which make it give up (kubectl
// pkg/drain/filters.go, v1.36): pods that are nearly gone, of DaemonSets, mirrored, with local data, of nobody.
import type { DrainOptions } from '../contracts/scenario.ts';
import { type ClusterState, compileMapSelector, isTerminal, PodBit } from '../state/index.ts';

const MIRROR = 'kubernetes.io/config.mirror';

/** What is said of a pod: nothing, a warning, or why the node cannot be drained. */
interface Verdict {
  readonly removed: boolean;
  readonly warning?: string;
  readonly error?: string;
}

const REMOVED: Verdict = { removed: true };
const SKIPPED: Verdict = { removed: false };

/** Live pods that are bound to the node, as a LIST gives them: by namespace and name. */
export function podsToLookAt(state: ClusterState, node: number, drain: DrainOptions): number[] {
  const { pods } = state;
  const selector = drain.podLabels === undefined ? null : compileMapSelector(drain.podLabels, state.labels);
  const found: { pod: number; key: string }[] = [];
  for (const pod of pods.livePods()) {
    if (pods.node[pod] !== node || pods.word[pod]! & PodBit.removed) continue;
    if (selector !== null && !selector.matchesSet(pods.labelSet[pod]!)) continue;
    found.push({ pod, key: `${state.podNamespace(pod)}/${state.podName(pod)}` });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ pod }) => pod);
}

/** Deleted so long ago that nobody waits for it (shouldSkipPod). */
export function isSkipped(state: ClusterState, pod: number, drain: DrainOptions, nowUs: number): boolean {
  if (drain.skipDeletedSeconds === 0) return false;
  return Math.floor((nowUs - state.pods.deletionUs[pod]!) / 1_000_000) > drain.skipDeletedSeconds;
}

/** True where kubectl asks for the DaemonSet that a pod names as its owner. */
export function asksForDaemonSet(state: ClusterState, pod: number): boolean {
  const { pods, objects } = state;
  const owner = pods.owner[pod]!;
  return owner >= 0 && objects.get(owner)?.kind === 'DaemonSet' && !isTerminal(pods.word[pod]!);
}

function judge(state: ClusterState, pod: number, drain: DrainOptions, nowUs: number): Verdict {
  const { pods, objects } = state;
  const ended = isTerminal(pods.word[pod]!);
  const template = state.templates.get(pods.template[pod]!);
  if (isSkipped(state, pod, drain, nowUs)) return SKIPPED;
  // Only what the last filter says is kept: warnings of local data and of lost DaemonSets are never seen.
  if (asksForDaemonSet(state, pod)) {
    const { name = '' } = objects.get(pods.owner[pod]!)!.metadata;
    if (objects.find('DaemonSet', state.podNamespace(pod), name) < 0) {
      if (!drain.force) return { removed: false, error: `daemonsets.apps ${JSON.stringify(name)} not found` };
    } else if (!drain.ignoreDaemonSets) {
      return { removed: false, error: 'DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' };
    } else return { removed: false, warning: 'ignoring DaemonSet-managed Pods' };
  }
  if (template.annotations[MIRROR] !== undefined) return SKIPPED;
  if (ended) return REMOVED;
  const volumes: readonly { emptyDir?: unknown }[] = template.spec.volumes ?? [];
  if (volumes.some((volume) => volume.emptyDir !== undefined) && !drain.deleteEmptyDirData)
    return { removed: false, error: 'Pods with local storage (use --delete-emptydir-data to override)' };
  if (pods.owner[pod]! >= 0) return REMOVED;
  const unmanaged = 'Pods that declare no controller';
  return drain.force
    ? { removed: true, warning: `deleting ${unmanaged}` }
    : { removed: false, error: `cannot delete ${unmanaged} (use --force to override)` };
}

export interface PodsToRemove {
  readonly pods: readonly number[];
  /** '' if there is nothing to warn of. */
  readonly warnings: string;
  /** Why nothing at all is removed. */
  readonly errors: readonly string[];
}

/** The verdicts on `listed`, pods with the same words of kubectl together. */
export function podsToRemove(
  state: ClusterState,
  listed: readonly number[],
  drain: DrainOptions,
  nowUs: number,
  nameOf: (pod: number) => string,
): PodsToRemove {
  const pods: number[] = [];
  const warned = new Map<string, string[]>();
  const failed = new Map<string, string[]>();
  const add = (words: Map<string, string[]>, what: string, pod: number): void => {
    const names = words.get(what) ?? [];
    names.push(nameOf(pod));
    words.set(what, names);
  };
  for (const pod of listed) {
    const { removed, warning, error } = judge(state, pod, drain, nowUs);
    if (removed) pods.push(pod);
    if (warning !== undefined) add(warned, warning, pod);
    if (error !== undefined) add(failed, error, pod);
  }
  const told = (words: Map<string, string[]>): string[] =>
    [...words].map(([what, names]) => `${what}: ${names.join(', ')}`);
  return {
    pods,
    warnings: told(warned).join('; '),
    errors: told(failed).map((text) => (text.startsWith('cannot delete') ? text : `cannot delete ${text}`)),
  };
}
