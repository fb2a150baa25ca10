// The Endpoints controller: one Endpoints object per Service with a selector, of at most 1000 addresses
// (pkg/controller/endpoint/endpoints_controller.go, v1.36). The older of the two kinds; EndpointSlices tell the same.
//
// As in endpointslice.ts, a sync looks at the pods that changed. Left out: IPv6.
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
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type Labels, Verb } from '../state/index.ts';
import { AddressList } from './address-list.ts';
import { ChangedPods } from './changed-pods.ts';
import { textOrder } from './endpoint-facts.ts';
import {
  HEADLESS_LABEL,
  hasEndpoints,
  hostnameOf,
  inheritedLabels,
  isHeadless,
  portsKey,
  type ResolvedPort,
  resolvePorts,
} from './endpoint-parts.ts';
import { isReady } from './pod-view.ts';
import { isNamespaceTerminating } from './request-failed.ts';
import { Concern, isEndpoint, ServicePods } from './service-pods.ts';
import { TriggerTimes, withTrigger } from './trigger-times.ts';

/** maxCapacity: more addresses are cut off and the object annotated. */
const ADDRESSES_MAX = 1000;
const RETRIES_MAX = 15;
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';

class ServiceAddresses {
  readonly service: SeenObject;
  readonly addresses = new AddressList();
  stale = true;
  readonly changed = new ChangedPods();
  readonly ports = new Map<number, { key: string; ports: readonly ResolvedPort[] }>();
  seen: KubeObject | null = null;
  /** Labels of the Endpoints, and the version of the Service that they were made for. */
  labels: Labels = {};
  labelled: KubeObject | null = null;
  /** A version of the Endpoints that a write met a conflict with: newer ones exist (staleEndpointsTracker). */
  staleRevision = 0;

  readonly trigger: TriggerTimes;

  constructor(service: SeenObject, trigger: TriggerTimes) {
    this.service = service;
    this.trigger = trigger;
  }
}

