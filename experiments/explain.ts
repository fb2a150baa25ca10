// `kubetick explain`: one pod of a finished run. Its row in pods.csv says when it got where; the run is repeated up to
// its last scheduling attempt, and what the scheduler knew at the attempt asked about is decided again with everything
// told. What the repetition says is compared with the recorded row, so that a version that decides otherwise is found.
import type { AttemptEnd, AttemptStart, PodPlacement, SchedulerView } from '../engine/index.ts';
import { loadProfiles } from '../engine/index.ts';
import { criticalPath, type Phase } from '../reports/critical-path.ts';
import { parseDuration } from './duration.ts';
import type { Simulate } from './execute.ts';
import { decide } from './place.ts';
import { UserError } from './problems.ts';
import { BUILT_IN, policiesOfScenario } from './registry.ts';
import { type RunManifest, readRun, runId, versions } from './run-directory.ts';
import { microseconds, nodeTimes, podTimes, tableRows } from './run-tables.ts';
import { didYouMean } from './suggest.ts';

export interface ExplainRequest {
  readonly run: string;
  /** `pod/[NAMESPACE/]NAME` */
  readonly object: string;
  /** Duration: the attempt under way then, or the last one before. */
  readonly at?: string;
  /** From 1. */
  readonly attempt?: number;
  readonly hints: boolean;
}

/** One attempt as told by the repeated run; times in µs. */
export interface ToldAttempt {
  readonly number: number;
  readonly fromUs: number;
  readonly toUs: number;
  readonly result: AttemptEnd['result'];
  readonly node: string;
  readonly message: string;
  readonly examined: number;
  readonly feasible: number;
  readonly nodes: number;
}

export interface Explanation {
  readonly run: string;
  readonly namespace: string;
  readonly pod: string;
  readonly phase: string;
  readonly node: string;
  readonly reason: string;
  /** Where its time went, from created to the last stage reached. */
  readonly path: readonly Phase[];
  readonly attempts: readonly ToldAttempt[];
  /** Number of the attempt that is explained; 0: the pod was never attempted, and the end of the run is explained. */
  readonly explained: number;
  /** The same decision with everything told; null: there is none. */
  readonly placement: PodPlacement | null;
  /** What does not agree with the recorded run; empty: all does. */
  readonly differences: readonly string[];
}

interface Recorded {
  readonly namespace: string;
  readonly phase: string;
  readonly node: string;
  readonly reason: string;
  readonly attempts: number;
  readonly firstAttempt: number | null;
  readonly scheduled: number | null;
  readonly path: readonly Phase[];
}

/** Throws a UserError for bad input. */
export async function explain(request: ExplainRequest, simulate: Simulate): Promise<Explanation> {
  const { manifest, scenario } = readRun(request.run);
  const { namespace: asked, name } = parseObject(request.object);
  const atUs = request.at === undefined ? undefined : timeOf(request.at);
  const rows = await recordedPods(request.run, asked, name);
  const namespaces = [...new Set(rows.map(({ namespace }) => namespace))].sort();
  if (rows.length === 0) throw await unknownPod(request, asked, name);
  if (namespaces.length > 1) {
    const names = namespaces.map((namespace) => `pod/${namespace}/${name}`).join(', ');
    throw objectProblem(request, `there are pods of this name in ${namespaces.length} namespaces`, names);
  }
  const row = rows.at(-1)!;
  const { namespace } = row;
  const total = rows.reduce((sum, { attempts }) => sum + attempts, 0);
  if (request.attempt !== undefined && (request.attempt < 1 || request.attempt > total)) {
    const message = `found ${request.attempt}, expected 1 to ${total}: the pod was attempted ${total} times`;
    throw new UserError({ code: 'E1003', path: '--attempt', message });
  }
  const follower = new Follower(namespace, name, total, { attempt: request.attempt, atUs });
  await simulate(scenario, { attempts: follower });
  if (atUs !== undefined && follower.explained === 0 && follower.attempts.length > 0) {
    const first = follower.attempts[0]!.fromUs;
    const message = `found ${request.at}, but the first attempt began at ${first / 1e6} s`;
    throw new UserError({ code: 'E1003', path: '--at', message });
  }
  const { plugins, schedulerConfig } = scenario.policies;
  const { registry } = plugins === undefined ? BUILT_IN : policiesOfScenario(plugins);
  const loaded = loadProfiles(schedulerConfig, registry.scheduler);
  const { view } = follower;
  let placement: PodPlacement | null = null;
  if (view !== null && 'settings' in loaded) {
    const { cluster, pending, ...run } = view;
    const { settings } = loaded;
    const each = { name, family: '', settings, cluster, pending, run };
    placement = decide(each, request.hints ? 1 : 0).pods[0] ?? null;
    const { node = '', result } = follower.attempts[follower.explained - 1] ?? {};
    // Of equal nodes `place` takes the first by name, the run drew one.
    if (placement !== null && result === 'scheduled' && placement.best?.includes(node)) placement.node = node;
  }
  return {
    run: request.run,
    namespace,
    pod: name,
    phase: row.phase,
    node: row.node,
    reason: row.reason,
    path: row.path,
    attempts: follower.attempts,
    explained: follower.explained,
    placement,
    differences: [
      ...versionDifferences(manifest, runId(scenario)),
      ...rowDifferences(rows, follower.attempts, total),
    ],
  };
}

/** Follows the attempts of one pod and keeps the view of the one that is asked about. */
class Follower {
  readonly attempts: ToldAttempt[] = [];
  explained = 0;
  view: SchedulerView | null = null;
  readonly #namespace: string;
  readonly #name: string;
  readonly #total: number;
  readonly #wanted: { readonly attempt: number | undefined; readonly atUs: number | undefined };
  #start: AttemptStart | null = null;

