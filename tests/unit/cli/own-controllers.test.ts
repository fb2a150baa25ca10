// Controllers of one's own from the command line: one in the place of a built-in one, and built-in ones left out.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './harness.ts';

const JOB = `apiVersion: batch/v1
kind: Job
metadata: { name: once }
spec:
  ttlSecondsAfterFinished: 5
  template:
    metadata: { annotations: { kubetick.io/run-ms: '2000' } }
    spec: { restartPolicy: Never, containers: [{ name: c, image: app:1 }] }
`;
const experiment = (policies: string, plugins = ''): string => `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: controllers }
spec:
  ${plugins}
  policies: ${policies}
  time: { run: 60s }
---
${JOB}`;
// Keeps what has ended, and says so.
const KEEPER = `import { DONE } from 'kubetick';
export default {
  name: 'ttl-after-finished', clientName: 'keeper', about: 'keeps Jobs',
  create(context) {
    context.onObjects('Job', ({ key, object }) => { if (object.status?.succeeded === 1) context.queue.add(key); });
    const jobs = context.objects('Job');
    return { *reconcile(key) { context.client.event('Normal', 'Kept', jobs.get(key).object, 'stays'); return DONE; } };
  },
};
`;

describe('controllers of a run', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubetick-controllers-'));
    writeFileSync(join(folder, 'keeper.ts'), KEEPER);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function run(
    text: string,
  ): Promise<{ reasons: string[]; controllers: string[]; jobsDeleted: boolean }> {
    const file = join(folder, 'e.yaml');
    const out = join(folder, 'out');
    rmSync(out, { recursive: true, force: true });
    writeFileSync(file, text);
    const done = await runCommand(['run', file, '--out', out, '--quiet']);
    expect(done.stderr).toBe('');
    const column = (table: string, name: string): string[] => {
      const [head, ...lines] = readFileSync(join(out, table), 'utf8').trim().split('\n');
      const at = head!.split(',').indexOf(name);
      return lines.map((line) => line.split(',')[at]!);
    };
    const api = readFileSync(join(out, 'api.csv'), 'utf8');
    return {
      reasons: column('events.csv', 'reason'),
      controllers: column('controllers.csv', 'controller'),
      jobsDeleted: /delete,jobs,/.test(api),
    };
  }

  it('all of them: the Job is deleted 5 s after its end', async () => {
    const all = await run(experiment('{}'));
    expect(all.jobsDeleted).toBe(true);
    expect(all.reasons).not.toContain('Kept');
  });

  it('one that is left out does nothing', async () => {
    const without = await run(experiment("{ controllers: ['*', -ttl-after-finished] }"));
    expect(without.jobsDeleted).toBe(false);
    expect(without.reasons).toContain('Completed');
  });

  it('one of the user with the name of a built-in one takes its place', async () => {
    const kept = await run(experiment('{}', 'plugins: [./keeper.ts]'));
    expect(kept.jobsDeleted).toBe(false);
    expect(kept.reasons).toContain('Kept');
  });

  it('without any, nobody makes pods of the Job', async () => {
    const none = await run(experiment('{ controllers: [] }'));
    expect(none.controllers).toEqual([]);
    expect(none.reasons).not.toContain('SuccessfulCreate');
  });

  it('a name that no controller has is bad input', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, experiment("{ controllers: ['*', -replicasets] }"));
    const { code, stderr } = await runCommand(['run', file]);
    expect(code).toBe(2);
    expect(stderr).toContain('E3013');
    expect(stderr).toContain('no controller is named "replicasets"');
    expect(stderr).toContain('did you mean "replicaset"?');
  });
});
