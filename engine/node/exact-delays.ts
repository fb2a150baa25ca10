// Pods of a run whose kubelets take fixed times, as a fake kubelet does: the annotations `kubetick.io/…` say how long a
// pod takes to start, to be ready and to stop, and the preset what holds without them.
import type { CostPreset } from '../contracts/costs.ts';
import type { PodTemplate, TemplateCompiler } from '../state/index.ts';

/** The compiler of pod templates, with the preset's fixed delays where a pod says none. */
export function withExactDelays(compile: TemplateCompiler, costs: CostPreset): TemplateCompiler {
  const delays = costs.kubelet.exactDelays;
  if (delays === undefined) return compile;
  return (id, parts): PodTemplate => {
    const template = compile(id, parts);
    const { timings } = template;
    return {
      ...template,
      timings: {
        ...timings,
        startDelayUs: timings.startDelayUs ?? delays.startUs,
        readyDelayUs: timings.readyDelayUs ?? delays.readyUs,
        stopDelayUs: timings.stopDelayUs ?? delays.stopUs,
      },
    };
  };
}
