// PodStartupLatency as clusterloader2 measures it (perf-tests slos/pod_startup_latency.go): transitions between what a
// watcher of pods sees, for all pods, for stateless and for stateful ones, and beside it the official objective, which
// leaves out pulls of images, init containers and pods that could not be placed at once.
import { atMost, judged, type Measurement, type Objective, percentiles, type SloItem } from './items.ts';

/** 5 s: kubernetes/community sig-scalability/slos/pod_startup_latency.md; the same is clusterloader2's default. */
const STARTUP_MS = 5000;

/** Of a row of pods.csv; times in µs, null: did not happen. */
export interface StartedPod {
  readonly created: number | null;
  readonly bound: number | null;
  readonly sandbox: number | null;
  readonly pulled: number | null;
  readonly started: number | null;
  /** A client that watches pods saw it Running. */
  readonly running: number | null;
  readonly attempts: number;
  readonly stateful: boolean;
}

type Stage = 'create' | 'schedule' | 'run' | 'watch';

/**
 * Stored in etcd; binding stored; all containers started; seen Running by a watcher. Upstream takes the times at which its
 * own watch brings these states, and takes "run" and "watch" from one event. Readiness probes play no part.
 */
const STAGES: Readonly<Record<Stage, (pod: StartedPod) => number | null>> = {
  create: ({ created }) => created,
  schedule: ({ bound }) => bound,
  run: ({ started }) => started,
  watch: ({ running }) => running,
};

const TRANSITIONS = [
  { name: 'create_to_schedule', from: 'create', to: 'schedule' },
  { name: 'schedule_to_run', from: 'schedule', to: 'run' },
  { name: 'run_to_watch', from: 'run', to: 'watch' },
  { name: 'schedule_to_watch', from: 'schedule', to: 'watch' },
  { name: 'pod_startup', from: 'create', to: 'watch' },
  { name: 'create_to_run', from: 'create', to: 'run' },
] as const satisfies readonly { readonly name: string; readonly from: Stage; readonly to: Stage }[];

/** The item with the official objective. */
export const SLO_METRIC = 'pod_startup_slo';

const CLASSES = ['PodStartupLatency', 'StatelessPodStartupLatency', 'StatefulPodStartupLatency'] as const;
type Class = (typeof CLASSES)[number] & Measurement;

/** Growing array of numbers, 8 bytes each: a million pods are six of them. */
class Numbers {
  private values = new Float64Array(1024);
  private length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  sorted(): Float64Array {
    return this.values.subarray(0, this.length).sort();
  }
}

export class PodStartup {
  private readonly latencies = new Map<string, Numbers>();
  private readonly slo = new Numbers();

  add(pod: StartedPod): void {
    const own: Class = pod.stateful ? 'StatefulPodStartupLatency' : 'StatelessPodStartupLatency';
    for (const { name, from, to } of TRANSITIONS) {
      const [start, end] = [STAGES[from](pod), STAGES[to](pod)];
      if (start === null || end === null) continue;
      // As upstream: what seems to have gone backwards took no time.
      const ms = Math.max(0, end - start) / 1000;
      this.of('PodStartupLatency', name).push(ms);
      this.of(own, name).push(ms);
    }
    const ms = pod.stateful ? null : objectiveMs(pod);
    if (ms !== null) this.slo.push(ms);
  }

  /** Transitions without pods are left out. */
  items(): SloItem[] {
    return [...CLASSES.flatMap((name) => this.classItems(name)), ...this.sloItem()];
  }

  private classItems(measurement: Class): SloItem[] {
    return TRANSITIONS.flatMap(({ name }): SloItem[] => {
      const sorted = this.of(measurement, name).sorted();
      if (sorted.length === 0) return [];
      const objective = name === 'pod_startup' ? atMost('ClusterLoader2', STARTUP_MS) : null;
      return [item(measurement, name, sorted, objective)];
    });
  }

  private sloItem(): SloItem[] {
    const sorted = this.slo.sorted();
    if (sorted.length === 0) return [];
    const note = 'without images and init containers; pods whose first attempt found a node';
    return [{ ...item('StatelessPodStartupLatency', SLO_METRIC, sorted, atMost('SLO', STARTUP_MS)), note }];
  }

  private of(measurement: Class, transition: string): Numbers {
    const key = `${measurement} ${transition}`;
    let known = this.latencies.get(key);
    if (known === undefined) {
      known = new Numbers();
      this.latencies.set(key, known);
    }
    return known;
  }
}

/** Null where the objective does not speak of this pod. */
function objectiveMs({ created, sandbox, pulled, running, attempts }: StartedPod): number | null {
  if (created === null || running === null || attempts > 1) return null;
  const images = sandbox === null || pulled === null ? 0 : Math.max(0, pulled - sandbox);
  return Math.max(0, running - created - images) / 1000;
}

function item(
  measurement: Measurement,
  metric: string,
  sorted: Float64Array,
  objective: Objective | null,
): SloItem {
  const data = percentiles(sorted);
  return {
    measurement,
    metric,
    labels: { Metric: metric },
    unit: 'ms',
    count: sorted.length,
    data,
    objective,
    verdict: objective === null ? null : judged(data, objective),
  };
}
