// Reserve and Permit: the last words of plug-ins on a node that was chosen (framework/runtime/framework.go, v1.36).
import { PASS, type Verdict } from '../contracts/scheduler.ts';
import type { Framework } from './framework.ts';
import type { PodCursor } from './views.ts';

/** Reserve and Permit; undoes them and gives the verdict if one of them objects. */
export function reserve(framework: Framework, pod: PodCursor, node: number): Verdict {
  for (const { plugin } of framework.reserve) {
    const verdict = plugin.reserve?.(pod, node) ?? PASS;
    if (verdict !== PASS) {
      unreserve(framework, pod, node);
      return verdict;
    }
  }
  for (const { plugin } of framework.permit) {
    const verdict = plugin.permit!(pod, node);
    if (verdict !== PASS) {
      unreserve(framework, pod, node);
      return verdict;
    }
  }
  return PASS;
}

export function unreserve(framework: Framework, pod: PodCursor, node: number): void {
  for (let i = framework.reserve.length - 1; i >= 0; i--) {
    framework.reserve[i]!.plugin.unreserve?.(pod, node);
  }
}
