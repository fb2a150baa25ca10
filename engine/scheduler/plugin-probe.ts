// One plug-in asked alone: what it says of a pod on every node of a small cluster, in its form per node and in its batch
// form, in either order of the nodes, and whether it left alone what it was shown. `kubetick check-plugin` compares such
// answers with what the plug-in declares.
import {
  CODE_NAMES,
  type Plugin,
  type PluginDefinition,
  SKIP,
  type Verdict,
} from '../contracts/scheduler.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { PodId } from '../state/index.ts';
import { Verdicts } from './framework.ts';
import { Snapshot } from './snapshot.ts';
import { NodeCursor } from './views.ts';

/** What a plug-in says of one pod. Texts of verdicts: '' passes, otherwise code and reasons. */
export interface PluginAnswer {
  /** null: it does not say. */
  readonly sign: string | null;
  /** By node name: preFilter and filter together. */
  readonly verdicts: Readonly<Record<string, string>>;
  /** By node name: before normalisation; empty: it does not score this pod. */
  readonly scores: Readonly<Record<string, number>>;
  /** By node name: after normalisation over all nodes. */
  readonly normalized: Readonly<Record<string, number>>;
}

export interface AskOptions {
  /** Nodes from the last to the first. */
  readonly reverse?: boolean;
  /** Batch forms where there are any. */
  readonly batch?: boolean;
}

/** What preFilter decided of all nodes at once. */
interface PreFiltered {
  readonly state: unknown;
  readonly skipped: boolean;
  readonly rejected: Verdict;
  readonly names: ReadonlySet<string> | null;
}

const LEFT_OUT = 'left out by preFilter';

export class PluginProbe {
  readonly plugin: Plugin;
  readonly #definition: PluginDefinition;
  readonly #snapshot: Snapshot;
  readonly #verdicts = new Verdicts();
  readonly #view: NodeCursor;

