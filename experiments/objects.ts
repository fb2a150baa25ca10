// Objects of the input on their way into a run: judged one by one as the API server would, identified, and searched by
// the references that steps use.
import type { KubeObject } from '../engine/kinds/kind.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { kindKeyOf } from './coverage.ts';
import type { Judge, Verdict } from './judge.ts';
import type { UserProblem } from './problems.ts';

/** Stands for the namespace in scenario files. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the text of the files, not a template.
export const NAMESPACE_PLACEHOLDER = '${NS}';

export interface InputObject {
  readonly manifest: ManifestObject;
  readonly object: KubeObject;
  readonly verdict: Verdict;
  /** Namespace it lives in; '' for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}

/** `Deployment/shop/web`, `Node/n1`: how problems and steps name an object. */
export function nameOf(object: { kind: string; namespace: string; name: string }): string {
  return object.namespace === ''
    ? `${object.kind}/${object.name}`
    : `${object.kind}/${object.namespace}/${object.name}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Name to show for any document, also for one that is hardly an object. */
export function titleOf(raw: Readonly<Record<string, unknown>>): string {
  const metadata = isRecord(raw['metadata']) ? raw['metadata'] : {};
  const kind = typeof raw['kind'] === 'string' ? raw['kind'] : '';
  const name = metadata['name'] ?? metadata['generateName'] ?? '';
  return [kind, typeof name === 'string' ? name : ''].filter((part) => part !== '').join('/');
}

/** What is wrong with the document before any kind is looked at, or null. */
export function shapeProblem(manifest: ManifestObject): UserProblem | null {
  const { raw } = manifest;
  const missing = ['apiVersion', 'kind'].filter((key) => typeof raw[key] !== 'string' || raw[key] === '');
  if (missing.length === 0) return null;
  const keys = Object.keys(raw).slice(0, 5).join(', ');
  return {
    code: 'E2001',
    file: manifest.source,
    ...manifest.position([]),
    path: titleOf(raw),
    message: `not a Kubernetes object: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing (found ${keys === '' ? 'nothing' : keys})`,
  };
}

/** Judges one document: the object, or every problem found in it. */
export function judgeManifest(manifest: ManifestObject, judge: Judge): InputObject | UserProblem[] {
  const shape = shapeProblem(manifest);
  if (shape !== null) return [shape];
  const verdict = judge(manifest.raw);
  const object = manifest.raw as unknown as KubeObject;
  if (!verdict.accepted) return verdictProblems(manifest, verdict);
  const metadata = isRecord(object.metadata) ? object.metadata : {};
  const namespace = verdict.namespaced ? ((metadata.namespace as string | undefined) ?? 'default') : '';
  return { manifest, object, verdict, namespace, name: (metadata.name as string | undefined) ?? '' };
}

/** One problem per cause, each with its place; without causes one for the whole message. */
export function verdictProblems(manifest: ManifestObject, verdict: Verdict): UserProblem[] {
  const code = verdict.code === 400 ? 'E2003' : verdict.code === 422 ? 'E2002' : 'E2005';
  const title = titleOf(manifest.raw);
  return verdict.problems.map(({ path, message }) => ({
    code,
    file: manifest.source,
    ...manifest.position(path),
    path: [title, path].filter((part) => part !== '').join(' '),
    message,
  }));
}

/** Same kind (whatever the version), namespace and name twice: the second one is the problem. */
export function duplicateProblems(objects: readonly InputObject[]): UserProblem[] {
  const first = new Map<string, InputObject>();
  const problems: UserProblem[] = [];
  for (const entry of objects) {
    if (entry.name === '') continue;
    const key = `${kindKeyOf(entry.object.apiVersion, entry.object.kind)} ${entry.namespace} ${entry.name}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, entry);
      continue;
    }
    const { line } = before.manifest.position('metadata.name');
    problems.push({
      code: 'E2004',
      file: entry.manifest.source,
      ...entry.manifest.position('metadata.name'),
      path: nameOf({ kind: entry.object.kind, namespace: entry.namespace, name: entry.name }),
      message: `the object is defined twice; first in ${before.manifest.source}:${line}`,
    });
  }
  return problems;
}

/** The later of each pair of equal objects. */
export function withoutDuplicates(objects: readonly InputObject[]): {
  kept: InputObject[];
  dropped: InputObject[];
} {
  const seen = new Set<string>();
  const kept: InputObject[] = [];
  const dropped: InputObject[] = [];
  for (const entry of objects) {
    const key = `${kindKeyOf(entry.object.apiVersion, entry.object.kind)} ${entry.namespace} ${entry.name}`;
    if (entry.name !== '' && seen.has(key)) dropped.push(entry);
    else kept.push(entry);
    seen.add(key);
  }
  return { kept, dropped };
}

/** Splits `KIND/NAME`, `KIND/NAMESPACE/NAME`; undefined when it is neither. */
function parseRef(ref: string): { kind: string; namespace?: string; name: string } | undefined {
  const parts = ref.split('/');
  if (parts.some((part) => part === '')) return undefined;
  if (parts.length === 2) return { kind: parts[0]!, name: parts[1]! };
  if (parts.length === 3) return { kind: parts[0]!, namespace: parts[1]!, name: parts[2]! };
  return undefined;
}

/** Objects that a reference means: kind by any of its names, namespace when given. */
export function findByRef(objects: readonly InputObject[], ref: string): InputObject[] {
  const parsed = parseRef(ref);
  if (parsed === undefined) return [];
  const kind = parsed.kind.toLowerCase();
  return objects.filter(
    (entry) =>
      entry.name === parsed.name &&
      (parsed.namespace === undefined || entry.namespace === parsed.namespace) &&
      entry.verdict.names.includes(kind),
  );
}

/** Whether some problem is that of an object of this name: `Job/a spec.template` for `job/a`. */
export function isRejected(ref: string, problems: readonly UserProblem[]): boolean {
  const name = parseRef(ref)?.name;
  return name !== undefined && problems.some(({ path }) => path?.split(' ')[0]?.endsWith(`/${name}`));
}

/** True when the server has stored the object before: it comes from `kubectl get -o yaml`, not from an author. */
export function isStored(object: KubeObject): boolean {
  const metadata = isRecord(object.metadata) ? object.metadata : {};
  return (
    typeof metadata['uid'] === 'string' && metadata['uid'] !== '' && metadata['resourceVersion'] !== undefined
  );
}
