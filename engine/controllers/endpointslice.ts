// The EndpointSlice controller: keeps, for each Service with a selector, slices of at most 100 endpoints that tell
// which of its pods are ready, serving or terminating (pkg/controller/endpointslice, k8s.io/endpointslice, v1.36).
//
// Upstream recomputes all endpoints of a Service at every sync. Here a sync looks at the pods that changed since the
// last one; it recomputes all when the Service changed, a write failed, or somebody else touched a slice. The property
// test slices.test.ts compares both.
//
// Left out: hints of topology-mode Auto, IPv6.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObject,
  type SeenObjects,
  type Steps,
} from '../contracts/controller.ts';
import type { Json, KubeObject, ObjectMeta } from '../kinds/kind.ts';
import { derivedPodUid, type Labels, PodBit, Verb } from '../state/index.ts';
import { ChangedPods } from './changed-pods.ts';
import { asksForHints, hintsFor } from './endpoint-hints.ts';
import {
  HEADLESS_LABEL,
  hasEndpoints,
  hostnameOf,
  inheritedLabels,
  isHeadless,
  portsKey,
  type ResolvedPort,
  readSlicePorts,
  resolvePorts,
  writeSlicePort,
} from './endpoint-parts.ts';
import { controllerReference, controllerUid } from './owner.ts';
import { isReady } from './pod-view.ts';
import { isNamespaceTerminating } from './request-failed.ts';
import { Concern, isEndpoint, ServicePods } from './service-pods.ts';
import { placeChanges, type Slice } from './slice-placement.ts';
import { TriggerTimes, withTrigger } from './trigger-times.ts';

const SECOND = 1_000_000;
/** --max-endpoints-per-slice. */
const ENDPOINTS_MAX = 100;
/** endpointSliceChangeMinSyncDelay: how soon a change by somebody else is answered. */
const FOREIGN_CHANGE_DELAY_US = SECOND;
const RETRIES_MAX = 15;
const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';

/** What the controller knows of one Service's slices. */
class ServiceSlices {
  readonly service: SeenObject;
  /** Everything is to be computed anew. */
  stale = true;
  readonly changed = new ChangedPods();
  /** Pods whose node was seen to go. */
  readonly lost = new Set<number>();
  slices: Slice[] = [];
  readonly bySerial = new Map<number, Slice>();
  /** Versions written and not seen yet, by slice; null: a deletion. */
  readonly awaited = new Map<number, KubeObject | null>();
  writing = false;
  /** Ports by template id, and the lists by their text. */
  readonly portsByTemplate = new Map<number, string>();
  readonly ports = new Map<string, readonly ResolvedPort[]>();
  /** `ports` as stored. */
  readonly writtenPorts = new Map<string, readonly Json[]>();
  /** Version of the Service that ports and labels were computed from. */
  seen: KubeObject | null = null;
  /** What all slices have in common, and the version of the Service that it was made for. */
  common: { readonly labels: Labels; readonly ownerReferences: readonly Json[] } | null = null;
  commonOf: KubeObject | null = null;
  readonly trigger: TriggerTimes;

  constructor(service: SeenObject, trigger: TriggerTimes) {
    this.service = service;
    this.trigger = trigger;
  }
}

interface Plan {
  readonly create: Slice[];
  readonly update: Slice[];
  readonly remove: Slice[];
}

