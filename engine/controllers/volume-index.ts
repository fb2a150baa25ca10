// Volumes as the volume controller looks for them: free ones by class, and those that name a claim (volumes index and
// FindMatchingVolume of component-helpers/storage/volume, v1.36).
import type { ControllerContext, SeenObject } from '../contracts/controller.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { compareQuantities } from '../kinds/quantity.ts';
import {
  claimKeyOf,
  claimSize,
  classOf,
  hasModes,
  isVolumeBoundToClaim,
  modeOf,
  volumeSize,
} from '../kinds/volume-facts.ts';
import { compileLabelSelector, keyOf, Verb } from '../state/index.ts';
import { WalkedSlots } from './walked-slots.ts';

/** Sets of volumes by a text. */
class Groups {
  readonly #groups = new Map<string, Set<SeenObject>>();
  readonly #groupOf = new Map<number, string>();

  /** null: in no group. */
  put(volume: SeenObject, group: string | null): void {
    const old = this.#groupOf.get(volume.id);
    if (old === group) return;
    if (old !== undefined) this.#groups.get(old)!.delete(volume);
    if (group === null) {
      this.#groupOf.delete(volume.id);
      return;
    }
    this.#groupOf.set(volume.id, group);
    const members = this.#groups.get(group);
    if (members === undefined) this.#groups.set(group, new Set([volume]));
    else members.add(volume);
  }
  of(group: string): Iterable<SeenObject> {
    return this.#groups.get(group) ?? [];
  }
}

export class VolumeIndex {
  readonly #ctx: ControllerContext;
  /** Volumes that name no claim, by class. */
  readonly #free = new Groups();
  /** Volumes that name a claim, by the claim. */
  readonly #named = new Groups();
  /** All volumes by access modes, as the index by them holds them. */
  readonly #walks = new Map<string, WalkedSlots>();
  readonly #slot: (n: number) => number;

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx;
    const ties = ctx.run.rng.stream(`${ctx.name}/ties`);
    this.#slot = (n) => ties.int(n);
    ctx.onObjects('PersistentVolume', (seen, verb) => {
      const gone = verb === Verb.deleted;
      if (gone) this.#walkOf(seen.object).remove(seen.id);
      else this.#walkOf(seen.object).add(seen.id);
      const claim = gone ? '' : claimKeyOf(seen.object);
      this.#named.put(seen, claim === '' ? null : claim);
      this.#free.put(seen, gone || claim !== '' ? null : classOf(seen.object));
    });
  }

  /** Volumes whose claimRef has that namespace and name. */
  naming(claim: string): Iterable<SeenObject> {
    return this.#named.of(claim);
  }

  /**
   * The volume to bind the claim to: one that names it already, otherwise the smallest that does, among those with the
   * fewest access modes besides the ones asked for. Of equal ones that which a walk through the index meets first.
   */
  best(claim: KubeObject, delayBinding: boolean): SeenObject | null {
    const size = claimSize(claim);
    const { metadata, spec } = claim;
    const fits = (volume: KubeObject): boolean =>
      volume.metadata.deletionTimestamp === undefined &&
      compareQuantities(volumeSize(volume), size) >= 0 &&
      modeOf(volume) === modeOf(claim) &&
      (volume['spec'].volumeAttributesClassName ?? '') === (spec.volumeAttributesClassName ?? '');
    for (const seen of this.naming(keyOf(metadata.namespace, metadata.name!))) {
      if (isVolumeBoundToClaim(seen.object, claim) && fits(seen.object) && hasModes(seen.object, claim))
        return seen;
    }
    if (delayBinding) return null;
    const { labels } = this.#ctx.run.state;
    const selector = spec.selector ? compileLabelSelector(spec.selector, labels) : null;
    let best: SeenObject[] = [];
    for (const seen of this.#free.of(classOf(claim))) {
      const { object } = seen;
      if (object['status']?.phase !== 'Available' || !fits(object) || !hasModes(object, claim)) continue;
      if (selector !== null && !selector.matches(object.metadata.labels ?? {})) continue;
      const order = best.length === 0 ? -1 : compare(object, best[0]!.object);
      if (order < 0) best = [seen];
      else if (order === 0) best.push(seen);
    }
    if (best.length <= 1) return best[0] ?? null;
    return this.#walkOf(best[0]!.object).first(
      best.filter((seen) => modesOf(seen.object) === modesOf(best[0]!.object)),
    );
  }

  #walkOf(volume: KubeObject): WalkedSlots {
    const modes = modesOf(volume);
    let walk = this.#walks.get(modes);
    if (walk === undefined) {
      walk = new WalkedSlots(this.#slot);
      this.#walks.set(modes, walk);
    }
    return walk;
  }
}

/** The text that the index files a volume under (accessModesIndexFunc). */
const modesOf = (volume: KubeObject): string => [...(volume['spec'].accessModes ?? [])].sort().join(',');

const modeCount = (volume: KubeObject): number => volume['spec'].accessModes?.length ?? 0;

function compare(a: KubeObject, b: KubeObject): number {
  return modeCount(a) - modeCount(b) || compareQuantities(volumeSize(a), volumeSize(b));
}

/** Why a claim cannot have the volume that it asks for by name; null: it can (checkVolumeSatisfyClaim). */
export function mismatch(volume: KubeObject, claim: KubeObject): string | null {
  if (compareQuantities(volumeSize(volume), claimSize(claim)) < 0) return 'requested PV is too small';
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match';
  if ((volume['spec'].volumeAttributesClassName ?? '') !== (claim['spec'].volumeAttributesClassName ?? ''))
    return 'VolumeAttributesClassName does not match';
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode';
  return hasModes(volume, claim) ? null : 'incompatible accessMode';
}
