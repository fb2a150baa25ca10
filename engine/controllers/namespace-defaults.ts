// What every namespace gets by itself: the ServiceAccount `default` (pkg/controller/serviceaccount/
// serviceaccounts_controller.go) and the ConfigMap `kube-root-ca.crt` (pkg/controller/certificates/rootcacertpublisher,
// v1.36). Namespaces that exist at 0 s have both already (engine/drivers/seed.ts).
//
// Left out: a ConfigMap that somebody deletes is not made again, its contents mean nothing to the model.
import {
  type Calls,
  type Controller,
  type ControllerContext,
  type ControllerDefinition,
  DONE,
  RETRY,
  type SeenObject,
  type Steps,
} from '../contracts/controller.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { namespaceDefaults } from '../kinds/namespace-defaults.ts';
import { Verb } from '../state/index.ts';
import { isNamespaceTerminating } from './request-failed.ts';

/** Makes one object in every namespace that lacks it. */
class DefaultObject implements Controller {
  readonly #ctx: ControllerContext;
  readonly #kind: 'ServiceAccount' | 'ConfigMap';

  constructor(ctx: ControllerContext, kind: 'ServiceAccount' | 'ConfigMap') {
    this.#ctx = ctx;
    this.#kind = kind;
    ctx.onObjects('Namespace', ({ key }, verb, old) => {
      if (verb === Verb.added && old === null) ctx.queue.add(key);
    });
    if (kind !== 'ServiceAccount') return;
    ctx.onObjects('ServiceAccount', (account, verb) => {
      if (verb === Verb.deleted && account.name === this.#object(account.namespace).metadata.name)
        ctx.queue.add(account.namespace);
    });
  }

  #object(namespace: string): KubeObject {
    return namespaceDefaults(namespace).find((object) => object.kind === this.#kind)!;
  }

  /** The server may know it although no watch of ours does. */
  #exists(object: KubeObject): boolean {
    const { objects } = this.#ctx.run.state;
    const store = objects.findKind(object.kind) ?? objects.findKind(`${object.kind}.${object.apiVersion}`);
    return store?.ids.has(`${object.metadata.namespace}/${object.metadata.name}`) ?? false;
  }

  *reconcile(namespace: string, calls: Calls): Steps {
    const seen: SeenObject | undefined = this.#ctx.objects('Namespace').get(namespace);
    if (seen === undefined || seen.object.metadata.deletionTimestamp !== undefined) return DONE;
    const object = this.#object(namespace);
    if (this.#exists(object)) return DONE;
    const reply = yield calls.create(object);
    if (reply.code < 400 || reply.code === 409 || reply.code === 404) return DONE;
    return isNamespaceTerminating(reply.code, reply.message) ? DONE : RETRY;
  }
}

export const serviceAccountController: ControllerDefinition = {
  name: 'serviceaccount',
  clientName: 'service-account-controller',
  about: 'gives every namespace its ServiceAccount default',
  workers: 1,
  create: (context) => new DefaultObject(context, 'ServiceAccount'),
};

export const rootCaCertPublisher: ControllerDefinition = {
  name: 'root-ca-certificate-publisher',
  clientName: 'root-ca-cert-publisher',
  about: 'gives every namespace its ConfigMap kube-root-ca.crt',
  workers: 1,
  create: (context) => new DefaultObject(context, 'ConfigMap'),
};
