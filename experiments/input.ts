// PATHs to objects: reads every file, splits documents, sorts out Experiments and scenario files, judges the rest.
// Problems are gathered, nothing is thrown.
import { type ManifestObject, readDocuments } from '../workloads/manifests.ts';
import { type ReadPathsOptions, readPaths } from './files.ts';
import type { Judge } from './judge.ts';
import { type InputObject, judgeManifest, NAMESPACE_PLACEHOLDER, titleOf } from './objects.ts';
import type { UserProblem } from './problems.ts';

export interface Input {
  readonly experiments: ManifestObject[];
  /** Scenario files: their header, and the objects that their steps create. */
  readonly scenarios: {
    readonly header: ManifestObject;
    readonly objects: InputObject[];
    /** The documents once more, as they live in another namespace. */
    readonly objectsIn: (namespace: string) => InputObject[];
  }[];
  readonly objects: InputObject[];
  /** What makes the input invalid. `--skip-invalid` turns those that concern one document into losses. */
  readonly problems: InputProblem[];
  /** Names of all files read, in order. */
  readonly files: string[];
}

export interface InputProblem {
  readonly problem: UserProblem;
  /** The document concerned can be left out: it is a broken text, no object, or a refused one. */
  readonly skippable: boolean;
  /** Title of the object for the loss report. */
  readonly kind: string;
}

function replaceNamespace(value: unknown, namespace: string): unknown {
  if (typeof value === 'string')
    return value.includes(NAMESPACE_PLACEHOLDER) ? value.replaceAll(NAMESPACE_PLACEHOLDER, namespace) : value;
  if (Array.isArray(value)) return value.map((element) => replaceNamespace(element, namespace));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, replaceNamespace(v, namespace)]));
  }
  return value;
}

export const isScenarioHeader = (m: ManifestObject): boolean =>
  m.document === 0 && m.item === 0 && typeof m.raw['scenario'] === 'string' && m.raw['kind'] === undefined;

/** True when a create step of the header names the object and expects an answer of 400 or more. */
function refusalExpected(header: ManifestObject, title: string): boolean {
  const steps = header.raw['steps'];
  return (
    Array.isArray(steps) &&
    steps.some(
      (step: { ref?: unknown; expect?: unknown } | null) =>
        Number(step?.expect) >= 400 && [step?.ref].flat().includes(title),
    )
  );
}

/** Puts an object without namespace into the scenario's; cluster-scoped kinds ignore it. */
function intoNamespace(raw: Readonly<Record<string, unknown>>, namespace: string): Record<string, unknown> {
  const metadata = (raw['metadata'] ?? {}) as Record<string, unknown>;
  return { ...raw, metadata: { ...metadata, namespace: metadata['namespace'] ?? namespace } };
}

/** Judges a scenario's document: first as it is, to learn whether its kind lives in a namespace. */
export function judgeInNamespace(
  m: ManifestObject,
  namespace: string,
  judge: Judge,
): InputObject | UserProblem[] {
  const plain = { ...m, raw: replaceNamespace(m.raw, namespace) as Record<string, unknown> };
  const first = judgeManifest(plain, judge);
  if (Array.isArray(first) || !first.verdict.namespaced) return first;
  return judgeManifest({ ...plain, raw: intoNamespace(plain.raw, namespace) }, judge);
}

/** An object that the server is meant to refuse: it is sent as it is. */
function refusedObject(m: ManifestObject, namespace: string, judge: Judge): InputObject {
  const plain = replaceNamespace(m.raw, namespace) as Record<string, unknown>;
  const verdict = judge(plain);
  const raw = verdict.namespaced ? intoNamespace(plain, namespace) : plain;
  const object = raw as unknown as InputObject['object'];
  return {
    manifest: { ...m, raw },
    object,
    verdict,
    namespace: verdict.namespaced ? namespace : '',
    name: object.metadata?.name ?? '',
  };
}

/** The documents of a scenario that was accepted, in a namespace other than its own. */
function objectsIn(
  header: ManifestObject,
  documents: readonly ManifestObject[],
  namespace: string,
  judge: Judge,
): InputObject[] {
  return documents.slice(1).flatMap((document) => {
    const judged = judgeInNamespace(document, namespace, judge);
    if (!Array.isArray(judged)) return [judged];
    const expected = refusalExpected(header, titleOf(document.raw));
    return expected ? [refusedObject(document, namespace, judge)] : [];
  });
}

export function readInput(paths: readonly string[], judge: Judge, options: ReadPathsOptions = {}): Input {
  const { sources, problems: pathProblems } = readPaths(paths, options);
  const input: Input = { experiments: [], scenarios: [], objects: [], problems: [], files: [] };
  const add = (problem: UserProblem, skippable: boolean, kind = ''): void => {
    input.problems.push({ problem, skippable, kind });
  };
  // A path that does not exist is a slip of the user; a damaged file can be left out like a damaged document.
  for (const problem of pathProblems) add(problem, problem.code !== 'E1101' && problem.code !== 'E1105');
  for (const source of sources) {
    input.files.push(source.name);
    const { documents, problems } = readDocuments(source.name, source.text);
    for (const { document: _document, item: _item, ...problem } of problems) add(problem, true);
    if (documents.length === 0 && problems.length === 0 && !source.searched) {
      add({ code: 'E1105', file: source.name, message: 'the file holds no Kubernetes object' }, false);
    }
    const header = documents[0];
    const scenario =
      header !== undefined && isScenarioHeader(header)
        ? {
            header,
            objects: [] as InputObject[],
            objectsIn: (namespace: string) => objectsIn(header, documents, namespace, judge),
          }
        : null;
    if (scenario !== null) input.scenarios.push(scenario);
    for (const document of scenario === null ? documents : documents.slice(1)) {
      const apiVersion = document.raw['apiVersion'];
      if (typeof apiVersion === 'string' && apiVersion.startsWith('kubetick.io/')) {
        input.experiments.push(document);
        continue;
      }
      const judged =
        scenario === null
          ? judgeManifest(document, judge)
          : judgeInNamespace(document, String(scenario.header.raw['scenario']), judge);
      if (Array.isArray(judged)) {
        const title = titleOf(document.raw);
        // A scenario may create what is meant to be refused; the step says so.
        if (scenario !== null && refusalExpected(scenario.header, title)) {
          scenario.objects.push(refusedObject(document, String(scenario.header.raw['scenario']), judge));
          continue;
        }
        for (const problem of judged) add(problem, true, title);
      } else (scenario?.objects ?? input.objects).push(judged);
    }
  }
  return input;
}
