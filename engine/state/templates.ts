// Pod templates, interned: what equal pods share — spec, labels, requests, containers — is stored once, compiled to
// the numbers that the scheduler and the kubelet read. A pod row holds a template id.
import type { ContainerBehaviour } from '../kinds/container-behaviour.ts';
import type { Json } from '../kinds/kind.ts';
import type { LogAgentSettings } from '../kinds/log-agent.ts';
import type { PodUse } from '../kinds/pod-use.ts';
import type { Labels } from './labels.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface ProbeTemplate {
  readonly initialDelayUs: number;
  readonly periodUs: number;
  readonly timeoutUs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** terminationGracePeriodSeconds of the probe; null: the pod's. */
  readonly graceSeconds: number | null;
  readonly handler: 'http' | 'tcp' | 'grpc' | 'exec';
}

export interface ContainerTemplate {
  readonly name: string;
  /** Interned image, normalised (`:latest` added). */
  readonly image: number;
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly readiness: ProbeTemplate | null;
  readonly liveness: ProbeTemplate | null;
  readonly startup: ProbeTemplate | null;
  /** An init container with restartPolicy Always. */
  readonly sidecar: boolean;
  /** Limit of memory, bytes; 0: none. */
  readonly memoryLimitBytes: number;
  /** Durations of lifecycle hooks, µs; null: there is none. */
  readonly postStartUs: number | null;
  readonly preStopUs: number | null;
  /** As its annotation says; null: healthy for ever. */
  readonly behaviour: ContainerBehaviour | null;
}

/**
 * Values for the successive pods of an owner, or for the successive runs of a pod's containers where these restart; the
 * last one holds for all that follow. A list each for some completion indexes of a Job.
 */
export interface TimingList<T> {
  readonly all: readonly T[];
  readonly byIndex: ReadonlyMap<number, readonly T[]> | null;
}

/** Overrides of the kubelet's costs by annotations `kubetick.io/…` of the pod; null: as the preset says. µs. */
export interface PodTimings {
  readonly startDelayUs: number | null;
  /** null: by readiness probes; Infinity: never. */
  readonly readyDelayUs: number | null;
  /** null: `forever`. */
  readonly runUs: TimingList<number | null>;
  readonly exitCodes: TimingList<number>;
  /** Some list has more than one value: it matters which pod of its owner a pod is. */
  readonly ordinal: boolean;
  readonly stopDelayUs: number | null;
  /** Exit code when stopped; null: 0 if restartPolicy is Always, else 143. */
  readonly termExitCode: number | null;
}

export interface PodLogs {
  /** Sum of the squares of the containers' bytes a second. */
  readonly squares: number;
  readonly linesPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface PodTemplate {
  readonly id: number;
  readonly labels: Labels;
  readonly labelSet: number;
  readonly annotations: Labels;
  /** Stored PodSpec after defaults and admission. */
  readonly spec: Json;
  /** What else the pod's metadata holds (finalizers, owners that do not control it), null: nothing. */
  readonly metadata: Json | null;
  // Requests as the scheduler counts them (sidecars, init containers, overhead, pod-level resources): exact integers.
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralBytes: number;
  /** Extended resources and huge pages: [resource id, amount], by id. */
  readonly scalars: readonly (readonly [number, number])[];
  /** As NodeResourcesFit scores them: 100m CPU and 200 MiB for each container that asks for none. */
  readonly nonZeroCpuMilli: number;
  readonly nonZeroMemoryBytes: number;
  readonly hostPorts: readonly HostPort[];
  readonly initContainers: readonly ContainerTemplate[];
  readonly containers: readonly ContainerTemplate[];
  /** Added after the pod was made. */
  readonly ephemeral: readonly ContainerTemplate[];
  /** Images of init containers, containers and image volumes, one entry each, as ImageLocality counts them. */
  readonly images: readonly number[];
  readonly priority: number;
  readonly preemptionPolicy: string;
  readonly schedulerName: string;
  /** spec.nodeName if the user set it; ''. */
  readonly nodeName: string;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly graceSeconds: number;
  readonly hostNetwork: boolean;
  readonly qosClass: string;
  readonly timings: PodTimings;
  /** Some container has a behaviour: its containers end and come back one by one. */
  readonly behaves: boolean;
  /** What its containers write to their logs together; null: nothing. */
  readonly logs: PodLogs | null;
  /** What it uses of its node, as its annotations say; null: they say nothing. */
  readonly use: PodUse | null;
  /** The pod is its node's log agent. */
  readonly logAgent: LogAgentSettings | null;
}

/** What a template is made of: parts of a stored pod that must not change later. */
export interface TemplateParts {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly spec: Json;
  readonly metadata: Json | null;
}

/** What pods of one template may differ in while all compiled numbers stay the same. */
export interface TemplateVariant {
  /** Tells the variants of one template apart. */
  readonly key: string;
  readonly labels: Labels;
  readonly labelSet: number;
  /** Added to the template's. */
  readonly annotations: Labels;
  readonly hostname: string;
}

export type TemplateCompiler = (id: number, parts: TemplateParts) => PodTemplate;

export class PodTemplates {
  readonly #compile: TemplateCompiler;
  readonly #list: PodTemplate[] = [];
  readonly #byText = new Map<string, PodTemplate>();
  readonly #variants = new Map<string, PodTemplate>();

  constructor(compile: TemplateCompiler) {
    this.#compile = compile;
  }

  get size(): number {
    return this.#list.length;
  }

  get(id: number): PodTemplate {
    return this.#list[id]!;
  }

  /** The template for these parts; equal parts (in equal key order) give the same one. */
  intern(parts: TemplateParts): PodTemplate {
    const text = JSON.stringify([parts.labels, parts.annotations, parts.spec, parts.metadata]);
    let template = this.#byText.get(text);
    if (template === undefined) {
      template = this.#compile(this.#list.length, parts);
      this.#list.push(template);
      this.#byText.set(text, template);
    }
    return template;
  }

  /** `base` with what the variant changes. Nothing is compiled again: a Job of 10,000 indexes has as many variants. */
  variant(base: PodTemplate, { key, labels, labelSet, annotations, hostname }: TemplateVariant): PodTemplate {
    const name = `${base.id}/${key}`;
    let template = this.#variants.get(name);
    if (template === undefined) {
      template = {
        ...base,
        id: this.#list.length,
        labels,
        labelSet,
        annotations: { ...base.annotations, ...annotations },
        spec: { ...base.spec, hostname },
      };
      this.#list.push(template);
      this.#variants.set(name, template);
    }
    return template;
  }
}