  /** `pods`: those to ask about; pods that are on nodes stand in `cluster`. */
  constructor(
    definition: PluginDefinition,
    args: unknown,
    cluster: readonly KubeObject[],
    pods: readonly KubeObject[],
  ) {
    this.#definition = definition;
    this.#snapshot = new Snapshot({
      name: '',
      family: '',
      settings: { profiles: [] },
      cluster,
      pending: pods,
    });
    const { cache } = this.#snapshot;
    this.#view = new NodeCursor(cache);
    this.plugin = definition.create(args, {
      cluster: cache,
      verdict: (code, ...reasons) => this.#verdicts.register(0, code, reasons),
    });
  }

  /** Everything that the plug-in says of the pod with that place in the list. */
  ask(index: number, { reverse = false, batch = false }: AskOptions = {}): PluginAnswer {
    const { cache } = this.#snapshot;
    const pod = cache.podCursor().at(this.#row(index));
    const nodes = this.#nodes(reverse);
    const sign = this.plugin.sign?.(pod) ?? null;
    const before = this.#preFilter(index);
    const verdicts = this.#filter(index, before, nodes, batch);
    const scores: Record<string, number> = {};
    const normalized: Record<string, number> = {};
    if (this.plugin.score !== undefined && nodes.length > 0) {
      const state = this.plugin.preScore?.(pod, cache, nodes, nodes.length);
      if (state !== SKIP) {
        const out = new Int32Array(nodes.length);
        if (batch && this.plugin.scoreBatch !== undefined)
          this.plugin.scoreBatch(pod, cache, nodes, nodes.length, state, out);
        else {
          for (let i = 0; i < nodes.length; i++)
            out[i] = this.plugin.score(pod, this.#view.at(nodes[i]!), state);
        }
        const same = batch ? (this.plugin.uniform?.(pod, cache, state) ?? null) : null;
        if (same !== null) out.fill(same);
        const keep = (into: Record<string, number>): void => {
          for (let i = 0; i < nodes.length; i++) into[cache.nodeName(nodes[i]!)] = out[i]!;
        };
        keep(scores);
        this.plugin.normalize?.(out, nodes.length);
        keep(normalized);
      }
    }
    return { sign, verdicts, scores, normalized };
  }

  /** Nodes that preFilter leaves out although filter lets the pod there. */
  leftOutButPassing(index: number): string[] {
    const before = this.#preFilter(index);
    if (before.names === null || before.skipped || before.rejected !== 0) return [];
    const open = this.#filter(index, { ...before, names: null }, this.#nodes(false), false);
    return Object.keys(open).filter((name) => open[name] === '' && !before.names!.has(name));
  }

  /**
   * Verdicts after the `other` pod has come to a node: as the scheduler goes on in the same attempt (`kept`), and as
   * if the attempt had begun now (`fresh`). null: the plug-in keeps no state, or has sat the attempt out.
   */
  afterArrival(
    index: number,
    other: number,
    node: string,
  ): Record<'kept' | 'fresh', PluginAnswer['verdicts']> | null {
    const { plugin } = this;
    if (plugin.preFilter === undefined || plugin.filter === undefined) return null;
    const { cache, state } = this.#snapshot;
    const at = cache.nodeByName(node);
    const before = this.#preFilter(index);
    if (before.skipped || before.rejected !== 0) return null;
    const row = this.#row(other);
    cache.addPod(row, at, state.template(row as PodId));
    // Of plug-ins that depend on one node alone, nobody asks again.
    const isTold = plugin.locality !== 'node';
    if (isTold && plugin.podChanged !== undefined) {
      const pod = cache.podCursor().at(this.#row(index));
      plugin.podChanged(pod, before.state, cache.podCursor().at(row), at, 1);
    }
    const isKept = !isTold || plugin.podChanged !== undefined;
    const nodes = this.#nodes(false);
    const kept = this.#filter(index, isKept ? before : this.#preFilter(index), nodes, false);
    const fresh = this.#filter(index, this.#preFilter(index), nodes, false);
    cache.removePod(row);
    return { kept, fresh };
  }

  /** All that the plug-in was shown, as text: equal before and after, unless it changed something. */
  digest(): string {
    const { cache, state } = this.#snapshot;
    const rows = this.#snapshot.pendingRows.filter((row) => row >= 0);
    const nodes = [...this.#nodes(false)].map((node) => [
      Object.values(cache.columns).map((column) => (column as Float64Array)[node]),
      cache.taints(cache.columns.taintSet[node]!),
      cache.labelSets.get(cache.columns.labelSet[node]!),
      [...cache.podsOn(node)],
    ]);
    return stableText([nodes, rows.map((row) => state.template(row as PodId))]);
  }

  #row(index: number): number {
    return this.#snapshot.pendingRows[index]!;
  }

  #nodes(reverse: boolean): Int32Array {
    const { cache } = this.#snapshot;
    const nodes = cache.nodeOrder.list().slice(0, cache.nodeCount);
    return reverse ? nodes.reverse() : nodes;
  }

  #preFilter(index: number): PreFiltered {
    const { cache } = this.#snapshot;
    if (this.plugin.preFilter === undefined)
      return { state: undefined, skipped: false, rejected: 0, names: null };
    let rejected = 0;
    let names: Set<string> | null = null;
    const state = this.plugin.preFilter(cache.podCursor().at(this.#row(index)), cache, {
      reject: (verdict) => {
        rejected = verdict;
      },
      restrict: (own) => {
        names = new Set(own);
      },
    });
    return { state, skipped: state === SKIP, rejected, names };
  }

  #filter(index: number, before: PreFiltered, nodes: Int32Array, batch: boolean): Record<string, string> {
    const { cache } = this.#snapshot;
    const { plugin } = this;
    const pod = cache.podCursor().at(this.#row(index));
    const { state, skipped, rejected, names } = before;
    const texts: Record<string, string> = {};
    const byBatch = new Map<number, Verdict>();
    const isAsked = !skipped && rejected === 0 && plugin.filter !== undefined;
    if (isAsked && batch && plugin.filterBatch !== undefined) {
      const list = nodes.slice();
      const out = new Int32Array(cache.columns.podCount.length);
      const kept = plugin.filterBatch(pod, cache, list, 0, list.length, state, out);
      const left = new Set(list.subarray(0, kept));
      for (const node of nodes) byBatch.set(node, left.has(node) ? 0 : out[node]!);
    }
    for (const node of nodes) {
      const name = cache.nodeName(node);
      if (rejected !== 0) texts[name] = this.#text(rejected);
      else if (names !== null && !names.has(name)) texts[name] = LEFT_OUT;
      else if (!isAsked) texts[name] = '';
      else texts[name] = this.#text(byBatch.get(node) ?? plugin.filter!(pod, this.#view.at(node), state));
    }
    return texts;
  }

  #text(verdict: Verdict): string {
    if (verdict === 0) return '';
    const code = CODE_NAMES[this.#verdicts.code(verdict)];
    return `${code}: ${this.#verdicts.reasons(verdict).join(', ')}`;
  }

  get name(): string {
    return this.#definition.name;
  }
}

/** Plain data as text: functions left out, maps and arrays of numbers spelt out, what repeats on the way down cut. */
function stableText(value: unknown): string {
  const path: unknown[] = [];
  return JSON.stringify(value, function (this: unknown, _key, inner: unknown) {
    while (path.length > 0 && path.at(-1) !== this) path.pop();
    if (typeof inner === 'function') return undefined;
    if (typeof inner === 'bigint') return String(inner);
    if (typeof inner !== 'object' || inner === null) return inner;
    if (path.includes(inner)) return '…';
    const plain =
      inner instanceof Map || inner instanceof Set
        ? [...inner]
        : ArrayBuffer.isView(inner)
          ? Array.from(inner as unknown as ArrayLike<number>)
          : inner;
    path.push(plain);
    return plain;
  });
}
