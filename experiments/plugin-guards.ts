// Watches over policies of the user's while they run: what they throw and what they may not answer becomes a
// PolicyFault that names policy, method, pod and node. Policies of the program itself are not wrapped and pay nothing.
import type { Controller, ControllerDefinition } from '../engine/contracts/controller.ts';
import type { PodView } from '../engine/contracts/scheduler.ts';
import {
  type Arrival,
  Code,
  NODE_SCORE_MAX,
  type Plugin,
  type PluginDefinition,
  PolicyFault,
  type WorkloadDefinition,
} from '../engine/index.ts';
import { textOf } from './plugin-modules.ts';
import { instanceProblem } from './plugin-shapes.ts';

const nameOf = (pod: PodView | null): string => (pod === null ? '' : `${pod.namespace}/${pod.name}`);

/** Calls into one plug-in; remembers whom the attempt is about. */
class Watch {
  readonly policy: string;
  readonly file: string;
  pod: PodView | null = null;

  constructor(policy: string, file: string) {
    this.policy = policy;
    this.file = file;
  }

  fault(method: string, message: string, node = '', cause?: unknown): PolicyFault {
    return new PolicyFault(message, {
      policy: this.policy,
      file: this.file,
      method,
      pod: nameOf(this.pod),
      node,
      cause,
    });
  }

  call<T>(method: string, node: { readonly name: string } | null, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof PolicyFault) throw error;
      throw this.fault(method, textOf(error), node?.name ?? '', error);
    }
  }
}

type Methods = { -readonly [Key in keyof Plugin]: Plugin[Key] };

/** The definition with every instance watched. */
export function guardedPlugin(definition: PluginDefinition, file: string): PluginDefinition {
  const policy = `scheduler plug-in "${definition.name}"`;
  return {
    ...definition,
    create(args, handle) {
      const watch = new Watch(policy, file);
      const verdicts = new Set([0]);
      const inner = watch.call('create', null, () =>
        definition.create(args, {
          cluster: handle.cluster,
          verdict(code, ...reasons) {
            if (code === Code.success || code === Code.skip || !Number.isInteger(code))
              throw new Error(`handle.verdict(${String(code)}, …): that code is no rejection`);
            const id = handle.verdict(code, ...reasons);
            verdicts.add(id);
            return id;
          },
        }),
      );
      const wrong = instanceProblem(definition.points, inner);
      if (wrong !== null) throw watch.fault('create', wrong);
      return guardedInstance(inner, watch, verdicts, (node) => handle.cluster.nodeName(node));
    },
  };
}

