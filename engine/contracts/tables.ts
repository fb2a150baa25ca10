// The tables that a run can write: names, columns, units. One list, so that CSV headers, docs/metrics.md and
// `kubetick list tables` cannot differ. Columns may be added at the end, never renamed: scripts read them.

/** `time`: integer µs, printed as seconds with 6 decimals; NaN or null is an empty cell. */
export type ColumnType = 'text' | 'int' | 'number' | 'time';

export interface ColumnSpec {
  readonly name: string;
  readonly type: ColumnType;
  readonly help: string;
}

export type TableName =
  | 'pods'
  | 'nodes'
  | 'api'
  | 'controllers'
  | 'volumes'
  | 'timeseries'
  | 'events'
  | 'requests'
  | 'loss';

export interface TableSpec {
  readonly name: TableName;
  readonly help: string;
  readonly columns: readonly ColumnSpec[];
}

export type Cell = string | number | null;

const text = (name: string, help: string): ColumnSpec => ({ name, type: 'text', help });
const int = (name: string, help: string): ColumnSpec => ({ name, type: 'int', help });
const num = (name: string, help: string): ColumnSpec => ({ name, type: 'number', help });
const time = (name: string, help: string): ColumnSpec => ({ name, type: 'time', help });

const RUN_LABELS: readonly ColumnSpec[] = [
  text('experiment', 'metadata.name of the Experiment, or the name derived from the paths'),
  text('variant', 'name of the variant of a sweep; `default` without one'),
  int('replication', 'number of the replication, from 1'),
];

export const PODS_TABLE: TableSpec = {
  name: 'pods',
  help: 'one row a pod that ever existed: pods that are gone first, in the order in which they went, then the others in order of creation',
  columns: [
    ...RUN_LABELS,
    text('namespace', 'namespace'),
    text('pod', 'name'),
    text('owner_kind', 'kind of the controlling owner'),
    text('owner', 'name of the controlling owner'),
    text('node', 'node it was bound to'),
    text('phase', 'last phase: Pending, Running, Succeeded, Failed'),
    int('priority', 'spec.priority'),
    int('cpu_milli', 'CPU request as the scheduler counts it, millicores'),
    int('memory_bytes', 'memory request as the scheduler counts it, bytes'),
    time('created_s', 'stored in etcd'),
    time('first_attempt_s', 'start of the first scheduling attempt'),
    time('scheduled_s', 'scheduler chose the node (assumed)'),
    time('bound_s', 'binding stored in etcd'),
    time('sandbox_s', 'pod sandbox with its network ready'),
    time('pulled_s', 'last image of the containers present on the node'),
    time('started_s', 'all containers started'),
    time('ready_s', 'condition Ready=True stored in etcd'),
    time('finished_s', 'phase Succeeded or Failed stored in etcd'),
    time('deleting_s', 'deletionTimestamp set'),
    time('deleted_s', 'removed from etcd'),
    int('attempts', 'scheduling attempts'),
    int('restarts', 'container restarts'),
    text('reason', 'status.reason, or why it is pending'),
    time('queued_s', 'the scheduler saw it and put it in its queue'),
    time('seen_s', 'the kubelet of its node saw it'),
    time('watched_s', 'a client that watches pods saw it Ready'),
    text('labels', 'labels as key=value in order of their keys, separated by spaces'),
    time('volumes_s', 'all of its volumes attached and mounted; empty where nothing had to be waited for'),
    int(
      'stateful',
      '1: has a volume other than emptyDir, configMap, secret, downwardAPI and projected, as ClusterLoader2 tells stateful pods; else 0',
    ),
    time('running_s', 'a client that watches pods saw it Running'),
  ],
};

export const NODES_TABLE: TableSpec = {
  name: 'nodes',
  help: 'one row a node that ever existed, in order of joining; means are weighted by time after warm-up',
  columns: [
    ...RUN_LABELS,
    text('node', 'name'),
    text('zone', 'label topology.kubernetes.io/zone'),
    int('cpu_milli', 'allocatable CPU, millicores'),
    int('memory_bytes', 'allocatable memory, bytes'),
    int('pods_max', 'allocatable pods'),
    time('added_s', 'Node object stored'),
    time('removed_s', 'Node object removed'),
    num('cpu_requested_mean', 'mean share of allocatable CPU requested by its pods, 0..1'),
    num('memory_requested_mean', 'mean share of allocatable memory requested by its pods, 0..1'),
    num('pods_mean', 'mean number of bound pods that have not ended'),
    int('pods_peak', 'largest number of bound pods that have not ended'),
    int('pods_total', 'pods ever bound to it'),
    text('container_runtime', 'status.nodeInfo.containerRuntimeVersion'),
  ],
};

