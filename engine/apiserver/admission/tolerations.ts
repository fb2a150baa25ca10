// DefaultTolerationSeconds: a pod stays 300 s on a node that is not ready or unreachable, unless it says otherwise
// (plugin/pkg/admission/defaulttolerationseconds, v1.36).
import { list, text } from '../../kinds/field-lists.ts';
import type { KubeObject } from '../../kinds/kind.ts';

const TOLERATION_SECONDS = 300;
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export function admitTolerations(pod: KubeObject): void {
  const tolerations = list(pod.spec.tolerations);
  const added = TAINTS.filter(
    (key) =>
      !tolerations.some(
        (toleration) =>
          (text(toleration.key) === key || text(toleration.key) === '') &&
          (text(toleration.effect) === 'NoExecute' || text(toleration.effect) === ''),
      ),
  ).map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }));
  if (added.length > 0) pod.spec.tolerations = [...tolerations, ...added];
}
