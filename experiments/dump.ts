// Sorts the objects of the input into what exists at the start and what kubectl creates. Node objects are the cluster.
// In what `kubectl get -o yaml` printed, everything was stored before: bound pods stay where they are, pods without a
// node are pending work, and what a controller made is not created a second time beside its maker.
import { LEGACY_UID_LABEL, UID_LABEL } from '../engine/kinds/job.ts';
import type { Json, KubeObject, OwnerReference } from '../engine/kinds/kind.ts';
import type { LossBook } from './loss.ts';
import type { NodeShape } from './node-groups.ts';
import { nodeObject } from './node-groups.ts';
import { type InputObject, isStored } from './objects.ts';

export interface Partition {
  /** There at 0 s: nodes first, then namespaces, then the rest in file order. */
  readonly existing: InputObject[];
  /** Created by kubectl. */
  readonly created: InputObject[];
  readonly hasNodes: boolean;
}

const ownersOf = (object: KubeObject): readonly OwnerReference[] => object.metadata?.ownerReferences ?? [];

/** A copy of the entry with another object, for what must be changed before it is used. */
const withObject = (entry: InputObject, object: KubeObject): InputObject => ({ ...entry, object });

function withoutOwners(entry: InputObject): InputObject {
  const { ownerReferences: _owners, ...metadata } = entry.object.metadata;
  return withObject(entry, { ...entry.object, metadata });
}

/** A Node that nobody measured gets the size of `--node-cpu` and `--node-memory`. */
function sized(entry: InputObject, shape: NodeShape, loss: LossBook): InputObject {
  const status = (entry.object['status'] ?? {}) as Record<string, unknown>;
  if (status['allocatable'] !== undefined || status['capacity'] !== undefined) return entry;
  const note = `no capacity given: taken as ${shape.cpu} CPU, ${shape.memory}, ${shape.pods} pods`;
  loss.add(entry.manifest.source, 'Node', 'status.capacity', note);
  return withObject(entry, { ...entry.object, status: { ...nodeObject(shape)['status'], ...status } });
}

/** What is no object of any API at all (a tool's configuration file): it has no name to be stored under. */
function isNameless(entry: InputObject, loss: LossBook): boolean {
  if (entry.name !== '' || entry.verdict.served || entry.object.metadata?.generateName !== undefined)
    return false;
  loss.add(
    entry.manifest.source,
    entry.object.kind,
    '',
    `not an API object (${entry.object.apiVersion}, no name): left out`,
  );
  return true;
}

export function partition(input: readonly InputObject[], shape: NodeShape, loss: LossBook): Partition {
  const objects = input.filter((entry) => !isNameless(entry, loss));
  const nodes = objects.filter((entry) => entry.object.kind === 'Node' && entry.object.apiVersion === 'v1');
  const nodeNames = new Set(nodes.map((entry) => entry.name));
  const uids = new Set(objects.map((entry) => entry.object.metadata?.uid).filter((uid) => uid !== undefined));
  const existing: InputObject[] = nodes.map((entry) => sized(entry, shape, loss));
  const created: InputObject[] = [];
  const later: InputObject[] = [];
  for (const entry of objects) {
    const { object } = entry;
    if (nodeNames.size > 0 && object.kind === 'Node' && object.apiVersion === 'v1') continue;
    const source = entry.manifest.source;
    const stored = isStored(object);
    if (object.kind === 'Pod' && object.apiVersion === 'v1') {
      const spec = (object['spec'] ?? {}) as Record<string, unknown>;
      const nodeName = typeof spec['nodeName'] === 'string' ? spec['nodeName'] : '';
      if (nodeNames.size > 0 && nodeName !== '') {
        if (nodeNames.has(nodeName)) later.push(entry);
        else loss.add(source, 'Pod', 'spec.nodeName', 'bound to a node that is not in the input: left out');
        continue;
      }
      if (stored && nodeName === '' && nodeNames.size > 0) {
        const phase = (object['status'] as Record<string, unknown> | undefined)?.['phase'];
        if (phase === 'Succeeded' || phase === 'Failed')
          loss.add(source, 'Pod', 'status.phase', 'ended before it got a node: left out');
        else created.push(entry);
        continue;
      }
      if (stored) {
        pushOwned(entry, uids, created, loss, (e) => unbind(e, nodeName, loss));
        continue;
      }
    }
    if (!stored) created.push(entry);
    else if (nodeNames.size > 0) later.push(entry);
    else pushOwned(entry, uids, created, loss, (e) => renewed(e, loss));
  }
  existing.push(...later.filter((entry) => entry.object.kind === 'Namespace'));
  existing.push(...later.filter((entry) => entry.object.kind !== 'Namespace'));
  return { existing, created, hasNodes: nodeNames.size > 0 };
}

/** Stored objects without their nodes are created anew; those whose maker is created too are left to it. */
function pushOwned(
  entry: InputObject,
  uids: ReadonlySet<unknown>,
  into: InputObject[],
  loss: LossBook,
  change: (entry: InputObject) => InputObject,
): void {
  const owners = ownersOf(entry.object);
  const { source } = entry.manifest;
  if (owners.some((owner) => uids.has(owner.uid))) {
    loss.add(source, entry.object.kind, '', 'its owner is in the input and makes it anew: left out');
    return;
  }
  if (owners.length > 0)
    loss.add(
      source,
      entry.object.kind,
      'metadata.ownerReferences',
      'the owner is not in the input: created without one',
    );
  into.push(change(owners.length > 0 ? withoutOwners(entry) : entry));
}

/** A Job selects by its UID, and made anew it gets another: selector and labels of the old one go. */
function renewed(entry: InputObject, loss: LossBook): InputObject {
  const { object, manifest } = entry;
  const { selector, ...spec } = (object['spec'] ?? {}) as Json;
  if (object.kind !== 'Job' || selector === undefined || spec.manualSelector === true) return entry;
  loss.add(manifest.source, 'Job', 'spec.selector', 'it is created anew, with another UID: left out');
  const unlabelled = (metadata: Json): Json => {
    const { [UID_LABEL]: _uid, [LEGACY_UID_LABEL]: _legacy, ...labels } = metadata?.labels ?? {};
    return { ...metadata, labels };
  };
  const template = { ...spec.template, metadata: unlabelled(spec.template?.metadata) };
  return withObject(entry, {
    ...object,
    metadata: unlabelled(object.metadata),
    spec: { ...spec, template },
  });
}

function unbind(entry: InputObject, nodeName: string, loss: LossBook): InputObject {
  if (nodeName === '') return entry;
  loss.add(entry.manifest.source, 'Pod', 'spec.nodeName', 'the nodes are not in the input: scheduled anew');
  const { nodeName: _node, ...spec } = entry.object['spec'] as Record<string, unknown>;
  return withObject(entry, { ...entry.object, spec });
}
