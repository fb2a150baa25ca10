// Steps of an Experiment or scenario to what kubectl does at a time: apply, create, patch, scale, delete, undo. A step
// that this version does not carry out is a problem with its place, never passed over.
import type { PodPick, SourcedObject, TimedStep } from '../engine/contracts/scenario.ts';
import { quantityMilli, tryQuantity } from '../engine/kinds/quantity.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { parseDuration } from './duration.ts';
import { onlyLooks, pausedAlready, plainStep } from './kubectl-lines.ts';
import { isNodeCommand, nodeCommand } from './kubectl-nodes.ts';
import { DEFAULT_NODE, nodeObject } from './node-groups.ts';
import { isNodeStep, nodeSteps } from './node-steps.ts';
import { findByRef, type InputObject, isRejected, NAMESPACE_PLACEHOLDER, nameOf } from './objects.ts';
import type { UserProblem } from './problems.ts';
import type { ExperimentStep } from './schema.ts';

export interface StepContext {
  /** Document that the steps stand in, for places. */
  readonly manifest: ManifestObject;
  /** `['spec', 'steps']` or `['steps']`. */
  readonly path: readonly (string | number)[];
  /** All objects that references may mean. */
  readonly objects: readonly InputObject[];
  /** Namespace of references without one. */
  readonly namespace: string;
  /** Reads the file of an `apply:` step. */
  readonly apply: (file: string, problem: (message: string) => void) => InputObject[];
  readonly problems: UserProblem[];
  /** Objects that some step creates: they are not created at 0 s. */
  readonly created: Set<InputObject>;
  /** Steps of a recorded scenario: they keep their number, and time starts at `originUs`. */
  readonly recorded?: { readonly originUs: number };
  /** Says what a step leaves undone without making the run wrong. */
  readonly note: (field: string, note: string) => void;
}

const SUPPORTED =
  'supported: apply, create, patch, scale, delete, delete-pod, patch-pod (metadata), debug, evict, set-cpu, delete-namespace, add-node, remove-node, patch-node, cordon, uncordon, stop-node, start-node, cut-off, reboot, rolloutUndo';
/** Kinds with a scale subresource that the simulation knows. */
const UNDOABLE = new Set(['Deployment', 'DaemonSet', 'StatefulSet']);
const SCALABLE = new Set(['ReplicationController', 'ReplicaSet', 'Deployment', 'StatefulSet']);

/** Fields of a pod's metadata that a step may patch; what else it has is written once. */
const POD_METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences'];

/** Fields that a patch of a pod names beyond those. */
function fieldsBeyondMetadata(type: string, body: unknown): string[] {
  if (type === 'json') {
    if (!Array.isArray(body)) return ['a body that is no list'];
    return body
      .map((operation) => String((operation as { path?: unknown })?.path ?? ''))
      .filter((path) => !POD_METADATA.some((field) => `${path}/`.startsWith(`/metadata/${field}/`)));
  }
  if (typeof body !== 'object' || body === null) return ['a body that is no object'];
  const { metadata, ...rest } = body as { metadata?: Record<string, unknown> };
  const inner = Object.keys(metadata ?? {}).filter((field) => !POD_METADATA.includes(field));
  return [...Object.keys(rest), ...inner.map((field) => `metadata.${field}`)];
}

export const sourced = (entry: InputObject): SourcedObject => ({
  source: entry.manifest.source,
  object: entry.object,
});

/** Carries out the bookkeeping of one list of steps; steps come back sorted by time, equal times as written. */
export function resolveSteps(steps: readonly ExperimentStep[], context: StepContext): TimedStep[] {
  const resolver = new StepResolver(context);
  const { recorded } = context;
  const timed = steps.flatMap((step, i) => {
    const resolved = resolver.resolve(step, i);
    if (recorded === undefined) return resolved;
    return resolved.map((one) => ({ ...one, atUs: one.atUs + recorded.originUs, ordinal: i }));
  });
  return byTime(timed);
}

/** Equal times as written. */
export const byTime = (steps: readonly TimedStep[]): TimedStep[] =>
  steps
    .map((step, i) => ({ step, i }))
    .sort((a, b) => a.step.atUs - b.step.atUs || a.i - b.i)
    .map(({ step }) => step);

/** `deployment/web` as it is, `deployment web` joined. */
const refOf = ([first = '', second]: readonly string[]): string =>
  first.includes('/') || second === undefined ? first : `${first}/${second}`;

class StepResolver {
  private readonly context: StepContext;
  private at: (string | number)[] = [];

