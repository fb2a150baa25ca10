// What a scheduler is made of: the registry of what may be named, and a KubeSchedulerConfiguration after defaults.
import type { ConfiguredExtender, ExtenderDefinition } from './extender.ts';
import type { ExtensionPoint, PluginDefinition, UnmodelledPlugin } from './scheduler.ts';

export interface PluginRegistry {
  readonly plugins: readonly PluginDefinition[];
  readonly unmodelled: readonly UnmodelledPlugin[];
  /** The default MultiPoint list, in order. Weight 0: not a scorer. */
  readonly defaults: readonly { readonly name: string; readonly weight: number }[];
  /** What policy files serve of the configuration's extenders. */
  readonly extenders?: readonly ExtenderDefinition[];
}

export interface PluginUse {
  readonly definition: PluginDefinition;
  readonly args: unknown;
}

/** A profile of a KubeSchedulerConfiguration after defaults: who stands at which point, in order. */
export interface SchedulerProfile {
  readonly schedulerName: string;
  /** Every plug-in of the profile once; the points name positions in this list. */
  readonly plugins: readonly PluginUse[];
  readonly points: Readonly<Record<ExtensionPoint, readonly number[]>>;
  /** Of the plug-ins at `score`, in that order. */
  readonly weights: readonly number[];
  /** 0: adaptive, or as the whole configuration says. */
  readonly percentageOfNodesToScore: number;
  readonly unmodelled: readonly UnmodelledPlugin[];
}

/** What the configuration says besides profiles; absent: as the cost preset. */
export interface SchedulerSettings {
  readonly profiles: readonly SchedulerProfile[];
  readonly parallelism?: number;
  readonly podInitialBackoffUs?: number;
  readonly podMaxBackoffUs?: number;
  /** In the order in which they are asked; absent: none. */
  readonly extenders?: readonly ConfiguredExtender[];
}

export interface ProfileProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}