class EndpointSliceController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #members: ServicePods;
  readonly #services: SeenObjects;
  readonly #slices: SeenObjects;
  readonly #known = new Map<string, ServiceSlices>();
  /** Nodes that were seen to go. */
  readonly #lost = new Set<number>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#members = ServicePods.of(ctx);
    this.#services = ctx.objects('Service');
    this.#slices = ctx.objects('EndpointSlice');
    ctx.onObjects('Service', (service, verb) => {
      if (verb === Verb.deleted) this.#known.delete(service.key);
      else this.#of(service);
      ctx.queue.add(service.key);
    });
    const batchUs = ctx.run.costs.controllers.endpointsBatchUs;
    this.#members.onMember((service, pod, concern, left) => {
      if (concern === Concern.none && ctx.queue.retries(service.key) === 0) return;
      const { table } = ctx.pods;
      this.#of(service).changed.set(table.serial[pod]!, ctx.pods.has(pod) && !left ? pod : -1);
      if (concern !== Concern.noted) ctx.queue.addAfter(service.key, batchUs);
    });
    ctx.onObjects('EndpointSlice', (slice, verb) => this.#sliceSeen(slice, verb));
    ctx.onNodes((node, verb) => {
      if (verb !== Verb.deleted) return;
      this.#lost.add(node);
      for (const pod of ctx.pods.onNode(node))
        for (const service of this.#members.servicesOf(pod)) this.#of(service).lost.add(pod);
    });
  }

  #of(service: SeenObject): ServiceSlices {
    let known = this.#known.get(service.key);
    if (known === undefined || known.service !== service) {
      const { kernel, costs } = this.#ctx.run;
      known = new ServiceSlices(service, new TriggerTimes(kernel.now, costs.apiserver.watchUs));
      this.#known.set(service.key, known);
    }
    return known;
  }

  #sliceSeen(slice: SeenObject, verb: Verb): void {
    const { labels } = slice.object.metadata;
    if (labels?.[MANAGED_BY] !== MANAGER) return;
    const known = this.#known.get(`${slice.namespace}/${labels[SERVICE_NAME] ?? ''}`);
    if (known === undefined || controllerUid(slice.object) !== known.service.object.metadata.uid) return;
    const awaited = known.awaited.get(slice.id);
    if (awaited !== undefined && awaited === (verb === Verb.deleted ? null : slice.object)) {
      known.awaited.delete(slice.id);
      return;
    }
    // While it writes, the watch may be faster than the answer.
    if (known.writing) return;
    known.stale = true;
    this.#ctx.queue.addAfter(known.service.key, FOREIGN_CHANGE_DELAY_US);
  }

  *reconcile(key: string, calls: Calls): Steps {
    const service = this.#services.get(key);
    if (service === undefined || !hasEndpoints(service.object)) return DONE;
    const known = this.#of(service);
    // Acting on slices that lack the last write would undo it (endpointSliceTracker.StaleSlices).
    if (known.awaited.size > 0) return this.#retry(key);
    known.writing = true;
    this.#lookForNodes(known);
    const plan = this.#plan(known);
    const errors = this.#withoutNode(known);
    const failure = yield* this.#write(known, plan, calls);
    known.writing = false;
    if (failure !== null) {
      known.stale = true;
      errors.push(failure);
    }
    if (errors.length === 0) return DONE;
    const { client } = this.#ctx;
    const { namespace, name } = service;
    const all = errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`;
    const text = `Error updating Endpoint Slices for Service ${key}: ${all}`;
    client.event('Warning', 'FailedToUpdateEndpointSlices', 'Service', namespace, name, text);
    return this.#retry(key);
  }

  /** Pods of nodes that are gone are looked at in every sync until they are gone themselves. */
  #lookForNodes({ service, lost, changed }: ServiceSlices): void {
    const { pods } = this.#ctx;
    for (const pod of lost) {
      if (pods.has(pod) && this.#lost.has(pods.node(pod)) && this.#members.has(service, pod))
        changed.set(pods.table.serial[pod]!, pod);
      else lost.delete(pod);
    }
  }

  /** Those that would be endpoints are left out, and the sync has failed, to be tried again (reconcileByAddressType). */
  #withoutNode({ service, lost }: ServiceSlices): string[] {
    const { pods, run } = this.#ctx;
    const { state } = run;
    const left = [...lost].filter((pod) => this.#isLost(service.object, pod));
    return left.map((pod) => {
      const node = state.nodeName(pods.node(pod));
      return `skipping Pod ${state.podName(pod)} for Service ${service.key}: Node ${node} Not Found`;
    });
  }

  /** The pod would have an endpoint, were its node not gone. A node that came back under its name will do. */
  #isLost(service: KubeObject, pod: number): boolean {
    const { pods, run } = this.#ctx;
    const { nodes } = run.state;
    const node = pods.node(pod);
    if (!this.#lost.has(node) || nodes.find(nodes.name[node]!) >= 0) return false;
    if (service['spec'].publishNotReadyAddresses === true) return false;
    return isEndpoint(pods.word(pod), pods.table.ip[pod]!, true);
  }

  #retry(key: string): typeof DONE | typeof RETRY {
    return this.#ctx.queue.retries(key) < RETRIES_MAX ? RETRY : DONE;
  }

  /** What is to be written. */
  #plan(known: ServiceSlices): Plan {
    const service = known.service.object;
    const before = known.seen;
    if (
      before === null ||
      before['spec'] !== service['spec'] ||
      before.metadata.labels !== service.metadata.labels ||
      asksForHints(before.metadata.annotations) !== asksForHints(service.metadata.annotations)
    ) {
      known.seen = service;
      known.stale = true;
      known.portsByTemplate.clear();
    }
    const relabelled = known.stale ? this.#recall(known) : [];
    const changed = this.#takeChanges(known);
    const plan = placeChanges(known.slices, (serial) => known.bySerial.get(serial), changed, ENDPOINTS_MAX);
    const { create, update, placed } = plan;
    let { remove } = plan;
    for (const endpoints of changed.values()) {
      for (const [serial, endpoint] of endpoints) if (endpoint === null) known.bySerial.delete(serial);
    }
    for (const { slice, from } of placed)
      for (let at = from; at < slice.serials.length; at++) known.bySerial.set(slice.serials[at]!, slice);
    for (const slice of relabelled)
      if (!update.includes(slice) && !remove.includes(slice)) update.push(slice);
    // A slice that has no endpoints although nothing was taken out of it now: an empty one that is no longer wanted.
    for (const slice of known.slices) {
      if (slice.endpoints.length === 0 && !remove.includes(slice) && create.length > 0) remove.push(slice);
    }
    remove = this.#keepPlaceholder(known, create, remove);
    // Instead of creating one slice and deleting another, the other is rewritten.
    while (create.length > 0 && remove.length > 0) {
      const reused = remove.shift()!;
      const made = create.pop()!;
      made.id = reused.id;
      known.slices = known.slices.map((other) => (other === reused ? made : other));
      update.push(made);
    }
    return { create, update, remove };
  }

  /** Leaves one empty slice where otherwise none would be. */
  #keepPlaceholder(known: ServiceSlices, create: Slice[], remove: Slice[]): Slice[] {
    if (known.slices.length !== remove.length || create.length > 0) return remove;
    const only = remove.length === 1 ? remove[0]! : null;
    if (only !== null && isPlaceholder(this.#slices.byId(only.id)?.object)) return [];
    create.push({ id: -1, portsKey: '', serials: [], endpoints: [] });
    return remove;
  }

  /** Reads the slices back from the view. Those whose labels are no longer right are told. */
  #recall(known: ServiceSlices): Slice[] {
    const { service } = known;
    const serials = new Map<string, number>();
    const { table } = this.#ctx.pods;
    // Pods that changed while they were selected may not be any more.
    known.changed.clear();
    this.#members.each(service, (pod) => {
      const serial = table.serial[pod]!;
      serials.set(derivedPodUid(serial), serial);
      known.changed.set(serial, pod);
    });
    known.slices = [];
    known.bySerial.clear();
    const relabelled: Slice[] = [];
    const wanted = JSON.stringify(sortedLabels(commonOf(known).labels));
    // Endpoints of pods that are not selected any more need a number too; it only has to be nobody else's.
    let unknown = -1;
    for (const seen of this.#slices.controlledBy(service.object.metadata.uid!)) {
      const { metadata } = seen.object;
      if (metadata.labels?.[MANAGED_BY] !== MANAGER || metadata.deletionTimestamp !== undefined) continue;
      const endpoints: Json[] = seen.object['endpoints'] ?? [];
      const slice: Slice = {
        id: seen.id,
        portsKey: portsKey(readSlicePorts(seen.object['ports'])),
        endpoints,
        serials: endpoints.map((endpoint) => serials.get(endpoint.targetRef?.uid) ?? unknown--),
      };
      known.slices.push(slice);
      for (const serial of slice.serials) {
        known.bySerial.set(serial, slice);
        if (!known.changed.has(serial)) known.changed.set(serial, -1);
      }
      if (JSON.stringify(sortedLabels(metadata.labels ?? {})) !== wanted) relabelled.push(slice);
    }
    return relabelled;
  }

  /** The endpoints wanted for the pods that changed, by ports; null where a slice of those ports has one too many. */
  #takeChanges(known: ServiceSlices): Map<string, Map<number, Json | null>> {
    const result = new Map<string, Map<number, Json | null>>();
    const put = (ports: string, serial: number, endpoint: Json | null): void => {
      const list = result.get(ports);
      if (list !== undefined) list.set(serial, endpoint);
      else result.set(ports, new Map<number, Json | null>().set(serial, endpoint));
    };
    const { changed } = known;
    for (let i = 0; i < changed.size; i++) {
      const serial = changed.serial(i);
      const pod = changed.pod(i);
      const slice = known.bySerial.get(serial);
      if (pod >= 0 && this.#ctx.pods.has(pod)) known.trigger.pod(this.#ctx.pods, pod);
      if (pod >= 0 && this.#lost.has(this.#ctx.pods.node(pod))) known.lost.add(pod);
      const ports = pod < 0 ? null : this.#portsFor(known, pod);
      const endpoint = ports === null ? null : this.#endpoint(known.service.object, pod);
      if (endpoint !== null) put(ports!, serial, endpoint);
      if (slice !== undefined && (endpoint === null || slice.portsKey !== ports))
        put(slice.portsKey, serial, null);
    }
    changed.clear();
    known.stale = false;
    known.trigger.take(this.#ctx.run.kernel.now);
    return result;
  }

  #portsFor(known: ServiceSlices, pod: number): string {
    const { table } = this.#ctx.pods;
    const template = table.template[pod]!;
    let key = known.portsByTemplate.get(template);
    if (key === undefined) {
      const ports = resolvePorts(known.service.object, this.#ctx.run.state.templates.get(template));
      key = portsKey(ports);
      known.portsByTemplate.set(template, key);
      known.ports.set(key, ports);
    }
    return key;
  }

  /** podToEndpoint; null if the pod has none. */
  #endpoint(service: KubeObject, pod: number): Json | null {
    const { pods, run } = this.#ctx;
    const { state } = run;
    if (!pods.has(pod)) return null;
    const word = pods.word(pod);
    const ip = pods.table.ip[pod]!;
    if (!isEndpoint(word, ip, true) || this.#isLost(service, pod)) return null;
    const terminating = (word & PodBit.deleting) !== 0;
    const serving = isReady(word);
    const node = pods.node(pod);
    const ready = service['spec'].publishNotReadyAddresses === true || (serving && !terminating);
    const { addresses, reference } = this.#members.facts.of(pod);
    const conditions = CONDITIONS[(ready ? 1 : 0) | (serving ? 2 : 0) | (terminating ? 4 : 0)];
    const hostname = hostnameOf(service, state.templates.get(pods.table.template[pod]!));
    const zone = node < 0 ? '' : state.nodes.zone(node);
    if (hostname === undefined && zone !== '' && service['spec'].trafficDistribution === undefined)
      // The usual ones all have one form: their fields need no second place in memory.
      return { addresses, conditions, targetRef: reference, nodeName: state.nodeName(node), zone };
    const endpoint: Json = { addresses, conditions, targetRef: reference };
    if (hostname !== undefined) endpoint.hostname = hostname;
    if (node >= 0) endpoint.nodeName = state.nodeName(node);
    if (zone !== '') endpoint.zone = zone;
    const hints = ready ? hintsFor(service, endpoint) : undefined;
    if (hints !== undefined) endpoint.hints = hints;
    return endpoint;
  }

  /** The text of the first error, which leaves all further writes to the next try, or null (finalize). */
  *#write(known: ServiceSlices, plan: Plan, calls: Calls): Steps<string | null> {
    const { create, update, remove } = plan;
    const service = known.service.object;
    const { key } = known.service;
    // Indices, not iterators: those of a generator live on the heap.
    const created = service.metadata.deletionTimestamp === undefined ? create.length : 0;
    for (let i = 0; i < created; i++) {
      const slice = create[i]!;
      const reply = yield calls.create(sliceObject(known, slice, newMetadata(known)));
      // Nothing can be created in a namespace that goes away; this is the end of it.
      if (isNamespaceTerminating(reply.code, reply.message)) return null;
      if (reply.code >= 400) return `failed to create EndpointSlice for Service ${key}: ${reply.message}`;
      slice.id = reply.id;
      known.slices.push(slice);
      this.#written(known, slice, reply.object!);
    }
    for (let i = 0; i < update.length; i++) {
      const slice = update[i]!;
      const seen = this.#slices.byId(slice.id);
      if (seen === undefined) return `failed to update EndpointSlice for Service ${key}: it is gone`;
      const metadata = triggered(known, { ...seen.object.metadata, labels: commonOf(known).labels });
      const reply = yield calls.update(slice.id, sliceObject(known, slice, metadata), seen.revision);
      if (reply.code >= 400)
        return `failed to update ${seen.name} EndpointSlice for Service ${key}: ${reply.message}`;
      this.#written(known, slice, reply.object!);
    }
    for (let i = 0; i < remove.length; i++) {
      const slice = remove[i]!;
      const name = this.#slices.byId(slice.id)?.name;
      const reply = yield calls.delete(slice.id);
      if (reply.code >= 400)
        return `failed to delete ${name} EndpointSlice for Service ${key}: ${reply.message}`;
      known.slices = known.slices.filter((other) => other !== slice);
      if (this.#slices.byId(slice.id) !== undefined) known.awaited.set(slice.id, null);
    }
    return null;
  }

  #written(known: ServiceSlices, slice: Slice, object: KubeObject): void {
    if (this.#slices.byId(slice.id)?.object !== object) known.awaited.set(slice.id, object);
    const { tracer } = this.#ctx.run.recorder;
    if (!tracer.enabled) return;
    const { namespace, name } = known.service;
    const sliceName = object.metadata.name!;
    tracer.link('EndpointSlice', namespace, sliceName, 'Service', namespace, name);
    const ready = slice.endpoints.filter((endpoint) => endpoint.conditions.ready).map((e) => e.addresses[0]);
    const text = `endpoints ${slice.portsKey}: ${ready.length} of ${slice.endpoints.length} ready ${ready.join(' ')}`;
    tracer.hop(this.#ctx.client.name, 'EndpointSlice', namespace, sliceName, text);
  }
}

/** One object as long as the Service is the same version. */
function commonOf(known: ServiceSlices): { labels: Labels; ownerReferences: readonly Json[] } {
  const service = known.service.object;
  if (known.common === null || known.commonOf !== service) {
    const labels: Record<string, string> = {
      ...inheritedLabels(service),
      [SERVICE_NAME]: service.metadata.name!,
      [MANAGED_BY]: MANAGER,
    };
    if (isHeadless(service)) labels[HEADLESS_LABEL] = '';
    known.common = { labels: Object.freeze(labels), ownerReferences: [controllerReference(service)] };
    known.commonOf = service;
  }
  return known.common;
}

function newMetadata(known: ServiceSlices): ObjectMeta {
  const { name, namespace } = known.service;
  const { labels, ownerReferences } = commonOf(known);
  return triggered(known, {
    generateName: `${name}-`,
    namespace,
    labels,
    ownerReferences: [...ownerReferences],
  });
}

/** Says in new metadata what set the change off (addTriggerTimeAnnotation). */
function triggered({ trigger }: ServiceSlices, metadata: ObjectMeta): ObjectMeta {
  if (trigger.text !== '' || metadata.annotations !== undefined)
    metadata.annotations = withTrigger(metadata.annotations, trigger.text);
  return metadata;
}

function sliceObject(known: ServiceSlices, slice: Slice, metadata: ObjectMeta): KubeObject {
  const isEmpty = slice.endpoints.length === 0;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    endpoints: isEmpty ? null : slice.endpoints,
    ports: isEmpty ? null : portsOf(known, slice.portsKey),
  };
}

function portsOf(known: ServiceSlices, key: string): readonly Json[] | null {
  const ports = known.ports.get(key);
  if (ports === undefined || ports.length === 0) return null;
  let written = known.writtenPorts.get(key);
  if (written === undefined) {
    written = ports.map(writeSlicePort);
    known.writtenPorts.set(key, written);
  }
  return written;
}

/** Conditions of endpoints, by bits: 1 ready, 2 serving, 4 terminating. */
const CONDITIONS: readonly Json[] = Array.from({ length: 8 }, (_, bits) =>
  Object.freeze({ ready: (bits & 1) !== 0, serving: (bits & 2) !== 0, terminating: (bits & 4) !== 0 }),
);

const isPlaceholder = (slice: KubeObject | undefined): boolean =>
  slice !== undefined && (slice['ports'] ?? []).length === 0 && (slice['endpoints'] ?? []).length === 0;

const sortedLabels = (labels: Readonly<Record<string, string>>): [string, string][] =>
  Object.keys(labels)
    .sort()
    .map((key) => [key, labels[key]!]);

export const endpointSliceController: ControllerDefinition = {
  name: 'endpointslice',
  clientName: 'endpointslice-controller',
  about: 'tells by EndpointSlices which pods of a Service can be reached',
  backoff: { baseUs: SECOND, maxUs: 1000 * SECOND },
  create: (context) => new EndpointSliceController(context),
};
