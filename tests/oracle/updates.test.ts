// What updates may not change: the recorded refusals of a real API server (PATCHes of objects of each kind), answered by
// the simulated one with the same code and the same words. Kinds without rules of their own here are named, and why.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { admission } from '../../engine/apiserver/admit.ts';
import type { ApiReply } from '../../engine/contracts/api.ts';
import type { Json, KubeObject } from '../../engine/kinds/kind.ts';
import { applyPatch } from '../../engine/kinds/patch.ts';
import { cluster } from '../unit/apiserver/cluster.ts';

const file = join(import.meta.dirname, '../../../shared/oracle/controlplane/api-answers/requests.json');

interface Case {
  readonly name: string;
  readonly request: { readonly body: Json };
  readonly code: number;
  readonly answer: { readonly message?: string };
}

/** Pods are patched in their metadata only; nothing acts on the others; names and UIDs are not patched by anybody. */
const LEFT_OUT = /^immutable\/(Pod|Secret|RoleBinding)\/|^immutable\/Deployment\/(uid|creation)/;
/** Differences of whole specs, and values that are another at each run. */
const comparable = (text: string): string =>
  text.split('\n')[0]!.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>');

describe.skipIf(!existsSync(file))('recorded PATCHes of what is immutable', () => {
  const recorded = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { cases: [], setup: [] };
  const cases: Case[] = recorded.cases.filter(
    ({ name }: Case) => name.startsWith('immutable/') && !LEFT_OUT.test(name),
  );
  const objects: KubeObject[] = recorded.setup
    .filter(({ before }: Json) => before === 'immutable/')
    .map(({ body }: Json) => body);

  it('are a dozen and more', () => expect(cases.length).toBeGreaterThanOrEqual(16));

  it.each(cases.map((c) => [c.name.slice('immutable/'.length), c] as const))('%s', (name, c) => {
    const kind = name.split('/')[0]!;
    const { server, kernel } = cluster(undefined, { admit: admission });
    const user = server.client('kubectl', { qps: 0, burst: 0 }, { trusted: false });
    const answers: { code: number; message: string; id: number }[] = [];
    const reply = ({ code, message, id }: ApiReply): void => {
      answers.push({ code, message, id });
    };
    const object = objects.find((candidate) => candidate.kind === kind)!;
    const namespaced = kind !== 'StorageClass';
    user.create(
      { ...object, metadata: { ...object.metadata, ...(namespaced && { namespace: 'default' }) } },
      reply,
    );
    kernel.run();
    expect(answers[0]).toMatchObject({ code: 201 });
    user.patch(answers[0]!.id, (stored) => applyPatch(stored, 'merge', c.request.body), reply);
    kernel.run();
    expect(answers[1]!.code).toBe(c.code);
    if (c.code === 422) expect(comparable(answers[1]!.message)).toBe(comparable(c.answer.message!));
  });
});