class EndpointsController implements Controller {
  readonly #ctx: ControllerContext;
  readonly #members: ServicePods;
  readonly #services: SeenObjects;
  readonly #endpoints: SeenObjects;
  readonly #known = new Map<string, ServiceAddresses>();

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    this.#members = ServicePods.of(ctx);
    this.#services = ctx.objects('Service');
    this.#endpoints = ctx.objects('Endpoints');
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
    // Somebody deleted it: the Service needs a new one.
    ctx.onObjects('Endpoints', (seen, verb) => {
      if (verb === Verb.deleted) ctx.queue.add(seen.key);
    });
  }

  #of(service: SeenObject): ServiceAddresses {
    let known = this.#known.get(service.key);
    if (known === undefined || known.service !== service) {
      const { kernel, costs } = this.#ctx.run;
      known = new ServiceAddresses(service, new TriggerTimes(kernel.now, costs.apiserver.watchUs));
      this.#known.set(service.key, known);
    }
    return known;
  }

  *reconcile(key: string, calls: Calls): Steps {
    const service = this.#services.get(key);
    if (service === undefined) return yield* this.#removeOrphan(key, calls);
    if (!hasEndpoints(service.object)) return DONE;
    const known = this.#of(service);
    const current = this.#endpoints.get(key);
    if (current !== undefined && current.revision === known.staleRevision) return this.#retry(key);
    this.#takeChanges(known);
    const wanted = this.#wanted(known, current?.object);
    if (current !== undefined && isSame(current.object, wanted)) return DONE;
    const currentRevision = current?.revision ?? 0;
    const reply =
      current === undefined
        ? yield calls.create(wanted)
        : yield calls.update(current.id, wanted, currentRevision);
    if (reply.code < 400) {
      this.#trace(service, wanted);
      return DONE;
    }
    if (reply.code === 409) known.staleRevision = currentRevision;
    const isForbidden = current === undefined && reply.code === 403;
    if (isForbidden && isNamespaceTerminating(reply.code, reply.message)) return DONE;
    const [reason, what] =
      current === undefined
        ? ['FailedToCreateEndpoint', 'create endpoint for service']
        : ['FailedToUpdateEndpoint', 'update endpoint'];
    const { namespace, name } = service;
    const text = `Failed to ${what} ${key}: ${reply.message}`;
    this.#ctx.client.event('Warning', reason!, 'Endpoints', namespace, name, text);
    return this.#retry(key);
  }

  #retry(key: string): typeof DONE | typeof RETRY {
    return this.#ctx.queue.retries(key) < RETRIES_MAX ? RETRY : DONE;
  }

  /** The Service is gone: so are its Endpoints. */
  *#removeOrphan(key: string, calls: Calls): Steps {
    const left = this.#endpoints.get(key);
    if (left === undefined || left.object.metadata.labels?.[MANAGED_BY] === undefined) return DONE;
    const reply = yield calls.delete(left.id);
    return reply.code >= 400 && reply.code !== 404 ? this.#retry(key) : DONE;
  }

  #takeChanges(known: ServiceAddresses): void {
    const service = known.service.object;
    if (known.seen === null || known.seen['spec'] !== service['spec']) {
      known.seen = service;
      known.stale = true;
      known.ports.clear();
    }
    if (known.stale) {
      known.addresses.clear();
      known.changed.clear();
      const { table } = this.#ctx.pods;
      this.#members.each(known.service, (pod) => known.changed.set(table.serial[pod]!, pod));
    }
    const { changed } = known;
    for (let i = 0; i < changed.size; i++) {
      const pod = changed.pod(i);
      if (pod >= 0 && this.#ctx.pods.has(pod)) known.trigger.pod(this.#ctx.pods, pod);
      this.#place(known, changed.serial(i), pod);
    }
    changed.clear();
    known.stale = false;
    known.trigger.take(this.#ctx.run.kernel.now);
  }

  #place(known: ServiceAddresses, serial: number, pod: number): void {
    const { pods } = this.#ctx;
    const service = known.service.object;
    const publishAll = service['spec'].publishNotReadyAddresses === true;
    const word = pod < 0 || !pods.has(pod) ? 0 : pods.word(pod);
    const ip = pod < 0 ? 0 : pods.table.ip[pod]!;
    if (pod < 0 || !pods.has(pod) || !isEndpoint(word, ip, publishAll)) {
      known.addresses.remove(serial);
      return;
    }
    const { key, ports } = this.#portsOf(known, pod);
    if (ports.length === 0 && !(isHeadless(service) && (service['spec'].ports ?? []).length === 0)) {
      known.addresses.remove(serial);
      return;
    }
    const ready = publishAll || isReady(word);
    const before = known.addresses.get(serial);
    if (before?.ready === ready && before.portsKey === key) return;
    const json = before?.json ?? this.#address(service, pod);
    known.addresses.set({ serial, order: textOrder(ip), json, ready, portsKey: key }, ports);
  }

  #portsOf(known: ServiceAddresses, pod: number): { key: string; ports: readonly ResolvedPort[] } {
    const template = this.#ctx.pods.table.template[pod]!;
    let found = known.ports.get(template);
    if (found === undefined) {
      const ports = resolvePorts(known.service.object, this.#ctx.run.state.templates.get(template));
      found = { key: portsKey(ports), ports };
      known.ports.set(template, found);
    }
    return found;
  }

  #address(service: KubeObject, pod: number): Json {
    const { pods, run } = this.#ctx;
    const { state } = run;
    const { addresses, reference } = this.#members.facts.of(pod);
    const ip = addresses[0]!;
    const hostname = hostnameOf(service, state.templates.get(pods.table.template[pod]!));
    const node = pods.node(pod);
    // The usual ones all have one form: their fields need no second place in memory.
    if (hostname === undefined && node >= 0)
      return { ip, nodeName: state.nodeName(node), targetRef: reference };
    const address: Json = { ip };
    if (hostname !== undefined) address.hostname = hostname;
    if (node >= 0) address.nodeName = state.nodeName(node);
    address.targetRef = reference;
    return address;
  }

  #wanted(known: ServiceAddresses, current: KubeObject | undefined): KubeObject {
    const { name, namespace } = known.service;
    const { subsets, truncated } = known.addresses.subsets(ADDRESSES_MAX);
    const metadata = { ...(current?.metadata ?? { name, namespace }), labels: labelsOf(known) };
    const before = current?.metadata.annotations;
    const { text } = known.trigger;
    if (truncated || before !== undefined || text !== '') {
      const others = truncated ? { ...before, [OVER_CAPACITY]: 'truncated' } : before;
      const annotations = withTrigger(others, text, truncated ? '' : OVER_CAPACITY);
      if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
      else delete metadata.annotations;
    }
    const wanted: KubeObject = { apiVersion: 'v1', kind: 'Endpoints', metadata };
    if (subsets.length > 0) wanted['subsets'] = subsets;
    return wanted;
  }

  #trace(service: SeenObject, endpoints: KubeObject): void {
    const { tracer } = this.#ctx.run.recorder;
    if (!tracer.enabled) return;
    const { namespace, name } = service;
    tracer.link('Endpoints', namespace, name, 'Service', namespace, name);
    const texts = (endpoints['subsets'] ?? []).map((subset: Json) => {
      const ports = (subset.ports ?? []).map((port: Json) => port.port).join(',');
      const ready = (subset.addresses ?? []).map((address: Json) => `${address.ip}:${ports}`);
      return `${ready.join(' ') || 'none'} ready, ${(subset.notReadyAddresses ?? []).length} not ready`;
    });
    const text = `endpoints ${texts.join('; ') || 'none'}`;
    tracer.hop(this.#ctx.client.name, 'Endpoints', namespace, name, text);
  }
}

