// What a person sees of a run: the summary as tables, the hops of a trace in aligned columns, the progress line.
// Everything here is text built from a RunResult; nothing is measured or decided. Standard output of `run --json`
// does not come through here.
import Table from 'cli-table3';
import pc from 'picocolors';
import type {
  LossEntry,
  RunResult,
  RunSummary,
  Sink,
  SinkSession,
  TableSession,
  TraceHop,
} from '../engine/contracts/result.ts';
import { EVENTS_TABLE, PODS_TABLE, type TableSpec } from '../engine/contracts/tables.ts';
import type { FullSummary } from '../engine/metrics/full-summary.ts';
import type { ControllerRows } from './controllers.ts';
import { formatSeconds } from './csv-cells.ts';
import { loggingTable } from './logging.ts';
import { requestTable } from './requests.ts';
import { isOfRuntime, runtimeTable } from './runtimes.ts';
import { grouped, humanSeconds, significant } from './units.ts';

export { grouped, humanSeconds };

type Colours = ReturnType<typeof pc.createColors>;

/** Lines of a loss or reasons list that fit a screen. */
const LINES_MAX = 8;
/** Latencies of the life of a pod and of the control plane come first, in the order in which they happen. */
const LATENCY_ORDER = [
  'pod.startup',
  'pod.createToSchedule',
  'pod.scheduleToRun',
  'pod.runToReady',
  'scheduler.queue',
  'scheduler.attempt',
  'scheduler.bind',
  'kubelet.pull',
  'kubelet.start',
  'service.programming',
];

export interface SummaryTextOptions {
  /** Where the files are; absent when none were written. */
  readonly directory?: string;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
  readonly colour: boolean;
  /** Reasons of pending pods with their numbers, most frequent first. */
  readonly pendingReasons: readonly (readonly [string, number])[];
  readonly controllers?: ControllerRows;
}

