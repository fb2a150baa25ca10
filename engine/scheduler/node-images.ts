// Which images are on which nodes, as node status says: one bit a node per image, and how many nodes have it.
import { grownInt32 } from '../kernel/index.ts';

const NONE: readonly number[] = [];

export class NodeImages {
  readonly #bits: (Int32Array<ArrayBuffer> | undefined)[] = [];
  readonly #nodes: number[] = [];
  readonly #bytes: number[] = [];
  readonly #listOf: (readonly number[] | undefined)[] = [];

  /** Replaces the images of a node. `bytesOf` is asked when an image comes to its first node, as upstream keeps the
   * size that the first node reported (backend/cache/cache.go addNodeImageStates). True if anything changed. */
  set(node: number, images: readonly number[], bytesOf: (image: number) => number): boolean {
    const before = this.#listOf[node] ?? NONE;
    if (before === images) return false;
    const word = node >>> 5;
    const bit = 1 << (node & 31);
    for (const image of before) {
      const bits = this.#bits[image]!;
      if ((bits[word]! & bit) === 0) continue;
      bits[word]! &= ~bit;
      this.#nodes[image]! -= 1;
    }
    for (const image of images) {
      let bits = this.#bits[image];
      if (bits === undefined || bits.length <= word) {
        bits = grownInt32(bits ?? new Int32Array(0), Math.max(8, 2 ** Math.ceil(Math.log2(word + 1))));
        this.#bits[image] = bits;
        this.#nodes[image] ??= 0;
      }
      if ((bits[word]! & bit) !== 0) continue;
      if (this.#nodes[image] === 0) this.#bytes[image] = bytesOf(image);
      bits[word]! |= bit;
      this.#nodes[image]! += 1;
    }
    this.#listOf[node] = images;
    return true;
  }

  /** Nodes that have the image. */
  nodes(image: number): number {
    return this.#nodes[image] ?? 0;
  }

  bytes(image: number): number {
    return this.#bytes[image] ?? 0;
  }

  /** One bit a node; shorter than the cluster where the last nodes lack the image. */
  bits(image: number): Int32Array | null {
    return this.#bits[image] ?? null;
  }
}