  constructor(context: StepContext) {
    this.context = context;
  }

  resolve(step: ExperimentStep, index: number): TimedStep[] {
    this.at = [...this.context.path, index];
    const atUs = this.time(step);
    if (step.apply !== undefined) {
      const entries = this.context.apply(step.apply, (message) => this.problem('E1101', 'apply', message));
      return [{ atUs, do: 'apply', objects: entries.map(sourced) }];
    }
    if (isNodeStep(step.do)) return this.nodes(atUs, step);
    switch (step.do) {
      case 'create':
        return this.create(atUs, step);
      case 'scale':
        return this.scale(atUs, step, step.replicas);
      case 'delete':
        return this.remove(atUs, step);
      case 'delete-pod':
        return this.removePod(atUs, step);
      case 'delete-namespace':
        return [
          this.removeNamed(
            atUs,
            'v1',
            'Namespace',
            '',
            step.namespace ?? step.name ?? this.context.namespace,
          ),
        ];
      case 'patch':
        return this.patch(atUs, step);
      case 'patch-pod':
        return this.patchPod(atUs, step);
      case 'debug':
        return this.debug(atUs, step);
      case 'evict':
        return this.evict(atUs, step);
      case 'set-cpu':
        return this.setCpu(atUs, step);
      case 'add-node':
        return this.addNode(atUs, step);
      case 'kubectl':
        return this.kubectl(atUs, step);
      case undefined:
        if (step.rolloutUndo !== undefined)
          return this.undo(atUs, { ...step, do: undefined, ref: step.rolloutUndo }, 0);
        this.problem('E3002', '', 'the step says neither `do:` nor `apply:`');
        return [];
      default:
        return this.unsupported('do', step.do);
    }
  }

  private time(step: ExperimentStep): number {
    if (step.at !== undefined && step.t !== undefined)
      this.problem('E3002', 't', 'give either `at` or `t`, not both');
    if (typeof step.at === 'string') return parseDuration(step.at) ?? 0;
    return Math.round((step.at ?? step.t ?? 0) * 1000);
  }

