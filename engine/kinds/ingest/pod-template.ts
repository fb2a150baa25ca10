// A stored pod's spec compiled to what the scheduler and the kubelet read.
import type {
  ClusterState,
  ContainerTemplate,
  HostPort,
  PodLogs,
  PodTimings,
  ProbeTemplate,
  TemplateCompiler,
  TemplateParts,
  TimingList,
} from '../../state/index.ts';
import { BEHAVIOUR_PREFIX, hookUs, livesOn, parseBehaviour } from '../container-behaviour.ts';
import type { Json, KubeObject } from '../kind.ts';
import { LOG_AGENT_ANNOTATION, parseLogAgent } from '../log-agent.ts';
import { podQosClass } from '../pod.ts';
import { podUse } from '../pod-use.ts';
import { quantityValue, tryQuantity } from '../quantity.ts';
import { type HeldRequests, nonZeroRequests, podRequests } from './pod-requests.ts';

export type { HeldRequests } from './pod-requests.ts';

/**
 * Key under which the spec of a pod that is ingested carries the requests that its status makes other than the spec's
 * own, so that pods which count differently have different templates. No PodSpec has a field of that name.
 */
export const RAISED_REQUESTS = 'status.requests';

/** Metadata that rows and templates hold by themselves. */
const HELD = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'managedFields',
]);

const NONE = Object.freeze({});

/** batch.JobTrackingFinalizer: a bit of the row. */
export const JOB_TRACKING = 'batch.kubernetes.io/job-tracking';

export const isTracked = (pod: KubeObject): boolean =>
  pod.metadata.finalizers?.includes(JOB_TRACKING) ?? false;

/** The metadata that templates hold, of a pod whose finalizer for its Job is its row's. */
function untracked(metadata: Json): Json {
  const { finalizers, ...rest } = metadata;
  const others = finalizers.filter((finalizer: string) => finalizer !== JOB_TRACKING);
  return others.length === 0 ? rest : { ...rest, finalizers: others };
}

/** The parts of a stored pod that its template holds. A generateName is the row's where it makes the name. */
export function templateParts(pod: KubeObject): TemplateParts {
  const named = Boolean(pod.metadata.name);
  const metadata = isTracked(pod) ? untracked(pod.metadata) : pod.metadata;
  const rest = Object.entries(metadata).filter(
    ([field]) => !HELD.has(field) && (named || field !== 'generateName'),
  );
  return {
    labels: pod.metadata.labels ?? NONE,
    annotations: pod.metadata.annotations ?? NONE,
    spec: pod['spec'],
    metadata: rest.length === 0 ? null : Object.fromEntries(rest),
  };
}

const SECOND_US = 1_000_000;

/** `app` → `app:latest`; digests and tags stay (parsers.ParseImageName, imagelocality normalizedImageName). */
export function normalizedImage(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}

function probe(probe: Json | undefined): ProbeTemplate | null {
  if (!probe) return null;
  return {
    initialDelayUs: (probe.initialDelaySeconds ?? 0) * SECOND_US,
    periodUs: (probe.periodSeconds ?? 10) * SECOND_US,
    timeoutUs: (probe.timeoutSeconds ?? 1) * SECOND_US,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
    graceSeconds: probe.terminationGracePeriodSeconds ?? null,
    handler: probe.httpGet ? 'http' : probe.tcpSocket ? 'tcp' : probe.grpc ? 'grpc' : 'exec',
  };
}

function container(
  state: ClusterState,
  c: Json,
  init: boolean,
  annotations: Readonly<Record<string, string>>,
): ContainerTemplate {
  const says = annotations[BEHAVIOUR_PREFIX + c.name];
  const behaviour = says === undefined ? null : parseBehaviour(says, () => {});
  const limit = c.resources?.limits?.memory;
  return {
    name: c.name,
    image: state.images.id(normalizedImage(c.image ?? '')),
    pullPolicy: c.imagePullPolicy ?? 'IfNotPresent',
    readiness: probe(c.readinessProbe),
    liveness: probe(c.livenessProbe),
    startup: probe(c.startupProbe),
    sidecar: init && c.restartPolicy === 'Always',
    memoryLimitBytes: tryQuantity(limit) === undefined ? 0 : quantityValue(limit),
    postStartUs: behaviour?.postStartUs ?? hookUs(c.lifecycle?.postStart),
    preStopUs: behaviour?.preStopUs ?? hookUs(c.lifecycle?.preStop),
    behaviour,
  };
}

function podLogs(containers: readonly ContainerTemplate[]): PodLogs | null {
  const writing = containers.filter(({ behaviour }) => (behaviour?.logLinesPerSecond ?? 0) > 0);
  if (writing.length === 0) return null;
  const sum = (of: (c: ContainerTemplate) => number): number =>
    writing.reduce((total, c) => total + of(c), 0);
  return {
    squares: sum(({ behaviour }) => (behaviour!.logLinesPerSecond * behaviour!.logLineBytes) ** 2),
    linesPerSecond: sum(({ behaviour }) => behaviour!.logLinesPerSecond),
    bytesPerSecond: sum(({ behaviour }) => behaviour!.logLinesPerSecond * behaviour!.logLineBytes),
  };
}

