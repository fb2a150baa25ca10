// What a pod asks of its spread over domains: its own constraints, or the default ones of the profile with a selector
// made of the Services and the controller that select the pod (plugins/podtopologyspread/common.go and
// plugins/helper/spread.go, v1.36). Compiled once per pod template, or per template and owner for default ones.
import type {
  ClusterView,
  Json,
  KubeObject,
  PodSelection,
  PodTemplate,
  PodView,
  Requirement,
  TopologyGroup,
} from '../../../engine/index.ts';
import { compileNodeSelector, type NodeSelector, selectorOfMap } from './node-selector.ts';
import {
  type PodSelector,
  podSelector,
  requirementsOf,
  requirementsOfMap,
  selectorOf,
} from './pod-selector.ts';
import { tolerationClasses } from './tolerations.ts';

export interface DefaultConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
  readonly minDomains?: number;
  readonly nodeAffinityPolicy?: string;
  readonly nodeTaintsPolicy?: string;
}

export interface Constraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly minDomains: number;
  readonly selector: PodSelector;
  readonly selection: PodSelection;
  readonly group: TopologyGroup;
  /** Whether taints decide which nodes count. */
  readonly readsTaints: boolean;
}

/** Constraints of one kind. */
export interface Constraints {
  readonly list: readonly Constraint[];
  /** A node without one of the keys does not count, and scores nothing. */
  readonly requireAll: boolean;
}

export interface PodSpread {
  /** Equal texts ask the same of nodes. */
  readonly text: string;
  readonly hard: Constraints;
  readonly soft: Constraints;
}

const NO_CONSTRAINTS: Constraints = { list: [], requireAll: true };
const NONE: PodSpread = { text: '', hard: NO_CONSTRAINTS, soft: NO_CONSTRAINTS };

/** Controllers whose selectors count, by kind: API version, and the selector as requirements. */
const OWNERS: Readonly<Record<string, { readonly apiVersion: string; readonly isMap: boolean }>> = {
  ReplicationController: { apiVersion: 'v1', isMap: true },
  ReplicaSet: { apiVersion: 'apps/v1', isMap: false },
  StatefulSet: { apiVersion: 'apps/v1', isMap: false },
};

interface DefaultEntry {
  readonly servicesVersion: number;
  readonly ownerSelector: string;
  /** Equal texts are the same selector. */
  readonly deduced: string;
  readonly spread: PodSpread;
}

type LabelMap = Readonly<Record<string, string>>;

interface SelectorsOfNamespace {
  readonly version: number;
  /** Selectors of Services, by their first key and its value. */
  readonly selectors: ReadonlyMap<string, LabelMap[]>;
}

const pairOf = (key: string, value: string): string => `${key}=${value}`;

/** Services by what they select: a pod is asked for by the Services of its own labels, not by all of its namespace. */
class ServiceIndex {
  readonly #cluster: ClusterView;
  readonly #byNamespace = new Map<string, SelectorsOfNamespace>();

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  /** All selectors that select these labels, as one. */
  selecting(namespace: string, labels: LabelMap): Record<string, string> {
    const { selectors } = this.#of(namespace);
    const map: Record<string, string> = {};
    if (selectors.size === 0) return map;
    for (const own of Object.keys(labels)) {
      for (const selector of selectors.get(pairOf(own, labels[own]!)) ?? []) {
        if (Object.keys(selector).every((key) => labels[key] === selector[key])) Object.assign(map, selector);
      }
    }
    return map;
  }

  #of(namespace: string): SelectorsOfNamespace {
    const { objects } = this.#cluster;
    const version = objects.version('Service', namespace);
    let known = this.#byNamespace.get(namespace);
    if (known?.version !== version) {
      const selectors = new Map<string, LabelMap[]>();
      for (const service of objects.list('Service', namespace)) {
        const selector: LabelMap = service['spec']?.selector ?? {};
        const first = Object.keys(selector)[0];
        // The empty selector selects every pod, and asks for nothing.
        if (first === undefined) continue;
        const pair = pairOf(first, selector[first]!);
        const list = selectors.get(pair);
        if (list === undefined) selectors.set(pair, [selector]);
        else list.push(selector);
      }
      known = { version, selectors };
      this.#byNamespace.set(namespace, known);
    }
    return known;
  }
}

