// Changes of the cluster: a node uncordoned, labelled or added, a claim bound, a pod deleted.

import { Code } from '../../contracts/scheduler.ts';
import { materialiseNode } from '../../kinds/ingest/materialise.ts';
import { ingestNode } from '../../kinds/ingest/node.ts';
import type { Json, KubeObject } from '../../kinds/kind.ts';
import { LABEL_HOSTNAME, PodBit } from '../../state/index.ts';
import { type Hint, SIZE } from './hint.ts';
import { quantityText } from './quantities.ts';
import type { WhatIf } from './what-if.ts';

/** Nodes whose labels, and kinds of nodes of which one more, are tried at most. */
const NODES_TRIED = 20;
/** Pods whose deletion is tried at most, the least important first; and node checks that this may take. */
const VICTIMS_TRIED = 2_000;
const VICTIM_CHECKS = 200_000;

const CORDON = 'node.kubernetes.io/unschedulable';
const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function clusterChanges(w: WhatIf): Hint[] {
  return [...uncordoned(w), ...labelled(w), ...claims(w), ...evicted(w), ...added(w)];
}

const present = (w: WhatIf): number[] => [...w.cache.nodeOrder.list().subarray(0, w.cache.nodeCount)];

// ---- nodes ----

function uncordoned(w: WhatIf): Hint[] {
  const { cache } = w;
  const { columns } = cache;
  const taintsOf = (node: number) => cache.taints(columns.taintSet[node]!);
  if (cache.cordoned === 0 && !present(w).some((node) => taintsOf(node).some(({ key }) => key === CORDON))) {
    return [];
  }
  // As if nobody had been cordoned: which of them would do?
  const pod = w.variant((spec) => {
    spec.tolerations = [...(spec.tolerations ?? []), { key: CORDON, operator: 'Exists' }];
  });
  const nodes = [...w.passing(pod)].sort((a, b) => byCodeUnit(cache.nodeName(a), cache.nodeName(b)));
  for (const node of nodes.slice(0, NODES_TRIED)) {
    const taints = taintsOf(node).filter(({ key }) => key !== CORDON);
    const fit = w.withNode(node, { unschedulable: false, taints }, () => w.fit());
    if (fit !== null) {
      return [{ kind: 'uncordon', size: SIZE.field, change: `uncordon ${cache.nodeName(node)}`, ...fit }];
    }
  }
  return [];
}

/** One label that a node lacks, or has too much. */
interface LabelFix {
  readonly key: string;
  /** null: it has to go. */
  readonly value: string | null;
}

/** What is wrong with a node's labels for one expression; null: it matches, false: no label can mend it. */
function fixOf({ key, operator, values = [] }: Json, label: string | undefined): LabelFix | null | false {
  const number = Number(label);
  switch (operator) {
    case 'In':
      return label !== undefined && values.includes(label) ? null : { key, value: values[0] };
    case 'NotIn':
      return label !== undefined && values.includes(label) ? { key, value: null } : null;
    case 'Exists':
      return label !== undefined ? null : { key, value: '' };
    case 'DoesNotExist':
      return label === undefined ? null : { key, value: null };
    case 'Gt':
      return number > Number(values[0]) ? null : { key, value: String(Number(values[0]) + 1) };
    case 'Lt':
      return number < Number(values[0]) ? null : { key, value: String(Number(values[0]) - 1) };
    default:
      return false;
  }
}

/** The single label that lets the node match; null if it takes none or more than one. */
function onlyFix(spec: Json, labelOf: (key: string) => string | undefined): LabelFix | null {
  const selector = Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
  }));
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms: Json[] = required?.nodeSelectorTerms ?? [{ matchExpressions: [] }];
  for (const { matchExpressions = [], matchFields = [] } of terms) {
    const fixes = [...selector, ...matchExpressions].map((each: Json) => fixOf(each, labelOf(each.key)));
    const wrong = fixes.filter((fix) => fix !== null);
    const [only] = wrong;
    if (matchFields.length > 0 || wrong.length !== 1 || !only) continue;
    if (only.key !== LABEL_HOSTNAME) return only;
  }
  return null;
}

