// `extenders:` of a KubeSchedulerConfiguration: read, checked as the real scheduler checks it, and matched with the
// policy files that serve it (kube-scheduler/config/v1/types.go Extender, apis/config/validation validateExtenders,
// pkg/scheduler/scheduler.go buildExtenders, v1.36).
import {
  type ConfiguredExtender,
  EXTENDER_VERBS,
  type ExtenderDefinition,
  type ExtenderVerb,
} from '../contracts/extender.ts';
import type { Json } from '../kinds/kind.ts';
import { labelKeyMessages } from '../kinds/names.ts';

type Path = readonly (string | number)[];

/** What reading a configuration needs of its reader. */
export interface ConfigReport {
  problem(path: Path, message: string, hint?: string): void;
  /** Reports fields that are not known; false: it is no mapping. */
  fields(object: Json, path: Path, known: readonly string[]): boolean;
  list(raw: Json, path: Path): readonly Json[];
}

export interface ReadExtenders {
  /** Ignorable ones last, as the scheduler asks them. */
  readonly extenders: readonly ConfiguredExtender[];
  /** Resources that NodeResourcesFit leaves to extenders. */
  readonly ignoredResources: readonly string[];
}

const FIELDS = [
  'urlPrefix',
  'filterVerb',
  'preemptVerb',
  'prioritizeVerb',
  'weight',
  'bindVerb',
  'enableHTTPS',
  'tlsConfig',
  'httpTimeout',
  'nodeCacheCapable',
  'managedResources',
  'ignorable',
];
/** How the connection is made: nothing is connected here. */
const TLS_FIELDS = [
  'insecure',
  'serverName',
  'certFile',
  'keyFile',
  'caFile',
  'certData',
  'keyData',
  'caData',
];

/** pkg/scheduler/extender.go DefaultExtenderTimeout. */
const TIMEOUT_DEFAULT_US = 5_000_000;
/** Weight × 10 points × 10 has to fit beside the other totals of a node. */
const WEIGHT_MAX = 1_000_000;

