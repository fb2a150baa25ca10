// The Experiment (`apiVersion: kubetick.io/v1`) and the header of a scenario file, as zod schemas: one description
// gives the checks, the types, the known keys for "did you mean" and the table in docs/experiment-file.md.
import * as z from 'zod';
import { TABLES } from '../engine/contracts/tables.ts';
import { parseDuration } from './duration.ts';

export const EXPERIMENT_API_VERSION = 'kubetick.io/v1';
export const EXPERIMENT_KIND = 'Experiment';

/** Nodes of one group; far above what Kubernetes supports (5,000), yet small enough to hold. */
const NODES_MAX = 1_000_000;

const duration = z
  .string('expected a duration like 250ms, 5s, 10m, 2h or 1d')
  .refine((text) => parseDuration(text) !== undefined, {
    error: (issue) => `cannot read the duration ${JSON.stringify(issue.input)}`,
    params: { code: 'E3004' },
  })
  .describe('duration');
/** Steps of scenario files count milliseconds. */
const moment = z.union([duration, z.number().min(0)]).describe('duration, or a number of milliseconds');
const quantity = z
  .union([z.string(), z.number()])
  .refine((q) => /^[0-9.]+(?:[numkKMGTPE]i?|[eE][-+]?[0-9]+)?$/.test(String(q)), {
    error: (issue) => `cannot read the quantity ${JSON.stringify(issue.input)}`,
  })
  .describe('quantity');
const name = z
  .string()
  .max(63, 'a name has at most 63 characters')
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'a name consists of lower case letters, digits, - and .');
const text = z.record(z.string(), z.string());

