// Which pods use a claim, as the manager has seen pods: the index PodPVCIndex of pkg/controller/volume/common (v1.36).
// Pods without claims cost one look at their template.
import type { ControllerContext } from '../contracts/controller.ts';
import { type PodClaim, podClaimName, podClaims } from '../kinds/volume-facts.ts';
import { keyOf, Verb } from '../state/index.ts';

const NONE: ReadonlySet<number> = new Set();

/** The pod uses the claim; `isNew`: seen for the first time; `gone`: it has been deleted. */
export type ClaimUseHandler = (claim: string, pod: number, change: { isNew: boolean; gone: boolean }) => void;

export class ClaimPods {
  readonly #ctx: ControllerContext;
  /** By template id. */
  readonly #claims: (readonly PodClaim[] | undefined)[] = [];
  readonly #pods = new Map<string, Set<number>>();

  constructor(ctx: ControllerContext, changed: ClaimUseHandler) {
    this.#ctx = ctx;
    ctx.onPods((pod, verb, _word, _node, oldWord) => {
      const claims = this.claimsOf(pod);
      if (claims.length === 0) return;
      const isNew = oldWord < 0;
      const gone = verb === Verb.deleted;
      for (const claim of claims) {
        const key = this.keyOf(pod, claim);
        if (isNew && !gone) this.#add(key, pod);
        else if (gone) this.#remove(key, pod);
        changed(key, pod, { isNew, gone });
      }
    });
  }

  claimsOf(pod: number): readonly PodClaim[] {
    const template = this.#ctx.run.state.template(pod);
    let claims = this.#claims[template.id];
    if (claims === undefined) {
      claims = podClaims(template.spec);
      this.#claims[template.id] = claims;
    }
    return claims;
  }

  keyOf(pod: number, claim: PodClaim): string {
    const { state } = this.#ctx.run;
    return keyOf(state.podNamespace(pod), podClaimName(state.podName(pod), claim));
  }

  /** Pods that use the claim, in order of appearance. */
  using(claim: string): ReadonlySet<number> {
    return this.#pods.get(claim) ?? NONE;
  }

  #add(claim: string, pod: number): void {
    const pods = this.#pods.get(claim);
    if (pods === undefined) this.#pods.set(claim, new Set([pod]));
    else pods.add(pod);
  }

  #remove(claim: string, pod: number): void {
    const pods = this.#pods.get(claim);
    if (pods === undefined) return;
    pods.delete(pod);
    if (pods.size === 0) this.#pods.delete(claim);
  }
}
