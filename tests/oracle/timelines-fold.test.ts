// The normal form itself: every watch event of the recorded repetitions, folded by our collector, must give the rows,
// values, counts, final states, limits and Events that the recordings' own timelines hold — for all scenarios, whether
// or not the simulation can run them.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../engine/kinds/kind.ts';
import { type Change, type PodVersion, TimelineCollector } from '../../engine/timeline/collector.ts';
import {
  names,
  type RawEntry,
  type RawRepetition,
  type Recording,
  rawOf,
  recorded,
  recordingOf,
  scenarioPath,
} from './timelines-harness.ts';

/** Watch times in the raw files have tenths of a ms, in the timelines they are whole. */
const ROUNDING_MS = 1.01;
/** What a namespace and its nodes bring along before the scenario begins. */
const BASE = new Set(['Namespace', 'Node', 'ConfigMap', 'ServiceAccount']);
/**
 * Events about a pod whose name was given again: the recording tells them by UID, which Events of ours do not carry.
 */
const BY_UID = /~2 TaintManagerEviction Cancelling deletion/;

const conditionOf = (object: Json, type: string): Json =>
  object.status?.conditions?.find((condition: Json) => condition.type === type);

function podVersion(pod: Json): PodVersion {
  const scheduled = conditionOf(pod, 'PodScheduled');
  const disruption = conditionOf(pod, 'DisruptionTarget');
  const { metadata, status = {} } = pod;
  return {
    phase: status.phase ?? 'Pending',
    node: pod.spec.nodeName ?? '',
    // Pods that wait for their gates are no failure.
    unschedulable:
      scheduled?.status === 'False' && scheduled.reason !== 'SchedulingGated' ? scheduled.reason : '',
    ready: conditionOf(pod, 'Ready')?.status ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    restarts: (status.containerStatuses ?? []).reduce(
      (sum: number, c: Json) => sum + (c.restartCount ?? 0),
      0,
    ),
    owner: metadata.ownerReferences?.find((reference: Json) => reference.controller)?.uid ?? '',
    finalizers: (metadata.finalizers ?? []).join(','),
    nominated: Boolean(status.nominatedNodeName),
    disruption: disruption === undefined ? '' : `${disruption.status}:${disruption.reason}`,
  };
}

function feed(collector: TimelineCollector, { ms, type, object }: RawEntry): void {
  const us = Math.round(ms * 1000);
  const revision = Number(object.metadata.resourceVersion);
  const change = type.toLowerCase() as Change;
  if (object.kind !== 'Pod') return collector.object(us, revision, change, object);
  const { metadata, spec } = object;
  const { name, namespace, generateName = '', uid, annotations } = metadata;
  const generated = generateName !== '' && name.length === generateName.length + 5;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  collector.pod(us, revision, change, uid, podVersion(object), () => ({
    namespace,
    name,
    base: generated ? generateName : '',
    owner: podVersion(object).owner,
    index: annotations?.['batch.kubernetes.io/job-completion-index'] ?? '',
    pinned: terms?.[0]?.matchFields?.[0]?.values?.[0] ?? '',
  }));
}

