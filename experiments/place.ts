// What `kubetick place` decides about: cases (a cluster, pending pods and a scheduler configuration in one document) and
// single files of each, down to what `kubectl get -o yaml` prints. Every object is judged as the API server would judge
// it; all problems of all files come together.
import { type KubeObject, type Placement, place, type SchedulerSettings } from '../engine/index.ts';
import { type ManifestObject, readDocuments } from '../workloads/manifests.ts';
import { nameFromPath, type ReadPathsOptions, readPaths } from './files.ts';
import { judgeObject } from './judge.ts';
import { titleOf } from './objects.ts';
import { UserError, type UserProblem } from './problems.ts';
import { BUILT_IN, loadPolicies, type Policies, withFaultsTold } from './registry.ts';
import { checkConfig, configProblem } from './scheduler-config.ts';

export interface PlaceFiles {
  /** Files of cases. */
  readonly cases: readonly string[];
  readonly cluster: readonly string[];
  readonly pending?: string;
  /** A KubeSchedulerConfiguration; goes before that of a case. */
  readonly config?: string;
}

export interface PlaceOptions extends ReadPathsOptions {
  /** What configurations may name; default: what comes with the program. */
  readonly policies?: Policies;
}

/** Policy files for configurations. Throws one UserError with every problem. */
export async function placePolicies(plugins: readonly string[]): Promise<Policies> {
  const problems: UserProblem[] = [];
  const policies = await loadPolicies(
    plugins.map((path) => ({ path })),
    problems,
  );
  if (problems.length > 0) throw new UserError(problems);
  return policies;
}

/** One question to the scheduler, checked. */
export interface PlaceCase {
  readonly name: string;
  readonly family: string;
  readonly settings: SchedulerSettings;
  readonly cluster: readonly KubeObject[];
  readonly pending: readonly KubeObject[];
}

type Raw = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A pod that waits for a node. */
function isPending(object: KubeObject): boolean {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return false;
  const phase = object['status']?.phase;
  return !object['spec']?.nodeName && phase !== 'Succeeded' && phase !== 'Failed';
}

/** The priority that a pod has is kept, whatever its class says; admission would stop there. */
function withoutPriority(raw: Raw): Raw {
  if (raw['kind'] !== 'Pod' || !isRecord(raw['spec'])) return raw;
  const { priority: _priority, preemptionPolicy: _policy, ...spec } = raw['spec'];
  return { ...raw, spec };
}

class Reader {
  readonly problems: UserProblem[] = [];
  readonly #options: PlaceOptions;

  constructor(options: PlaceOptions) {
    this.#options = options;
  }