/** The closing tables of `kubetick run`, with a newline at the end. */
export function summaryText(result: RunResult, options: SummaryTextOptions): string {
  const { summary } = result;
  const c = pc.createColors(options.colour);
  const parts = [
    headline(result, c),
    podsText(summary, options, c),
    latencyText(summary, c),
    requestsText(summary, c),
    phasesText(summary, c),
    controllersText(options, c),
    runtimesText(summary, c),
    loggingText(summary, c),
    clusterText(summary, c),
    expectText(summary, c),
    lossText(summary.loss, c),
    costText(summary, options, c),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** Hops as columns: time, actor, object, what. Sorted by time; of the same time in the order given. */
export function traceText(hops: readonly TraceHop[], colour: boolean): string {
  if (hops.length === 0) return '';
  const c = pc.createColors(colour);
  const rows = hops
    .map((hop, order) => ({ hop, order }))
    .sort((a, b) => a.hop.timeUs - b.hop.timeUs || a.order - b.order)
    .map(({ hop }) => [`${formatSeconds(hop.timeUs)} s`, hop.actor, hop.object, hop.what] as const);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(([time, actor, object, what]) =>
      [
        c.dim(time.padStart(widths[0]!)),
        c.cyan(actor.padEnd(widths[1]!)),
        object.padEnd(widths[2]!),
        what,
      ].join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Pods whose last FailedScheduling message is remembered; beyond, the reason in pods.csv must do. */
const MESSAGES_MAX = 200_000;

/**
 * A sink that finds out why pods are pending at the end: the message of the pod's last FailedScheduling Event, or
 * else the reason in its row of pods.csv.
 */
export class PendingReasons implements Sink {
  private readonly counts = new Map<string, number>();
  private readonly messages = new Map<string, string>();

  open(): SinkSession {
    return {
      table: (spec) => {
        if (spec.name === 'events') return this.events();
        return spec.name === 'pods' ? this.pods() : null;
      },
      close: () => this.messages.clear(),
    };
  }

  private events(): TableSession {
    const [reason, kind, namespace, name, message] = columnsOf(EVENTS_TABLE, [
      'reason',
      'kind',
      'namespace',
      'name',
      'message',
    ]);
    return {
      row: (cells) => {
        if (cells[reason!] !== 'FailedScheduling' || cells[kind!] !== 'Pod') return;
        const pod = `${cells[namespace!]}/${cells[name!]}`;
        if (this.messages.size < MESSAGES_MAX || this.messages.has(pod))
          this.messages.set(pod, String(cells[message!]));
      },
    };
  }

  private pods(): TableSession {
    const [namespace, name, phase, node, reason, deleted] = columnsOf(PODS_TABLE, [
      'namespace',
      'pod',
      'phase',
      'node',
      'reason',
      'deleted_s',
    ]);
    return {
      row: (cells) => {
        const pod = `${cells[namespace!]}/${cells[name!]}`;
        const message = this.messages.get(pod);
        // A later pod of the same name starts without a history.
        if (message !== undefined && typeof cells[deleted!] === 'number') this.messages.delete(pod);
        if (cells[phase!] !== 'Pending' || typeof cells[deleted!] === 'number') return;
        // Once bound, it is pending for another reason than the scheduler's.
        const text = (cells[node!] === '' ? message : undefined) ?? String(cells[reason!] ?? '');
        if (text !== '') this.counts.set(text, (this.counts.get(text) ?? 0) + 1);
      },
    };
  }

  /** Reason and number of pods, most frequent first. */
  sorted(): [string, number][] {
    return [...this.counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  }
}

function columnsOf(spec: TableSpec, names: readonly string[]): number[] {
  return names.map((name) => spec.columns.findIndex((column) => column.name === name));
}

function headline(result: RunResult, c: Colours): string {
  const { summary } = result;
  const ends = {
    idle: 'nothing but periodic work was left',
    until: 'the end was reached',
    stopped: 'it was stopped',
  };
  const variant = summary.variant === 'default' ? '' : ` · ${summary.variant}`;
  return `${c.bold(summary.experiment)}${variant} · seed ${summary.seed} · ${humanSeconds(summary.virtualSeconds)} of cluster time, until ${ends[result.endReason]}`;
}

function podsText(summary: RunSummary, options: SummaryTextOptions, c: Colours): string {
  const { pods } = summary;
  const shown: [string, number][] = [
    ['created', pods.created],
    ['scheduled', pods.scheduled],
    ['started', pods.started],
    ['ready', pods.ready],
    ['running', pods.running],
    ['pending', pods.pending],
    ['succeeded', pods.succeeded],
    ['failed', pods.failed],
    ['deleted', pods.deleted],
  ];
  const lines = [
    table(
      [c.bold('pods'), ...shown.map(([name]) => c.dim(name))],
      [['', ...shown.map(([name, count]) => alarm(name, count, c))]],
    ),
  ];
  if (pods.unschedulable > 0)
    lines.push(c.yellow(`${grouped(pods.unschedulable)} of the pending pods are unschedulable:`));
  else if (options.pendingReasons.length > 0) lines.push('pending because:');
  lines.push(
    ...firstLines(
      options.pendingReasons.map(([reason, count]) => `  ${grouped(count)} × ${reason.split('\n')[0]}`),
    ),
  );
  return lines.join('\n');
}

function alarm(name: string, count: number, c: Colours): string {
  const text = grouped(count);
  if (count === 0) return text;
  if (name === 'failed') return c.red(text);
  return name === 'pending' ? c.yellow(text) : text;
}

function latencyText(summary: RunSummary, c: Colours): string {
  const place = (name: string) => {
    const known = LATENCY_ORDER.indexOf(name);
    return known >= 0 ? known : LATENCY_ORDER.length;
  };
  const names = Object.keys(summary.latency)
    .filter((name) => !name.startsWith('api.') && !isOfRuntime(name))
    .sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  if (names.length === 0) return '';
  const rows = names.map((name) => {
    const { count, p50, p90, p99, max } = summary.latency[name]!;
    return [name, grouped(count), ...[p50, p90, p99, max].map(humanSeconds)];
  });
  const requests = Object.entries(summary.latency).filter(([name]) => name.startsWith('api.'));
  const total = requests.reduce((sum, [, latency]) => sum + latency.count, 0);
  const head = [c.bold('latency'), ...['count', 'p50', 'p90', 'p99', 'max'].map((name) => c.dim(name))];
  const api =
    total > 0 ? `\n${grouped(total)} API request${total === 1 ? '' : 's'} by verb and resource: api.csv` : '';
  return `${table(head, rows)}${api}`;
}

function requestsText(summary: RunSummary, c: Colours): string {
  const requests = requestTable(summary, grouped);
  if (requests === null) return '';
  const [first, ...others] = requests.head;
  return table([c.bold(first!), ...others.map((name) => c.dim(name))], requests.rows);
}

/** Mean over the pods seen Ready; a phase that only some of them had counts as nothing for the others. */
function phasesText(summary: RunSummary, c: Colours): string {
  const { phases = {} } = summary as Partial<FullSummary>;
  const pods = summary.latency['pod.startup']?.count ?? 0;
  if (pods === 0 || Object.keys(phases).length === 0) return '';
  const parts = Object.entries(phases).map(([name, { count, mean }]) => ({
    name,
    seconds: (mean * count) / pods,
  }));
  const whole = humanSeconds(parts.reduce((sum, { seconds }) => sum + seconds, 0));
  const shown = parts.map(({ name, seconds }) => `${humanSeconds(seconds)} ${name}`).join(' + ');
  return `${c.bold('pod start')}, mean of ${grouped(pods)}: ${whole} = ${shown}`;
}

function controllersText({ controllers }: SummaryTextOptions, c: Colours): string {
  if (controllers === undefined || controllers.rows.length === 0) return '';
  const { head, rows } = controllers.table(humanSeconds);
  return table([c.bold(head[0]!), ...head.slice(1).map((name) => c.dim(name))], rows);
}

function loggingText(summary: RunSummary, c: Colours): string {
  const { counters = {} } = summary as Partial<FullSummary>;
  const text = { count: grouped, seconds: humanSeconds };
  const found = loggingTable(counters, summary.latency['log.delay'], text);
  if (found === null) return '';
  const [first, ...rest] = found.head;
  return table([c.bold(first!), ...rest.map((name) => c.dim(name))], [found.row]);
}

function runtimesText(summary: RunSummary, c: Colours): string {
  const found = runtimeTable(summary.latency, humanSeconds);
  if (found === null) return '';
  const [first, ...rest] = found.head;
  return table([c.bold(first!), ...rest.map((name) => c.dim(name))], found.rows);
}

function clusterText(summary: RunSummary, c: Colours): string {
  const percent = (share: number | undefined) => `${((share ?? 0) * 100).toFixed(1)} %`;
  const { count, peak } = summary.nodes;
  const rate = summary.throughput['scheduler.podsPerSecond'] ?? 0;
  return table(
    [
      c.bold('cluster'),
      ...['nodes', 'peak', 'CPU requested', 'memory requested', 'pods scheduled/s'].map((name) =>
        c.dim(name),
      ),
    ],
    [
      [
        '',
        grouped(count),
        grouped(peak),
        percent(summary.utilisation['cpu.requested']),
        percent(summary.utilisation['memory.requested']),
        rate === 0 ? '-' : significant(rate),
      ],
    ],
  );
}

function expectText(summary: RunSummary, c: Colours): string {
  return summary.expect
    .map(({ text, holds, observed }) => {
      const verdict = holds ? c.green('holds') : c.red('FAILS');
      return `${verdict}  ${text}  ${c.dim(observed === null ? '(nothing was observed)' : `(${observed})`)}`;
    })
    .join('\n');
}

function lossText(loss: readonly LossEntry[], c: Colours): string {
  if (loss.length === 0) return '';
  // The same field of the same kind in many files is one thing to know.
  const merged = new Map<string, { count: number; note: string }>();
  for (const { kind, field, count, note } of loss) {
    const what = field === '' ? kind : `${kind} ${field}`;
    const known = merged.get(what);
    if (known === undefined) merged.set(what, { count, note });
    else known.count += count;
  }
  const lines = [...merged].map(([what, { count, note }]) => `  ${what} (${grouped(count)}): ${note}`);
  return [c.yellow('not acted on (loss.csv):'), ...firstLines(lines)].join('\n');
}

function costText(summary: RunSummary, options: SummaryTextOptions, c: Colours): string {
  const { wallSeconds, cpuSeconds, peakMemoryBytes, directory } = options;
  const rate = wallSeconds > 0 ? grouped(Math.round(summary.events / wallSeconds)) : '-';
  const lines = [
    `${c.dim('cost')}         ${humanSeconds(wallSeconds)} (${humanSeconds(cpuSeconds)} CPU), ${grouped(summary.events)} events, ${rate} events/s, ${Math.round(peakMemoryBytes / 2 ** 20)} MiB`,
    `${c.dim('fingerprint')}  ${summary.fingerprint}`,
  ];
  if (directory !== undefined) lines.push(`${c.dim('results')}      ${directory}`);
  return lines.join('\n');
}

function firstLines(lines: readonly string[]): string[] {
  if (lines.length <= LINES_MAX) return [...lines];
  return [...lines.slice(0, LINES_MAX), `  … and ${lines.length - LINES_MAX} more`];
}

/** Columns without borders; the first to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const plain = new Table({
    chars: none,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  });
  plain.push([...head], ...rows.map((row) => [...row]));
  return plain
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