function fold(name: string, want: Recording, repetition: RawRepetition) {
  const header = readFileSync(scenarioPath(name), 'utf8');
  const { entries, namespace } = repetition;
  const first = entries.find(({ object }) => object.kind === 'Namespace')!;
  const changes = want.steps.filter((step) => step.do !== 'create').map((step) => step.t * 1000);
  const collector = new TimelineCollector({
    home: namespace,
    originUs: 0,
    firstChangeUs: Math.min(...changes),
    shared: !/^exclusive: true/m.test(header),
    given: new Set([...header.matchAll(/(?:clusterIP|nodePort): '?([0-9.]+)/g)].map((match) => match[1]!)),
    startMs: Date.parse(first.object.metadata.creationTimestamp) - first.ms,
  });
  const nodesOfStart = new Set(
    entries
      .filter(({ ms, object }) => ms < 0 && object.kind === 'Node')
      .map(({ object }) => object.metadata.name),
  );
  entries.sort((a, b) => a.object.metadata.resourceVersion - b.object.metadata.resourceVersion);
  for (const entry of entries) {
    const { ms, type, object } = entry;
    object.kind ??= object.involvedObject === undefined ? 'ConfigMap' : 'Event';
    if (object.kind !== 'Event') {
      collector.baseline = ms < 0 && BASE.has(object.kind);
      feed(collector, entry);
    } else if (type !== 'DELETED') {
      const about = object.involvedObject;
      // Nodes that were there from the start registered before the scenario.
      if (object.reason === 'RegisteredNode' && nodesOfStart.has(about.name)) continue;
      collector.event({
        us: Math.round(ms * 1000),
        type: object.type,
        reason: object.reason,
        kind: about.kind,
        namespace: about.namespace ?? '',
        name: about.name,
        count: object.series?.count ?? object.count ?? 1,
        message: object.message ?? '',
      });
    }
  }
  return collector.finish();
}

const keyOf = (r: { o: string; w: string; v?: unknown; k?: number }): string =>
  `${r.o} ${r.w}=${JSON.stringify(r.v)} k${r.k ?? 1}`;

/** What differs between a folded repetition and the recording's own timeline. */
function differences(want: Recording, got: ReturnType<typeof fold>, rep: number): string[] {
  const bad: string[] = [];
  const rows = new Map([...got.transitions].map((row) => [keyOf(row), row]));
  const known = new Set(want.transitions.map(keyOf));
  for (const row of want.transitions) {
    const t = row.ts[rep];
    if (row.ts.length !== want.reps || t === null || t === undefined) continue;
    const mine = rows.get(keyOf(row));
    if (mine === undefined) bad.push(`row ${keyOf(row)} at ${t} is missing`);
    else if (Math.abs(mine.t - t) > ROUNDING_MS) bad.push(`row ${keyOf(row)}: ${t}, ours ${mine.t}`);
  }
  for (const key of rows.keys()) if (!known.has(key)) bad.push(`row ${key} is not recorded`);
  for (const [o, fields] of Object.entries(want.final)) {
    if ('varies' in fields || 'inReps' in fields) continue;
    for (const [field, value] of Object.entries<Json>(fields)) {
      const expected = value?.varies === undefined ? value : value.varies[rep];
      const ours = got.final[o]?.[field] ?? null;
      if (ours !== expected) bad.push(`final ${o} ${field}: ${expected}, ours ${ours}`);
    }
    for (const field of Object.keys(got.final[o] ?? {}))
      if (!(field in fields)) bad.push(`final ${o} ${field} is not recorded`);
  }
  for (const o of Object.keys(got.final)) if (!(o in want.final)) bad.push(`final ${o} is not recorded`);
  for (const [o, measures] of Object.entries(want.envelope ?? {}))
    for (const [measure, bounds] of Object.entries<Json>(measures))
      for (const [side, [low, high]] of Object.entries<Json>(bounds)) {
        const ours = (got.envelope[o] as Json)?.[measure]?.[side];
        if (!(ours >= low && ours <= high)) bad.push(`envelope ${o} ${measure} ${side}: ${ours}`);
      }
  const events = new Map(got.events.map((e) => [`${e.o} ${e.reason} ${e.message}`, e.count]));
  const expected = new Set<string>();
  for (const { o, reason, message, count, n } of want.events) {
    const key = `${o} ${reason} ${message}`;
    expected.add(key);
    const ours = events.get(key) ?? 0;
    if (n === undefined && (ours < count[1] || ours > count[2]))
      bad.push(`event ${key}: ${count}, ours ${ours}`);
  }
  for (const key of events.keys())
    if (!expected.has(key) && !BY_UID.test(key)) bad.push(`event ${key} is not recorded`);
  return bad;
}

describe.skipIf(!recorded)(
  'watch events of the recorded scenarios, folded (skipped where ../shared is absent)',
  () => {
    it('covers all scenarios', () => {
      expect(names().length).toBeGreaterThan(100);
    });

    it.each(names())('%s', (name) => {
      const want = recordingOf(name);
      const repetitions = rawOf(name);
      expect(repetitions.length).toBeGreaterThan(1);
      for (const [rep, repetition] of repetitions.entries())
        expect(differences(want, fold(name, want, repetition), rep)).toEqual([]);
    });
  },
);
