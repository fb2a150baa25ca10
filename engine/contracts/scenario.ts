// A resolved scenario: everything a run depends on, as plain data. Loading, defaults and paths are settled before;
// two runs of equal scenarios are equal bit for bit.
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { Propagation } from './api.ts';
import type { CostPreset } from './costs.ts';
import type { TableName } from './tables.ts';

/** A group of equal nodes; `object` is the Node as a user could have written it, without metadata.name. */
export interface NodeGroup {
  /** Names are `${prefix}${first + i}`, or `names` one by one. */
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
  readonly names?: readonly string[];
  readonly object: KubeObject;
  /** Zones dealt to the nodes in turn (label topology.kubernetes.io/zone); empty: as the object says. */
  readonly zones: readonly string[];
}

export interface SourcedObject {
  /** File it came from, for the loss report and for errors. */
  readonly source: string;
  /** As the user wrote it, already decoded and accepted once by validation. */
  readonly object: KubeObject;
}

/** Pods by label, of which a step means one. */
export interface PodPick {
  readonly namespace: string;
  readonly matchLabels: Readonly<Record<string, string>>;
  /** The n-th of those that live, in order of creation, from 0. */
  readonly nth: number;
  /** Count those that are being deleted, too. */
  readonly deleting: boolean;
}

/** Nodes that a step means: by name, or those of a zone or with labels, in order of joining. */
export interface NodePick {
  readonly names?: readonly string[];
  readonly zone?: string;
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Only so many of them. */
  readonly count?: number;
}

/** What a recorded scenario adds: where its time begins and ends, and how its timeline is told. */
export interface ScenarioFrame {
  /** Namespace of the scenario: its objects are told without it. */
  readonly namespace: string;
  /** The scenario's time 0, µs of the run: what was set up before needs time. */
  readonly originUs: number;
  /** When its nodes joined and made their leases, µs of the run (negative: before it began). */
  readonly joinedUs: number;
  /** The run ends when nothing has been written for this long, µs, … */
  readonly idleUs: number;
  /** … but not before this time of the scenario, µs. */
  readonly minUs: number;
  /** Recorded in a cluster with other nodes, which stand in some messages. */
  readonly shared: boolean;
  /** Namespaces of what runs beside it: not told, and no reason to go on. Their nodes' names begin with theirs. */
  readonly neighbours?: readonly string[];
  /** The steps as written. */
  readonly steps: readonly Json[];
}

/** Flags of `kubectl drain`; absent ones have kubectl's defaults. */
export interface DrainOptions {
  readonly ignoreDaemonSets: boolean;
  readonly deleteEmptyDirData: boolean;
  readonly force: boolean;
  /** Goes on with the other nodes after one that could not be drained. */
  readonly ignoreErrors: boolean;
  /** DELETE instead of evictions: budgets are not asked. */
  readonly disableEviction: boolean;
  /** Grace for each pod, s; -1: the pod's own. */
  readonly graceSeconds: number;
  /** Given up after this long, µs; 0: never. */
  readonly timeoutUs: number;
  /** `timeoutUs` as kubectl prints it. */
  readonly timeoutText: string;
  /** Pods whose deletionTimestamp is more than this ago, s, are not waited for; 0: all are. */
  readonly skipDeletedSeconds: number;
  /** Only pods with these labels. */
  readonly podLabels?: Readonly<Record<string, string>>;
}

