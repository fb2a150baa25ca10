// `kubetick sweep --emit`: what starts the shards of a sweep elsewhere: an Indexed Job of Kubernetes (batch/v1, one
// completion a shard), or a batch script of a Slurm array. Each shard runs the same command and takes its number from the
// environment.
import { stringify } from 'yaml';

export const EMITTERS = ['kubernetes-job', 'slurm'] as const;
export type Emitter = (typeof EMITTERS)[number];

export interface EmitOptions {
  readonly experiment: string;
  readonly shards: number;
  /** Threads of each shard. */
  readonly workers: number;
  /** The command's own arguments: paths and options that change runs. */
  readonly args: readonly string[];
  /** Directory of the sweep, shared by all shards. */
  readonly out: string;
  /** Of the container; Slurm starts the program of the PATH. */
  readonly image: string;
  /** Estimated memory of one run, bytes. */
  readonly memoryBytes: number;
}

/** Of a container that is started anew for each failed attempt, before its index is given up. */
const BACKOFF_LIMIT_PER_INDEX = 3;
/** Where the Job mounts the claim with the input files, and where paths start. */
const MOUNT = '/work';
/** A pod's host name is the Job's name and its index: a DNS label of 63 characters (KEP-2214). */
const NAME_MAX = 55;
const MIB = 1024 * 1024;

export function emit(emitter: Emitter, options: EmitOptions): string {
  return emitter === 'slurm' ? slurmScript(options) : kubernetesJob(options);
}

function kubernetesJob({ experiment, shards, workers, args, out, image, memoryBytes }: EmitOptions): string {
  const name = `sweep-${experiment}`.replaceAll('.', '-').slice(0, NAME_MAX).replace(/-+$/, '');
  const memory = `${Math.ceil((memoryBytes * workers) / MIB)}Mi`;
  const container = {
    name: 'kubetick',
    image,
    command: ['kubetick'],
    args: [
      'sweep',
      ...args,
      '--shard',
      `job/${shards}`,
      '--workers',
      String(workers),
      '--out',
      out,
      '--quiet',
    ],
    workingDir: MOUNT,
    resources: { requests: { cpu: String(workers), memory } },
    volumeMounts: [{ name: 'work', mountPath: MOUNT }],
  };
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      completionMode: 'Indexed',
      completions: shards,
      parallelism: shards,
      backoffLimitPerIndex: BACKOFF_LIMIT_PER_INDEX,
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [container],
          volumes: [{ name: 'work', persistentVolumeClaim: { claimName: 'kubetick' } }],
        },
      },
    },
  };
  return `# The claim "kubetick" (ReadWriteMany) holds the files of the Experiment and takes the results.\n${stringify(job)}`;
}

function slurmScript({ experiment, shards, workers, args, out, memoryBytes }: EmitOptions): string {
  const memory = Math.ceil((memoryBytes * workers) / MIB);
  const command = ['kubetick', 'sweep', ...args, '--shard', 'slurm', '--out', out, '--quiet'].map(quoted);
  return `#!/bin/bash
# sbatch this file in the folder that the paths start from; --out must be on a disk that all nodes see.
#SBATCH --job-name=sweep-${experiment}
#SBATCH --array=1-${shards}
#SBATCH --cpus-per-task=${workers}
#SBATCH --mem=${memory}M
#SBATCH --requeue
#SBATCH --output=sweep-${experiment}-%a.log
exec ${command.join(' ')} --workers "$SLURM_CPUS_PER_TASK"
`;
}

/** As one word of a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
