// Pods of a run whose kubelets take fixed times, as a fake kubelet does: the annotations `kubetick.io/…` say how long a
// pod takes to start, to be ready and to stop, and the preset what holds without them. Run times and exit codes may be
// lists, for one pod of an owner after the other.
import type { CostPreset } from '../contracts/costs.ts';
import type { ClusterState, PodTemplate, TemplateCompiler, TimingList } from '../state/index.ts';

/** batch.JobCompletionIndexAnnotation. */
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

/** The compiler of pod templates, with the preset's fixed delays where a pod says none. */
export function withExactDelays(compile: TemplateCompiler, costs: CostPreset): TemplateCompiler {
  const delays = costs.kubelet.exactDelays;
  if (delays === undefined) return compile;
  return (id, parts): PodTemplate => {
    const template = compile(id, parts);
    const { timings } = template;
    return {
      ...template,
      timings: {
        ...timings,
        startDelayUs: timings.startDelayUs ?? delays.startUs,
        readyDelayUs: timings.readyDelayUs ?? delays.readyUs,
        stopDelayUs: timings.stopDelayUs ?? delays.stopUs,
      },
    };
  };
}

/** Entry `k` of the list that holds for the template's completion index, the last one for later ones; or undefined. */
export function timingOf<T>(
  { all, byIndex }: TimingList<T>,
  template: PodTemplate,
  k: number,
): T | undefined {
  const list =
    byIndex === null
      ? all
      : (byIndex.get(Number(template.annotations[COMPLETION_INDEX] ?? Number.NaN)) ?? all);
  return list[Math.min(k, list.length - 1)];
}

/** Counts the pods of each owner, and of each of its completion indexes, as they come to their nodes. */
export class Ordinals {
  readonly #state: ClusterState;
  readonly #taken = new Map<string, number>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  take(pod: number): number {
    const owner = this.#state.pods.owner[pod]!;
    if (owner < 0) return 0;
    const key = `${owner}/${this.#state.template(pod).annotations[COMPLETION_INDEX] ?? ''}`;
    const ordinal = this.#taken.get(key) ?? 0;
    this.#taken.set(key, ordinal + 1);
    return ordinal;
  }
}