export class SpreadConstraints {
  readonly #cluster: ClusterView;
  readonly #defaults: readonly DefaultConstraint[];
  readonly #systemDefaulted: boolean;
  readonly #classOf = tolerationClasses();
  /** By namespace, then template. */
  readonly #own = new Map<string, (PodSpread | undefined)[]>();
  /** By owner, or namespace of pods without one, then template. */
  readonly #byOwner = new Map<string | number, (DefaultEntry | undefined)[]>();
  /** Answer to the latest question about default constraints, and what it was about. */
  #latest: PodSpread = NONE;
  #latestTemplate = -1;
  #latestOwner = -1;
  #latestChanges = -1;
  #latestNamespace = '';
  /** By selector: versions of an object share it. */
  readonly #selectorTexts = new WeakMap<object, string>();
  readonly #services: ServiceIndex;

  constructor(cluster: ClusterView, defaults: readonly DefaultConstraint[], systemDefaulted: boolean) {
    this.#cluster = cluster;
    this.#services = new ServiceIndex(cluster);
    this.#defaults = defaults;
    this.#systemDefaulted = systemDefaulted;
  }

  of(pod: PodView): PodSpread {
    const { namespace, template, owner } = pod;
    const own: readonly Json[] | undefined = template.spec.topologySpreadConstraints;
    if (own === undefined || own.length === 0) {
      if (this.#defaults.length === 0) return NONE;
      // Most questions are about the pod of the attempt.
      const { changes } = this.#cluster.objects;
      if (
        this.#latestTemplate === template.id &&
        this.#latestOwner === owner &&
        this.#latestChanges === changes &&
        this.#latestNamespace === namespace
      )
        return this.#latest;
      this.#latest = this.#defaultFor(pod);
      this.#latestTemplate = template.id;
      this.#latestOwner = owner;
      this.#latestChanges = changes;
      this.#latestNamespace = namespace;
      return this.#latest;
    }
    const known = listIn(this.#own, namespace);
    let spread = known[template.id];
    if (spread === undefined) {
      spread = this.#compileOwn(own, template, namespace);
      known[template.id] = spread;
    }
    return spread;
  }

  #compileOwn(own: readonly Json[], template: PodTemplate, namespace: string): PodSpread {
    const { labelSets } = this.#cluster;
    return this.#compile(own, template, namespace, true, (c) => selectorOf(c, template.labels, labelSets));
  }

  #defaultFor(pod: PodView): PodSpread {
    const { objects } = this.#cluster;
    const { namespace, template, owner } = pod;
    const known = listIn(this.#byOwner, owner < 0 ? namespace : owner);
    const servicesVersion = objects.version('Service', namespace);
    const controller = this.#controller(pod);
    const ownerSelector = controller === null ? '' : this.#selectorText(controller);
    const entry = known[template.id];
    if (
      entry !== undefined &&
      entry.servicesVersion === servicesVersion &&
      entry.ownerSelector === ownerSelector
    )
      return entry.spread;
    const requirements = this.#deducedSelector(pod, controller);
    const deduced = JSON.stringify(requirements);
    let spread = entry?.deduced === deduced ? entry.spread : NONE;
    if (requirements.length > 0 && spread === NONE) {
      const selector = podSelector(requirements, this.#cluster.labelSets);
      spread = this.#compile(this.#defaults, template, namespace, !this.#systemDefaulted, () => selector);
    }
    known[template.id] = { servicesVersion, ownerSelector, deduced, spread };
    return spread;
  }

  #controller(pod: PodView): KubeObject | null {
    const owner = this.#cluster.controllerOf(pod.id);
    if (owner === null || OWNERS[owner.kind]?.apiVersion !== owner.apiVersion) return null;
    return this.#cluster.objects.get(owner.kind, pod.namespace, owner.metadata.name!);
  }

  #selectorText(controller: KubeObject): string {
    const selector: object | null = controller['spec']?.selector ?? null;
    if (selector === null) return 'null';
    let text = this.#selectorTexts.get(selector);
    if (text === undefined) {
      text = JSON.stringify(selector);
      this.#selectorTexts.set(selector, text);
    }
    return text;
  }

