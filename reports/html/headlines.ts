// The five numbers that a reader wants first: which ones, of each variant their mean over replications with its interval,
// and where there is one run only, the range within it.
import { valueText } from '../compare/text.ts';
import { meanInterval } from '../stats/mean.ts';
import { grouped } from '../units.ts';
import type { ReportRun, ReportVariant } from './model.ts';
import { short } from './scale.ts';

export interface Estimate {
  readonly label: string;
  /** One a replication. */
  readonly values: readonly number[];
  readonly mean: number;
  /** 95 %, by Student's t, as far as such a number can be (a share 0 to 1, others not below 0); unbounded for one replication. */
  readonly low: number;
  readonly high: number;
  /** What the run itself says of the spread. */
  readonly within: string;
}

export interface Headline {
  readonly title: string;
  /** What it is, in a sentence. */
  readonly about: string;
  readonly metric: string;
  readonly estimates: readonly Estimate[];
}

interface Candidate {
  readonly metric: string;
  readonly title: string;
  readonly about: string;
  readonly value?: (run: ReportRun) => number | undefined;
  readonly within: (run: ReportRun) => string;
}

const metric = (run: ReportRun, name: string): number | undefined => run.metrics.get(name);

/** `p50 1.2 s · p90 2 s · max 5 s` of a latency. */
function range(run: ReportRun, latency: string): string {
  return ['p50', 'p90', 'max']
    .flatMap((name) => {
      const value = metric(run, `${latency}.${name}`);
      return value === undefined ? [] : `${name} ${valueText('virtualSeconds', value)}`;
    })
    .join(' · ');
}

function requests(run: ReportRun): { readonly sent: number; readonly failed: number } {
  let [sent, failed] = [0, 0];
  for (const [name, value] of run.metrics) {
    if (/^counters\.requests\..*\.sent$/.test(name)) sent += value;
    if (/^counters\.requests\..*\.failed$/.test(name)) failed += value;
  }
  return { sent, failed };
}

const failedShare = (run: ReportRun): number | undefined => {
  const { sent, failed } = requests(run);
  return sent === 0 ? undefined : failed / sent;
};

const peak = (run: ReportRun, gauge: string): string => {
  const value = metric(run, `gauges.${gauge}.peak`);
  return value === undefined ? '' : `peak ${valueText(`utilisation.${gauge}`, value)}`;
};

/** The first five that the runs have observed are shown. */
const CANDIDATES: readonly Candidate[] = [
  {
    metric: 'latency.pod.startup.p99',
    title: 'Pod start-up, p99',
    about: 'Created until a client that watches sees the pod Ready; 99 of 100 pods are faster.',
    within: (run) => range(run, 'latency.pod.startup'),
  },
  {
    metric: 'requests.failed',
    title: 'Failed requests',
    about: 'Share of the requests to Services that got no answer.',
    value: failedShare,
    within: (run) => `${grouped(requests(run).failed)} of ${grouped(requests(run).sent)}`,
  },
  {
    metric: 'pods.pending',
    title: 'Pods pending at the end',
    about: 'Of the pods that still exist, those that do not run.',
    within: (run) =>
      [
        `${grouped(metric(run, 'pods.unschedulable') ?? 0)} unschedulable`,
        `of ${grouped(metric(run, 'pods.created') ?? 0)} created`,
        ...((metric(run, 'pods.failed') ?? 0) > 0 ? [`${grouped(metric(run, 'pods.failed')!)} failed`] : []),
      ].join(' · '),
  },
  {
    metric: 'throughput.scheduler.podsPerSecond',
    title: 'Pods scheduled per second',
    about: 'Mean rate between the first and the last pod that got a node.',
    within: (run) => `${grouped(metric(run, 'pods.scheduled') ?? 0)} scheduled`,
  },
  {
    metric: 'utilisation.cpu.requested',
    title: 'CPU requested',
    about: 'Requests of bound pods over what nodes can allocate, mean over time.',
    within: (run) => peak(run, 'cpu.requested'),
  },
  {
    metric: 'latency.service.programming.p99',
    title: 'Service programming, p99',
    about: 'Endpoint change stored until the rules of a kube-proxy follow.',
    within: (run) => range(run, 'latency.service.programming'),
  },
  {
    metric: 'utilisation.memory.requested',
    title: 'Memory requested',
    about: 'Requests of bound pods over what nodes can allocate, mean over time.',
    within: (run) => peak(run, 'memory.requested'),
  },
  {
    metric: 'nodes.peak',
    title: 'Nodes at most',
    about: 'Largest number of nodes at one time.',
    within: (run) => `${grouped(metric(run, 'nodes.count') ?? 0)} at the end`,
  },
  {
    metric: 'virtualSeconds',
    title: 'Time of the cluster',
    about: 'Virtual time until the run ended.',
    within: () => '',
  },
  {
    metric: 'events',
    title: 'Events simulated',
    about: 'What the run was made of.',
    within: () => '',
  },
];
const SHOWN = 5;

const isShare = (name: string): boolean => name === 'requests.failed' || name.startsWith('utilisation.');

export function headlines(variants: readonly ReportVariant[]): Headline[] {
  const found: Headline[] = [];
  for (const candidate of CANDIDATES) {
    if (found.length === SHOWN) break;
    const read = candidate.value ?? ((run: ReportRun) => metric(run, candidate.metric));
    const estimates = variants.flatMap(({ label, runs }): Estimate[] => {
      const values = runs.map(read).filter((value): value is number => value !== undefined);
      if (values.length === 0) return [];
      const { mean, low, high } = meanInterval(values);
      const within = runs.length === 1 ? candidate.within(runs[0]!) : '';
      if (values.length === 1) return [{ label, values, mean, low, high, within }];
      const most = isShare(candidate.metric) ? 1 : Number.POSITIVE_INFINITY;
      return [{ label, values, mean, low: Math.max(0, low), high: Math.min(most, high), within }];
    });
    if (estimates.length === 0) continue;
    found.push({
      title: candidate.title,
      about: candidate.about,
      metric: candidate.metric,
      estimates,
    });
  }
  return found;
}

/** A value of a headline for people. */
export function headlineText(name: string, value: number): string {
  if (name === 'requests.failed') return valueText('utilisation.', value);
  if (/^(latency\.|virtualSeconds$)/.test(name)) return valueText(name, value);
  return name.startsWith('utilisation.') ? `${Number((100 * value).toPrecision(3))} %` : short(value);
}
