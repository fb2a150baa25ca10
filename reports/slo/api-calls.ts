// APIResponsivenessPrometheus as clusterloader2 reports it (perf-tests slos/api_responsiveness_prometheus.go): latency by
// verb, resource, subresource and scope. Percentiles are over the whole run, as its "simple" query takes them; the official
// objective speaks of the 99th percentile of windows of five minutes in a cluster-day.
import { atMost, judged, type SloItem } from './items.ts';

/** Of a row of api.csv; latencies in seconds, null: none after the warm-up. */
export interface ApiRow {
  readonly verb: string;
  /** With its subresource: `pods/binding`. */
  readonly resource: string;
  readonly scope: string;
  readonly count: number;
  readonly slow: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** kubernetes/community sig-scalability/slos/api_call_latency.md: one object 1 s; lists of a namespace or the cluster 30 s. */
const OBJECT_MS = 1000;
const LIST_MS = 30_000;

const VERBS: Readonly<Record<string, string>> = {
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  get: 'GET',
  list: 'LIST',
};

/** The slowest first, as upstream sorts them; watches are no calls. */
export function apiItems(rows: readonly ApiRow[]): SloItem[] {
  return rows
    .flatMap((row): SloItem[] => {
      const { verb, p50, p90, p99, max, count, slow } = row;
      const method = VERBS[verb];
      if (method === undefined || p50 === null || p90 === null || p99 === null || max === null) return [];
      const [resource = '', subresource = ''] = row.resource.split('/');
      const scope = row.scope === '' ? (verb === 'list' ? 'cluster' : 'resource') : row.scope;
      const objective = atMost('SLO', scope === 'resource' ? OBJECT_MS : LIST_MS);
      const data = { Perc50: ms(p50), Perc90: ms(p90), Perc99: ms(p99), Max: ms(max) };
      return [
        {
          measurement: 'APIResponsivenessPrometheus',
          metric: `${method} ${row.resource}`,
          labels: {
            Resource: resource,
            Subresource: subresource,
            Verb: method,
            Scope: scope,
            Count: String(count),
            SlowCount: String(slow),
          },
          unit: 'ms',
          count,
          data,
          objective,
          verdict: judged(data, objective),
        },
      ];
    })
    .sort((a, b) => b.data['Perc99']! - a.data['Perc99']! || (a.metric < b.metric ? -1 : 1));
}

/** Whole µs stay exact. */
const ms = (seconds: number): number => Math.round(seconds * 1e6) / 1e3;
