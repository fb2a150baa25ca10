// Who may import whom: the table of docs/architecture.md as rules of dependency-cruiser. imports.test.ts runs them over
// the whole tree, and over a tree with planted violations to prove that they bite.
// Type-only imports count: a contract that names another room's type depends on it.
import type { ICruiseOptions, IForbiddenRuleType, IResolveOptions } from 'dependency-cruiser';

const ENGINE_ROOMS =
  'apiserver|scheduler|controllers|node|network|storage|cloud|metrics|drivers|timeline|invariants';
const TOP = 'engine|policies|workloads|experiments|reports|cli|ui|bench|tests|tools';

/** A rule: files matching `from` may not import our own files except those matching `allowed`. */
const only = (
  name: string,
  comment: string,
  from: string,
  allowed: string,
  fromExcept = '^$',
): IForbiddenRuleType => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: fromExcept },
  to: { path: `^(?:${TOP})/`, pathNot: allowed },
});

export const forbidden: IForbiddenRuleType[] = [
  only('kernel-alone', 'engine/kernel imports nothing of ours', '^engine/kernel/', '^engine/kernel/'),
  only(
    'kinds-alone',
    'engine/kinds: kernel and itself; what decodes and validates knows no table',
    '^engine/kinds/',
    '^engine/(?:kinds|kernel)/',
    '^engine/kinds/ingest/',
  ),
  only(
    'ingest-fills-state',
    'engine/kinds/ingest turns objects into rows: kinds, kernel, state',
    '^engine/kinds/ingest/',
    '^engine/(?:kinds|kernel|state)/',
  ),
  only(
    'state-below',
    'engine/state: kernel and types of kinds',
    '^engine/state/',
    '^engine/(?:state|kernel|kinds)/',
  ),
  {
    name: 'state-types-of-kinds',
    comment: 'engine/state knows the shape of objects, not how they are decoded: types of kinds only',
    severity: 'error',
    from: { path: '^engine/state/' },
    to: { path: '^engine/kinds/', dependencyTypesNot: ['type-only'] },
  },
  only(
    'contracts-below',
    'engine/contracts: kernel, state, kinds and the recorder of metrics',
    '^engine/contracts/',
    '^engine/(?:contracts|kernel|state|kinds|metrics)/',
  ),
  {
    name: 'contracts-types-only',
    comment: 'engine/contracts describes other rooms, it does not use them: types only',
    severity: 'error',
    from: { path: '^engine/contracts/' },
    to: { path: '^engine/(?:state|kinds|metrics)/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'rooms-meet-elsewhere',
    comment: 'a room of the engine imports kernel, kinds, state, contracts and metrics, never another room',
    severity: 'error',
    from: { path: `^engine/(${ENGINE_ROOMS})/` },
    to: { path: `^(?:${TOP})/`, pathNot: '^engine/(?:$1|kernel|kinds|state|contracts|metrics)/' },
  },
  {
    name: 'engine-knows-no-outside',
    comment: 'engine never imports policies, workloads, reports, experiments or cli',
    severity: 'error',
    from: { path: '^engine/' },
    to: { path: `^(?:${TOP})/`, pathNot: '^engine/' },
  },
  {
    name: 'one-door',
    comment: 'policies and workloads import the engine through engine/index.ts only',
    severity: 'error',
    from: { path: '^(policies|workloads)/' },
    to: { path: `^(?:${TOP})/`, pathNot: '^(?:engine/index\\.ts$|$1/)' },
  },
  only(
    'reports-read-results',
    'reports import types of the result contract and read run directories',
    '^reports/',
    '^(?:reports/|engine/contracts/|engine/index\\.ts$|engine/metrics/)',
  ),
  only(
    'experiments-through-the-door',
    'experiments import the engine through engine/index.ts, and by file what loading and validation need',
    '^experiments/',
    '^(?:experiments/|policies/|workloads/|reports/|engine/(?:index|simulation|apiserver/registry|metrics/expect)\\.ts$|engine/(?:contracts|kinds)/|cli/errors\\.ts$)',
  ),
  only(
    'nobody-imports-tests',
    'the product does not depend on tests, benchmarks or tools',
    '^(?:engine|policies|workloads|experiments|reports|cli)/',
    '^(?:engine|policies|workloads|experiments|reports|cli)/',
  ),
  {
    name: 'no-modules-of-node',
    comment: 'engine, policies, workloads and statistics run in a browser: no module of Node',
    severity: 'error',
    from: { path: '^(?:engine|policies|workloads)/|^reports/stats/' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'no-cycles',
    comment: 'files that import each other in a circle cannot be understood one at a time',
    severity: 'error',
    from: { path: `^(?:${TOP})/` },
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'resolvable',
    comment: 'an import that leads nowhere',
    severity: 'error',
    from: { path: `^(?:${TOP})/` },
    to: { couldNotResolve: true },
  },
];

export const options: ICruiseOptions = {
  parser: 'swc',
  tsPreCompilationDeps: true,
  doNotFollow: { path: 'node_modules' },
  exclude: { path: '^dist/' },
};

export const resolveOptions: Partial<IResolveOptions> = {
  exportsFields: ['exports'],
  conditionNames: ['import', 'require', 'node', 'default', 'types'],
  extensions: ['.ts', '.mjs', '.js', '.json'],
};