const US: Readonly<Record<string, number>> = {
  ns: 0.001,
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g;

/** A Go duration in µs; undefined: it is none. */
function goDurationUs(value: unknown): number | undefined {
  if (value === '0') return 0;
  if (typeof value !== 'string' || !DURATION.test(value)) return undefined;
  let us = 0;
  for (const [, amount, unit] of value.matchAll(DURATION_PART)) us += Number(amount) * US[unit!]!;
  return Math.round(us);
}

/** apis/core/v1/helper IsExtendedResourceName of a name that is qualified. */
const isExtended = (name: string): boolean =>
  name.includes('/') &&
  !name.includes('kubernetes.io/') &&
  !name.startsWith('requests.') &&
  labelKeyMessages(`requests.${name}`).length === 0;

export function readExtenders(
  raw: Json,
  served: readonly ExtenderDefinition[],
  report: ConfigReport,
): ReadExtenders {
  const extenders: ConfiguredExtender[] = [];
  const managed = new Set<string>();
  const ignoredResources: string[] = [];
  const entries = report.list(raw, ['extenders']);
  entries.forEach((entry, i) => {
    const path = ['extenders', i];
    if (!report.fields(entry, path, FIELDS)) return;
    const reader = new EntryReader(entry, path, report);
    const verbs = reader.verbs();
    const names = reader.managedResources(managed, ignoredResources);
    reader.transport();
    const urlPrefix = reader.text('urlPrefix');
    if (urlPrefix === '' && entry.urlPrefix === undefined) {
      report.problem([...path, 'urlPrefix'], 'found nothing, expected the URL at which the extender listens');
    }
    extenders.push({
      urlPrefix,
      verbs,
      weight: reader.weight(verbs.prioritize !== ''),
      timeoutUs: reader.timeoutUs(),
      managedResources: names,
      ignorable: reader.flag('ignorable'),
      definition: urlPrefix === '' ? null : definitionFor(urlPrefix, verbs, served, path, report),
    });
  });
  const binders = extenders.filter(({ verbs }) => verbs.bind !== '').length;
  if (binders > 1) {
    report.problem(
      ['extenders'],
      `found ${binders} extenders implementing bind: only one extender can implement bind`,
    );
  }
  return {
    extenders: [
      ...extenders.filter(({ ignorable }) => !ignorable),
      ...extenders.filter(({ ignorable }) => ignorable),
    ],
    ignoredResources,
  };
}

class EntryReader {
  readonly #entry: Json;
  readonly #path: Path;
  readonly #report: ConfigReport;

  constructor(entry: Json, path: Path, report: ConfigReport) {
    this.#entry = entry;
    this.#path = path;
    this.#report = report;
  }

  text(field: string): string {
    const value = this.#entry[field];
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value;
    this.#wrong(field, 'a text');
    return '';
  }

  flag(field: string): boolean {
    const value = this.#entry[field];
    if (value === undefined || value === null) return false;
    if (typeof value !== 'boolean') this.#wrong(field, 'true or false');
    return value === true;
  }

  verbs(): Record<ExtenderVerb, string> {
    return {
      filter: this.text('filterVerb'),
      prioritize: this.text('prioritizeVerb'),
      preempt: this.text('preemptVerb'),
      bind: this.text('bindVerb'),
    };
  }

  weight(isPrioritizer: boolean): number {
    const value = this.#entry['weight'] ?? 0;
    if (!Number.isInteger(value) || value > WEIGHT_MAX) {
      this.#wrong('weight', `an integer up to ${WEIGHT_MAX}`);
      return 0;
    }
    if (isPrioritizer && value <= 0) {
      this.#report.problem(
        [...this.#path, 'weight'],
        `found ${value}, with a prioritizeVerb: must have a positive weight applied to it`,
      );
    }
    return value;
  }

  timeoutUs(): number {
    const value = this.#entry['httpTimeout'];
    if (value === undefined || value === null) return TIMEOUT_DEFAULT_US;
    const us = goDurationUs(value);
    if (us === undefined) this.#wrong('httpTimeout', 'a duration like "100ms" or "5s"');
    return us || TIMEOUT_DEFAULT_US;
  }

  /** Has to be right, and means nothing here. */
  transport(): void {
    this.flag('enableHTTPS');
    this.flag('nodeCacheCapable');
    const tls = this.#entry['tlsConfig'];
    if (tls !== undefined && tls !== null) {
      this.#report.fields(tls, [...this.#path, 'tlsConfig'], TLS_FIELDS);
    }
  }

  managedResources(seen: Set<string>, ignored: string[]): string[] {
    const names: string[] = [];
    const at = [...this.#path, 'managedResources'];
    this.#report.list(this.#entry['managedResources'], at).forEach((resource, j) => {
      const path = [...at, j];
      if (!this.#report.fields(resource, path, ['name', 'ignoredByScheduler'])) return;
      const { name, ignoredByScheduler } = resource;
      const problem = (message: string): void =>
        this.#report.problem([...path, 'name'], `found ${JSON.stringify(name) ?? 'nothing'}: ${message}`);
      if (typeof name !== 'string') {
        problem('expected the name of an extended resource');
        return;
      }
      const unqualified = labelKeyMessages(name);
      for (const message of unqualified) problem(message);
      if (unqualified.length === 0 && !isExtended(name)) problem('is an invalid extended resource name');
      if (seen.has(name)) problem('duplicate extender managed resource name');
      seen.add(name);
      names.push(name);
      if (ignoredByScheduler === true) ignored.push(name);
      else if (ignoredByScheduler !== undefined && ignoredByScheduler !== false)
        this.#report.problem(
          [...path, 'ignoredByScheduler'],
          `found ${JSON.stringify(ignoredByScheduler)}, expected true or false`,
        );
    });
    return names;
  }

  #wrong(field: string, expected: string): void {
    const found = JSON.stringify(this.#entry[field]);
    this.#report.problem([...this.#path, field], `found ${found}, expected ${expected}`);
  }
}

const trimmed = (url: string): string => url.replace(/\/+$/, '');

/** `http://licences.kube-system:8888/v1` → `licences.kube-system` */
const hostOf = (url: string): string => /^[a-z]+:\/\/([^/:]+)/i.exec(url)?.[1] ?? '';

/** Who serves it; what it does not serve is told. null: nobody has to, or nobody does. */
function definitionFor(
  urlPrefix: string,
  verbs: Readonly<Record<ExtenderVerb, string>>,
  served: readonly ExtenderDefinition[],
  path: Path,
  report: ConfigReport,
): ExtenderDefinition | null {
  const asked = EXTENDER_VERBS.filter((verb) => verbs[verb] !== '');
  if (asked.length === 0) return null;
  const definition =
    served.find(({ name }) => trimmed(name) === trimmed(urlPrefix)) ??
    served.find(({ name }) => name === hostOf(urlPrefix));
  if (definition === undefined) {
    const others = served.map(({ name }) => JSON.stringify(name)).join(', ');
    report.problem(
      [...path, 'urlPrefix'],
      `found ${JSON.stringify(urlPrefix)}, which no policy file serves${others === '' ? '' : `: served are ${others}`}`,
      `programs outside are not called: export default extender(${JSON.stringify(urlPrefix)}, { ${asked.join(', ')} }) in a file of plugins, or of --plugin`,
    );
    return null;
  }
  for (const verb of asked) {
    if (definition.serves[verb] !== undefined) continue;
    report.problem(
      [...path, `${verb}Verb`],
      `found ${JSON.stringify(verbs[verb])}, but extender(${JSON.stringify(definition.name)}, …) serves ${EXTENDER_VERBS.filter((each) => definition.serves[each] !== undefined).join(', ')} only`,
      `give it a method ${verb}, or take the verb out of the configuration`,
    );
  }
  return definition;
}
