// Devices that have to get ready before a pod may be bound: their slices name conditions, their drivers report them in
// the claim's status (plugins/dynamicresources/dynamicresources.go isClaimReadyForBinding and isPodReadyForBinding,
// v1.36; KEP 5007). The model has no drivers: devices are ready that a status given from outside says so of.
import type { DeviceView, Json, KubeObject, PreBindWork } from '../../../engine/index.ts';
import { allocationOfClaim } from './device-claims.ts';

/** DynamicResourcesArgs.bindingTimeout by default, seconds (pkg/scheduler/apis/config/types.go). */
const TIMEOUT_SECONDS = 600;

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** A Go duration such as `10m` or `1m30s`, in µs. */
function durationUs(text: string | undefined): number {
  if (text === undefined) return TIMEOUT_SECONDS * 1_000_000;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g))
    seconds += Number(amount) * UNITS[unit!]!;
  return Math.round(seconds * 1_000_000);
}

const conditionsOf = (results: readonly Json[]): boolean =>
  results.some(({ bindingConditions }) => bindingConditions?.length > 0);

/** Some device of the claims has conditions to wait for. */
export function isWaitedFor(
  claims: readonly KubeObject[],
  decided: readonly { readonly allocation: Json }[],
): boolean {
  return (
    claims.some((claim) => conditionsOf(allocationOfClaim(claim)?.devices?.results ?? [])) ||
    decided.some(({ allocation }) => conditionsOf(allocation.devices.results))
  );
}

/** true: all its devices are ready; a text: one will never be. */
function stateOf(claim: KubeObject): boolean | string {
  for (const {
    driver,
    pool,
    device,
    bindingConditions = [],
    bindingFailureConditions = [],
  } of allocationOfClaim(claim)?.devices?.results ?? []) {
    if (bindingConditions.length === 0) continue;
    const status = (claim['status'].devices ?? []).find(
      (each: Json) => each.driver === driver && each.pool === pool && each.device === device,
    );
    const conditions: readonly Json[] = status?.conditions ?? [];
    const isTrue = (type: string): Json =>
      conditions.find((each) => each.type === type && each.status === 'True');
    for (const type of bindingFailureConditions) {
      const failed = isTrue(type);
      if (failed !== undefined)
        return `claim ${claim.metadata.name} binding failed: reason=${failed.reason}, message=${JSON.stringify(failed.message)}`;
    }
    if (!bindingConditions.every((type: string) => isTrue(type) !== undefined)) return false;
  }
  return true;
}

export interface DevicesReady {
  readonly timeoutUs: number;
  /** The claim's devices will not get ready, or have taken too long: it is better off with others. */
  hasFailed(claim: KubeObject): boolean;
  /** The looks of PreBind at claims, by namespace and name. */
  look(
    devices: DeviceView,
    claims: readonly (readonly [string, string])[],
  ): Required<Pick<PreBindWork, 'check' | 'expired'>>;
}

/** @param timeout a Go duration */
export function bindingState(timeout: string | undefined): DevicesReady {
  /** Allocations that were waited for in vain. */
  const late = new WeakSet<object>();
  return {
    timeoutUs: durationUs(timeout),
    hasFailed(claim) {
      const allocation = allocationOfClaim(claim);
      if (allocation === undefined) return false;
      return typeof stateOf(claim) === 'string' || late.has(allocation);
    },
    look(devices, claims) {
      const current = (): KubeObject[] =>
        claims.flatMap(([namespace, name]) => devices.claim(namespace, name) ?? []);
      return {
        check() {
          for (const claim of current()) {
            const state = stateOf(claim);
            if (state !== true) return state;
          }
          return true;
        },
        expired() {
          for (const claim of current()) if (stateOf(claim) !== true) late.add(allocationOfClaim(claim));
          return 'device binding timeout';
        },
      };
    },
  };
}
