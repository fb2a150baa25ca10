// ImageLocality: prefers nodes that have the pod's images, by size, and less so the fewer nodes have them, so that
// pods do not pile up on the first node that pulled one (plugins/imagelocality, v1.36).
import { definePlugin, NODE_SCORE_MAX, NodeField, type PodTemplate } from '../../../engine/index.ts';
import { perTemplate } from './support.ts';

/** Images of a pod that fit into a word of bits. */
const IMAGES_MAX = 31;
const MIB = 1024 * 1024;
const BYTES_MIN = 23 * MIB;
/** Per container. */
const BYTES_MAX = 1000 * MIB;

function scoreOf(bytes: number, containers: number): number {
  const most = BYTES_MAX * containers;
  const clamped = Math.max(BYTES_MIN, Math.min(most, bytes));
  return Math.floor((NODE_SCORE_MAX * (clamped - BYTES_MIN)) / (most - BYTES_MIN));
}

export const imageLocality = definePlugin({
  name: 'ImageLocality',
  about: "Prefers nodes that have the pod's images already.",
  points: ['score'],
  create(_args, handle) {
    const { cluster } = handle;
    let sums = new Float64Array(0);
    /** What one image counts: its size times the share of nodes that have it, truncated. */
    const weightOf = (image: number): number =>
      Math.floor(cluster.imageBytes(image) * (cluster.imageNodes(image) / cluster.nodeCount));
    const has = (image: number, node: number): boolean => {
      const bits = cluster.imageBits(image);
      return bits !== null && ((bits[node >>> 5] ?? 0) & (1 << (node & 31))) !== 0;
    };
    /** By node: one bit for each of the pod's images that it has. */
    const imagesOn = perTemplate(({ images }: PodTemplate) => (node: number): number => {
      let bits = 0;
      for (let i = 0; i < images.length; i++) if (has(images[i]!, node)) bits |= 1 << i;
      return bits;
    });
    const textOf = perTemplate(
      ({ images, initContainers, containers }) =>
        `${images.join(',')}/${initContainers.length + containers.length}`,
    );
    return {
      // The share of nodes is a number of the cluster, but the same for all nodes that have the image.
      locality: 'stratum',
      reads: NodeField.images,
      sign: (pod) => textOf(pod.template),
      strata({ template }, _cluster, dimensions) {
        const { images } = template;
        if (images.length > IMAGES_MAX) return false;
        for (let i = 0; i < images.length; i++) {
          if (cluster.imageNodes(images[i]!) === 0) continue;
          dimensions.each(imagesOn(template));
          break;
        }
        return true;
      },
      score(pod, node) {
        const { template } = pod;
        let sum = 0;
        for (const image of template.images) if (has(image, node.id)) sum += weightOf(image);
        return scoreOf(sum, template.initContainers.length + template.containers.length);
      },
      scoreBatch(pod, _cluster, nodes, count, _state, out) {
        const { template } = pod;
        let any = false;
        for (const image of template.images) {
          if (cluster.imageNodes(image) === 0) continue;
          if (!any) {
            if (sums.length < count) sums = new Float64Array(count * 2);
            sums.fill(0, 0, count);
            any = true;
          }
          const bits = cluster.imageBits(image)!;
          const weight = weightOf(image);
          for (let i = 0; i < count; i++) {
            const node = nodes[i]!;
            if (((bits[node >>> 5] ?? 0) & (1 << (node & 31))) !== 0) sums[i]! += weight;
          }
        }
        if (!any) {
          out.fill(0, 0, count);
          return;
        }
        const containers = template.initContainers.length + template.containers.length;
        for (let i = 0; i < count; i++) out[i] = scoreOf(sums[i]!, containers);
      },
    };
  },
});
