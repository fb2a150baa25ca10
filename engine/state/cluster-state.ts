// The cluster as etcd holds it: tables, objects, logs and interners of one run. Only the API server writes; everyone
// else reads what is immutable or what their watch cursor has passed.

import { Heartbeats } from './heartbeats.ts';
import { Interner } from './interner.ts';
import { LabelSets } from './labels.ts';
import { LoadBalancers } from './load-balancers.ts';
import { NodeTable } from './nodes.ts';
import { ObjectStore } from './objects.ts';
import { PodNames } from './pod-names.ts';
import { ordinalSuffix, PodTable } from './pods.ts';
import { RevisionLog } from './revision-log.ts';
import { type PodTemplate, PodTemplates, type TemplateCompiler } from './templates.ts';
import { suffixNumber } from './uid.ts';
import { Usage } from './usage.ts';

const ORDINAL_NAME = /^(.*-)(0|[1-9]\d{0,8})$/;

export class ClusterState {
  /** Namespaces, names, reasons. */
  readonly texts = new Interner();
  /** Extended resource names. */
  readonly resources = new Interner();
  /** Image names, normalised. */
  readonly images = new Interner();
  /** Size in bytes by image id, as some node's status or the cost preset told it; NaN or absent: unknown. */
  readonly imageBytes: number[] = [];
  readonly labels = new LabelSets();
  readonly templates: PodTemplates;
  readonly pods = new PodTable();
  readonly podNames = new PodNames(this.pods);
  readonly nodes = new NodeTable(this.labels);
  readonly heartbeats = new Heartbeats(this.nodes);
  readonly objects = new ObjectStore();
  /** Of the cloud around the cluster. */
  readonly loadBalancers = new LoadBalancers();
  /** What containers use, for the metrics API. */
  readonly usage = new Usage();
  readonly podLog = new RevisionLog('pods', 4096);
  readonly nodeLog = new RevisionLog('nodes', 1024);

  constructor(compiler: (state: ClusterState) => TemplateCompiler) {
    this.templates = new PodTemplates(compiler(this));
  }

  template(pod: number): PodTemplate {
    return this.templates.get(this.pods.template[pod]!);
  }
  podName(pod: number): string {
    return this.pods.nameText(pod, this.texts.text(this.pods.nameBase[pod]!));
  }
  /** Row of the live pod with that name, or -1: a whole name, or a prefix with an ordinal or five characters. */
  findPod(namespace: number, name: string): number {
    const { texts, podNames } = this;
    const whole = texts.find(name);
    const found = whole < 0 ? -1 : podNames.find(namespace, whole, -1);
    if (found >= 0) return found;
    const ordinal = ORDINAL_NAME.exec(name);
    if (ordinal !== null) {
      const base = texts.find(ordinal[1]!);
      const pod = base < 0 ? -1 : podNames.find(namespace, base, ordinalSuffix(Number(ordinal[2])));
      if (pod >= 0) return pod;
    }
    const suffix = suffixNumber(name.slice(-5));
    const base = suffix < 0 ? -1 : texts.find(name.slice(0, -5));
    return base < 0 ? -1 : podNames.find(namespace, base, suffix);
  }
  podNamespace(pod: number): string {
    return this.texts.text(this.pods.namespace[pod]!);
  }
  nodeName(node: number): string {
    return node < 0 ? '' : this.nodes.name[node]!;
  }
}