/** One object as long as the Service is the same version. */
function labelsOf(known: ServiceAddresses): Labels {
  const { object: service } = known.service;
  if (known.labelled !== service) {
    const labels: Record<string, string> = {
      ...inheritedLabels(service),
      [MANAGED_BY]: 'endpoint-controller',
    };
    if (isHeadless(service)) labels[HEADLESS_LABEL] = '';
    known.labels = isSameMap(known.labels, labels) ? known.labels : Object.freeze(labels);
    known.labelled = service;
  }
  return known.labels;
}

function isSame(a: KubeObject, b: KubeObject): boolean {
  return (
    isSameMap(a.metadata.labels, b.metadata.labels) &&
    a.metadata.annotations?.[OVER_CAPACITY] === b.metadata.annotations?.[OVER_CAPACITY] &&
    isSameSubsets(a['subsets'] ?? [], b['subsets'] ?? [])
  );
}

function isSameMap(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === b) return true;
  const keys = Object.keys(a ?? {});
  return keys.length === Object.keys(b ?? {}).length && keys.every((key) => a![key] === b?.[key]);
}

function isSameSubsets(a: readonly Json[], b: readonly Json[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (subset, i) =>
        isSameList(subset.addresses, b[i].addresses) &&
        isSameList(subset.notReadyAddresses, b[i].notReadyAddresses) &&
        isSameList(subset.ports, b[i].ports),
    )
  );
}

/** Addresses are one object as long as they are the same, and so is their list of ports. */
function isSameList(a: readonly Json[] = NONE, b: readonly Json[] = NONE): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && JSON.stringify(a[i]) !== JSON.stringify(b[i])) return false;
  }
  return true;
}

const NONE: readonly Json[] = Object.freeze([]);

export const endpointsController: ControllerDefinition = {
  name: 'endpoint',
  clientName: 'endpoint-controller',
  about: 'tells by Endpoints which pods of a Service can be reached',
  create: (context) => new EndpointsController(context),
};
