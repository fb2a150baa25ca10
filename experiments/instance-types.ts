// Machine types that an Experiment may name (`type: m5.4xlarge`): CPUs, memory and the pods that fit by address limits.
// Sources: AWS instance type tables and eni-max-pods.txt of awslabs/amazon-eks-ami; Google GKE (110 pods a node by
// default); Azure AKS with overlay networking (250 at most, 110 as kubeadm's default taken here). Whole machine is
// allocatable: reservations differ by distribution, give `cpu` and `memory` where they matter.

export interface InstanceType {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: number;
}

/** Sizes of the AWS general families, with pods by network interfaces (VPC CNI without prefix delegation). */
const AWS_SIZES: readonly (readonly [string, number, number])[] = [
  ['large', 2, 29],
  ['xlarge', 4, 58],
  ['2xlarge', 8, 58],
  ['4xlarge', 16, 234],
  ['8xlarge', 32, 234],
  ['12xlarge', 48, 234],
  ['16xlarge', 64, 737],
  ['24xlarge', 96, 737],
];
/** Family and GiB per CPU. */
const AWS_FAMILIES: readonly (readonly [string, number])[] = [
  ['m5', 4],
  ['m6i', 4],
  ['m7i', 4],
  ['r5', 8],
  ['r6i', 8],
  ['r7i', 8],
  ['c6i', 2],
  ['c7i', 2],
];
const GCP_FAMILIES: readonly (readonly [string, number])[] = [
  ['e2-standard', 4],
  ['n2-standard', 4],
  ['n2-highmem', 8],
  ['n2-highcpu', 1],
];
const GCP_CPUS = [2, 4, 8, 16, 32] as const;
const AZURE_FAMILIES: readonly (readonly [string, number])[] = [
  ['D', 4],
  ['E', 8],
];
const AZURE_CPUS = [2, 4, 8, 16, 32, 48, 64] as const;

function build(): Map<string, InstanceType> {
  const types = new Map<string, InstanceType>();
  const add = (name: string, cpu: number, gib: number, pods: number): void => {
    types.set(name, { cpu: String(cpu), memory: `${gib}Gi`, pods });
  };
  for (const [family, gib] of AWS_FAMILIES)
    for (const [size, cpu, pods] of AWS_SIZES) add(`${family}.${size}`, cpu, cpu * gib, pods);
  for (const [family, gib] of GCP_FAMILIES)
    for (const cpu of GCP_CPUS) add(`${family}-${cpu}`, cpu, cpu * gib, 110);
  for (const [family, gib] of AZURE_FAMILIES)
    for (const cpu of AZURE_CPUS) add(`Standard_${family}${cpu}s_v5`, cpu, cpu * gib, 110);
  return types;
}

export const instanceTypes: ReadonlyMap<string, InstanceType> = build();
