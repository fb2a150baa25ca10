// What a hint is: one change after which a pod that fits nowhere would fit, and how large a change that is.

export type HintKind =
  | 'requests'
  | 'gates'
  | 'toleration'
  | 'uncordon'
  | 'label'
  | 'host-port'
  | 'claim'
  | 'constraint'
  | 'evict'
  | 'node';

export interface Hint {
  readonly kind: HintKind;
  /**
   * How large the change is: the share of a request given up (more than one resource: 1 more each), 1 for a field of one
   * object, 2 for a rule that is dropped, 3 for a pod deleted, 4 for a node added.
   */
  readonly size: number;
  /** The change in words. */
  readonly change: string;
  /** Where the pod goes then, and how many nodes it could go to. */
  readonly node: string;
  readonly nodes: number;
  /** Of `requests`: resource, what is asked now and what would fit, as quantities. */
  readonly requests?: readonly { readonly resource: string; readonly from: string; readonly to: string }[];
  /** Of `evict`: the pod. */
  readonly victim?: string;
  /** Of `evict`: why preemption does not do it; '' if its rules would allow it. */
  readonly preemption?: string;
}

export const SIZE = { field: 1, rule: 2, pod: 3, node: 4 } as const;

const ORDER: readonly HintKind[] = [
  'requests',
  'gates',
  'toleration',
  'uncordon',
  'label',
  'host-port',
  'claim',
  'constraint',
  'evict',
  'node',
];

/** From the smallest change to the largest; of the same size in the order of the kinds, then by their words. */
export function sortHints(hints: Hint[]): Hint[] {
  return hints.sort(
    (a, b) =>
      a.size - b.size ||
      ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) ||
      (a.change < b.change ? -1 : a.change > b.change ? 1 : 0),
  );
}
