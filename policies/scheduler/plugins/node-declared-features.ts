// NodeDeclaredFeatures: what a pod needs of its kubelet must be among the features that the node's status declares
// (plugins/nodedeclaredfeatures and component-helpers/nodedeclaredfeatures, v1.36).
import {
  ClusterEvent,
  Code,
  definePlugin,
  type Json,
  NodeField,
  PASS,
  type PodTemplate,
  SKIP,
} from '../../../engine/index.ts';
import { perTemplate } from './support.ts';

const REASON = "node(s) didn't match Pod's required features";

/** Features that a new pod can need. Others are needed by changes of running pods only. */
const FEATURES: readonly { readonly name: string; isNeeded(spec: Json): boolean }[] = [
  {
    name: 'RestartAllContainersOnContainerExits',
    isNeeded: ({ containers, initContainers }) =>
      [...(containers ?? []), ...(initContainers ?? [])].some(({ restartPolicyRules }) =>
        (restartPolicyRules ?? []).some(({ action }: Json) => action === 'RestartAllContainers'),
      ),
  },
];

export const nodeDeclaredFeatures = definePlugin<undefined, readonly string[]>({
  name: 'NodeDeclaredFeatures',
  about: 'Keeps pods off nodes whose kubelet does not declare a feature that they need.',
  points: ['preFilter', 'filter'],
  create(_args, handle) {
    const rejected = handle.verdict(Code.unschedulableAndUnresolvable, REASON);
    const needs = perTemplate((template: PodTemplate) =>
      FEATURES.filter(({ isNeeded }) => isNeeded(template.spec)).map(({ name }) => name),
    );
    const declares = (node: number, features: readonly string[]): boolean => {
      const declared = handle.cluster.declaredFeatures(node);
      return features.every((feature) => declared.includes(feature));
    };
    return {
      locality: 'node',
      reads: NodeField.features,
      sign: (pod) => needs(pod.template).join(),
      events: [
        {
          events: ClusterEvent.nodeAdd | ClusterEvent.nodeFeatures,
          hint: (pod, { node }) => declares(node, needs(pod.template)),
        },
      ],
      preFilter(pod) {
        const features = needs(pod.template);
        return features.length === 0 ? SKIP : features;
      },
      filter: (_pod, node, features) => (declares(node.id, features) ? PASS : rejected),
    };
  },
});
