// Which time series are drawn together, from what the runs have recorded: of one run what happens in it, and of several
// variants the same series side by side. Series stand once in a pool, panels name their places in it.
import type { ReportVariant, RunDetail, Series } from './model.ts';
import { colourOf } from './plot.ts';
import type { Unit } from './scale.ts';
import { thinned } from './steps.ts';

export interface PanelLine {
  readonly name: string;
  readonly colour: string;
  /** Place in the pool. */
  readonly at: number;
}

export interface Panel {
  readonly title: string;
  readonly about: string;
  readonly unit: Unit;
  /** Step functions; otherwise values of cells, with gaps. */
  readonly steps: boolean;
  readonly lines: readonly PanelLine[];
}

export interface PanelGroup {
  readonly label: string;
  readonly endSeconds: number;
  readonly panels: readonly Panel[];
  /** What was done to the cluster. */
  readonly marks: readonly { readonly seconds: number; readonly text: string }[];
}

export interface Panels {
  readonly pool: readonly Series[];
  readonly groups: readonly PanelGroup[];
}

/** Points of all series together: with more variants each gets fewer. */
const POINTS = 12_000;
const POINTS_MIN = 60;
const POINTS_MAX = 500;
const QUEUES_MAX = 5;
/** A few keys that wait at once are no queue. */
const QUEUE_MIN = 5;
const STREAMS_MAX = 6;

interface Wanted {
  readonly title: string;
  readonly about: string;
  readonly unit: Unit;
  readonly steps: boolean;
  readonly series: readonly (readonly [series: string, name: string])[];
}

const RATE_ABOUT = 'means over cells of time';
const START_ABOUT = 'by when the pod was created';

/** What is drawn of one run. */
function ofRun({ series }: RunDetail): Wanted[] {
  const names = series.map(({ name }) => name);
  const streams = names
    .flatMap((name) => /^requests\.(.+)\.rate$/.exec(name)?.[1] ?? [])
    .slice(0, STREAMS_MAX);
  const nodes = series.find(({ name }) => name === 'nodes.count');
  return [
    {
      title: 'Pods',
      about: 'stored in the API server',
      unit: 'pods',
      steps: true,
      series: [
        ['pods.existing', 'existing'],
        ['pods.bound', 'bound to a node'],
        ['pods.unscheduled', 'waiting for a node'],
      ],
    },
    {
      title: 'Start-up of pods',
      about: START_ABOUT,
      unit: 'seconds',
      steps: false,
      series: [
        ['start.p50', 'p50'],
        ['start.p90', 'p90'],
        ['start.p99', 'p99'],
      ],
    },
    {
      title: 'Requests of bound pods',
      about: 'of what all nodes can allocate',
      unit: 'share',
      steps: true,
      series: [
        ['cpu.requested', 'CPU'],
        ['memory.requested', 'memory'],
      ],
    },
    {
      title: 'Pods per second',
      about: RATE_ABOUT,
      unit: 'perSecond',
      steps: true,
      series: [
        ['rate.created', 'created'],
        ['rate.bound', 'bound'],
        ['rate.ready', 'Ready'],
        ['rate.gone', 'ended or deleted'],
      ],
    },
    {
      title: 'Requests',
      about: 'sent to Services',
      unit: 'requestsPerSecond',
      steps: true,
      series: streams.map((stream) => [`requests.${stream}.rate`, stream] as const),
    },
    {
      title: 'Failed requests',
      about: 'by when they failed',
      unit: 'requestsPerSecond',
      steps: true,
      series: streams.map((stream) => [`requests.${stream}.failureRate`, stream] as const),
    },
    {
      title: 'Work queues of controllers',
      about: 'the longest ones',
      unit: 'keys',
      steps: true,
      series: longestQueues(series),
    },
    {
      title: 'Nodes',
      about: '',
      unit: 'nodes',
      steps: true,
      series: nodes !== undefined && new Set(nodes.values).size > 1 ? [['nodes.count', 'nodes']] : [],
    },
  ];
}

