// Rows as API objects again: what `kubectl get -o yaml` would show of a pod or a node at this moment. The way back of
// ingest; what the model does not read rides along in the template or the node's object.

import { mix32 } from '../../kernel/index.ts';
import {
  type ClusterState,
  type Labels,
  PHASE_NAMES,
  PodBit,
  phaseOf,
  suffixText,
  timestampText,
  uidText,
} from '../../state/index.ts';
import type { Json, KubeObject } from '../kind.ts';

/** Separates UIDs of pods from those of objects. */
const POD_UID_SALT = 0x90d;
/** The volume that admission adds carries five random characters, which equal pods' templates cannot hold. */
export const TOKEN_VOLUME = 'kube-api-access-';
export const TOKEN_SUFFIX = 'xxxxx';

export const podUid = (state: ClusterState, pod: number): string =>
  uidText(POD_UID_SALT, state.pods.serial[pod]!);

const dotted = (n: number): string => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

/** IPv4 address of a pod as text, '' if it has none. */
export const podIp = (state: ClusterState, pod: number): string => {
  const ip = state.pods.ip[pod]!;
  return ip === 0 ? '' : dotted(ip >>> 0);
};

const nonEmpty = (labels: Labels): boolean => Object.keys(labels).length > 0;

function conditions(word: number): Json[] {
  const list: Json[] = [];
  const add = (type: string, status: boolean, reason?: string): void => {
    list.push({ type, status: status ? 'True' : 'False', ...(reason === undefined ? {} : { reason }) });
  };
  if (word & PodBit.acknowledged) {
    add('PodReadyToStartContainers', (word & PodBit.sandbox) !== 0);
    add('Initialized', (word & PodBit.initialized) !== 0);
    add('Ready', (word & PodBit.ready) !== 0, word & PodBit.ready ? undefined : 'ContainersNotReady');
    add(
      'ContainersReady',
      (word & PodBit.containersReady) !== 0,
      word & PodBit.ready ? undefined : 'ContainersNotReady',
    );
  }
  if (word & PodBit.scheduled) add('PodScheduled', true);
  else if (word & PodBit.unschedulable) add('PodScheduled', false, 'Unschedulable');
  return list;
}

/** Gives the token volume this pod's own five characters, wherever the spec names it. */
function withTokenVolume(spec: Json, serial: number): Json {
  const shared = TOKEN_VOLUME + TOKEN_SUFFIX;
  if (!spec.volumes?.some((volume: Json) => volume.name === shared)) return spec;
  const own = TOKEN_VOLUME + suffixText((mix32(serial) >>> 0) % 14_348_907);
  const rename = (list: Json[] | undefined): Json[] | undefined =>
    list?.map((container) => ({
      ...container,
      ...(container.volumeMounts
        ? {
            volumeMounts: container.volumeMounts.map((mount: Json) =>
              mount.name === shared ? { ...mount, name: own } : mount,
            ),
          }
        : {}),
    }));
  const renamed = {
    ...spec,
    volumes: spec.volumes.map((volume: Json) => (volume.name === shared ? { ...volume, name: own } : volume)),
    containers: rename(spec.containers),
  };
  if (spec.initContainers) renamed.initContainers = rename(spec.initContainers);
  return renamed;
}

export function materialisePod(state: ClusterState, pod: number): KubeObject {
  const { pods } = state;
  const template = state.template(pod);
  const word = pods.word[pod]!;
  const labels = state.labels.get(pods.labelSet[pod]!);
  const owner = pods.owner[pod]! < 0 ? null : state.objects.lastVersion(pods.owner[pod]!);
  const deletionUs = pods.deletionUs[pod]!;
  const node = pods.node[pod]!;
  const list = conditions(word);
  const ip = podIp(state, pod);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: state.podName(pod),
      ...(pods.nameSuffix[pod]! >= 0 ? { generateName: state.texts.text(pods.nameBase[pod]!) } : {}),
      namespace: state.podNamespace(pod),
      uid: podUid(state, pod),
      resourceVersion: String(pods.revision[pod]!),
      generation: 1,
      creationTimestamp: timestampText(pods.createdUs[pod]!),
      ...(nonEmpty(labels) ? { labels } : {}),
      ...(nonEmpty(template.annotations) ? { annotations: template.annotations } : {}),
      ...(owner === null
        ? {}
        : {
            ownerReferences: [
              {
                apiVersion: owner.apiVersion,
                kind: owner.kind,
                name: owner.metadata.name!,
                uid: owner.metadata.uid!,
                controller: true,
                blockOwnerDeletion: true,
              },
            ],
          }),
      ...(Number.isNaN(deletionUs)
        ? {}
        : {
            deletionTimestamp: timestampText(deletionUs),
            deletionGracePeriodSeconds: pods.graceSeconds[pod]!,
          }),
      ...template.metadata,
    },
    spec: {
      ...withTokenVolume(template.spec, pods.serial[pod]!),
      ...(node >= 0 ? { nodeName: state.nodeName(node) } : {}),
    },
    status: {
      phase: PHASE_NAMES[phaseOf(word)]!,
      ...(list.length > 0 ? { conditions: list } : {}),
      ...(ip === '' ? {} : { podIP: ip, podIPs: [{ ip }] }),
      ...(pods.reason[pod]! >= 0 ? { reason: state.texts.text(pods.reason[pod]!) } : {}),
      qosClass: template.qosClass,
    },
  };
}

export function materialiseNode(state: ClusterState, node: number): KubeObject {
  const { nodes } = state;
  const object = nodes.object[node]!;
  const images = nodes.images[node]!.map((image) => ({
    names: [state.images.text(image)],
    sizeBytes: state.imageBytes[image] ?? 0,
  }));
  return {
    ...object,
    metadata: {
      ...object.metadata,
      name: nodes.name[node]!,
      labels: nodes.labels(node),
      resourceVersion: String(nodes.revision[node]!),
      creationTimestamp: timestampText(nodes.addedUs[node]!),
    },
    status: { ...object['status'], ...(images.length > 0 ? { images } : {}) },
  };
}
