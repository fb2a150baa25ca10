// Tolerations against taints (api/core/v1/toleration.go ToleratesTaint, v1.36; Lt and Gt are off by default there).
import type { PodTemplate, Taint } from '../../../engine/index.ts';
import { perTemplate } from './support.ts';

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

const NONE: readonly Toleration[] = [];

export const tolerationsOf = (template: PodTemplate): readonly Toleration[] =>
  template.spec.tolerations ?? NONE;

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}

export const isTolerated = (taint: Taint, tolerations: readonly Toleration[]): boolean =>
  tolerations.some((toleration) => tolerates(toleration, taint));

/** What one list of tolerations makes of taint lists, remembered by the id of the list. */
export interface TolerationClass {
  readonly text: string;
  /** A taint of effect NoSchedule or NoExecute is not tolerated. */
  blocked(taintSet: number, taints: readonly Taint[]): boolean;
  /** Taints of effect PreferNoSchedule that are not tolerated. */
  disliked(taintSet: number, taints: readonly Taint[]): number;
}

/** Any taint that the scheduler must respect and that no toleration covers. */
export function hasUntolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): boolean {
  return taints.some((taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(taint, tolerations));
}

function tolerationClass(text: string, tolerations: readonly Toleration[]): TolerationClass {
  const blocks: (boolean | undefined)[] = [];
  const dislikes: (number | undefined)[] = [];
  return {
    text,
    blocked(taintSet, taints) {
      let known = blocks[taintSet];
      if (known === undefined) {
        known = hasUntolerated(taints, tolerations);
        blocks[taintSet] = known;
      }
      return known;
    },
    disliked(taintSet, taints) {
      let known = dislikes[taintSet];
      if (known === undefined) {
        known = taints.filter((t) => t.effect === 'PreferNoSchedule' && !isTolerated(t, tolerations)).length;
        dislikes[taintSet] = known;
      }
      return known;
    },
  };
}

/** Classes of one run: templates with equal tolerations share one. */
export function tolerationClasses(): (template: PodTemplate) => TolerationClass {
  const byText = new Map<string, TolerationClass>();
  return perTemplate((template) => {
    const tolerations = tolerationsOf(template);
    const text = JSON.stringify(tolerations);
    let known = byText.get(text);
    if (known === undefined) {
      known = tolerationClass(text, tolerations);
      byText.set(text, known);
    }
    return known;
  });
}
