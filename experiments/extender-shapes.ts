// What can be said before a run of an extender that a policy file exports: who it is, that it serves something, that
// its latencies are times.
import { EXTENDER_VERBS, type ExtenderDefinition, type ExtenderVerb } from '../engine/contracts/extender.ts';
import { didYouMean } from './suggest.ts';

interface Wrong {
  readonly message: string;
  readonly hint?: string;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const shown = (value: unknown): string =>
  typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));

/** `extender(…)` made it, or something of that form. */
export const isExtender = (value: unknown): boolean => isRecord(value) && 'serves' in value;

export function extenderProblems({ name, serves, latency, about }: ExtenderDefinition): Wrong[] {
  const wrong: Wrong[] = [];
  if (typeof name !== 'string' || name === '' || /\s/.test(name)) {
    wrong.push({
      message: `found ${shown(name)}, expected the urlPrefix of the extender in the KubeSchedulerConfiguration, or its host name`,
      hint: 'extender("http://licences.kube-system:8888", { filter(pod, nodes) { … } })',
    });
  }
  if (typeof about !== 'string') wrong.push({ message: `about is ${shown(about)}, expected a text` });
  if (!isRecord(serves))
    return [...wrong, { message: `serves is ${shown(serves)}, expected methods by verb` }];
  const verbs = EXTENDER_VERBS as readonly string[];
  for (const [verb, method] of Object.entries(serves)) {
    if (!verbs.includes(verb)) {
      wrong.push({ message: `unknown verb ${JSON.stringify(verb)}`, hint: didYouMean(verb, verbs) });
    } else if (typeof method !== 'function') {
      wrong.push({ message: `${verb} is ${shown(method)}, expected a function` });
    }
  }
  if (!verbs.some((verb) => verb in serves)) {
    wrong.push({ message: 'it serves nothing', hint: `give it one of ${verbs.join(', ')}` });
  }
  if (!isRecord(latency))
    return [...wrong, { message: `latency is ${shown(latency)}, expected µs or a distribution` }];
  for (const verb of Object.keys(latency)) {
    if (!verbs.includes(verb)) wrong.push({ message: `latency of an unknown verb ${JSON.stringify(verb)}` });
  }
  const told = new Set<string>();
  for (const verb of EXTENDER_VERBS) {
    const message = latencyProblem(latency[verb as ExtenderVerb]);
    if (message !== null && !told.has(message)) wrong.push({ message, hint: LATENCY_HINT });
    if (message !== null) told.add(message);
  }
  return wrong;
}

const LATENCY_HINT =
  'latency: 800, or { dist: "lognormal", p50: 800, p99: 5000, max: 50000 }, or { filter: 800, bind: 2000 }';

const isTime = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function latencyProblem(value: unknown): string | null {
  if (isTime(value)) return null;
  const found = `latency is ${shown(value)}, expected`;
  if (!isRecord(value)) return `${found} whole µs from 0, or a distribution`;
  const { dist, min, max, p50, p99 } = value;
  if (dist === 'uniform') {
    return isTime(min) && isTime(max) && (min as number) <= (max as number)
      ? null
      : `${found} min and max in whole µs, min at most max`;
  }
  if (dist === 'lognormal') {
    const isOrdered =
      [p50, p99, max].every(isTime) && 0 < (p50 as number) && (p50 as number) <= (p99 as number);
    return isOrdered && (p99 as number) <= (max as number)
      ? null
      : `${found} p50, p99 and max in whole µs, 0 < p50 <= p99 <= max`;
  }
  return `${found} dist "uniform" or "lognormal"`;
}