const taint = z.strictObject({
  key: z.string().min(1),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

const nodes = z.strictObject({
  count: z.int().min(0).max(NODES_MAX).default(1).describe('number of equal nodes'),
  name: name.optional().describe('prefix of their names, or the name itself when count is 1'),
  type: z.string().optional().describe('machine type, such as m5.4xlarge'),
  cpu: quantity.optional().describe('CPUs of a node (default 4)'),
  memory: quantity.optional().describe('memory of a node (default 16Gi)'),
  ephemeralStorage: quantity
    .optional()
    .describe('disk of a node for images, logs and emptyDir volumes (default 100Gi)'),
  pods: z.int().min(0).max(100_000).optional().describe('pods that fit by number (default 110)'),
  resources: z
    .record(z.string(), quantity)
    .superRefine((resources, context) => {
      for (const name of Object.keys(resources))
        if (!/^[^/]+\/[^/]+$/.test(name))
          context.addIssue({
            code: 'custom',
            path: [name],
            message: 'expected the name of an extended resource, DOMAIN/NAME such as nvidia.com/gpu',
          });
    })
    .optional()
    .describe('extended resources of a node, such as nvidia.com/gpu: 8'),
  labels: text.optional(),
  taints: z.array(taint).optional(),
  runtime: z.string().min(1).optional().describe('container runtime, such as containerd or docker'),
  zones: z.array(z.string().min(1)).optional().describe('zones dealt to the nodes in turn'),
});

const use = z.looseObject({ use: z.string().min(1) });

export const STEP_VERBS = [
  'create',
  'patch',
  'scale',
  'delete',
  'delete-pod',
  'patch-pod',
  'debug',
  'evict',
  'patch-node',
  'stop-node',
  'start-node',
  'cut-off',
  'reboot',
  'cordon',
  'uncordon',
  'add-node',
  'remove-node',
  'set-cpu',
  'delete-namespace',
  'kubectl',
] as const;

const step = z.strictObject({
  at: moment.optional().describe('virtual time; in scenario files `t`, milliseconds'),
  t: z.number().min(0).optional(),
  do: z.enum(STEP_VERBS).optional(),
  ref: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('objects of the input, KIND/NAME or KIND/NAMESPACE/NAME'),
  replicas: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional(),
  apply: z.string().optional().describe('file whose objects are created'),
  rolloutUndo: z.string().optional(),
  name: z.string().optional(),
  namespace: z.string().optional(),
  propagation: z.enum(['Background', 'Foreground', 'Orphan']).optional(),
  type: z.string().optional(),
  body: z.unknown().optional(),
  selector: z.string().optional(),
  nth: z.int().optional(),
  deleting: z.boolean().optional(),
  node: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('nodes of a step about nodes, by name'),
  zone: z.string().optional().describe('… or those of a zone'),
  count: z.int().min(1).optional().describe('… or only so many of them, in order of joining'),
  for: duration.optional().describe('after this long the step is undone'),
  subresource: z.literal('status').optional().describe('of a patch-node'),
  spec: z.unknown().optional(),
  label: z.unknown().optional(),
  grace: z.int().optional(),
  cpu: z.unknown().optional(),
  args: z.array(z.string()).optional(),
  stdin: z.array(z.string()).optional(),
  expect: z.unknown().optional(),
  gracePeriodSeconds: z.int().optional(),
});

const axis = z.strictObject({
  at: z.string().min(1).describe('path inside spec'),
  values: z.array(z.unknown()).min(1).optional(),
  from: z.number().optional(),
  to: z.number().optional(),
  step: z.number().optional(),
});

const variant = z.strictObject({
  extends: z.string().optional().describe('a variant whose `set` holds here too, below this one'),
  set: z.record(z.string().min(1), z.unknown()).optional().describe('values by path inside spec'),
});

export const experimentSpec = z.strictObject({
  cluster: z
    .strictObject({
      preset: z.string().optional().describe('small (3 nodes), medium (100), large (1000) or huge (5000)'),
      nodes: z.array(nodes).optional(),
    })
    .optional(),
  workload: z
    .strictObject({
      manifests: z
        .array(z.string())
        .optional()
        .describe('files, folders or patterns; created at 0 s unless a step creates them'),
      traces: z.array(use).optional(),
      generators: z.array(use).optional(),
    })
    .optional(),
  policies: z
    .strictObject({
      scheduler: z
        .strictObject({
          config: z.string().optional().describe('file with a KubeSchedulerConfiguration'),
          pluginConfig: z
            .record(z.string(), z.record(z.string(), z.unknown()))
            .optional()
            .describe('arguments of plug-ins by name, in every profile'),
          search: z
            .enum(['brute', 'class-tree', 'strata', 'index', 'verify'])
            .optional()
            .describe('how nodes are searched; all give the same answers'),
        })
        .optional(),
      controllers: z
        .array(z.string())
        .optional()
        .describe('which controllers run: `*`, names, and `-` before those that do not'),
      autoscaler: use.optional(),
    })
    .optional(),
  control: z
    .strictObject({
      costs: z.string().optional().describe('cost preset, or a file with changes to one'),
      proxy: z
        .enum(['iptables', 'ipvs', 'nftables'])
        .optional()
        .describe('mode of kube-proxy, with its costs; without it as the cost preset says'),
      heartbeats: z.enum(['analytic', 'events']).optional(),
      queue: z
        .enum(['heap', 'ladder', 'fast-priority-queue'])
        .optional()
        .describe('event queue; all give the same run'),
    })
    .optional(),
  plugins: z
    .array(z.string())
    .optional()
    .describe('files with policies of your own, TypeScript or JavaScript'),
  steps: z.array(step).optional(),
  faults: z
    .array(step)
    .optional()
    .describe('steps that break things: stop-node, cut-off, reboot, …; told apart for the reader only'),
  time: z
    .strictObject({
      warmUp: z
        .union([z.literal('auto'), duration])
        .optional()
        .describe('left out of the summary; `auto`: as a pilot run says (MSER-5)'),
      run: duration.optional().describe('length of the run; without it: until idle, at most 1h'),
    })
    .optional(),
  seeds: z
    .strictObject({
      seed: z.union([z.int(), z.string().min(1)]).optional(),
      replications: z.int().min(1).max(100_000).optional(),
    })
    .optional(),
  sweep: z
    .strictObject({
      axes: z.record(z.string().min(1), axis).optional(),
      variants: z
        .record(z.string().min(1), variant)
        .optional()
        .describe('variants by name; each is run with every combination of the axes'),
      except: z
        .array(z.record(z.string(), z.unknown()))
        .optional()
        .describe('combinations left out: a value or a list of values by axis, `variant` for those by name'),
      expect: z
        .array(z.string())
        .optional()
        .describe('judged on the mean over the replications of a variant'),
    })
    .optional(),
  expect: z.array(z.string()).optional(),
  output: z
    .strictObject({
      tables: z
        .array(z.enum(['summary', ...TABLES.map((table) => table.name)]))
        .optional()
        .describe('tables that are written beside summary and loss, which always are; all without'),
      html: z.boolean().optional().describe('write a page to read, report.html, beside the results'),
    })
    .optional(),
});

export const experimentSchema = z.strictObject({
  apiVersion: z.literal(EXPERIMENT_API_VERSION),
  kind: z.literal(EXPERIMENT_KIND),
  metadata: z.strictObject({
    name,
    labels: text.optional(),
    annotations: text.optional(),
  }),
  spec: experimentSpec,
});

/** First document of a recorded scenario (contracts: "Scenario files"). */
export const scenarioSchema = z.strictObject({
  scenario: z.string().min(1),
  family: z.string().optional(),
  about: z.string().optional(),
  cluster: z.strictObject({
    nodes: z.array(
      z.strictObject({
        name: z.string().min(1),
        zone: z.string().optional(),
        cpu: quantity.optional(),
        memory: quantity.optional(),
        pods: z.int().min(0).optional(),
        labels: text.optional(),
        taints: z.array(taint).optional(),
      }),
    ),
  }),
  setup: z.array(step).optional(),
  steps: z.array(step),
  end: z.strictObject({
    idleMs: z.number().min(0).optional(),
    maxMs: z.number().min(0).optional(),
    minMs: z.number().min(0).optional(),
  }),
  exclusive: z.boolean().optional(),
  secondOfMinute: z.number().optional(),
  reps: z.int().optional(),
  parallel: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('so many scenarios of its kind share the control plane'),
});

export type Experiment = z.infer<typeof experimentSchema>;
export type ExperimentStep = z.infer<typeof step>;
export type ScenarioHeader = z.infer<typeof scenarioSchema>;

/** The schema below optional, default, array and record wrappers. */
function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap() as z.ZodType;
  return inner;
}

/** The first key of a path that the schema does not know, with those that it knows there; null: the path may exist. */
export function unknownStep(
  schema: z.ZodType,
  path: readonly (string | number)[],
): { readonly at: number; readonly known: string[]; readonly list: boolean } | null {
  let inner = unwrap(schema);
  for (const [at, key] of path.entries()) {
    if (inner instanceof z.ZodObject) {
      const next = inner.shape[String(key)];
      // A loose object takes any key: arguments of a workload are checked by the workload.
      if (next === undefined)
        return inner.def.catchall instanceof z.ZodUnknown
          ? null
          : { at, known: Object.keys(inner.shape), list: false };
      inner = unwrap(next);
    } else if (inner instanceof z.ZodArray) {
      if (typeof key !== 'number') return { at, known: [], list: true };
      inner = unwrap(inner.element as z.ZodType);
    } else if (inner instanceof z.ZodRecord) inner = unwrap(inner.valueType as z.ZodType);
    else return null;
  }
  return null;
}

/** Keys that the object at `path` may have; empty where any key goes. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at = unwrap(schema);
  for (const key of path) {
    if (at instanceof z.ZodObject) {
      const next = at.shape[String(key)];
      if (next === undefined) return [];
      at = unwrap(next);
    } else if (at instanceof z.ZodArray) at = unwrap(at.element as z.ZodType);
    else if (at instanceof z.ZodRecord) at = unwrap(at.valueType as z.ZodType);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}
