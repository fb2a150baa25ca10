// Changes of the pod itself: smaller requests, gates removed, a taint tolerated, a host port given up, a rule dropped.
import type { Json } from '../../kinds/kind.ts';
import type { Taint } from '../../state/index.ts';
import { type Hint, SIZE } from './hint.ts';
import { type Asked, amountOf, askedBy, lower, quantityText } from './quantities.ts';
import type { Fit, WhatIf } from './what-if.ts';

/** Nodes that the exact quantity is tried on, from the one with most room. */
const NODES_TRIED = 5;
/** Taints tried, the most frequent first. */
const TAINTS_TRIED = 50;

const CORDON = 'node.kubernetes.io/unschedulable';

export function podChanges(w: WhatIf): Hint[] {
  return [...gates(w), ...requests(w), ...tolerations(w), ...hostPorts(w), ...rules(w)];
}

function gates(w: WhatIf): Hint[] {
  const names: string[] = (w.object['spec'].schedulingGates ?? []).map(({ name }: Json) => name);
  if (names.length === 0) return [];
  const fit = w.fit(w.variant((spec) => delete spec.schedulingGates));
  if (fit === null) return [];
  return [
    { kind: 'gates', size: SIZE.field, change: `remove the scheduling gates ${names.join(', ')}`, ...fit },
  ];
}

// ---- requests ----

/** What is left of a resource on a node. */
const room = (w: WhatIf, node: number, id: number): number =>
  Math.max(0, w.cache.allocatable(node, id) - w.cache.requested(node, id));

/** The pod asking for as little of these as it can: its overhead stays. */
const askingLeast = (w: WhatIf, resources: readonly Asked[]): number =>
  w.variant((spec) => {
    for (const { name } of resources) lower(spec, name, 0);
  });

/** The pod with these amounts; -1 if its containers cannot be made to ask for that. */
function asking(w: WhatIf, amounts: readonly (readonly [Asked, number])[]): number {
  const pod = w.variant((spec) => {
    for (const [asked, amount] of amounts) lower(spec, asked.name, amount);
  });
  const template = w.state.template(pod);
  return amounts.every(([asked, amount]) => amountOf(w.state, template, asked.name) <= amount) ? pod : -1;
}

function requestsHint(amounts: readonly (readonly [Asked, number])[], fit: Fit): Hint {
  const changed = amounts.map(([{ name, amount: from }, to]) => ({
    resource: name,
    from: quantityText(name, from),
    to: quantityText(name, to),
    share: (from - to) / from,
  }));
  const words = changed.map(({ resource, from, to }) => `${resource} from ${from} to ${to}`).join(' and ');
  return {
    kind: 'requests',
    // Three digits: a size is there to compare.
    size: Math.round((Math.max(...changed.map(({ share }) => share)) + changed.length - 1) * 1000) / 1000,
    change: `lower the request of ${words}`,
    ...fit,
    requests: changed.map(({ resource, from, to }) => ({ resource, from, to })),
  };
}

/** Each resource alone; all together where none alone is enough. */
function requests(w: WhatIf): Hint[] {
  const all = askedBy(w.state, w.state.template(w.pod));
  const alone = all.flatMap((asked) => {
    const amounts = [...w.passing(askingLeast(w, [asked]))].map((node) =>
      Math.min(asked.amount - 1, room(w, node, asked.id)),
    );
    const most = [...new Set(amounts)].sort((a, b) => b - a).slice(0, NODES_TRIED);
    for (const amount of most) {
      const pod = asking(w, [[asked, amount]]);
      const fit = pod < 0 ? null : w.fit(pod);
      if (fit !== null) return [requestsHint([[asked, amount]], fit)];
    }
    return [];
  });
  if (alone.length > 0 || all.length < 2) return alone;
  const nodes = [...w.passing(askingLeast(w, all))]
    .map((node) => {
      const amounts = all.map((asked) => [asked, Math.min(asked.amount, room(w, node, asked.id))] as const);
      return { amounts, kept: Math.min(...amounts.map(([asked, amount]) => amount / asked.amount)) };
    })
    .sort((a, b) => b.kept - a.kept);
  for (const { amounts } of nodes.slice(0, NODES_TRIED)) {
    const pod = asking(w, amounts);
    const fit = pod < 0 ? null : w.fit(pod);
    const lowered = amounts.filter(([asked, amount]) => amount < asked.amount);
    if (fit !== null && lowered.length > 0) return [requestsHint(lowered, fit)];
  }
  return [];
}

