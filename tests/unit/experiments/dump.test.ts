// Jobs in a dump: the server labelled and selects them by a UID of its own (pkg/registry/batch/job strategy.go,
// generateSelector), which validation compares with the object's.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../engine/kinds/kind.ts';
import { partition } from '../../../experiments/dump.ts';
import { judgeObject } from '../../../experiments/judge.ts';
import { LossBook } from '../../../experiments/loss.ts';
import { type InputObject, judgeManifest } from '../../../experiments/objects.ts';
import { readDocuments } from '../../../workloads/manifests.ts';

const generated = { 'batch.kubernetes.io/controller-uid': 'u1', 'controller-uid': 'u1' };
const names = { 'batch.kubernetes.io/job-name': 'j', 'job-name': 'j' };

const job = (metadata: Json, spec: Json = {}): Record<string, unknown> => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j', namespace: 'default', labels: { ...generated, ...names }, ...metadata },
  spec: {
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } },
    template: {
      metadata: { labels: { ...generated, ...names, app: 'j' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
    },
    ...spec,
  },
});
const stored = { uid: 'u1', resourceVersion: '7' };

function input(raw: Record<string, unknown>): InputObject {
  const judged = judgeManifest(readDocuments('dump.yaml', JSON.stringify(raw)).documents[0]!, judgeObject);
  if (Array.isArray(judged)) throw new Error(JSON.stringify(judged));
  return judged;
}

describe('a Job that was stored', () => {
  it.each<[string, Json, boolean]>([
    ['is accepted with the UID that it had', stored, true],
    ['is refused with another one', { ...stored, uid: 'u2' }, false],
    ['is refused of an author, who cannot know the UID', {}, false],
  ])('%s', (_title, metadata, accepted) => {
    expect(judgeObject(job(metadata)).accepted).toBe(accepted);
  });

  const shape = { cpu: '4', memory: '16Gi', pods: 110 };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', ...stored, uid: 'n1' } };

  it('stays as it is beside the nodes of its cluster', () => {
    const { existing } = partition([input(node), input(job(stored))], shape, new LossBook());
    expect(existing[1]!.object).toMatchObject(job(stored));
  });

  it.each<[string, Json, Json, string[]]>([
    ['gets a selector of its own where it is created anew', {}, undefined, ['spec.selector']],
    [
      'keeps one that its author wrote',
      { manualSelector: true, selector: { matchLabels: { app: 'j' } } },
      { matchLabels: { app: 'j' } },
      [],
    ],
  ])('%s', (_title, spec, selector, lost) => {
    const loss = new LossBook();
    const { created } = partition([input(job(stored, spec))], shape, loss);
    const { object } = created[0]!;
    expect(object['spec'].selector).toEqual(selector);
    const labels = { ...(lost.length > 0 ? {} : generated), ...names };
    expect(object.metadata.labels).toEqual(labels);
    expect(object['spec'].template.metadata.labels).toEqual({ ...labels, app: 'j' });
    expect(judgeObject({ ...object, metadata: { ...object.metadata, uid: 'new' } }).accepted).toBe(true);
    expect(loss.list().map(({ field }) => field)).toEqual(lost);
  });
});
