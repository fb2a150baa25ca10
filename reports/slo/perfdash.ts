// What clusterloader2 leaves in its report directory and perfdash reads (perf-tests perfdash/parser.go, metrics-
// downloader.go; clusterloader2 pkg/test/simple_test_executor.go, measurement/util/perftype.go): a JSON file a
// measurement, `<summary>_<test>_<time>.json`. The time is virtual, so that equal runs give equal names and bytes.
import { jsonText } from '../summary.ts';
import type { Measurement, SloItem, SloRun } from './items.ts';
import { SLO_METRIC } from './pod-startup.ts';

export interface PerfdashFile {
  readonly name: string;
  readonly text: string;
}

interface DataItem {
  readonly data: Readonly<Record<string, number>>;
  readonly unit: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Virtual time 0, as the objects of a run have it. */
const EPOCH_MS = Date.UTC(2026, 0, 1);
/** Upstream writes all of them, with zeros where no pod was measured. */
const TRANSITIONS = [
  'create_to_schedule',
  'schedule_to_run',
  'run_to_watch',
  'schedule_to_watch',
  'pod_startup',
  'create_to_run',
] as const;
const STARTUPS = ['PodStartupLatency', 'StatelessPodStartupLatency', 'StatefulPodStartupLatency'] as const;

/** @param test name of the test in the files' names: perfdash looks for `load` and `density` unless told otherwise */
export function perfdashFiles(run: SloRun, test: string): PerfdashFile[] {
  const time = new Date(EPOCH_MS + Math.floor(run.virtualSeconds) * 1000).toISOString().replace('.000Z', 'Z');
  const file = (summary: string, content: unknown): PerfdashFile => ({
    name: `${summary}_${test}_${time}.json`,
    text: jsonText(content),
  });
  const of = (measurement: Measurement): SloItem[] =>
    run.items.filter((item) => item.measurement === measurement && item.metric !== SLO_METRIC);
  const files = STARTUPS.map((measurement) => {
    const items = new Map(of(measurement).map((item) => [item.metric, item]));
    const dataItems = TRANSITIONS.map((name) => dataItem(items.get(name), name));
    // Identifier of the measurement in the load test, by which perfdash finds it.
    return file(`${measurement}_PodStartupLatency`, { version: '1.0', dataItems });
  });
  const api = of('APIResponsivenessPrometheus');
  // `simple`: percentiles over the whole run, not of windows of five minutes.
  if (api.length > 0)
    files.push(
      file('APIResponsivenessPrometheus_simple', {
        version: 'v1',
        dataItems: api.map((item) => dataItem(item, '')),
      }),
    );
  const [throughput] = of('SchedulingThroughput');
  if (throughput !== undefined) {
    const { Perc50, Perc90, Perc99, Max, Average } = throughput.data;
    files.push(
      file('SchedulingThroughput', {
        perc50: Perc50,
        perc90: Perc90,
        perc99: Perc99,
        max: Max,
        average: Average,
      }),
    );
  }
  const [network] = of('NetworkProgrammingLatency');
  if (network !== undefined)
    files.push(
      file('NetworkProgrammingLatency', { version: 'v1', dataItems: [dataItem(network, network.metric)] }),
    );
  return files;
}

/** The percentiles that upstream writes, and its labels. */
function dataItem(item: SloItem | undefined, metric: string): DataItem {
  const { Perc50 = 0, Perc90 = 0, Perc99 = 0 } = item?.data ?? {};
  return {
    data: { Perc50, Perc90, Perc99 },
    unit: 'ms',
    labels: item === undefined ? { Metric: metric } : item.labels,
  };
}