/** Something done to the cluster at a time by kubectl. */
export interface TimedStep {
  readonly atUs: number;
  /** Which step of the scenario file this is (part of). */
  readonly ordinal?: number;
  /** `apply` creates an object or, if it exists, replaces what its manifest says. */
  readonly do:
    | 'create'
    | 'apply'
    | 'patch'
    | 'scale'
    | 'delete'
    | 'delete-pod'
    | 'patch-pod'
    | 'debug'
    | 'evict'
    | 'set-usage'
    | 'rollout-undo'
    | 'patch-node'
    | 'remove-node'
    | 'stop-node'
    | 'start-node'
    | 'cut-off'
    | 'crash-node'
    | 'drain'
    | 'cordon'
    | 'uncordon'
    | 'look';
  readonly objects: readonly SourcedObject[];
  /** For `scale`, `patch` and `delete`: what it is about; for `scale` the new number. */
  readonly target?: { kind: string; namespace: string; name: string; replicas?: number };
  /** For `delete`: what becomes of the dependents; absent: deleted in the background. */
  readonly propagation?: Propagation;
  /** For the steps about nodes: which. */
  readonly nodes?: NodePick;
  /** For `patch`, `patch-pod` and `patch-node`; `status`: of the status subresource. */
  readonly patch?: {
    readonly type: 'merge' | 'strategic' | 'json';
    readonly body: Json;
    readonly status?: boolean;
  };
  /** For `delete-pod` and `patch-pod`: which, unless `target` names it; and with how many seconds of grace. */
  readonly pick?: PodPick;
  readonly graceSeconds?: number;
  /** For `debug`: the ephemeral container. */
  readonly container?: Json;
  /** For `set-usage`: what every container of pods with these labels uses from now on, in thousandths. */
  readonly usage?: {
    readonly namespace: string;
    readonly matchLabels: Readonly<Record<string, string>>;
    readonly resource: 'cpu' | 'memory';
    readonly milli: number;
  };
  /** For `drain`: the flags of the command line. */
  readonly drain?: DrainOptions;
  /** A kubectl of its own does this: its process starts first. */
  readonly process?: boolean;
  /** For `rollout-undo`: the revision to go back to; 0 or absent: the one before. */
  readonly toRevision?: number;
  /** For `patch`: kubectl looks first and sends nothing to a Deployment that is (or is not) paused, but says why. */
  readonly unless?: { readonly paused: boolean; readonly says: string };
}

export interface WorkloadUse {
  /** Name in the workload registry: a generator or a trace reader. */
  readonly use: string;
  /** Arguments, already checked by the workload's schema. Traces carry their parsed rows under `data`. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** One text of a policy of the user's, as it is run: types removed, imports as `require`. */
export interface PolicyModule {
  /** As the user named it. */
  readonly file: string;
  /** Of the text as the user wrote it. */
  readonly sha256: string;
  readonly code: string;
  /** By specifier: position of the module in its file's list. What the program itself provides is left out. */
  readonly imports: Readonly<Record<string, number>>;
}

/** A file of policies: the file itself first, then what it imports. */
export interface PolicyFile {
  readonly modules: readonly PolicyModule[];
}

/** What a result directory holds beside summary, manifest and the loss report, which are always there. */
export interface ResultOutput {
  /** The tables that are written; all without. */
  readonly tables?: readonly TableName[];
  /** A page to read, `report.html`, in the result directory or that of the sweep. */
  readonly html?: boolean;
}

export interface ResolvedScenario {
  readonly experiment: string;
  readonly variant: string;
  readonly replication: number;
  readonly seed: number | string;
  readonly nodes: readonly NodeGroup[];
  /** Objects that exist at time 0 without anyone having created them (a dump of a live cluster: bound pods, nodes). */
  readonly existing: readonly SourcedObject[];
  readonly steps: readonly TimedStep[];
  readonly workloads: readonly WorkloadUse[];
  readonly policies: {
    /** A KubeSchedulerConfiguration as read, or absent for the default profile. */
    readonly schedulerConfig?: KubeObject;
    /** How nodes are searched: `brute` is the definition, `verify` compares. Absent: by the index. */
    readonly search?: string;
    /** Which controllers run, as kube-controller-manager's `--controllers` has it; absent: all. */
    readonly controllers?: readonly string[];
    /** The user's own policies: scheduler plug-ins, controllers, workloads. */
    readonly plugins?: readonly PolicyFile[];
  };
  readonly costs: CostPreset;
  /** Renewals of leases: a formula (default), or a request each. */
  readonly heartbeats?: 'analytic' | 'events';
  readonly queue: 'heap' | 'ladder' | 'fast-priority-queue';
  /** End of the run, µs. */
  readonly untilUs: number;
  /** Measurements before this time are left out of the summary, µs. */
  readonly warmUpUs: number;
  /** Stop before `untilUs` when nothing but periodic work is left. */
  readonly stopWhenIdle: boolean;
  readonly expect: readonly string[];
  /** What is written beside the summary; the model does not look at it. */
  readonly output?: ResultOutput;
  /** Of a recorded scenario. */
  readonly frame?: ScenarioFrame;
  /** What loading already found that the model will not act on. */
  readonly loss: readonly { source: string; kind: string; field: string; count: number; note: string }[];
}
