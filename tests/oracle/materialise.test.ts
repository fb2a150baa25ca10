// There and back: what a real v1.36.3 API server stored of a manifest, our server stores and shows again — pods and
// nodes through their tables' columns and templates, everything else as objects — and what a cluster's nodes and pods
// were before they became rows, they are when rows are printed. Values that the server invents are left out.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createObject } from '../../engine/apiserver/registry.ts';
import type { Json, KubeObject } from '../../engine/kinds/kind.ts';
import { kindOf } from '../../engine/kinds/registry.ts';
import { PodBit } from '../../engine/state/index.ts';
import {
  differences,
  normalise,
  type RecordedRow,
  readManifest,
  recordingContext,
} from './manifests-harness.ts';
import {
  type ClusterCase,
  ClusterRows,
  type ClusterVerdict,
  RoundTripServer,
} from './materialise-harness.ts';

const shared = join(import.meta.dirname, '../../../shared');
const answers = join(shared, 'oracle/controlplane/api-answers/manifests.jsonl.gz');
const manifests = join(shared, 'data/k8s-manifests');
const scheduling = join(shared, 'oracle/scheduler');
const recorded = existsSync(answers) && existsSync(manifests);
const here = existsSync(join(scheduling, 'cases'));
const own = join(import.meta.dirname, 'data');
const absent = (present: boolean): string => (present ? '' : ' (skipped: recordings are not at ../shared)');

const lines = <T>(path: string): T[] =>
  gunzipSync(readFileSync(path))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

type SentRow = RecordedRow & { readonly raw: Json };

/** Rows whose difference docs/validation-differences.md explains, by file. */
const known = readFileSync(join(import.meta.dirname, '../../docs/validation-differences.md'), 'utf8');
const isKnown = (row: RecordedRow): boolean => known.includes(`\n| \`${row.file}\` |`);

/** Questions are answered, never stored. */
const isStored = (row: RecordedRow): boolean => !row.apiVersion!.startsWith('auth');

/** Takes out what differs from server to server: identity, times, random names, addresses that were handed out. */
function comparable(object: Json, raw: Json): Json {
  const { uid, name = '' } = object.metadata;
  let own = JSON.stringify(normalise(object)).replaceAll(uid || '<uid>', '<uid>');
  // A Job's labels repeat its name; our admission has not drawn the ending yet when they are made.
  if (!raw.metadata?.name && name !== '') {
    own = own.replaceAll(name, '<generated>').replaceAll(`${raw.metadata.generateName}xxxxx`, '<generated>');
  }
  const copy = JSON.parse(own);
  const { metadata, spec } = copy;
  delete metadata.uid;
  delete metadata.creationTimestamp;
  if (!raw.metadata?.name) delete metadata.name;
  const text = JSON.stringify(copy).replace(/kube-api-access-(<5>|[a-z0-9]{5})/g, 'kube-api-access-<5>');
  const result = JSON.parse(text);
  if (copy.kind === 'Service' && copy.apiVersion === 'v1') {
    if (!raw.spec?.clusterIP && spec.clusterIP !== undefined) {
      result.spec.clusterIP = '<allocated>';
      result.spec.clusterIPs = ['<allocated>'];
    }
    for (const [i, port] of (result.spec.ports ?? []).entries()) {
      if (port.nodePort !== undefined && !raw.spec.ports[i].nodePort) port.nodePort = '<allocated>';
    }
    if (!raw.spec.healthCheckNodePort) delete result.spec.healthCheckNodePort;
  }
  return result;
}

/** Differences after a round trip through the tables; for kinds nothing acts on, only what was lost. */
function roundTrip(row: SentRow): string[] {
  const definition = kindOf(row.apiVersion!, row.kind!)!;
  const server = new RoundTripServer();
  const namespace: string | undefined = row.object.metadata.namespace;
  if (namespace !== undefined) server.namespace(namespace);
  const answer = server.post(row.raw);
  // A namespace that every cluster has.
  if (answer.code === 409 && row.kind === 'Namespace') return [];
  if (answer.object === undefined) return [`answered ${answer.code}: ${answer.message}`];
  // Versions of a kind are stored as one; the recording has the version that was sent.
  const wanted = definition.asStored?.(row.object as KubeObject) ?? row.object;
  const found = differences(comparable(wanted, row.raw), comparable(answer.object, row.raw));
  return definition.modelled ? found : found.filter((line) => !line.includes(': want undefined, got '));
}

/** An object that was accepted, sent again, is accepted and stored unchanged. */
function idempotence(row: SentRow): string[] {
  const context = { ...recordingContext(row, row.raw), creationTimestamp: () => '2026-01-01T00:00:00Z' };
  const first = createObject(structuredClone(row.raw), context);
  if (first.code !== 201) return [`answered ${first.code}`];
  // A dry run gives every service the network's own address, which nobody may ask for.
  const stored = JSON.parse(JSON.stringify(first.object).replaceAll('"10.96.0.0"', '"10.96.7.7"'));
  const second = createObject(structuredClone(stored), context);
  if (second.code !== 201) return [`answered ${second.code}: ${second.message}`];
  return differences(stored, second.object);
}

function failures(rows: readonly SentRow[], check: (row: SentRow) => string[]): string[] {
  return rows.flatMap((row) => {
    const found = check(row);
    const label = `${row.file}#${row.document}.${row.item} ${row.kind}`;
    return found.length === 0 ? [] : [`${label}: ${found.slice(0, 4).join('; ')}`];
  });
}

