// How many VolumeAttachments each volume has, for CSI's sidecars: a volume that is attached is neither deleted nor, by
// drivers that only know offline expansion, made larger.
import type { ControllerContext } from '../contracts/controller.ts';
import { Verb } from '../state/index.ts';

export class AttachmentCounts {
  /** By name of the volume. */
  readonly #counts = new Map<string, number>();

  constructor(ctx: ControllerContext) {
    ctx.onObjects('VolumeAttachment', (seen, verb, old) => {
      const change = verb === Verb.deleted ? -1 : old === null ? 1 : 0;
      if (change === 0) return;
      const volume: string = seen.object['spec'].source?.persistentVolumeName ?? '';
      this.#counts.set(volume, (this.#counts.get(volume) ?? 0) + change);
    });
  }

  isAttached(volume: string): boolean {
    return (this.#counts.get(volume) ?? 0) > 0;
  }
}
