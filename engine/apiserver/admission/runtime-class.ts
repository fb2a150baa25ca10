// RuntimeClass admission: a pod takes the overhead, node selector and tolerations of its runtime class
// (plugin/pkg/admission/runtimeclass, v1.36).
import { isSet, list, text } from '../../kinds/field-lists.ts';
import type { KubeObject } from '../../kinds/kind.ts';
import type { AdmissionContext } from './admission.ts';

/** Returns why the pod is refused, undefined when it is not. */
export function admitRuntimeClass(pod: KubeObject, context: AdmissionContext): string | undefined {
  const { spec } = pod;
  const name = text(spec.runtimeClassName);
  if (name === '') {
    return isSet(spec.overhead) && Object.keys(spec.overhead).length > 0
      ? 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'
      : undefined;
  }
  const found = context.runtimeClass?.(name);
  if (found === undefined) return `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`;
  if (isSet(found.overhead?.podFixed)) spec.overhead = { ...found.overhead.podFixed };
  const scheduling = found.scheduling;
  if (!isSet(scheduling)) return undefined;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      return `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`;
    }
  }
  if (isSet(scheduling.nodeSelector))
    spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector };
  const known = list(spec.tolerations).map((toleration) => JSON.stringify(toleration));
  const added = list(scheduling.tolerations).filter(
    (toleration) => !known.includes(JSON.stringify(toleration)),
  );
  if (added.length > 0) spec.tolerations = [...list(spec.tolerations), ...added];
  return undefined;
}