function labelled(w: WhatIf): Hint[] {
  const spec: Json = w.object['spec'];
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (spec.nodeSelector === undefined && required === undefined) return [];
  const pod = w.variant((copy) => {
    delete copy.nodeSelector;
    if (required !== undefined)
      delete copy.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  });
  const names = [...w.passing(pod)].map((node) => ({ node, name: w.cache.nodeName(node) }));
  let tried = 0;
  for (const { node, name } of names.sort((a, b) => byCodeUnit(a.name, b.name))) {
    const fix = onlyFix(spec, (key) => w.cache.label(node, key));
    if (fix === null) continue;
    if (++tried > NODES_TRIED) break;
    const { [fix.key]: _old, ...others } = w.state.labels.get(w.state.nodes.labelSet[node]!);
    const labels = fix.value === null ? others : { ...others, [fix.key]: fix.value };
    const fit = w.withNode(node, { labels }, () => w.fit());
    if (fit === null) continue;
    const change =
      fix.value === null
        ? `remove the label ${fix.key} from ${name}`
        : `label ${name} with ${fix.key}=${fix.value}`;
    return [{ kind: 'label', size: SIZE.field, change, ...fit }];
  }
  return [];
}

/** One more node like the largest on which the pod would fit; equal nodes are tried once. */
function added(w: WhatIf): Hint[] {
  const { cache, state } = w;
  const { columns } = cache;
  const nodes = present(w)
    .map((node) => ({ node, name: cache.nodeName(node) }))
    .sort(
      (a, b) =>
        columns.cpuAllocatable[b.node]! - columns.cpuAllocatable[a.node]! ||
        columns.memoryAllocatable[b.node]! - columns.memoryAllocatable[a.node]! ||
        byCodeUnit(a.name, b.name),
    );
  const seen = new Set<string>();
  for (const { node, name } of nodes) {
    const size = [
      columns.cpuAllocatable[node],
      columns.memoryAllocatable[node],
      columns.podsAllocatable[node],
    ];
    const kind = [...size, columns.labelSet[node], columns.taintSet[node]].join(' ');
    if (seen.has(kind)) continue;
    seen.add(kind);
    if (seen.size > NODES_TRIED) break;
    const like = materialiseNode(state, node);
    const own = { ...like.metadata.labels, [LABEL_HOSTNAME]: ADDED };
    const { unschedulable: _cordoned, ...spec } = like['spec'] ?? {};
    spec.taints = (spec.taints ?? []).filter(({ key }: Json) => key !== CORDON);
    const object: KubeObject = { ...like, metadata: { ...like.metadata, name: ADDED, labels: own }, spec };
    const row = ingestNode(state, object, { name: ADDED, zone: '', hostname: true, us: 0, revision: 1 });
    cache.nodeChanged(row);
    const fit = w.fit();
    cache.nodeGone(row);
    state.nodes.remove(row);
    if (fit === null) continue;
    const cpu = quantityText('cpu', columns.cpuAllocatable[node]!);
    const memory = quantityText('memory', columns.memoryAllocatable[node]!);
    const change = `add a node like ${name} (cpu ${cpu}, memory ${memory})`;
    return [{ kind: 'node', size: SIZE.node, change, ...fit }];
  }
  return [];
}

/** No node of a cluster is called that: names are lower case. */
const ADDED = '(added)';

// ---- claims ----

