// Watches over extenders of policy files while they run: what they throw, and answers that no extender may give, become
// a PolicyFault that names extender, method, pod and node.
import {
  type ExtenderDefinition,
  type ExtenderHandlers,
  type ExtenderVerb,
  MAX_EXTENDER_PRIORITY,
  type PodView,
  PolicyFault,
} from '../engine/index.ts';
import { textOf } from './plugin-modules.ts';

type Raw = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Answers may be as long as the cluster is large. */
const SHOWN_MAX = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)} …`;
}

const FILTER_KEYS = ['nodes', 'failed', 'failedAndUnresolvable', 'error'];

/** The definition with every method watched. */
export function guardedExtender(definition: ExtenderDefinition, file: string): ExtenderDefinition {
  const { serves } = definition;
  const policy = `extender ${JSON.stringify(definition.name)}`;

  const fault = (method: ExtenderVerb, pod: PodView, message: string, node = '', cause?: unknown) =>
    new PolicyFault(message, { policy, file, method, pod: `${pod.namespace}/${pod.name}`, node, cause });
  const call = <T>(method: ExtenderVerb, pod: PodView, action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw fault(method, pod, textOf(error), '', error);
    }
  };
  const isError = (method: ExtenderVerb, pod: PodView, answer: Raw): boolean => {
    const { error } = answer;
    if (typeof error === 'string' && error === '')
      throw fault(method, pod, 'returned an empty error, expected a text that says what failed');
    return typeof error === 'string';
  };
  const record = (method: ExtenderVerb, pod: PodView, answer: unknown, expected: string): Raw => {
    if (isRecord(answer)) return answer;
    throw fault(method, pod, `returned ${shown(answer)}, expected ${expected}, or { error }`);
  };

  const guarded: { -readonly [Verb in ExtenderVerb]?: ExtenderHandlers[Verb] } = {};
  if (serves.filter !== undefined) {
    guarded.filter = (pod, nodes, cluster) => {
      const result = call('filter', pod, () => serves.filter!(pod, nodes, cluster));
      const answer = record('filter', pod, result, '{ nodes } or { failed: { node: reason } }');
      if (isError('filter', pod, answer)) return result;
      for (const key of Object.keys(answer)) {
        if (!FILTER_KEYS.includes(key))
          throw fault('filter', pod, `returned ${key}, expected ${FILTER_KEYS.join(', ')}`);
      }
      const names = answer['nodes'];
      if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === 'string')))
        throw fault('filter', pod, `returned nodes ${shown(names)}, expected a list of node names`);
      const given = new Set(nodes.map(({ name }) => name));
      for (const key of ['failed', 'failedAndUnresolvable']) {
        const map = answer[key];
        if (map === undefined) continue;
        if (!isRecord(map))
          throw fault('filter', pod, `returned ${key} ${shown(map)}, expected reasons by node name`);
        for (const [node, reason] of Object.entries(map)) {
          if (!given.has(node))
            throw fault('filter', pod, `${key} names a node that was not among those given`, node);
          if (typeof reason !== 'string' || reason === '')
            throw fault('filter', pod, `${key} gives the reason ${shown(reason)}, expected a text`, node);
        }
      }
      return result;
    };
  }
  if (serves.prioritize !== undefined) {
    guarded.prioritize = (pod, nodes, cluster) => {
      const result = call('prioritize', pod, () => serves.prioritize!(pod, nodes, cluster));
      const answer = record('prioritize', pod, result, 'points by node name');
      if (isError('prioritize', pod, answer)) return result;
      const given = new Set(nodes.map(({ name }) => name));
      for (const [node, points] of Object.entries(answer)) {
        if (!given.has(node))
          throw fault('prioritize', pod, 'gives points to a node that was not among those given', node);
        if (!Number.isInteger(points) || (points as number) < 0 || (points as number) > MAX_EXTENDER_PRIORITY)
          throw fault(
            'prioritize',
            pod,
            `gave ${shown(points)}, expected an integer from 0 to ${MAX_EXTENDER_PRIORITY}`,
            node,
          );
      }
      return result;
    };
  }
  if (serves.preempt !== undefined) {
    guarded.preempt = (pod, victims, cluster) => {
      const result = call('preempt', pod, () => serves.preempt!(pod, victims, cluster));
      const answer = record('preempt', pod, result, '{ node: { pods: [uid] } }');
      if (isError('preempt', pod, answer)) return result;
      for (const [node, meta] of Object.entries(answer)) {
        const pods = isRecord(meta) ? meta['pods'] : undefined;
        const violations = isRecord(meta) ? (meta['numPDBViolations'] ?? 0) : 0;
        if (!Array.isArray(pods) || !pods.every((uid) => typeof uid === 'string'))
          throw fault('preempt', pod, `returned ${shown(meta)}, expected { pods: [uid] }`, node);
        if (!Number.isInteger(violations) || (violations as number) < 0)
          throw fault(
            'preempt',
            pod,
            `returned numPDBViolations ${shown(violations)}, expected a whole number from 0`,
            node,
          );
      }
      return result;
    };
  }
  if (serves.bind !== undefined) {
    guarded.bind = (pod, node, cluster) => {
      const answer: unknown = call('bind', pod, () => serves.bind!(pod, node, cluster));
      if (answer === undefined || answer === null) return undefined;
      if (isRecord(answer) && isError('bind', pod, answer)) return { error: answer['error'] as string };
      throw fault('bind', pod, `returned ${shown(answer)}, expected nothing, or { error }`, node);
    };
  }
  return { ...definition, serves: guarded };
}