  /** All selectors that select the pod, as one: they cannot contradict each other. */
  #deducedSelector({ namespace, labels }: PodView, controller: KubeObject | null): Requirement[] {
    const map = this.#services.selecting(namespace, labels);
    const selector = controller?.['spec']?.selector;
    if (controller === null || selector === undefined) return requirementsOfMap(map);
    if (OWNERS[controller.kind]!.isMap) return requirementsOfMap({ ...map, ...selector });
    return [...requirementsOfMap(map), ...(requirementsOf(selector) ?? [])];
  }

  #compile(
    sources: readonly Json[],
    template: PodTemplate,
    namespace: string,
    requireAll: boolean,
    selectorFor: (source: Json) => PodSelector,
  ): PodSpread {
    const wanted = requiredNodes(template);
    const listed = (action: string): Constraints => {
      const own = sources.filter((each) => each.whenUnsatisfiable === action);
      const isAll = action === 'DoNotSchedule' || requireAll;
      const keys = isAll ? [...new Set<string>(own.map((each) => each.topologyKey))].sort() : [];
      const list = own.map((each) =>
        this.#constraint(each, selectorFor(each), template, namespace, wanted, keys),
      );
      return { list, requireAll: isAll };
    };
    const hard = listed('DoNotSchedule');
    const soft = listed('ScheduleAnyway');
    return { text: textOf(hard, soft, template.labelSet), hard, soft };
  }

  #constraint(
    source: Json,
    selector: PodSelector,
    template: PodTemplate,
    namespace: string,
    wanted: RequiredNodes,
    keys: readonly string[],
  ): Constraint {
    const cluster = this.#cluster;
    const { topologyKey } = source;
    const honorsAffinity = (source.nodeAffinityPolicy ?? 'Honor') === 'Honor' && wanted.selectors.length > 0;
    const readsTaints = source.nodeTaintsPolicy === 'Honor';
    const tolerations = this.#classOf(template);
    const others = keys.filter((key) => key !== topologyKey);
    const includes = (node: number): boolean => {
      if (others.some((key) => cluster.label(node, key) === undefined)) return false;
      if (honorsAffinity && !wanted.selectors.every((each) => each.matches(cluster, node))) return false;
      if (!readsTaints) return true;
      const set = cluster.columns.taintSet[node]!;
      return set === 0 || !tolerations.blocked(set, cluster.taints(set));
    };
    const isPlain = others.length === 0 && !honorsAffinity && !readsTaints;
    return {
      maxSkew: source.maxSkew,
      topologyKey,
      minDomains: source.minDomains ?? 1,
      selector,
      readsTaints,
      selection: {
        key: `live\n${namespace}\n${selector.text}`,
        namespace,
        label: selector.label,
        selects: (pods) =>
          !pods.terminating && pods.namespace === namespace && selector.matchesSet(pods.template.labelSet),
      },
      group: {
        key: isPlain
          ? topologyKey
          : JSON.stringify([
              topologyKey,
              others,
              honorsAffinity ? wanted.text : '',
              readsTaints ? tolerations.text : '',
            ]),
        topologyKey,
        includes: isPlain ? null : includes,
      },
    };
  }
}

function textOf(hard: Constraints, soft: Constraints, labelSet: number): string {
  const texts = ({ list }: Constraints) =>
    list.map(({ maxSkew, topologyKey, minDomains, selector, selection, group }) => [
      maxSkew,
      topologyKey,
      minDomains,
      selector.matchesSet(labelSet),
      selection.key,
      group.key,
    ]);
  return JSON.stringify([texts(hard), texts(soft), soft.requireAll]);
}

interface RequiredNodes {
  readonly selectors: readonly NodeSelector[];
  readonly text: string;
}

/** nodeSelector and required node affinity of the pod; what a profile adds does not count here. */
function requiredNodes({ spec }: PodTemplate): RequiredNodes {
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const selectors: NodeSelector[] = [];
  const plain = selectorOfMap(spec.nodeSelector ?? {});
  if (plain !== null) selectors.push(plain);
  if (terms !== undefined) selectors.push(compileNodeSelector(terms));
  return { selectors, text: JSON.stringify([spec.nodeSelector ?? {}, terms ?? null]) };
}

function listIn<K, T>(map: Map<K, T[]>, key: K): T[] {
  let list = map.get(key);
  if (list === undefined) {
    list = [];
    map.set(key, list);
  }
  return list;
}
