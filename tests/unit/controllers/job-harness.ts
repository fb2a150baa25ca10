// Jobs and CronJobs in whole runs on the recorded preset (a pod is Running 1 s after it is bound and stops in 200 ms
// unless its annotations say otherwise), told as timelines.
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { FieldValue, Timeline, TimelineRow } from '../../../engine/contracts/timeline.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { recorded } from '../../../policies/costs/recorded.ts';
import { create, MS, SECOND, scenario } from '../../property/simulation/scenario.ts';

/** Annotations `kubetick.io/…` by their short names. */
export const timed = (annotations: Json): Json =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`kubetick.io/${name}`, `${value}`]));

export const podTemplate = (annotations: Json, spec: Json = {}): Json => ({
  metadata: { labels: { app: 'calc' }, annotations: timed(annotations) },
  spec: {
    restartPolicy: 'Never',
    containers: [{ name: 'c', image: 'app:v1', resources: { requests: { cpu: '10m' } } }],
    ...spec,
  },
});

/** Job `calc`; `pods`: annotations of its pods. */
export const job = (spec: Json, pods: Json, podSpec: Json = {}): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'calc', namespace: 'default' },
  spec: { ...spec, template: podTemplate(pods, podSpec) },
});

export const patch = (atMs: number, kind: string, name: string, body: Json): TimedStep => ({
  atUs: atMs * MS,
  do: 'patch',
  objects: [],
  target: { kind, namespace: 'default', name },
  patch: { type: 'merge', body },
});

export const deletePod = (atMs: number, nth: number): TimedStep => ({
  atUs: atMs * MS,
  do: 'delete-pod',
  objects: [],
  pick: { namespace: 'default', matchLabels: { app: 'calc' }, nth, deleting: false },
});

export class Told {
  readonly timeline: Timeline;
  readonly rows: readonly TimelineRow[];

  constructor(timeline: Timeline) {
    this.timeline = timeline;
    this.rows = [...timeline.transitions];
  }

  /** Times, s to one decimal (cut), at which `what` of an object took a value; any value if none is given. */
  at(o: string, what: string, value?: FieldValue): number[] {
    return this.#rows(o, what)
      .filter(({ v }) => value === undefined || v === value)
      .map(({ t }) => Math.floor(t / 100) / 10);
  }

  /** The values that `what` of an object took, in order. */
  values(o: string, what: string): (FieldValue | undefined)[] {
    return this.#rows(o, what).map(({ v }) => v);
  }

  final(o: string): Readonly<Record<string, FieldValue>> | undefined {
    return this.timeline.final[o];
  }

  events(o: string): string[] {
    return this.timeline.events.filter((e) => e.o === o).map((e) => `${e.reason}: ${e.message}`);
  }

  #rows(o: string, what: string): TimelineRow[] {
    return this.rows.filter((row) => row.o === o && row.w === what);
  }
}

/** Runs the objects, created at 0 s, and the steps on three nodes. */
export function run(objects: readonly KubeObject[], steps: readonly TimedStep[] = [], untilS = 3600): Told {
  let told: Timeline | undefined;
  simulateBuiltIn(
    scenario([{ count: 3, cpu: '16' }], [create(0, ...objects), ...steps], {
      costs: recorded,
      untilUs: untilS * SECOND,
    }),
    { timeline: (timeline) => (told = timeline) },
  );
  return new Told(told!);
}
