// Pods of a run whose kubelets take fixed times, as a fake kubelet does: the annotations `kubetick.io/…` say how long a
// pod takes to start, to be ready and to stop, and the preset what holds without them. Run times and exit codes may be
// lists, for one pod of an owner after the other.
import type { CostPreset } from '../contracts/costs.ts';
import type { ClusterState, PodTemplate, TemplateCompiler, TimingList } from '../state/index.ts';

/** batch.JobCompletionIndexAnnotation. */
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
/** Exit code of a container that dies of SIGTERM. */
const SIGTERM_EXIT = 143;

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

/** What tells how far a pod is: runs of its containers that have ended, and which pod of its owner it is. */
interface Progress {
  readonly runs: Uint16Array;
  readonly ordinal: Int32Array;
}

/**
 * The entry of a list for this run where containers restart, else for this pod among those of its owner and completion
 * index; the last one for later ones; undefined without any.
 */
function entryOf<T>(
  list: TimingList<T>,
  template: PodTemplate,
  pod: number,
  progress: Progress,
  more: number,
): T | undefined {
  const { annotations, restartPolicy } = template;
  const index = list.byIndex === null ? Number.NaN : Number(annotations[COMPLETION_INDEX] ?? Number.NaN);
  const entries = list.byIndex?.get(index) ?? list.all;
  const k = restartPolicy === 'Never' ? progress.ordinal[pod]! : progress.runs[pod]! + more;
  return entries[Math.min(k, entries.length - 1)];
}

/** Run time of the current run, or the one `more` runs later, µs; null: it runs on. */
export function runUsOf(state: ClusterState, pod: number, progress: Progress, more = 0): number | null {
  const fixed = state.pods.runUs[pod]!;
  if (!Number.isNaN(fixed)) return fixed;
  const template = state.template(pod);
  return entryOf(template.timings.runUs, template, pod, progress, more) ?? null;
}

/** Exit code of the current run. */
export const exitCodeOf = (template: PodTemplate, pod: number, progress: Progress, more = 0): number =>
  entryOf(template.timings.exitCodes, template, pod, progress, more) ?? 0;

/**
 * Exit code of a pod that is stopped: a restartPolicy of Always stands for a server that ends well on SIGTERM, a job
 * that is killed by it dies with 143.
 */
export const stopCodeOf = ({ timings, restartPolicy }: PodTemplate): number =>
  timings.termExitCode ?? (restartPolicy === 'Always' ? 0 : SIGTERM_EXIT);

/** Counts the pods of each owner, and of each of its completion indexes, as they come to their nodes. */
export class Ordinals {
  readonly #state: ClusterState;
  /** By owner, and of those with completion indexes by owner and index. */
  readonly #taken = new Map<number | string, number>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  take(pod: number): number {
    const owner = this.#state.pods.owner[pod]!;
    if (owner < 0) return 0;
    const index = this.#state.template(pod).annotations[COMPLETION_INDEX];
    const key = index === undefined ? owner : `${owner}/${index}`;
    const ordinal = this.#taken.get(key) ?? 0;
    this.#taken.set(key, ordinal + 1);
    return ordinal;
  }
}