  private problem(
    code: string,
    field: string | readonly (string | number)[],
    message: string,
    hint?: string,
  ): void {
    const { manifest, problems } = this.context;
    const steps = field === '' ? this.at : [...this.at, ...[field].flat()];
    const path = steps.map((s, i) => (typeof s === 'number' ? `[${s}]` : i === 0 ? s : `.${s}`)).join('');
    problems.push({
      code,
      file: manifest.source,
      ...manifest.position(steps),
      path,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  private unsupported(field: string, what: string): TimedStep[] {
    this.problem('E3006', field, `step \`${what}\` is not supported by this version`, SUPPORTED);
    return [];
  }

  /** The objects that `ref` names; a reference without object is a problem. */
  private refs(step: ExperimentStep): InputObject[] {
    const refs = step.ref === undefined ? [] : Array.isArray(step.ref) ? step.ref : [step.ref];
    if (refs.length === 0)
      this.problem('E3002', '', `step \`${step.do ?? 'rolloutUndo'}\` needs a ref, KIND/NAME`);
    return refs.flatMap((written) => {
      const ref = written.replaceAll(NAMESPACE_PLACEHOLDER, this.context.namespace);
      const found = findByRef(this.context.objects, ref);
      const local = found.filter(
        (entry) => entry.namespace === this.context.namespace || entry.namespace === '',
      );
      const chosen = local.length > 0 ? local : found;
      if (chosen.length === 0 && Number(step.expect) >= 400)
        this.context.note('steps.create', `${ref} is refused, as expected: left out`);
      else if (chosen.length === 0) {
        // Of an object that is there and wrong, enough has been said.
        if (!isRejected(ref, this.context.problems))
          this.problem('E3009', 'ref', `no object ${JSON.stringify(ref)} in the input`);
      } else if (chosen.length > 1)
        this.problem(
          'E3009',
          'ref',
          `${JSON.stringify(ref)} is ambiguous: ${chosen.map((e) => nameOf({ kind: e.object.kind, namespace: e.namespace, name: e.name })).join(', ')}`,
        );
      return chosen.slice(0, 1);
    });
  }

  private create(atUs: number, step: ExperimentStep): TimedStep[] {
    if (step.expect !== undefined)
      this.context.note('steps.expect', 'answers are not compared with the expected code');
    const entries = this.refs(step);
    for (const entry of entries) this.context.created.add(entry);
    return entries.length === 0 ? [] : [{ atUs, do: 'create', objects: entries.map(sourced) }];
  }

  private scale(atUs: number, step: ExperimentStep, replicas: number | undefined): TimedStep[] {
    if (replicas === undefined) {
      this.problem('E3002', '', 'step `scale` needs replicas');
      return [];
    }
    return this.refs(step).flatMap((entry) => {
      if (!SCALABLE.has(entry.object.kind)) {
        this.problem('E3002', 'ref', `${entry.object.kind} cannot be scaled`);
        return [];
      }
      const target = { kind: entry.object.kind, namespace: entry.namespace, name: entry.name, replicas };
      return [{ atUs, do: 'scale', objects: [], target } as const];
    });
  }

  private remove(atUs: number, step: ExperimentStep): TimedStep[] {
    const { propagation } = step;
    return this.refs(step).flatMap((entry) => {
      if (entry.object.kind === 'Pod' && propagation !== undefined && propagation !== 'Background') {
        this.problem(
          'E3006',
          'propagation',
          `propagation ${propagation} of a Pod is not supported by this version`,
          'supported: Background for pods; Background, Foreground and Orphan for other objects',
        );
        return [];
      }
      const target = { kind: entry.object.kind, namespace: entry.namespace, name: entry.name };
      const how = propagation === undefined ? {} : { propagation };
      return { atUs, do: 'delete', objects: [sourced(entry)], target, ...how } as const;
    });
  }

  private removePod(atUs: number, step: ExperimentStep): TimedStep[] {
    const namespace = step.namespace ?? this.context.namespace;
    const seconds = step.grace ?? step.gracePeriodSeconds;
    const grace = seconds === undefined ? {} : { graceSeconds: seconds };
    if (step.name !== undefined)
      return [{ ...this.removeNamed(atUs, 'v1', 'Pod', namespace, step.name), ...grace }];
    const pick = this.pick(step, namespace);
    return pick === undefined ? [] : [{ atUs, do: 'delete-pod', objects: [], pick, ...grace }];
  }

  /** POST of an Eviction: by name, or the pod that the selector chooses. */
  private evict(atUs: number, step: ExperimentStep): TimedStep[] {
    const namespace = step.namespace ?? this.context.namespace;
    const seconds = step.grace ?? step.gracePeriodSeconds;
    const grace = seconds === undefined ? {} : { graceSeconds: seconds };
    if (step.name !== undefined) {
      const target = { kind: 'Pod', namespace, name: step.name };
      return [{ atUs, do: 'evict', objects: [], target, ...grace }];
    }
    const pick = this.pick(step, namespace);
    return pick === undefined ? [] : [{ atUs, do: 'evict', objects: [], pick, ...grace }];
  }

  private patchPod(atUs: number, step: ExperimentStep): TimedStep[] {
    const patch = this.patchOf(step);
    if (patch === undefined) return [];
    const others = fieldsBeyondMetadata(patch.type, patch.body);
    if (others.length > 0) {
      this.problem(
        'E3006',
        'body',
        `patch-pod of ${others.join(', ')} is not supported by this version`,
        `supported: ${POD_METADATA.map((field) => `metadata.${field}`).join(', ')}`,
      );
      return [];
    }
    const namespace = step.namespace ?? this.context.namespace;
    if (step.name !== undefined)
      return [
        { atUs, do: 'patch-pod', objects: [], target: { kind: 'Pod', namespace, name: step.name }, patch },
      ];
    const pick = this.pick(step, namespace);
    return pick === undefined ? [] : [{ atUs, do: 'patch-pod', objects: [], pick, patch }];
  }

  /** An ephemeral container for a pod that exists. */
  private debug(atUs: number, step: ExperimentStep): TimedStep[] {
    const container = (step.spec ?? {}) as Record<string, unknown>;
    const missing = ['name', 'image'].filter(
      (key) => typeof container[key] !== 'string' || container[key] === '',
    );
    if (missing.length > 0) {
      const texts = missing.map((key) => `spec.${key}`).join(' and ');
      this.problem('E3002', step.spec === undefined ? '' : 'spec', `step \`debug\` needs ${texts}`);
      return [];
    }
    const namespace = step.namespace ?? this.context.namespace;
    const target = { kind: 'Pod', namespace, name: step.name ?? '' };
    if (step.name !== undefined) return [{ atUs, do: 'debug', objects: [], target, container }];
    const pick = this.pick(step, namespace);
    return pick === undefined ? [] : [{ atUs, do: 'debug', objects: [], pick, container }];
  }

  /** What the metrics API tells of pods with a label from now on. */
  private setCpu(atUs: number, step: ExperimentStep): TimedStep[] {
    const given = typeof step.label === 'string' ? step.label : step.selector;
    const matchLabels = this.labels(given, 'step `set-cpu` needs a label, key=value');
    const quantity = tryQuantity(step.cpu);
    if (quantity === undefined || quantity.nanos < 0n)
      this.problem(
        'E3002',
        step.cpu === undefined ? '' : 'cpu',
        'step `set-cpu` needs a quantity of CPU, e.g. 250m',
        'cpu: 250m',
      );
    if (matchLabels === undefined || quantity === undefined || quantity.nanos < 0n) return [];
    const namespace = step.namespace ?? this.context.namespace;
    const usage = { namespace, matchLabels, resource: 'cpu', milli: quantityMilli(quantity.text) } as const;
    return [{ atUs, do: 'set-usage', objects: [], usage }];
  }

  private pick(step: ExperimentStep, namespace: string): PodPick | undefined {
    const matchLabels = this.labels(step.selector);
    if (matchLabels === undefined) return undefined;
    return { namespace, matchLabels, nth: step.nth ?? 0, deleting: step.deleting === true };
  }

  /** `app=web,tier=front` as a map. */
  private labels(
    selector: string | undefined,
    missing = 'the step needs a name, or a selector with nth',
  ): Record<string, string> | undefined {
    if (selector === undefined || selector === '') {
      this.problem('E3002', '', missing);
      return undefined;
    }
    const pairs = selector.split(',').map((part) => /^([^=!\s]+)==?([^=\s]*)$/.exec(part.trim()));
    if (pairs.every((pair) => pair !== null))
      return Object.fromEntries(pairs.map((pair) => [pair[1]!, pair[2]!]));
    this.problem('E3002', 'selector', `cannot read the selector ${JSON.stringify(selector)}: key=value,…`);
    return undefined;
  }

  private nodes(atUs: number, step: ExperimentStep): TimedStep[] {
    const { recorded, namespace } = this.context;
    return nodeSteps(atUs, step, {
      problem: (code, field, message, hint) => this.problem(code, field, message, hint),
      labels: (selector) => this.labels(selector),
      nameOf: (written) => (recorded === undefined ? written : `${namespace}-${written}`),
    });
  }

  /** A node that joins; in a scenario its name carries the namespace in front, as the others do. */
  private addNode(atUs: number, step: ExperimentStep): TimedStep[] {
    const spec = (typeof step.spec === 'object' && step.spec !== null ? step.spec : {}) as Record<
      string,
      unknown
    >;
    const name = spec['name'] ?? step.name;
    if (typeof name !== 'string' || name === '') {
      this.problem('E3002', 'spec', 'step `add-node` needs spec.name');
      return [];
    }
    const whole = this.context.recorded === undefined ? name : `${this.context.namespace}-${name}`;
    const object = nodeObject({
      cpu: String(spec['cpu'] ?? (this.context.recorded === undefined ? DEFAULT_NODE.cpu : '8')),
      memory: String(spec['memory'] ?? DEFAULT_NODE.memory),
      pods: Number(spec['pods'] ?? DEFAULT_NODE.pods),
    });
    const labels: Record<string, string> = { ...object.metadata.labels };
    if (typeof spec['zone'] === 'string') labels['topology.kubernetes.io/zone'] = spec['zone'];
    const node = { ...object, metadata: { ...object.metadata, name: whole, labels } };
    return [{ atUs, do: 'create', objects: [{ source: this.context.manifest.source, object: node }] }];
  }

  private undo(atUs: number, step: ExperimentStep, toRevision: number): TimedStep[] {
    return this.refs(step).flatMap((entry) => {
      if (!UNDOABLE.has(entry.object.kind))
        return this.unsupported('', `rollout undo of a ${entry.object.kind}`);
      const target = { kind: entry.object.kind, namespace: entry.namespace, name: entry.name };
      return [{ atUs, do: 'rollout-undo', objects: [], target, toRevision } as const];
    });
  }

  /** kubectl sends null for false: the field goes. */
  private pause(atUs: number, step: ExperimentStep, paused: boolean): TimedStep[] {
    return this.refs(step).flatMap((entry) => {
      if (entry.object.kind !== 'Deployment')
        return this.unsupported(
          'args',
          `kubectl rollout ${paused ? 'pause' : 'resume'} of a ${entry.object.kind}`,
        );
      return this.patch(atUs, {
        ...step,
        type: 'strategic',
        body: { spec: { paused: paused ? true : null } },
      }).map((one) => ({ ...one, unless: pausedAlready(paused) }));
    });
  }

  /** Deletes an object that no document describes (a pod that a controller made). */
  private removeNamed(
    atUs: number,
    apiVersion: string,
    kind: string,
    namespace: string,
    name: string,
  ): TimedStep {
    const metadata = namespace === '' ? { name } : { name, namespace };
    const object = { apiVersion, kind, metadata };
    return {
      atUs,
      do: 'delete',
      objects: [{ source: this.context.manifest.source, object }],
      target: { kind, namespace, name },
    };
  }

  /** Type and body of a patch; undefined after a problem. */
  private patchOf(step: ExperimentStep): TimedStep['patch'] {
    const { body, type = 'merge' } = step;
    if (body === undefined) {
      this.problem('E3002', '', `step \`${step.do ?? 'patch'}\` needs a body`);
      return undefined;
    }
    if (type !== 'merge' && type !== 'strategic' && type !== 'json') {
      this.problem('E3002', 'type', `no patch type ${JSON.stringify(type)}: merge, strategic or json`);
      return undefined;
    }
    return { type, body };
  }

  private patch(atUs: number, step: ExperimentStep): TimedStep[] {
    const patch = this.patchOf(step);
    if (patch === undefined) return [];
    return this.refs(step).map((entry) => {
      const target = { kind: entry.object.kind, namespace: entry.namespace, name: entry.name };
      return { atUs, do: 'patch', objects: [], target, patch } as const;
    });
  }

  /** Command lines of kubectl that are one of the steps above, or that only look. */
  private kubectl(atUs: number, step: ExperimentStep): TimedStep[] {
    return this.commandLine(atUs, step).map((one) => ({ ...one, process: true }));
  }

  private commandLine(atUs: number, step: ExperimentStep): TimedStep[] {
    const [verb, ...rest] = step.args ?? [];
    const words = rest.filter((word) => !word.startsWith('-'));
    if (isNodeCommand(verb)) {
      const line = step.args!.map((word) => word.replaceAll(NAMESPACE_PLACEHOLDER, this.context.namespace));
      const found = nodeCommand(atUs, verb, line, (index, message, hint) =>
        this.problem('E3002', index < 0 ? 'args' : ['args', index], message, hint),
      );
      return found === undefined ? [] : [found];
    }
    if ((verb === 'create' || verb === 'apply') && step.stdin !== undefined) {
      const made = this.create(atUs, { ...step, do: 'create', ref: step.stdin });
      return made.map((one) => ({ ...one, do: verb }));
    }
    if (verb === 'scale' && words[0] !== undefined) {
      const replicas = rest.find((word) => word.startsWith('--replicas='))?.slice('--replicas='.length);
      if (replicas !== undefined && /^[0-9]+$/.test(replicas))
        return this.scale(atUs, { ...step, ref: refOf(words) }, Number(replicas));
    }
    const plain = plainStep(step.args ?? [], atUs);
    if (plain?.node !== undefined) {
      const node = `${plain.node}`.replace(`${NAMESPACE_PLACEHOLDER}-`, '');
      return this.nodes(atUs, { ...step, ...plain, node });
    }
    if (plain !== null) {
      const { unless, ...line } = plain;
      const made = (line.do === 'delete' ? this.remove : this.patch).call(this, atUs, { ...step, ...line });
      return unless === undefined ? made : made.map((one) => ({ ...one, unless }));
    }
    if (onlyLooks(verb, words[0])) {
      this.context.note('steps.kubectl', `kubectl ${verb} only looks: left out`);
      return this.context.recorded === undefined ? [] : [{ atUs, do: 'look', objects: [] }];
    }
    if (verb === 'rollout' && words[1] !== undefined && (words[0] === 'pause' || words[0] === 'resume'))
      return this.pause(atUs, { ...step, ref: refOf(words.slice(1)) }, words[0] === 'pause');
    if (verb === 'rollout' && words[0] === 'undo' && words[1] !== undefined) {
      const revision = rest.find((word) => word.startsWith('--to-revision='))?.slice('--to-revision='.length);
      if (revision === undefined || /^[0-9]+$/.test(revision))
        return this.undo(atUs, { ...step, ref: refOf(words.slice(1)) }, Number(revision ?? 0));
    }
    return this.unsupported('args', `kubectl ${verb ?? ''}`.trim());
  }
}