function longestQueues(series: readonly Series[]): [string, string][] {
  return series
    .filter(({ name }) => /^workqueue\..*\.depth$/.test(name))
    .map(({ name, values }) => ({ name, peak: values.reduce((a, b) => Math.max(a, b), 0) }))
    .filter(({ peak }) => peak >= QUEUE_MIN)
    .sort((a, b) => b.peak - a.peak || (a.name < b.name ? -1 : 1))
    .slice(0, QUEUES_MAX)
    .map(({ name }) => [name, name.replace(/^workqueue\.(.*)\.depth$/, '$1')]);
}

/** What is drawn with a line a variant. */
const SIDE_BY_SIDE: readonly (Omit<Wanted, 'series'> & { readonly name: string })[] = [
  { title: 'Pods waiting for a node', about: '', unit: 'pods', steps: true, name: 'pods.unscheduled' },
  { title: 'Start-up of pods, p90', about: START_ABOUT, unit: 'seconds', steps: false, name: 'start.p90' },
  {
    title: 'CPU requested',
    about: 'of what nodes can allocate',
    unit: 'share',
    steps: true,
    name: 'cpu.requested',
  },
  {
    title: 'Memory requested',
    about: 'of what nodes can allocate',
    unit: 'share',
    steps: true,
    name: 'memory.requested',
  },
  { title: 'Pods bound to a node', about: '', unit: 'pods', steps: true, name: 'pods.bound' },
  {
    title: 'Pods becoming Ready per second',
    about: RATE_ABOUT,
    unit: 'perSecond',
    steps: true,
    name: 'rate.ready',
  },
  { title: 'Nodes', about: '', unit: 'nodes', steps: true, name: 'nodes.count' },
];

export function panelsOf(variants: readonly ReportVariant[]): Panels {
  const detailed = variants.flatMap((variant, i) =>
    variant.detail === null ? [] : [{ label: variant.label, detail: variant.detail, colour: colourOf(i) }],
  );
  const pool = new Pool(detailed.length);
  const groups: PanelGroup[] = [];
  if (detailed.length > 1) groups.push(sideBySide(detailed, pool));
  for (const { label, detail } of detailed) {
    const panels = ofRun(detail).flatMap(({ series, ...panel }): Panel[] => {
      const lines = series.flatMap(([name, shown], i) => {
        const at = pool.place(detail, name);
        return at < 0 ? [] : [{ name: shown, colour: colourOf(i), at }];
      });
      return lines.length === 0 ? [] : [{ ...panel, lines }];
    });
    groups.push({ label, endSeconds: detail.virtualSeconds, panels, marks: detail.marks });
  }
  return { pool: pool.series, groups };
}

interface Detailed {
  readonly label: string;
  readonly detail: RunDetail;
  readonly colour: string;
}

function sideBySide(detailed: readonly Detailed[], pool: Pool): PanelGroup {
  const panels = SIDE_BY_SIDE.flatMap(({ name, ...panel }): Panel[] => {
    const lines = detailed.flatMap(({ label, detail, colour }) => {
      const at = pool.place(detail, name);
      return at < 0 ? [] : [{ name: label, colour, at }];
    });
    const moves = lines.some(({ at }) => new Set(pool.series[at]!.values).size > 1);
    return lines.length === 0 || (name === 'nodes.count' && !moves) ? [] : [{ ...panel, lines }];
  });
  return {
    label: 'All variants',
    endSeconds: Math.max(...detailed.map(({ detail }) => detail.virtualSeconds)),
    panels,
    marks: [],
  };
}

/** Series that are drawn, once each. */
class Pool {
  readonly series: Series[] = [];
  readonly #places = new Map<RunDetail, Map<string, number>>();
  readonly #points: number;

  constructor(runs: number) {
    this.#points = Math.max(POINTS_MIN, Math.min(POINTS_MAX, Math.floor(POINTS / (20 * Math.max(1, runs)))));
  }

  /** Its place in the pool; -1: the run has no such series. */
  place(run: RunDetail, name: string): number {
    let places = this.#places.get(run);
    if (places === undefined) {
      places = new Map();
      this.#places.set(run, places);
    }
    const known = places.get(name);
    if (known !== undefined) return known;
    const cells = run.timeline?.series.find((one) => one.name === name);
    const found = cells ?? run.series.find((one) => one.name === name);
    if (found === undefined || found.values.every(Number.isNaN)) return -1;
    const at = this.series.length;
    this.series.push(cells ?? thinned(found, this.#points, run.virtualSeconds));
    places.set(name, at);
    return at;
  }
}
