// What scheduler plug-ins may know of devices: claims, classes and slices of resource.k8s.io as the scheduler has last
// seen them, with what it has decided since, and which devices are taken.
import type { KubeObject } from '../kinds/kind.ts';

/** `driver/pool/device`, as the scheduler tells devices apart. */
export const deviceId = (driver: string, pool: string, device: string): string =>
  `${driver}/${pool}/${device}`;

/** Devices that claims hold, decided allocations included. */
export interface TakenDevices {
  /** A claim has the whole device. Access of administrators takes nothing. */
  has(device: string): boolean;
  /** What claims have consumed of a device that several may share, in billionths by name; undefined: nobody has any. */
  consumed(device: string): ReadonlyMap<string, bigint> | undefined;
}

export interface DeviceView {
  readonly taken: TakenDevices;
  /**
   * Name of the claim that was made for an entry of the pod's spec.resourceClaims that names a template; null: none is
   * needed; undefined: none has been made yet.
   */
  claimName(pod: number, entry: string): string | null | undefined;
  /** Newer versions that the scheduler wrote itself go before those of its watch. */
  claim(namespace: string, name: string): KubeObject | null;
  deviceClass(name: string): KubeObject | null;
  /** ResourceSlices that name the node. */
  slicesOf(node: string): Iterable<KubeObject>;
  /** ResourceSlices that name no node: of all nodes, of some by selector or by device, or with counters only. */
  wideSlices(): Iterable<KubeObject>;
  /** All ResourceSlices of a pool, of whatever node. */
  slicesOfPool(driver: string, pool: string): Iterable<KubeObject>;
  /** An allocation of the claim was decided and is not written yet. */
  isPending(claim: KubeObject): boolean;
  /** Takes the devices of a claim that is to be written with its allocation. */
  reserve(claim: KubeObject): void;
  /** The allocation is written, or given up. */
  release(claim: KubeObject): void;
  /** This version was written: it holds until the watch has passed it. */
  assume(claim: KubeObject): void;
  /** PUT …/status of a claim, on top of `base`; nobody waits for the answer. */
  writeStatus(base: KubeObject, next: KubeObject): void;
}
