// Scheduler extenders: programs beside the scheduler that a KubeSchedulerConfiguration names (`extenders:`), and that
// are asked over HTTP in a real cluster. No HTTP is called in virtual time: a policy file serves the extender's verbs by
// functions, and says how long an answer takes (kube-scheduler/extender/v1/types.go and pkg/scheduler/extender.go, v1.36).
import type { Duration } from '../kernel/index.ts';
import type { ClusterView, NodeView, PodView } from './scheduler.ts';

/** Points of an extender go from 0 to this (MaxExtenderPriority, kube-scheduler/extender/v1/types.go). */
export const MAX_EXTENDER_PRIORITY = 10;

export const EXTENDER_VERBS = ['filter', 'prioritize', 'preempt', 'bind'] as const;
export type ExtenderVerb = (typeof EXTENDER_VERBS)[number];

/** The extender cannot answer: the attempt, or the binding, fails with this text unless the extender is ignorable. */
export interface ExtenderError {
  readonly error: string;
}

/** Which of the nodes are left. Node names throughout. */
export interface ExtenderFilterResult {
  /** Nodes that pass, in this order; absent: those that neither map below names. */
  readonly nodes?: readonly string[];
  /** Rejected, and why: preemption may help there. */
  readonly failed?: Readonly<Record<string, string>>;
  /** Rejected, and nothing that preemption does helps. Goes before `failed`. */
  readonly failedAndUnresolvable?: Readonly<Record<string, string>>;
  readonly error?: undefined;
}

/** Pods that would leave a node, from the most to the least important. */
export interface ExtenderVictims {
  readonly pods: readonly {
    readonly uid: string;
    readonly namespace: string;
    readonly name: string;
    readonly priority: number;
  }[];
  readonly numPDBViolations: number;
}

/** What an extender makes of it: uids of pods on that node. Nodes that it leaves out are no candidates any more. */
export interface ExtenderMetaVictims {
  readonly pods: readonly string[];
  /** Default 0. */
  readonly numPDBViolations?: number;
}

/** The verbs. Views are valid during the call. An extender keeps no books of its own that it could read off `cluster`. */
export interface ExtenderHandlers {
  /** Of the nodes that all filter plug-ins, and the extenders before it, let pass. */
  filter?(
    pod: PodView,
    nodes: readonly NodeView[],
    cluster: ClusterView,
  ): ExtenderFilterResult | ExtenderError;
  /** Integers 0..10 by node name; a node that is left out gets none. An error means no points. */
  prioritize?(
    pod: PodView,
    nodes: readonly NodeView[],
    cluster: ClusterView,
  ): Readonly<Record<string, number>> | ExtenderError;
  /** Of the nodes where preemption would make room. */
  preempt?(
    pod: PodView,
    victims: Readonly<Record<string, ExtenderVictims>>,
    cluster: ClusterView,
  ): Readonly<Record<string, ExtenderMetaVictims>> | ExtenderError;
  /** Binds the pod: when the answer is no error, the binding is sent to the API server. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing has bound the pod
  bind?(pod: PodView, node: string, cluster: ClusterView): void | ExtenderError;
}

export interface ExtenderShape extends ExtenderHandlers {
  /** One line for `kubetick list scheduler`. */
  readonly about?: string;
  /** Time of an answer: µs or a distribution, for all verbs or by verb. Absent: 0. */
  readonly latency?: Duration | Readonly<Partial<Record<ExtenderVerb, Duration>>>;
}

/** What a policy file exports. */
export interface ExtenderDefinition {
  /** The `urlPrefix` of the configuration, or the host name in it. */
  readonly name: string;
  readonly about: string;
  readonly serves: ExtenderHandlers;
  readonly latency: Readonly<Record<ExtenderVerb, Duration>>;
}

const isByVerb = (
  latency: NonNullable<ExtenderShape['latency']>,
): latency is Readonly<Partial<Record<ExtenderVerb, Duration>>> =>
  typeof latency === 'object' && latency !== null && !('dist' in latency);

/** An extender of the configuration, served by functions. `match`: its urlPrefix, or the host name in it. */
export function extender(match: string, shape: ExtenderShape): ExtenderDefinition {
  const { about = '', latency = 0, ...serves } = shape;
  const of = (verb: ExtenderVerb): Duration => (isByVerb(latency) ? (latency[verb] ?? 0) : latency);
  return {
    name: match,
    about,
    serves,
    latency: { filter: of('filter'), prioritize: of('prioritize'), preempt: of('preempt'), bind: of('bind') },
  };
}

/** An entry of `extenders:` after defaults. */
export interface ConfiguredExtender {
  readonly urlPrefix: string;
  /** By verb: the last part of its URL; '': not asked. */
  readonly verbs: Readonly<Record<ExtenderVerb, string>>;
  /** Of its points; positive where it prioritizes. */
  readonly weight: number;
  /** µs; an answer that takes longer is an error. */
  readonly timeoutUs: number;
  /** Extended resources: pods that ask for none of them are not its business. Empty: all pods are. */
  readonly managedResources: readonly string[];
  readonly ignorable: boolean;
  /** null: it has no verb, so nobody has to serve it. */
  readonly definition: ExtenderDefinition | null;
}

/** A node on which preemption would make room, and who would leave it. */
export interface PreemptionCandidate {
  readonly node: number;
  /** Pods by row, from the most to the least important. */
  readonly victims: readonly number[];
  /** Victims whose disruption budget does not allow it. */
  readonly violations: number;
}

export type ExtendedCandidates = readonly PreemptionCandidate[] | ExtenderError;