// ---- taints ----

const taintText = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ''}:${effect}`;

function tolerations(w: WhatIf): Hint[] {
  const { cache } = w;
  const counts = new Map<string, { taint: Taint; nodes: number }>();
  for (const node of cache.nodeOrder.list().subarray(0, cache.nodeCount)) {
    for (const taint of cache.taints(cache.columns.taintSet[node]!)) {
      if (taint.effect === 'PreferNoSchedule' || taint.key === CORDON) continue;
      const known = counts.get(taintText(taint));
      if (known === undefined) counts.set(taintText(taint), { taint, nodes: 1 });
      else known.nodes += 1;
    }
  }
  const frequent = [...counts].sort(([a, x], [b, y]) => y.nodes - x.nodes || (a < b ? -1 : 1));
  return frequent.slice(0, TAINTS_TRIED).flatMap(([text, { taint }]) => {
    const { key, value = '', effect } = taint;
    const toleration =
      value === '' ? { key, operator: 'Exists', effect } : { key, operator: 'Equal', value, effect };
    const pod = w.variant((spec) => {
      spec.tolerations = [...(spec.tolerations ?? []), toleration];
    });
    const fit = w.fit(pod);
    if (fit === null) return [];
    const node = cache.nodeByName(fit.node);
    const left = cache.taints(cache.columns.taintSet[node]!).filter((each) => taintText(each) !== text);
    const off = w.withNode(node, { taints: left }, () => w.fit());
    const or = off?.node === fit.node ? `, or take it off ${fit.node}` : '';
    return [{ kind: 'toleration', size: SIZE.field, change: `tolerate the taint ${text}${or}`, ...fit }];
  });
}

// ---- what else the pod asks for ----

function hostPorts(w: WhatIf): Hint[] {
  const { containers, initContainers = [] } = w.object['spec'];
  const ports = new Map<string, { hostPort: number; protocol: string }>();
  for (const container of [...initContainers, ...containers]) {
    for (const { hostPort, protocol = 'TCP' } of container.ports ?? []) {
      if (hostPort) ports.set(`${hostPort}/${protocol}`, { hostPort, protocol });
    }
  }
  return [...ports].flatMap(([text, { hostPort, protocol }]) => {
    const pod = w.variant((spec) => {
      for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
        for (const port of container.ports ?? []) {
          if (port.hostPort === hostPort && (port.protocol ?? 'TCP') === protocol) delete port.hostPort;
        }
      }
      // With the host's network a port of the container is one of the host.
      if (spec.hostNetwork) spec.hostNetwork = false;
    });
    const fit = w.fit(pod);
    if (fit === null) return [];
    return [{ kind: 'host-port', size: SIZE.field, change: `free host port ${text}, or give it up`, ...fit }];
  });
}

/** Rules that the pod makes about nodes: a description, and how to take it out of a spec. */
function rulesOf(spec: Json): { readonly text: string; readonly drop: (spec: Json) => void }[] {
  const found: { text: string; drop: (spec: Json) => void }[] = [];
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    found.push({ text: `nodeSelector ${key}=${value}`, drop: (copy) => delete copy.nodeSelector[key] });
  }
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  if (spec.affinity?.nodeAffinity?.[required] !== undefined) {
    found.push({
      text: `affinity.nodeAffinity.${required}`,
      drop: (copy) => delete copy.affinity.nodeAffinity[required],
    });
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    (spec.affinity?.[kind]?.[required] ?? []).forEach((term: Json, i: number) => {
      found.push({
        text: `affinity.${kind}.${required}[${i}] (${term.topologyKey})`,
        drop: (copy) => copy.affinity[kind][required].splice(i, 1),
      });
    });
  }
  (spec.topologySpreadConstraints ?? []).forEach((constraint: Json, i: number) => {
    if (constraint.whenUnsatisfiable === 'ScheduleAnyway') return;
    found.push({
      text: `topologySpreadConstraints[${i}] (${constraint.topologyKey}, maxSkew ${constraint.maxSkew})`,
      drop: (copy) => copy.topologySpreadConstraints.splice(i, 1),
    });
  });
  return found;
}

function rules(w: WhatIf): Hint[] {
  return rulesOf(w.object['spec']).flatMap(({ text, drop }) => {
    const fit = w.fit(w.variant((spec) => drop(spec)));
    return fit === null ? [] : [{ kind: 'constraint', size: SIZE.rule, change: `drop ${text}`, ...fit }];
  });
}
