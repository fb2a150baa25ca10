// The pods of autoscalers' targets as the metrics API tells of them: who they are, since when they run and are Ready,
// and what their containers use, at the resolution of the cost preset's metrics pipeline.
import type { ControllerContext, SeenObject } from '../contracts/controller.ts';
import { mapOrder, mapSlots } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { tryQuantity } from '../kinds/quantity.ts';
import {
  compileLabelSelector,
  compileMapSelector,
  PHASE_NAMES,
  PodBit,
  type PodTemplate,
  phaseOf,
  type UsageResource,
} from '../state/index.ts';
import type { MetricPod, Sample } from './hpa-metrics.ts';
import { PodSelections, type SelectedPods } from './selected-pods.ts';

const SECOND = 1_000_000;
const WINDOW_US = 15 * SECOND;

const wholeSecond = (us: number): number => Math.floor(us / SECOND) * SECOND;

export class AutoscaledPods {
  readonly #ctx: ControllerContext;
  readonly #selections: PodSelections;
  readonly #selectorTexts = new Map<string, string>();
  /** When the kubelet first wrote a pod's status, µs, by pod. A pod that ran before it was followed: its creation. */
  readonly #startedUs = new Map<number, number>();
  readonly #parsed = new Map<string, number>();
  readonly #order: number;
  #walks = 0;
  /** Time between two looks; 0: values are those of the moment. */
  readonly resolutionUs: number;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#selections = new PodSelections(ctx.pods, () => 0);
    this.#order = ctx.run.draw.purpose('controllers/autoscalers-of-pods');
    this.resolutionUs = ctx.run.costs.metrics?.resolutionUs ?? 0;
  }

  /** A pod has changed; returns the selections that it belongs to. */
  changed(pod: number, word: number, oldWord: number, gone: boolean): readonly SelectedPods[] {
    const selecting = this.#selections.changed(pod, word, oldWord, gone);
    if (selecting.length === 0) return selecting;
    const began =
      (word & PodBit.acknowledged) !== 0 && (oldWord < 0 || (oldWord & PodBit.acknowledged) === 0);
    if (gone) this.#startedUs.delete(pod);
    else if (began) this.#startedUs.set(pod, this.#ctx.run.kernel.now);
    return selecting;
  }

  remove(key: string): void {
    this.#selections.remove(key);
    this.#selectorTexts.delete(key);
  }

  /**
   * Autoscalers, as namespace/name, that select pods of this one's, itself among them: a walk through a map of those that
   * a walk through another one found (hpasControllingPodsUnderSelector).
   */
  sharing(key: string): readonly string[] {
    let keys: readonly string[] = this.#selections.overlapping(key);
    if (keys.length < 2) return keys;
    this.#walks += 1;
    for (let k = 0; k < 2; k++) {
      keys = mapOrder(keys, this.#ctx.run.draw.below(this.#order, this.#walks, k, mapSlots(keys.length)));
    }
    return keys;
  }

  /** Follows the pods that the target's selector selects. */
  select(seen: SeenObject, target: KubeObject): void {
    const { state } = this.#ctx.run;
    const given: Json = target['spec']?.selector;
    const text = JSON.stringify([target.kind, given]);
    if (this.#selectorTexts.get(seen.key) === text) return;
    const selector =
      target.kind === 'ReplicationController'
        ? compileMapSelector(given, state.labels)
        : compileLabelSelector(given, state.labels);
    this.#selectorTexts.set(seen.key, text);
    this.#selections.set(seen.key, state.texts.id(seen.namespace), selector);
  }

  /** The target's pods, oldest first, with what the metrics API tells of them. */
  list(key: string, resource: string, container: string): { pods: MetricPod[]; sampledUs: number } {
    const { pods: view, run } = this.#ctx;
    const { state, kernel } = run;
    const { table } = view;
    const resolution = this.resolutionUs;
    const sampledUs = resolution === 0 ? kernel.now : Math.floor(kernel.now / resolution) * resolution;
    const selected = [...(this.#selections.get(key)?.owners.keys() ?? [])];
    selected.sort((a, b) => table.serial[a]! - table.serial[b]!);
    const pods = selected.map((pod): MetricPod => {
      const word = view.word(pod);
      const startUs =
        word & PodBit.acknowledged
          ? wholeSecond(this.#startedUs.get(pod) ?? table.createdUs[pod]!)
          : Number.NaN;
      const ready = (word & PodBit.ready) !== 0;
      const changeUs = ready ? view.readyUs(pod) : table.readyUs[pod]!;
      return {
        name: state.podName(pod),
        phase: PHASE_NAMES[phaseOf(word)] as MetricPod['phase'],
        deleting: (word & PodBit.deleting) !== 0,
        ready,
        startUs,
        readyChangeUs: Number.isNaN(changeUs) ? startUs : wholeSecond(changeUs),
        spec: state.template(pod).spec,
        listed: this.#isListed(word, startUs, sampledUs),
        sample: this.#sample(pod, word, startUs, sampledUs, resource, container),
      };
    });
    return { pods, sampledUs };
  }

  /** The metrics API tells of the pod, though perhaps nothing of that resource. */
  #isListed(word: number, startUs: number, sampledUs: number): boolean {
    if (PHASE_NAMES[phaseOf(word)] !== 'Running') return false;
    // Two looks make a rate: a container must have run between them.
    return this.resolutionUs === 0 || startUs < sampledUs;
  }

  #sample(
    pod: number,
    word: number,
    startUs: number,
    sampledUs: number,
    resource: string,
    container: string,
  ): Sample | null {
    const { run, pods: view } = this.#ctx;
    const { state, costs } = run;
    if (!this.#isListed(word, startUs, sampledUs) || (resource !== 'cpu' && resource !== 'memory'))
      return null;
    const template = state.template(pod);
    const containers = template.containers.filter((one) => container === '' || one.name === container).length;
    if (containers === 0) return null;
    const labels = state.labels.get(view.table.labelSet[pod]!);
    const fromUs = Math.max(startUs, sampledUs - this.resolutionUs);
    const each = state.usage.mean(
      fromUs,
      sampledUs,
      resource,
      state.podNamespace(pod),
      labels,
      this.#given(resource, template),
    );
    return {
      milli: each * containers + this.#served(pod, resource, container, fromUs, sampledUs),
      timeUs: wholeSecond(sampledUs),
      windowUs: costs.metrics?.windowUs ?? WINDOW_US,
    };
  }

  /** Millicores that the pod used for requests, all of them in its first container. */
  #served(pod: number, resource: string, container: string, fromUs: number, toUs: number): number {
    const { state, costs } = this.#ctx.run;
    const { served } = state.usage;
    if (served === null || resource !== 'cpu') return 0;
    if (container !== '' && container !== state.template(pod).containers[0]!.name) return 0;
    // A pipeline that tells what is used at the moment tells of its window.
    const from = toUs > fromUs ? fromUs : toUs - (costs.metrics?.windowUs ?? WINDOW_US);
    return Math.round((served(pod, state.pods.generation[pod]!, from, toUs) / (toUs - from)) * 1000);
  }

  /** Use that the pod's annotation tells, thousandths. */
  #given(resource: UsageResource, template: PodTemplate): number {
    const text = template.annotations[`kubetick.io/${resource}`];
    if (text === undefined) return 0;
    let milli = this.#parsed.get(text);
    if (milli === undefined) {
      milli = Number(tryQuantity(text)?.nanos ?? 0n) / 1_000_000;
      this.#parsed.set(text, milli);
    }
    return milli;
  }
}