describe('objects that the API server accepted', () => {
  const committed = lines<SentRow>(join(own, 'manifests-selection.jsonl.gz')).filter(
    (row) => row.code === 201,
  );

  function all(): SentRow[] {
    const files = new Map<string, Json[][]>();
    return lines<RecordedRow>(answers)
      .filter((row) => row.code === 201)
      .map((row) => {
        let documents = files.get(row.file);
        if (documents === undefined) {
          documents = readManifest(readFileSync(join(manifests, row.file), 'utf8'));
          files.set(row.file, documents);
        }
        return { ...row, raw: documents[row.document]?.[row.item] };
      });
  }

  it('come back out of the tables as the real server stored them: committed selection', () => {
    const stored = committed.filter(isStored);
    expect(stored.length).toBeGreaterThan(100);
    expect(failures(stored, roundTrip)).toEqual([]);
  });

  it('are stored unchanged when sent again: committed selection', () => {
    expect(failures(committed, idempotence)).toEqual([]);
  });

  it.skipIf(!recorded)(
    `come back out of the tables, all rows${absent(recorded)}`,
    () => {
      const stored = all().filter((row) => isStored(row) && !isKnown(row));
      expect(stored.length).toBeGreaterThan(1500);
      expect(failures(stored, roundTrip)).toEqual([]);
    },
    120_000,
  );

  it.skipIf(!recorded)(
    `are stored unchanged when sent again, all rows${absent(recorded)}`,
    () => {
      const rows = all();
      expect(rows.length).toBe(1562);
      expect(failures(rows, idempotence)).toEqual([]);
    },
    120_000,
  );

  it('have what admission gives and a controller takes away: the taint of a new node, the finalizer of a claim', () => {
    const metadata = { name: 'x' };
    const status = { allocatable: { cpu: '4', pods: '10' }, capacity: { cpu: '4', pods: '10' } };
    const node = new RoundTripServer().post({ apiVersion: 'v1', kind: 'Node', metadata, status });
    expect(node.object).toMatchObject({ metadata, status });
    expect(node.object!['spec']).toEqual({
      taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }],
    });
    const claim = new RoundTripServer().post({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata,
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    expect(claim.code).toBe(201);
    expect(claim.object!.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
  });

  it('would show a field that is lost', () => {
    const pod = committed.find(({ kind }) => kind === 'Pod')!;
    const changed = structuredClone(pod);
    changed.object.spec.containers[0].image = 'another:v1';
    expect(roundTrip(changed).join()).toContain('.spec.containers.0.image: want "another:v1"');
  });
});

describe('nodes and pods of recorded scheduling cases', () => {
  /** Returns how many pods were compared. */
  function compare(cases: readonly ClusterCase[], verdicts: readonly ClusterVerdict[]): number {
    let compared = 0;
    cases.forEach((source, i) => {
      const verdict = verdicts[i]!;
      expect(verdict.name).toBe(source.name);
      const rows = new ClusterRows(source);
      expect(rows.requested(), `${source.name}: sums of nodes`).toEqual(verdict.nodes);
      rows.pending.forEach(({ given, row }, j) => {
        const recordedPod = verdict.pods[j]!;
        expect(`${given.metadata.namespace}/${given.metadata.name}`).toBe(recordedPod.pod);
        expect(rows.requests(row), `${source.name} ${recordedPod.pod}`).toEqual(recordedPod.requests);
        expect(rows.state.pods.priority[row]).toBe(recordedPod.priority);
      });
      for (const { given, row } of [...rows.running, ...rows.pending]) {
        // What the scheduler reads comes from columns, not from what was kept of the object.
        const { pods } = rows.state;
        const { nodeName = '', priority } = given['spec'];
        expect(rows.state.nodeName(pods.node[row]!)).toBe(rows.nodes.has(nodeName) ? nodeName : '');
        expect(rows.state.nodeName(pods.nominatedNode[row]!)).toBe(given['status'].nominatedNodeName ?? '');
        expect((pods.word[row]! & PodBit.deleting) !== 0).toBe(
          given.metadata.deletionTimestamp !== undefined,
        );
        expect(pods.priority[row]).toBe(priority);
        const back = rows.podBack(row);
        delete back.metadata.resourceVersion;
        expect(differences({ ...given, metadata: { generation: 1, ...given.metadata } }, back)).toEqual([]);
        compared += 1;
      }
      for (const { given, row } of rows.nodes.values()) {
        const back = rows.nodeBack(row);
        delete back.metadata.resourceVersion;
        delete back.metadata.creationTimestamp;
        expect(differences({ spec: {}, ...given }, back)).toEqual([]);
      }
    });
    return compared;
  }

  it('keep what they are and what they count for: committed selection', () => {
    const cases = lines<ClusterCase>(join(own, 'scheduler.cases.jsonl.gz'));
    expect(compare(cases, lines(join(own, 'scheduler.verdicts.jsonl.gz')))).toBeGreaterThan(700);
    // Nominated, gated and owned pods, which the cases of the scheduler's own selection lack.
    const more = lines<ClusterCase>(join(own, 'materialise.cases.jsonl.gz'));
    expect(compare(more, lines(join(own, 'materialise.verdicts.jsonl.gz')))).toBeGreaterThan(200);
  });

  const families =
    'dra fit images interpod lifecycle mixed nodeaffinity podlevel ports preempt profile ' +
    'spread-default spread-hard spread-soft strategy taints volumes';
  it.skipIf(!here).each(families.split(' '))(
    `keep what they are and what they count for: %s${absent(here)}`,
    (family) => {
      const cases = lines<ClusterCase>(join(scheduling, `cases/${family}.cases.jsonl.gz`));
      const verdicts = lines<ClusterVerdict>(join(scheduling, `verdicts/${family}.verdicts.jsonl.gz`));
      expect(cases.length).toBe(60);
      expect(compare(cases, verdicts)).toBeGreaterThan(100);
    },
    60_000,
  );
});
