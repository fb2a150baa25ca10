// `--trace OBJECT`: the way of one object and of all that belongs to it, hop by hop, in virtual time. Objects become
// interesting by `link`: owned by an interesting object, or selecting one. What a Service did before the pods it
// selects existed is part of the story too, so the last hops of objects that may yet become interesting are kept
// and told then: a receiver that wants them in order sorts by time.
import type { TraceHop } from '../contracts/result.ts';

/** Kinds by every name kubectl takes for them: singular, plural, short. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['po', 'pods'],
  ReplicationController: ['rc', 'replicationcontrollers'],
  ReplicaSet: ['rs', 'replicasets'],
  Deployment: ['deploy', 'deployments'],
  StatefulSet: ['sts', 'statefulsets'],
  DaemonSet: ['ds', 'daemonsets'],
  Job: ['jobs'],
  CronJob: ['cj', 'cronjobs'],
  Service: ['svc', 'services'],
  Endpoints: ['ep'],
  EndpointSlice: ['eps', 'endpointslices'],
  ConfigMap: ['cm', 'configmaps'],
  Secret: ['secrets'],
  ServiceAccount: ['sa', 'serviceaccounts'],
  PersistentVolumeClaim: ['pvc', 'persistentvolumeclaims'],
  HorizontalPodAutoscaler: ['hpa', 'horizontalpodautoscalers'],
  Node: ['no', 'nodes'],
  Namespace: ['ns', 'namespaces'],
  PersistentVolume: ['pv', 'persistentvolumes'],
  StorageClass: ['sc', 'storageclasses'],
  PriorityClass: ['pc', 'priorityclasses'],
};
const CLUSTER_SCOPED = new Set(['Node', 'Namespace', 'PersistentVolume', 'StorageClass', 'PriorityClass']);

const BY_ALIAS = new Map<string, string>();
for (const [kind, aliases] of Object.entries(KINDS)) {
  BY_ALIAS.set(kind.toLowerCase(), kind);
  for (const alias of aliases) BY_ALIAS.set(alias, kind);
}

/** Hops kept of an object that is not interesting yet; and from how many such objects on no pods are added. */
const EARLY_HOPS_MAX = 64;
const EARLY_OBJECTS_MAX = 10_000;

export interface TraceTarget {
  readonly kind: string;
  /** Empty for kinds outside namespaces. */
  readonly namespace: string;
  readonly name: string;
}

/** `rc/web`, `deployment/shop/web`, `node/n1` → what is meant, or a text saying what is wrong with it. */
export function parseTraceTarget(text: string): TraceTarget | string {
  const parts = text.split('/');
  if (parts.length < 2 || parts.length > 3 || parts.some((part) => part === ''))
    return `"${text}" is not of the form KIND/NAME or KIND/NAMESPACE/NAME, such as rc/web or deployment/shop/web`;
  const kind = BY_ALIAS.get(parts[0]!.toLowerCase());
  if (kind === undefined)
    return `"${parts[0]}" is no kind that can be traced: ${Object.keys(KINDS).join(', ')}`;
  const name = parts[parts.length - 1]!;
  if (CLUSTER_SCOPED.has(kind)) {
    if (parts.length === 3) return `${kind} has no namespace: write ${parts[0]}/${name}`;
    return { kind, namespace: '', name };
  }
  return { kind, namespace: parts.length === 3 ? parts[1]! : 'default', name };
}

export class Tracer {
  /** Callers ask this before they build the texts of a hop. */
  readonly enabled: boolean;
  private readonly emit: (hop: TraceHop) => void;
  private readonly now: () => number;
  private readonly homeNamespace: string = '';
  private readonly interesting = new Set<string>();
  private readonly children = new Map<string, Set<string>>();
  private readonly early = new Map<string, TraceHop[]>();

  constructor(trace: { object: string; emit(hop: TraceHop): void } | undefined, now: () => number) {
    this.now = now;
    this.enabled = trace !== undefined;
    this.emit = trace === undefined ? () => {} : (hop) => trace.emit(hop);
    if (trace === undefined) return;
    const target = parseTraceTarget(trace.object);
    if (typeof target === 'string') throw new RangeError(target);
    this.homeNamespace = target.namespace === '' ? 'default' : target.namespace;
    this.interesting.add(keyOf(target.kind, target.namespace, target.name));
  }

  /** True when hops of this object are told; for callers whose hop costs more than the texts. */
  follows(kind: string, namespace: string, name: string): boolean {
    return this.enabled && this.interesting.has(keyOf(kind, namespace, name));
  }

  /** Something happened to the object now. */
  hop(actor: string, kind: string, namespace: string, name: string, what: string): void {
    this.hopAt(this.now(), actor, kind, namespace, name, what);
  }

  /** As `hop`, at a time that the caller computed. */
  hopAt(timeUs: number, actor: string, kind: string, namespace: string, name: string, what: string): void {
    if (!this.enabled) return;
    const key = keyOf(kind, namespace, name);
    const hop: TraceHop = { timeUs, actor, object: this.label(key), what };
    if (this.interesting.has(key)) this.emit(hop);
    else this.keepEarly(key, hop);
  }

  /** From when the parent is interesting, the child is too. Harmless to repeat. */
  link(
    childKind: string,
    childNamespace: string,
    childName: string,
    parentKind: string,
    parentNamespace: string,
    parentName: string,
  ): void {
    if (!this.enabled) return;
    const child = keyOf(childKind, childNamespace, childName);
    const parent = keyOf(parentKind, parentNamespace, parentName);
    if (this.interesting.has(parent)) {
      this.follow(child);
      return;
    }
    const waiting = this.children.get(parent);
    if (waiting === undefined) this.children.set(parent, new Set([child]));
    else waiting.add(child);
  }

  private follow(key: string): void {
    if (this.interesting.has(key)) return;
    this.interesting.add(key);
    for (const hop of this.early.get(key) ?? []) this.emit(hop);
    this.early.delete(key);
    const waiting = this.children.get(key);
    this.children.delete(key);
    if (waiting !== undefined) for (const child of waiting) this.follow(child);
  }

  private keepEarly(key: string, hop: TraceHop): void {
    const kept = this.early.get(key);
    if (kept === undefined) {
      if (this.early.size < EARLY_OBJECTS_MAX || !key.startsWith('Pod/')) this.early.set(key, [hop]);
    } else if (kept.length < EARLY_HOPS_MAX) kept.push(hop);
  }

  /** `pod/web-abcde`, with its namespace when that is not the one traced. */
  private label(key: string): string {
    const [kind = '', namespace = '', name = ''] = key.split('/');
    const short = kind.toLowerCase();
    return namespace === '' || namespace === this.homeNamespace
      ? `${short}/${name}`
      : `${short}/${namespace}/${name}`;
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  const known = KINDS[kind] !== undefined ? kind : (BY_ALIAS.get(kind.toLowerCase()) ?? kind);
  return `${known}/${CLUSTER_SCOPED.has(known) ? '' : namespace}/${name}`;
}