  constructor(
    namespace: string,
    name: string,
    total: number,
    wanted: { attempt: number | undefined; atUs: number | undefined },
  ) {
    this.#namespace = namespace;
    this.#name = name;
    this.#total = total;
    this.#wanted = wanted;
  }

  wants(namespace: string, pod: string): boolean {
    return pod === this.#name && namespace === this.#namespace;
  }

  began(start: AttemptStart): void {
    this.#start = start;
    const number = this.attempts.length + 1;
    const { attempt, atUs } = this.#wanted;
    const asked = atUs === undefined ? number === (attempt ?? this.#total) : start.timeUs <= atUs;
    if (!asked) return;
    this.explained = number;
    this.view = start.view();
  }

  ended(end: AttemptEnd): boolean {
    const { timeUs: toUs, ...rest } = end;
    this.attempts.push({ number: this.attempts.length + 1, fromUs: this.#start!.timeUs, toUs, ...rest });
    return this.attempts.length >= this.#total;
  }

  over(view: (namespace: string, pod: string) => SchedulerView | null): void {
    if (this.attempts.length === 0) this.view = view(this.#namespace, this.#name);
  }
}

function parseObject(text: string): { namespace: string | null; name: string } {
  const parts = text.split('/');
  const [kind = '', ...rest] = parts;
  if (
    /^(pods?|po)$/i.test(kind) &&
    rest.length >= 1 &&
    rest.length <= 2 &&
    rest.every((part) => part !== '')
  ) {
    return rest.length === 1 ? { namespace: null, name: rest[0]! } : { namespace: rest[0]!, name: rest[1]! };
  }
  throw new UserError({
    code: 'E4005',
    path: text,
    message: `found ${JSON.stringify(text)}, expected pod/NAME or pod/NAMESPACE/NAME`,
    hint: 'only pods are explained; `kubetick run --trace` follows other objects',
  });
}

function timeOf(text: string): number {
  const us = parseDuration(text);
  if (us !== undefined) return us;
  const message = `found ${JSON.stringify(text)}, expected a duration like 250ms, 5s or 10m`;
  throw new UserError({ code: 'E1003', path: '--at', message });
}

const objectProblem = (request: ExplainRequest, message: string, hint: string): UserError =>
  new UserError({ code: 'E4005', file: request.run, path: request.object, message, hint });

async function unknownPod(request: ExplainRequest, asked: string | null, name: string): Promise<UserError> {
  const names = new Set<string>();
  const elsewhere = new Set<string>();
  for await (const row of tableRows(request.run, 'pods')) {
    names.add(row('pod'));
    if (row('pod') === name) elsewhere.add(`pod/${row('namespace')}/${name}`);
  }
  if (elsewhere.size > 0) {
    return objectProblem(request, `no such pod in namespace ${asked}`, [...elsewhere].sort().join(', '));
  }
  const known = [...names].sort();
  const hint = known.length === 0 ? 'the run had no pods' : didYouMean(name, known);
  return objectProblem(request, 'no such pod in this run', hint);
}

/** Rows of pods.csv of that name: one a pod that ever existed, in the order of the file. */
async function recordedPods(directory: string, asked: string | null, name: string): Promise<Recorded[]> {
  const nodes = await nodeTimes(directory);
  const rows: (Recorded & { created: number })[] = [];
  for await (const row of tableRows(directory, 'pods')) {
    if (row('pod') !== name || (asked !== null && row('namespace') !== asked)) continue;
    rows.push({
      created: microseconds(row('created_s')) ?? 0,
      namespace: row('namespace'),
      phase: row('phase'),
      node: row('node'),
      reason: row('reason'),
      attempts: Number(row('attempts')),
      firstAttempt: microseconds(row('first_attempt_s')),
      scheduled: microseconds(row('scheduled_s')),
      path: criticalPath(podTimes(row, nodes)),
    });
  }
  return rows.sort((a, b) => a.created - b.created);
}

function versionDifferences(manifest: RunManifest, run: string): string[] {
  const now = versions();
  const { kubetick, node } = manifest.versions;
  return [
    ...(kubetick === now.kubetick ? [] : [`recorded by kubetick ${kubetick}, explained by ${now.kubetick}`]),
    ...(node === now.node ? [] : [`recorded on Node ${node}, explained on ${now.node}`]),
    ...(kubetick !== now.kubetick || manifest.run === run
      ? []
      : ['the saved scenario is not the one that was run: its hash differs']),
  ];
}

/** What the repeated run says otherwise than the recorded row. */
function rowDifferences(
  rows: readonly Recorded[],
  attempts: readonly ToldAttempt[],
  total: number,
): string[] {
  const differences: string[] = [];
  if (attempts.length !== total) {
    differences.push(
      `${total} attempts are recorded, ${attempts.length} were made when the run was repeated`,
    );
  }
  const text = (us: number | null | undefined): string => (us == null ? 'never' : `${us / 1e6} s`);
  const first = rows.find(({ attempts: n }) => n > 0)?.firstAttempt ?? null;
  if (total > 0 && attempts[0]?.fromUs !== first) {
    differences.push(`first attempt recorded at ${text(first)}, repeated at ${text(attempts[0]?.fromUs)}`);
  }
  const { scheduled, node } = rows.at(-1)!;
  const last = attempts.findLast(({ result }) => result === 'scheduled');
  if (total > 0 && scheduled !== null && (last?.toUs !== scheduled || last.node !== node)) {
    const repeated = `${last?.node ?? 'no node'} at ${text(last?.toUs)}`;
    differences.push(`recorded on ${node} at ${text(scheduled)}, repeated on ${repeated}`);
  }
  return differences;
}
