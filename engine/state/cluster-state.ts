// The cluster as etcd holds it: tables, objects, logs and interners of one run. Only the API server writes; everyone
// else reads what is immutable or what their watch cursor has passed.

import { Heartbeats } from './heartbeats.ts';
import { Interner } from './interner.ts';
import { LabelSets } from './labels.ts';
import { NodeTable } from './nodes.ts';
import { ObjectStore } from './objects.ts';
import { PodNames } from './pod-names.ts';
import { PodTable } from './pods.ts';
import { RevisionLog } from './revision-log.ts';
import { type PodTemplate, PodTemplates, type TemplateCompiler } from './templates.ts';

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
  podNamespace(pod: number): string {
    return this.texts.text(this.pods.namespace[pod]!);
  }
  nodeName(node: number): string {
    return node < 0 ? '' : this.nodes.name[node]!;
  }
}