  documents(paths: readonly string[]): ManifestObject[] {
    const { sources, problems } = readPaths(paths, this.#options);
    this.problems.push(...problems);
    const documents: ManifestObject[] = [];
    for (const { name, text } of sources) {
      const read = readDocuments(name, text);
      for (const { document: _document, item: _item, ...problem } of read.problems)
        this.problems.push(problem);
      if (read.documents.length === 0 && read.problems.length === 0) {
        this.problems.push({ code: 'E1105', file: name, message: 'the file holds no Kubernetes object' });
      }
      // One at a time: a large file has more objects than a call takes arguments.
      for (const document of read.documents) documents.push(document);
    }
    return documents;
  }

  problem(document: ManifestObject, code: string, path: string, message: string): void {
    const { line, column } = document.position(path);
    this.problems.push({ code, file: document.source, line, column, path, message });
  }

  /** The object if the API server would take it; `at`: where it stands in the document, '' if it is the document. */
  object(document: ManifestObject, raw: unknown, at: string): KubeObject | null {
    if (!isRecord(raw) || typeof raw['apiVersion'] !== 'string' || typeof raw['kind'] !== 'string') {
      this.problem(document, 'E2001', at, 'not a Kubernetes object: apiVersion and kind are missing');
      return null;
    }
    const verdict = judgeObject(withoutPriority(raw));
    // What is there already was let in once: its validation and its admission are no matter of a snapshot.
    if (verdict.code !== 400) return raw as unknown as KubeObject;
    for (const { path, message } of verdict.problems) {
      const whole = [at, path].filter((part) => part !== '').join('.');
      const { line, column } = document.position(whole);
      const title = [titleOf(raw), path].filter((part) => part !== '').join(' ');
      this.problems.push({ code: 'E2003', file: document.source, line, column, path: title, message });
    }
    return null;
  }

  /** The items of a List, or of a plain array. */
  list(document: ManifestObject, value: unknown, at: string): KubeObject[] {
    const nested = isRecord(value) && Array.isArray(value['items']);
    const items: unknown = nested ? value['items'] : value;
    if (!Array.isArray(items)) {
      this.problem(document, 'E2006', at, 'expected a v1 List of objects');
      return [];
    }
    const path = nested ? `${at}.items` : at;
    return items.flatMap((item, i) => this.object(document, item, `${path}[${i}]`) ?? []);
  }

  objects(paths: readonly string[]): KubeObject[] {
    return this.documents(paths).flatMap((document) => this.object(document, document.raw, '') ?? []);
  }

  /** Profiles of a configuration; undefined: the default profile. */
  settings(document: ManifestObject | null, raw: unknown, at: string): SchedulerSettings | null {
    const checked = checkConfig(raw as KubeObject | undefined, this.#options.policies ?? BUILT_IN);
    this.problems.push(...checked.faults);
    this.problems.push(...checked.problems.map((problem) => configProblem(problem, document, at)));
    return checked.faults.length > 0 ? null : checked.settings;
  }
}

/** A case out of its document, or null with the problems told. */
function caseOf(
  reader: Reader,
  document: ManifestObject,
  config: SchedulerSettings | null,
): PlaceCase | null {
  const raw: Raw = document.raw;
  for (const key of ['cluster', 'pending']) {
    if (raw[key] === undefined) {
      reader.problem(document, 'E2006', '', `no scheduling case: ${key} is missing`);
      return null;
    }
  }
  const before = reader.problems.length;
  const cluster = reader.list(document, raw['cluster'], 'cluster');
  const pending = reader.list(document, raw['pending'], 'pending');
  const settings =
    config ?? reader.settings(document, raw['scheduler'] as KubeObject | undefined, 'scheduler');
  if (settings === null || reader.problems.length > before) return null;
  const name = typeof raw['name'] === 'string' ? raw['name'] : `${document.source}#${document.document}`;
  const family = typeof raw['family'] === 'string' ? raw['family'] : '';
  return { name, family, settings, cluster, pending };
}

/** All cases that the files hold, in order. Throws one UserError with every problem. */
export function readPlaceCases(files: PlaceFiles, options: PlaceOptions = {}): PlaceCase[] {
  const reader = new Reader(options);
  let config: SchedulerSettings | null = null;
  if (files.config !== undefined) {
    const document = reader.documents([files.config])[0];
    if (document !== undefined) config = reader.settings(document, document.raw, '');
  }
  const cases = reader.documents(files.cases).flatMap((document) => caseOf(reader, document, config) ?? []);
  if (files.cluster.length > 0) {
    const objects = reader.objects(files.cluster);
    const own = files.pending === undefined;
    const settings = config ?? reader.settings(null, undefined, '');
    if (settings !== null) {
      cases.push({
        name: nameFromPath(files.cluster[0]!, '.'),
        family: '',
        settings,
        cluster: objects.filter((object) => !isPending(object)),
        pending: own
          ? objects.filter(isPending)
          : reader.objects([files.pending!]).filter((object) => object.kind === 'Pod'),
      });
    }
  } else if (files.pending !== undefined) {
    reader.problems.push({
      code: 'E1005',
      path: '--pending',
      message: 'needs a cluster to place the pods on',
      hint: 'give it with --cluster FILE',
    });
  }
  if (files.cases.length === 0 && files.cluster.length === 0 && reader.problems.length === 0) {
    reader.problems.push({
      code: 'E1004',
      message: 'nothing to place: neither a CASE nor --cluster is given',
      hint: 'kubectl get nodes,pods -A -o yaml | kubetick place --cluster -',
    });
  }
  if (reader.problems.length > 0) throw new UserError(reader.problems);
  return cases;
}

/** What the scheduler decides; with hints for so many of the pods that fit nowhere. */
export const decide = (each: PlaceCase, hints = 0): Placement =>
  withFaultsTold(() => place({ ...each, hints }));