function guardedInstance(
  inner: Plugin,
  watch: Watch,
  verdicts: ReadonlySet<number>,
  nodeName: (node: number) => string,
): Plugin {
  const checked = (method: string, verdict: number, node: string): number => {
    if (verdicts.has(verdict)) return verdict;
    const found = JSON.stringify(verdict) ?? String(verdict);
    throw watch.fault(
      method,
      `returned ${found}, expected 0 (passes) or what handle.verdict(code, reason) gave`,
      node,
    );
  };
  const range = (method: string, score: number, node: string): number => {
    if (Number.isInteger(score) && score >= 0 && score <= NODE_SCORE_MAX) return score;
    throw watch.fault(
      method,
      `returned ${String(score)}, expected an integer from 0 to ${NODE_SCORE_MAX}`,
      node,
    );
  };
  const normalises = inner.normalize !== undefined;
  /** A score that normalize will bring into range: it only has to fit its array. */
  const raw = (method: string, score: number, node: string): number => {
    if (!normalises) return range(method, score, node);
    if (Number.isInteger(score) && Math.abs(score) < 2 ** 31) return score;
    throw watch.fault(
      method,
      `returned ${String(score)}, expected an integer of 32 bits for normalize`,
      node,
    );
  };

  const guarded: Methods = { locality: inner.locality, reads: inner.reads };
  if (inner.events !== undefined) guarded.events = inner.events;
  if (inner.sign !== undefined) {
    guarded.sign = (pod) => {
      watch.pod = pod;
      const text = watch.call('sign', null, () => inner.sign!(pod));
      if (text === null || typeof text === 'string') return text;
      throw watch.fault('sign', `returned ${String(text)}, expected a text or null`);
    };
  }
  if (inner.preEnqueue !== undefined) {
    guarded.preEnqueue = (pod) => {
      watch.pod = pod;
      return checked(
        'preEnqueue',
        watch.call('preEnqueue', null, () => inner.preEnqueue!(pod)),
        '',
      );
    };
  }
  if (inner.less !== undefined) {
    guarded.less = (a, b, queue) => {
      watch.pod = null;
      return watch.call('less', null, () => inner.less!(a, b, queue));
    };
  }
  if (inner.preFilter !== undefined) {
    guarded.preFilter = (pod, cluster, control) => {
      watch.pod = pod;
      return watch.call('preFilter', null, () =>
        inner.preFilter!(pod, cluster, {
          reject: (verdict) => control.reject(checked('preFilter', verdict, '')),
          restrict: (names) => control.restrict(names),
        }),
      );
    };
  }
  if (inner.podChanged !== undefined) {
    guarded.podChanged = (pod, state, other, node, sign) => {
      watch.pod = pod;
      watch.call('podChanged', null, () => inner.podChanged!(pod, state, other, node, sign));
    };
  }
  if (inner.filter !== undefined) {
    guarded.filter = (pod, node, state) => {
      watch.pod = pod;
      return checked(
        'filter',
        watch.call('filter', node, () => inner.filter!(pod, node, state)),
        node.name,
      );
    };
  }
  if (inner.filterBatch !== undefined) {
    guarded.filterBatch = (pod, cluster, nodes, from, to, state, out) => {
      watch.pod = pod;
      const asked = nodes.slice(from, to);
      const kept = watch.call('filterBatch', null, () =>
        inner.filterBatch!(pod, cluster, nodes, from, to, state, out),
      );
      if (!Number.isInteger(kept) || kept < from || kept > to)
        throw watch.fault(
          'filterBatch',
          `returned ${String(kept)}, expected an integer from ${from} to ${to}`,
        );
      const left = new Set(nodes.subarray(from, kept));
      for (const node of asked) if (!left.has(node)) checked('filterBatch', out[node]!, nodeName(node));
      return kept;
    };
  }
  if (inner.postFilter !== undefined) {
    guarded.postFilter = (pod, cluster, attempt) => {
      watch.pod = pod;
      return watch.call('postFilter', null, () => inner.postFilter!(pod, cluster, attempt));
    };
  }
  if (inner.preScore !== undefined) {
    guarded.preScore = (pod, cluster, nodes, count) => {
      watch.pod = pod;
      return watch.call('preScore', null, () => inner.preScore!(pod, cluster, nodes, count));
    };
  }
  if (inner.score !== undefined) {
    guarded.score = (pod, node, state) => {
      watch.pod = pod;
      return raw(
        'score',
        watch.call('score', node, () => inner.score!(pod, node, state)),
        node.name,
      );
    };
  }
  if (inner.scoreBatch !== undefined) {
    guarded.scoreBatch = (pod, cluster, nodes, count, state, out) => {
      watch.pod = pod;
      watch.call('scoreBatch', null, () => inner.scoreBatch!(pod, cluster, nodes, count, state, out));
      for (let i = 0; i < count; i++) raw('scoreBatch', out[i]!, nodeName(nodes[i]!));
    };
  }
  if (inner.uniform !== undefined) {
    guarded.uniform = (pod, cluster, state) => {
      watch.pod = pod;
      const score = watch.call('uniform', null, () => inner.uniform!(pod, cluster, state));
      return score === null ? null : raw('uniform', score, '');
    };
  }
  if (inner.normalize !== undefined) {
    guarded.normalize = (scores, count) => {
      watch.call('normalize', null, () => inner.normalize!(scores, count));
      for (let i = 0; i < count; i++) range('normalize', scores[i]!, '');
    };
  }
  if (inner.reserve !== undefined) {
    guarded.reserve = (pod, node) => {
      watch.pod = pod;
      const name = nodeName(node);
      return checked(
        'reserve',
        watch.call('reserve', { name }, () => inner.reserve!(pod, node)),
        name,
      );
    };
  }
  if (inner.unreserve !== undefined) {
    guarded.unreserve = (pod, node) => {
      watch.pod = pod;
      watch.call('unreserve', { name: nodeName(node) }, () => inner.unreserve!(pod, node));
    };
  }
  if (inner.permit !== undefined) {
    guarded.permit = (pod, node) => {
      watch.pod = pod;
      const name = nodeName(node);
      return checked(
        'permit',
        watch.call('permit', { name }, () => inner.permit!(pod, node)),
        name,
      );
    };
  }
  if (inner.bind !== undefined) {
    guarded.bind = (request) => {
      watch.pod = request.pod;
      return watch.call('bind', { name: nodeName(request.node) }, () => inner.bind!(request));
    };
  }
  if (inner.postBind !== undefined) {
    guarded.postBind = (pod, node) => {
      watch.pod = pod;
      watch.call('postBind', { name: nodeName(node) }, () => inner.postBind!(pod, node));
    };
  }
  return guarded;
}

/** A controller whose reconcile is watched. */
export function guardedController(definition: ControllerDefinition, file: string): ControllerDefinition {
  const watch = new Watch(`controller "${definition.name}"`, file);
  const create: ControllerDefinition['create'] = (context) => {
    const inner: Controller = watch.call('create', null, () => definition.create(context));
    return {
      *reconcile(key, calls) {
        try {
          return yield* inner.reconcile(key, calls);
        } catch (error) {
          throw watch.fault(`reconcile(${JSON.stringify(key)})`, textOf(error), '', error);
        }
      },
    };
  };
  return { ...definition, create };
}

/** A workload whose arrivals are watched: integer times that never go back. */
export function guardedWorkload(definition: WorkloadDefinition, file: string): WorkloadDefinition {
  const watch = new Watch(`workload "${definition.name}"`, file);
  return {
    ...definition,
    create(args) {
      const made = watch.call('create', null, () => definition.create(args));
      if ('problems' in made) return made;
      const { workload } = made;
      return {
        workload: {
          namespaces: workload.namespaces,
          arrivals(context) {
            const arrivals = watch.call('arrivals', null, () => workload.arrivals(context));
            let lastUs = 0;
            return {
              next(): IteratorResult<Arrival> {
                const step = watch.call('arrivals', null, () => arrivals.next());
                if (step.done === true) return step;
                const { atUs } = step.value;
                if (!Number.isSafeInteger(atUs) || atUs < lastUs)
                  throw watch.fault(
                    'arrivals',
                    `yielded atUs ${String(atUs)}, expected integer µs, at least ${lastUs}, the time of the arrival before`,
                  );
                lastUs = atUs;
                return step;
              },
            };
          },
        },
      };
    },
  };
}