export const API_TABLE: TableSpec = {
  name: 'api',
  help: 'one row per verb and resource of the API server, sorted by resource and verb; latency from request received to last byte sent, without client-side rate limiting',
  columns: [
    ...RUN_LABELS,
    text('verb', 'create, update, patch, delete, get, list, watch'),
    text('resource', 'resource, with its subresource: pods, pods/binding, pods/status, …'),
    int('count', 'requests answered'),
    text('errors', 'answers of 400 and more by code, `409:4 429:1`; empty without'),
    num('p50_s', 'median latency, seconds'),
    num('p90_s', '90th percentile, seconds'),
    num('p99_s', '99th percentile, seconds'),
    num('max_s', 'largest latency, seconds'),
    text('scope', 'resource: one object; cluster: a list over all namespaces'),
    int('slow', 'of these, later than the objective: 1 s, lists 30 s'),
  ],
};

export const CONTROLLERS_TABLE: TableSpec = {
  name: 'controllers',
  help: 'one row a controller that reconciled anything, in the order in which the manager starts them; queue wait from the key being due to a worker taking it, after warm-up',
  columns: [
    ...RUN_LABELS,
    text('controller', 'name'),
    int('workers', 'reconciles that can go on at once'),
    int('reconciles', 'keys taken from its work queue'),
    num('queue_p50_s', 'median wait in the work queue, seconds'),
    num('queue_p90_s', '90th percentile, seconds'),
    num('queue_p99_s', '99th percentile, seconds'),
    num('queue_max_s', 'longest wait, seconds'),
    int('requests', 'API requests answered'),
    int('conflicts', 'of these, answers 409: another write came first, or the object exists'),
    int('errors', 'of these, other answers of 400 and more'),
  ],
};

export const VOLUMES_TABLE: TableSpec = {
  name: 'volumes',
  help: 'one row a volume of a claim that was made or mounted in the run, in the order in which that happened first; only runs with such volumes write it',
  columns: [
    ...RUN_LABELS,
    text('volume', 'PersistentVolume'),
    text('claim', 'namespace/name of the claim it is for'),
    text('backend', 'storage backend of the cost preset'),
    time('provisioned_s', 'made by a provisioner'),
    time('mounted_s', 'first mounted into a pod'),
    int('attaches', 'times it was attached to a node'),
    int('detaches', 'times it was detached'),
    int('mounts', 'times it was mounted into a pod'),
    text('nodes', 'nodes it was mounted on, in order: its data went there'),
    int('expansions', 'times it was made larger, its file system included'),
  ],
};

export const TIMESERIES_TABLE: TableSpec = {
  name: 'timeseries',
  help: 'values over time, thinned to a fixed number of points a series',
  columns: [time('t_s', 'virtual time'), text('series', 'name'), num('value', 'value from this time on')],
};

export const EVENTS_TABLE: TableSpec = {
  name: 'events',
  help: 'Kubernetes Events, one row a write of an Event object',
  columns: [
    time('t_s', 'virtual time'),
    text('type', 'Normal or Warning'),
    text('reason', 'reason'),
    text('kind', 'kind of the object concerned'),
    text('namespace', 'its namespace'),
    text('name', 'its name'),
    int('count', 'times seen so far'),
    text('message', 'text'),
  ],
};

export const REQUESTS_TABLE: TableSpec = {
  name: 'requests',
  help: 'requests to Services, one row a stream of requests and second in which some were sent: what became of those, whenever that was',
  columns: [
    time('t_s', 'start of the second in which they were first sent'),
    text('stream', 'name of the stream'),
    text('namespace', 'namespace of the Service'),
    text('service', 'name of the Service'),
    int('sent', 'requests sent'),
    int('answered', 'of these, answered, perhaps after more tries'),
    int('no_endpoints', 'failed: the rules reject, because the Service has no endpoint'),
    int('refused', 'failed: nobody listens in the pod'),
    int('reset', 'failed: the server ended while it had the request'),
    int('timeout', 'failed: no answer in time, from a slow server or from nobody'),
    int('overload', 'failed: too many wait in the pod already'),
    int('no_address', 'failed: no such name, no address of a load balancer, no node'),
    int('retries', 'tries after the first'),
    int('open', 'neither answered nor failed when the run ended'),
    time('p50_s', 'median time to the answer, from the first try on; of those answered'),
    time('p99_s', '99th percentile'),
    time('max_s', 'longest'),
  ],
};

export const LOSS_TABLE: TableSpec = {
  name: 'loss',
  help: 'what the model did not act on, once each',
  columns: [
    text('source', 'file, or the part of the run that found it'),
    text('kind', 'kind of object'),
    text('field', 'field path without indices; empty for a whole kind'),
    int('count', 'objects concerned'),
    text('note', 'what that means for the results'),
  ],
};

export const TABLES: readonly TableSpec[] = [
  PODS_TABLE,
  NODES_TABLE,
  API_TABLE,
  CONTROLLERS_TABLE,
  VOLUMES_TABLE,
  TIMESERIES_TABLE,
  EVENTS_TABLE,
  REQUESTS_TABLE,
  LOSS_TABLE,
];
