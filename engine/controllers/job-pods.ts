// The pods that matter to a Job's next sync, kept up pod event by pod event: those that have not ended, and those that
// the Job has not counted yet (finalizer batch.kubernetes.io/job-tracking). Pods that have ended and are counted stay
// in the cluster by the thousand and change nothing any more, so a sync costs what is under way, not what has been.
import type { PodMeta } from '../contracts/api.ts';
import type { SeenPods } from '../contracts/controller.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import { JOB_TRACKING } from '../kinds/ingest/pod-template.ts';
import { type ClusterState, isTerminal, Phase, PodBit, phaseOf } from '../state/index.ts';
import { isActive, isReady } from './pod-view.ts';

const SECOND = 1_000_000;
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
const FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED_FAILURE_COUNT = 'batch.kubernetes.io/job-index-ignored-failure-count';
const MAX_INT32 = 2 ** 31 - 1;

/** A pod as a sync looks at it; what the view says of it at that moment. */
export interface JobPod {
  readonly pod: number;
  readonly generation: number;
  readonly serial: number;
  readonly name: string;
  readonly word: number;
  /** Completion index, -1 without a valid one. */
  readonly index: number;
  /** Failures of this index before, counted and ignored ones. */
  readonly failures: number;
  readonly ignoredFailures: number;
  /** Exit code of its containers, -1: has not ended, or none has run. */
  readonly exitCode: number;
  readonly restarts: number;
  readonly uid: string;
}

const isLive = (word: number): boolean => !isTerminal(word);
const isKept = (word: number): boolean => isLive(word) || (word & PodBit.tracked) !== 0;

/** A number as annotations hold it; 0 where there is none or it is none. */
function countOf(text: string | undefined): number {
  const value = text === undefined || !/^[+-]?\d+$/.test(text) ? 0 : Number(text);
  return value < 0 || value > MAX_INT32 ? 0 : value;
}

function indexOf(text: string | undefined): number {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return -1;
  const value = Number(text);
  return value < 0 ? -1 : value;
}

export class JobPods {
  readonly #state: ClusterState;
  readonly #view: SeenPods;
  /** By ObjectId of the Job. Sets keep the order of appearance. */
  readonly #byJob = new Map<number, Set<number>>();

  constructor(state: ClusterState, view: SeenPods) {
    this.#state = state;
    this.#view = view;
  }

  /** A pod of the Job was seen; `word` -1: it is gone. */
  seen(job: number, pod: number, word: number): void {
    let pods = this.#byJob.get(job);
    if (word >= 0 && isKept(word)) {
      if (pods === undefined) {
        pods = new Set();
        this.#byJob.set(job, pods);
      }
      pods.add(pod);
    } else if (pods?.delete(pod) && pods.size === 0) this.#byJob.delete(job);
  }

  /** Rows of the pods that have not ended or are not counted, in order of appearance. */
  rows(job: number): Iterable<number> {
    return this.#byJob.get(job) ?? [];
  }

  of(job: number): JobPod[] {
    return [...this.rows(job)].map((pod) => this.#read(pod));
  }

  #read(pod: number): JobPod {
    const { table } = this.#view;
    const { annotations } = this.#state.template(pod);
    const word = this.#view.word(pod);
    return {
      pod,
      generation: table.generation[pod]!,
      serial: table.serial[pod]!,
      name: this.#state.podName(pod),
      word,
      index: indexOf(annotations[COMPLETION_INDEX]),
      failures: countOf(annotations[FAILURE_COUNT]),
      ignoredFailures: countOf(annotations[IGNORED_FAILURE_COUNT]),
      exitCode: isTerminal(word) ? table.exitCode[pod]! : -1,
      restarts: table.restarts[pod]!,
      uid: podUid(this.#state, pod),
    };
  }

  /**
   * When the pod ended, µs, in whole seconds as the API has them: its containers' end, else since when it is not
   * ready, else when its deletion was asked for, else its creation (backoff_utils.go getFinishedTime).
   */
  finishedUs({ pod, word, exitCode }: JobPod): number {
    const { table } = this.#view;
    let us = table.createdUs[pod]!;
    if (isTerminal(word) && exitCode >= 0) us = table.finishedUs[pod]!;
    else if (word & PodBit.acknowledged && !isReady(word) && !Number.isNaN(table.readyUs[pod]!))
      us = table.readyUs[pod]!;
    else if (word & PodBit.deleting) us = table.deletionUs[pod]! - table.graceSeconds[pod]! * SECOND;
    return Math.floor(us / SECOND) * SECOND;
  }
}

export const isPodTracked = ({ word }: JobPod): boolean => (word & PodBit.tracked) !== 0;
export const isPodActive = ({ word }: JobPod): boolean => isActive(word);
export const isPodReady = ({ word }: JobPod): boolean => isReady(word);
export const isPodTerminating = ({ word }: JobPod): boolean => isLive(word) && (word & PodBit.deleting) !== 0;
export const isPodSucceeded = ({ word }: JobPod): boolean => phaseOf(word) === Phase.succeeded;
export const isPodLive = ({ word }: JobPod): boolean => isLive(word);

/**
 * Failed; unless only failed pods are replaced, pods that are being deleted count as well, for they may never reach
 * that phase (job_controller.go isPodFailed).
 */
export function isPodFailed({ word }: JobPod, onlyReplaceFailed: boolean): boolean {
  if (phaseOf(word) === Phase.failed) return true;
  if (onlyReplaceFailed) return false;
  return (word & PodBit.deleting) !== 0 && phaseOf(word) !== Phase.succeeded;
}

/** PATCH that takes the finalizer away by which Jobs count their pods. */
export const withoutTracking = (meta: PodMeta): PodMeta => ({
  ...meta,
  finalizers: meta.finalizers.filter((name) => name !== JOB_TRACKING),
});

/** Labels and annotations that set the pods of an index apart, and the name that the index gives them. */
export function indexAnnotations(
  index: number,
  failures: { readonly counted: number; readonly ignored: number } | null,
): Record<string, string> {
  return {
    [COMPLETION_INDEX]: `${index}`,
    ...(failures === null ? {} : { [FAILURE_COUNT]: `${failures.counted}` }),
    ...(failures !== null && failures.ignored > 0 ? { [IGNORED_FAILURE_COUNT]: `${failures.ignored}` } : {}),
  };
}

export const indexLabels = (index: number): Record<string, string> => ({ [COMPLETION_INDEX]: `${index}` });