function claims(w: WhatIf): Hint[] {
  const { storage } = w.cache;
  const namespace = w.object.metadata.namespace!;
  const volumes: readonly Json[] = w.object['spec'].volumes ?? [];
  return volumes.flatMap((volume): Hint[] => {
    const name: string | undefined =
      volume.persistentVolumeClaim?.claimName ??
      (volume.ephemeral === undefined ? undefined : `${w.object.metadata.name}-${volume.name}`);
    if (name === undefined) return [];
    const claim = storage.claim(namespace, name);
    if (claim?.['spec']?.volumeName) return [];
    const volumeName = `(volume of ${name})`;
    const ownerReferences = [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        name: w.object.metadata.name,
        uid: w.object.metadata.uid,
        controller: true,
      },
    ];
    const own: Json = claim?.metadata ?? {
      name,
      namespace,
      ...(volume.ephemeral ? { ownerReferences } : {}),
    };
    const bound: KubeObject = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      ...claim,
      metadata: {
        ...own,
        annotations: { ...own.annotations, 'pv.kubernetes.io/bind-completed': 'yes' },
      },
      spec: { accessModes: ['ReadWriteOnce'], ...claim?.['spec'], volumeName },
      status: { phase: 'Bound' },
    };
    const persistent: KubeObject = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volumeName },
      spec: { accessModes: ['ReadWriteOnce'], claimRef: { kind: 'PersistentVolumeClaim', namespace, name } },
      status: { phase: 'Bound' },
    };
    storage.set(persistent);
    storage.set(bound);
    const fit = w.fit();
    storage.delete(persistent);
    if (claim === null) storage.delete(bound);
    else storage.set(claim);
    const change =
      claim === null ? `create claim ${name} and bind it to a volume` : `bind claim ${name} to a volume`;
    return fit === null ? [] : [{ kind: 'claim', size: SIZE.field, change, ...fit }];
  });
}

// ---- pods ----

/** Pods that may be deleted for the pod, the least important and smallest first. Those of DaemonSets come back. */
function candidates(w: WhatIf): number[] {
  const { pods } = w.state;
  const found: { pod: number; priority: number; cpu: number; memory: number; name: string }[] = [];
  for (const node of present(w)) {
    for (const pod of w.cache.podsOn(node)) {
      if ((pods.word[pod]! & PodBit.deleting) !== 0) continue;
      if (w.cache.controllerOf(pod)?.kind === 'DaemonSet') continue;
      const { cpuMilli: cpu, memoryBytes: memory } = w.state.template(pod);
      found.push({ pod, priority: pods.priority[pod]!, cpu, memory, name: nameOf(w, pod) });
    }
  }
  found.sort(
    (a, b) => a.priority - b.priority || a.cpu - b.cpu || a.memory - b.memory || byCodeUnit(a.name, b.name),
  );
  return found.map(({ pod }) => pod);
}

const nameOf = (w: WhatIf, pod: number): string => `${w.state.podNamespace(pod)}/${w.state.podName(pod)}`;

function evicted(w: WhatIf): Hint[] {
  // Leaves the filters as they stand for the pod, and the verdict of each node.
  w.passing();
  const { decision, filters } = w.search;
  const { preFilterVerdict } = decision;
  const everywhere = preFilterVerdict !== 0;
  // No pod that leaves can change that, and plug-ins after it were not asked.
  if (everywhere && w.verdicts.code(preFilterVerdict) !== Code.unschedulable) return [];
  const verdicts = decision.verdicts.slice();
  const victims = candidates(w).slice(0, VICTIMS_TRIED);
  // What a pod does elsewhere matters to rules about domains; asking every node about every pod has its price.
  const wide = victims.length * w.cache.nodeCount <= VICTIM_CHECKS;
  const nodes = wide ? present(w) : [];
  for (const victim of victims) {
    const own = w.cache.nodeOfPod(victim);
    const helpsAtHome = everywhere || w.verdicts.code(verdicts[own]!) === Code.unschedulable;
    if (!helpsAtHome && !wide) continue;
    const home = filters.remove(victim);
    const fits = (helpsAtHome && filters.both(home) === 0) || nodes.some((node) => filters.both(node) === 0);
    filters.add(victim, home);
    if (!fits) continue;
    const fit = w.without(victim, () => w.fit());
    // The whole decision has asked the filters anew.
    w.passing();
    if (fit === null) continue;
    return [
      {
        kind: 'evict',
        size: SIZE.pod,
        change: `delete pod ${nameOf(w, victim)} on ${w.state.nodeName(home)}`,
        ...fit,
        victim: nameOf(w, victim),
        preemption: whyNot(w, victim),
      },
    ];
  }
  return [];
}

/** Why the scheduler does not make that room itself. */
function whyNot(w: WhatIf, victim: number): string {
  const { priority } = w.state.pods;
  if (priority[victim]! >= priority[w.pod]!) {
    return `its priority ${priority[victim]} is not below ${priority[w.pod]}`;
  }
  return w.object['spec'].preemptionPolicy === 'Never' ? 'preemptionPolicy is Never' : '';
}
