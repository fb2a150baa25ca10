// A small cluster around one plug-in that looks at other pods: nodes with labels, pods with labels on them.
import type { ClusterChange, Plugin, PluginDefinition } from '../../../engine/contracts/scheduler.ts';
import { SKIP } from '../../../engine/contracts/scheduler.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { Verdicts } from '../../../engine/scheduler/framework.ts';
import { NodeCursor, PodCursor } from '../../../engine/scheduler/views.ts';
import { PodBit, type PodId } from '../../../engine/state/index.ts';
import { addNode, type NodeSpec, newState, podSpec } from './support.ts';

export interface PodSpecText {
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  /** ObjectId of the controlling owner. */
  readonly owner?: number;
  readonly spec?: Json;
}

export class Around {
  readonly state = newState();
  readonly cache = new SchedulerCache(this.state, () => 0);
  readonly plugin: Plugin;
  readonly ids: readonly number[];
  readonly #verdicts = new Verdicts();
  readonly #pod = new PodCursor(this.state);
  readonly #other = new PodCursor(this.state);

  constructor(definition: PluginDefinition, args: Json, nodes: readonly NodeSpec[]) {
    this.ids = nodes.map((spec, i) => addNode(this.state, `n${i}`, spec));
    for (const id of this.ids) this.cache.nodeChanged(id);
    this.plugin = definition.create(definition.args!.parse(args), {
      cluster: this.cache,
      verdict: (code, ...reasons) => this.#verdicts.register(0, code, reasons),
    });
  }

  object(apiVersion: string, kind: string, metadata: Json, spec: Json = {}): KubeObject {
    const object = { apiVersion, kind, metadata, spec };
    this.cache.objects.set(object);
    return object;
  }
  namespace(name: string, labels: Record<string, string>): void {
    this.object('v1', 'Namespace', { name, labels });
  }

  pod({ labels = {}, namespace = 'default', owner = -1, spec = {} }: PodSpecText): PodId {
    const { state } = this;
    const parts = { labels, annotations: {}, spec: podSpec({}, spec), metadata: null };
    const template = state.templates.intern(parts);
    return state.pods.create({
      namespace: state.texts.id(namespace),
      nameBase: state.texts.id(`pod-${state.pods.used}`),
      nameSuffix: -1,
      template: template.id,
      labelSet: template.labelSet,
      owner,
      priority: 0,
      createdUs: 0,
      revision: 1,
      runUs: Number.NaN,
    });
  }

  /** Puts a pod on a node. */
  place(node: number, pod: PodSpecText): PodId {
    const row = this.pod(pod);
    this.cache.addPod(row, this.ids[node]!, this.state.template(row));
    return row;
  }
  terminate(row: PodId): void {
    this.state.pods.word[row]! |= PodBit.deleting;
    this.cache.podTerminating(row);
  }

  /** Reasons by node; '' passes. null: the plug-in skips the pod. `supposed` pods leave their nodes after PreFilter. */
  verdicts(pod: PodSpecText, supposed: readonly PodId[] = []): string[] | null {
    const free = { reject: () => undefined, restrict: () => undefined };
    const cursor = this.#pod.at(this.pod(pod));
    const state = this.plugin.preFilter!(cursor, this.cache, free);
    if (state === SKIP) return null;
    for (const row of supposed) {
      const node = this.cache.removePod(row);
      this.plugin.podChanged!(cursor, state, this.#other.at(row), node, -1);
    }
    const view = new NodeCursor(this.cache);
    return this.ids.map((id) =>
      this.#verdicts.reasons(this.plugin.filter!(cursor, view.at(id), state)).join(),
    );
  }

  /** Normalised scores by node; null: the plug-in skips the pod. */
  scores(pod: PodSpecText): number[] | null {
    const cursor = this.#pod.at(this.pod(pod));
    const nodes = Int32Array.from(this.ids);
    const state = this.plugin.preScore!(cursor, this.cache, nodes, nodes.length);
    if (state === SKIP) return null;
    const out = new Int32Array(nodes.length);
    this.plugin.scoreBatch!(cursor, this.cache, nodes, nodes.length, state, out);
    this.plugin.normalize!(out, out.length);
    return [...out];
  }

  hears(pod: PodSpecText, change: Partial<ClusterChange> & { events: number }): boolean {
    const cursor = this.#pod.at(this.pod(pod));
    const whole: ClusterChange = { node: -1, before: null, template: null, ...change };
    return this.plugin.events!.some(
      ({ events, hint }) =>
        (events & whole.events) !== 0 && (hint === undefined || hint(cursor, whole, this.cache)),
    );
  }
}