function hostPorts(spec: Json): HostPort[] {
  const ports: HostPort[] = [];
  // Ordinary init containers' ports do not count; those of sidecars do.
  const holders = [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []).filter((c: Json) => c.restartPolicy === 'Always'),
  ];
  for (const c of holders) {
    for (const port of c.ports ?? []) {
      if (port.hostPort > 0) {
        ports.push({ ip: port.hostIP || '0.0.0.0', protocol: port.protocol ?? 'TCP', port: port.hostPort });
      }
    }
  }
  return ports;
}

const NO_CONTAINERS: readonly ContainerTemplate[] = Object.freeze([]);

const JOB_INDEX = /^(?:\d+|\*)=/;

/** `a,b,c`, or such lists by completion index: `0=a,b;3=c;*=d`. */
function timingList<T>(text: string | undefined, read: (entry: string) => T): TimingList<T> {
  const list = (entries: string): T[] =>
    entries === '' ? [] : entries.split(',').map((entry) => read(entry.trim()));
  if (text === undefined || !JOB_INDEX.test(text.trim()))
    return { all: list(text?.trim() ?? ''), byIndex: null };
  const byIndex = new Map<number, T[]>();
  let all: T[] = [];
  for (const part of text.split(';')) {
    const [index = '', entries = ''] = part.trim().split('=');
    if (index === '*') all = list(entries);
    else byIndex.set(Number(index), list(entries));
  }
  return { all, byIndex };
}

const isLong = ({ all, byIndex }: TimingList<unknown>): boolean =>
  all.length > 1 || [...(byIndex?.values() ?? [])].some((list) => list.length > 1);

const milliseconds = (text: string | undefined): number | null => {
  const ms = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(ms) && ms >= 0 ? Math.round(ms * 1000) : null;
};

function timings(annotations: Readonly<Record<string, string>>): PodTimings {
  const of = (name: string): string | undefined => annotations[`kubetick.io/${name}`];
  const ready = of('ready-delay-ms');
  const termExitCode = of('term-exit-code');
  const runUs = timingList(of('run-ms'), milliseconds);
  const exitCodes = timingList(of('exit-codes'), (code) => Number.parseInt(code, 10) || 0);
  return {
    startDelayUs: milliseconds(of('start-delay-ms')),
    readyDelayUs: ready === 'never' ? Number.POSITIVE_INFINITY : milliseconds(ready),
    runUs,
    exitCodes,
    ordinal: isLong(runUs) || isLong(exitCodes),
    stopDelayUs: milliseconds(of('stop-delay-ms')),
    termExitCode: termExitCode === undefined ? null : Number.parseInt(termExitCode, 10) || 0,
  };
}

export function podTemplateCompiler(state: ClusterState): TemplateCompiler {
  return (id, { labels, annotations, spec: given, metadata }) => {
    const { [RAISED_REQUESTS]: raised, ...own } = given;
    const spec = raised === undefined ? given : own;
    const held: HeldRequests | null = raised ?? null;
    const requests = podRequests(spec, held);
    const nonZero = nonZeroRequests(spec, held, requests);
    const scalars: (readonly [number, number])[] = [];
    for (const [name, amount] of requests) {
      if (name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage') {
        scalars.push([state.resources.id(name), amount]);
      }
    }
    const initContainers = (spec.initContainers ?? []).map((c: Json) =>
      container(state, c, true, annotations),
    );
    const containers = (spec.containers ?? []).map((c: Json) => container(state, c, false, annotations));
    const ephemeral = ({ ephemeralContainers }: Json): ContainerTemplate[] =>
      ephemeralContainers.map((c: Json) => container(state, c, false, annotations));
    const volumeImages = (spec.volumes ?? [])
      .filter((v: Json) => v.image?.reference)
      .map((v: Json) => state.images.id(normalizedImage(v.image.reference)));
    return {
      id,
      labels,
      labelSet: state.labels.intern(labels),
      annotations,
      spec,
      metadata,
      cpuMilli: requests.get('cpu') ?? 0,
      memoryBytes: requests.get('memory') ?? 0,
      ephemeralBytes: requests.get('ephemeral-storage') ?? 0,
      scalars: scalars.sort((a, b) => a[0] - b[0]),
      nonZeroCpuMilli: nonZero.cpuMilli,
      nonZeroMemoryBytes: nonZero.memoryBytes,
      hostPorts: hostPorts(spec),
      initContainers,
      containers,
      ephemeral: spec.ephemeralContainers === undefined ? NO_CONTAINERS : ephemeral(spec),
      images: [...initContainers, ...containers].map((c: ContainerTemplate) => c.image).concat(volumeImages),
      priority: spec.priority ?? 0,
      preemptionPolicy: spec.preemptionPolicy ?? 'PreemptLowerPriority',
      schedulerName: spec.schedulerName ?? 'default-scheduler',
      nodeName: spec.nodeName ?? '',
      restartPolicy: spec.restartPolicy ?? 'Always',
      graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
      hostNetwork: spec.hostNetwork === true,
      qosClass: podQosClass(spec),
      timings: timings(annotations),
      behaves: [...initContainers, ...containers].some(
        ({ behaviour }: ContainerTemplate) => behaviour !== null && !livesOn(behaviour),
      ),
      logs: podLogs(containers),
      use: podUse(spec, annotations),
      logAgent:
        annotations[LOG_AGENT_ANNOTATION] === undefined
          ? null
          : parseLogAgent(annotations[LOG_AGENT_ANNOTATION], () => {}),
    };
  };
}
