// What `kubetick validate` says about every document of the paths: accepted or rejected, with its problems; warnings
// for what is accepted and not acted on. Nothing here depends on other objects: each is judged alone, as the API
// server judges a request.

import { schedulerRegistry } from '../policies/index.ts';
import { type ManifestObject, type ManifestProblem, readDocuments } from '../workloads/manifests.ts';
import { fieldsOfPlugins, isCovered, kindKeyOf, noteOf, uncoveredFields } from './coverage.ts';
import { expandSweep } from './expand.ts';
import { readExperiment, readScenarioHeader } from './experiment-file.ts';
import { type ReadPathsOptions, readPaths } from './files.ts';
import { isScenarioHeader, judgeInNamespace } from './input.ts';
import { type Judge, judgeObject, type Verdict } from './judge.ts';
import { judgeManifest, titleOf } from './objects.ts';
import type { UserProblem } from './problems.ts';

export interface LineProblem {
  readonly code: string;
  readonly file: string;
  readonly path: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly hint?: string;
}

export interface ValidationLine {
  readonly file: string;
  readonly document: number;
  readonly item: number;
  readonly apiVersion?: string;
  /** Absent for a text that cannot be parsed. */
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** `Deployment/web`, for people. */
  readonly title: string;
  readonly accepted: boolean;
  readonly problems: readonly LineProblem[];
}

export interface Validation {
  readonly lines: ValidationLine[];
  /** Problems of paths: files that are missing or cannot be read. */
  readonly problems: UserProblem[];
}

export function validatePaths(
  paths: readonly string[],
  options: ReadPathsOptions & { judge?: Judge } = {},
): Validation {
  const judge = options.judge ?? judgeObject;
  const { sources, problems } = readPaths(paths, options);
  const lines: ValidationLine[] = [];
  for (const source of sources) {
    const read = readDocuments(source.name, source.text);
    const header = read.documents[0];
    const scenario = header !== undefined && isScenarioHeader(header) ? String(header.raw['scenario']) : null;
    const found = read.documents.map((document) => validateDocument(document, judge, scenario));
    found.push(...read.problems.map(brokenLine));
    found.sort((a, b) => a.document - b.document || a.item - b.item);
    if (found.length === 0 && !source.searched) {
      problems.push({ code: 'E1105', file: source.name, message: 'the file holds no Kubernetes object' });
    }
    // One at a time: a large file has more objects than a call takes arguments.
    for (const line of found) lines.push(line);
  }
  return { lines, problems };
}

/** A text that could not be parsed: one line without kind. */
function brokenLine({ code, file, document, item, line, column, message }: ManifestProblem): ValidationLine {
  return {
    file,
    document,
    item,
    title: '',
    accepted: false,
    problems: [{ code, file, path: '', message, line, column }],
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function validateDocument(manifest: ManifestObject, judge: Judge, scenario: string | null): ValidationLine {
  const { raw } = manifest;
  const metadata = (
    typeof raw['metadata'] === 'object' && raw['metadata'] !== null ? raw['metadata'] : {}
  ) as Record<string, unknown>;
  const head = {
    file: manifest.source,
    document: manifest.document,
    item: manifest.item,
    apiVersion: text(raw['apiVersion']),
    kind: text(raw['kind']),
    namespace: text(metadata['namespace']),
    name: text(metadata['name']) || text(metadata['generateName']),
    title: titleOf(raw),
  };
  if (scenario !== null && isScenarioHeader(manifest)) {
    const checked = readScenarioHeader(manifest);
    return {
      ...head,
      kind: 'Scenario',
      name: scenario,
      title: `Scenario/${scenario}`,
      ...rejection(manifest, 'problems' in checked ? checked.problems : []),
    };
  }
  if (head.apiVersion.startsWith('kubetick.io/')) {
    const read = readExperiment(manifest, []);
    const checked = 'problems' in read ? read : expandSweep(read.value, manifest);
    return { ...head, ...rejection(manifest, 'problems' in checked ? checked.problems : []) };
  }
  const judged =
    scenario === null ? judgeManifest(manifest, judge) : judgeInNamespace(manifest, scenario, judge);
  if (Array.isArray(judged)) return { ...head, ...rejection(manifest, judged) };
  return { ...head, accepted: true, problems: warningsOf(manifest, judged.verdict) };
}

function rejection(
  manifest: ManifestObject,
  problems: readonly UserProblem[],
): { accepted: boolean; problems: LineProblem[] } {
  const title = titleOf(manifest.raw);
  return {
    accepted: problems.length === 0,
    problems: problems.map(({ code, line, column, path, message, hint }) => ({
      code,
      file: manifest.source,
      // The line has kind and name of its own: only the field remains.
      path:
        path === undefined || path === title
          ? ''
          : path.startsWith(`${title} `)
            ? path.slice(title.length + 1)
            : path,
      message,
      line: line ?? 1,
      column: column ?? 1,
      ...(hint === undefined ? {} : { hint }),
    })),
  };
}

const UNMODELLED_PLUGINS: ReadonlySet<string> = new Set(schedulerRegistry.unmodelled.map(({ name }) => name));

/** What is accepted and not acted on, and what the server would warn about. */
function warningsOf(
  manifest: ManifestObject,
  { served, modelled, warnings: serverWarnings }: Verdict,
): LineProblem[] {
  const { raw } = manifest;
  const place = (path: string) => ({
    code: 'W0000',
    file: manifest.source,
    path,
    ...manifest.position(path),
  });
  const warnings = serverWarnings.map((message) => ({
    ...place(/^([a-z][\w.[\]]*):/.exec(message)?.[1] ?? ''),
    message,
  }));
  const key = kindKeyOf(text(raw['apiVersion']), text(raw['kind']));
  if (!isCovered(key, modelled)) {
    const message = served
      ? 'kind not modelled: stored, nothing acts on it'
      : 'kind not served by the API server: stored, nothing acts on it';
    return [...warnings, { ...place('kind'), path: '', message }];
  }
  for (const field of uncoveredFields(key, raw)) {
    const path = firstPath(raw, field);
    warnings.push({ ...place(path), message: `field not modelled: ${noteOf(field)}` });
  }
  for (const [field, plugin] of fieldsOfPlugins(key, raw, UNMODELLED_PLUGINS)) {
    const path = firstPath(raw, field);
    warnings.push({
      ...place(path),
      message: `field not modelled: scheduler plug-in ${plugin} does not act`,
    });
  }
  return warnings;
}

/** A path with indices for one without: the first element that has the field. */
function firstPath(raw: unknown, field: string): string {
  const find = (at: unknown, steps: readonly string[], path: string): string | undefined => {
    if (Array.isArray(at)) {
      for (const [i, element] of at.entries()) {
        const found = find(element, steps, `${path}[${i}]`);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    const [step, ...rest] = steps;
    if (step === undefined) return path;
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    return find((at as Record<string, unknown>)[step], rest, path === '' ? step : `${path}.${step}`);
  };
  return find(raw, field.split('.'), '') ?? field;
}
