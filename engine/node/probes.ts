// What probes find over a container's life, computed from spans in which the container does not answer, instead of
// being simulated probe by probe: only the moments at which a result changes are events. The rules are those of a
// probe's worker (pkg/kubelet/prober/worker.go, v1.36): ticks every period, none before the initial delay, a result
// that counts after so many equal answers in a row, and a probe that is not answered within its timeout has failed.
import type { ContainerBehaviour, Window } from '../kinds/container-behaviour.ts';
import type { ProbeTemplate } from '../state/index.ts';

/** A result that changes, µs from the container's start. */
export interface Flip {
  readonly atUs: number;
  readonly ok: boolean;
}

/** First multiple of `stepUs` that is not below `us`. */
export const ceilTo = (us: number, stepUs: number): number => Math.ceil(us / stepUs) * stepUs;

/**
 * Results of a probe that differ from the one before, in order. `failing`: spans in order, apart. The worker ticks at
 * `firstUs` and every period after it; a tick before the initial delay does nothing. Finite, because the spans are.
 */
export function flips(
  probe: ProbeTemplate,
  failing: readonly Window[],
  firstUs: number,
  answerUs: number,
  initial: boolean,
): Flip[] {
  const { periodUs, initialDelayUs, successThreshold, failureThreshold, timeoutUs } = probe;
  const late = answerUs > timeoutUs;
  const spans: readonly Window[] = late ? [[0, Number.POSITIVE_INFINITY]] : failing;
  const list: Flip[] = [];
  let ok = initial;
  const tick = firstUs + ceilTo(Math.max(0, initialDelayUs - firstUs), periodUs);
  /** Number of the first tick that is not before `us`. */
  const tickAt = (us: number): number => Math.max(0, Math.ceil((us - tick) / periodUs));
  const turns = (from: number, to: number, fails: boolean): void => {
    const needed = fails ? failureThreshold : successThreshold;
    if (fails !== ok || from === to || to - from < needed) return;
    ok = !fails;
    list.push({ atUs: tick + (from + needed - 1) * periodUs + Math.min(answerUs, timeoutUs), ok });
  };
  // Spans as ticks: those without one are not noticed, and those without one between them are one.
  let answered = 0;
  let failed = 0;
  for (const [fromUs, toUs] of spans) {
    const [from, to] = [tickAt(fromUs), tickAt(toUs)];
    if (to <= from) continue;
    if (from > failed) {
      turns(answered, failed, true);
      turns(failed, from, false);
      answered = from;
    }
    failed = to;
  }
  turns(answered, failed, true);
  turns(failed, Number.POSITIVE_INFINITY, false);
  return list;
}

/** When the startup probe has succeeded, or has failed for good, whichever is first. */
export function startupOutcome(
  probe: ProbeTemplate,
  behaviour: ContainerBehaviour | null,
  firstUs: number,
  answerUs: number,
): Flip {
  const spans = failingSpans(behaviour, [[0, behaviour?.startedAfterUs ?? 0]]);
  const success = flips(probe, spans, firstUs, answerUs, false)[0];
  const failure = flips(probe, spans, firstUs, answerUs, true)[0];
  if (success !== undefined && (failure === undefined || success.atUs < failure.atUs)) return success;
  return failure!;
}

/** `own` spans and the one from which nothing is answered any more, in order and apart. */
export function failingSpans(behaviour: ContainerBehaviour | null, own: readonly Window[]): Window[] {
  const deadUs = behaviour?.deadAfterUs ?? Number.POSITIVE_INFINITY;
  const spans: Window[] = [];
  for (const [from, to] of own) if (to > from && from < deadUs) spans.push([from, Math.min(to, deadUs)]);
  if (deadUs === Number.POSITIVE_INFINITY) return spans;
  const last = spans.at(-1);
  if (last !== undefined && last[1] === deadUs) spans.pop();
  spans.push([last !== undefined && last[1] === deadUs ? last[0] : deadUs, Number.POSITIVE_INFINITY]);
  return spans;
}

/** What is to come of a container that runs, µs from its start. */
export interface Fate {
  /** Changes of its readiness, before its end. */
  readonly ready: readonly Flip[];
  /** Its end; Infinity: it runs on. */
  readonly endUs: number;
  readonly why: 'exit' | 'oom' | 'startup' | 'liveness' | 'hook';
  readonly code: number;
}

export interface FateInput {
  readonly startup: ProbeTemplate | null;
  readonly readiness: ProbeTemplate | null;
  readonly liveness: ProbeTemplate | null;
  /** null: the container is healthy. */
  readonly behaviour: ContainerBehaviour | null;
  readonly memoryLimitBytes: number;
  /** How long ago the kubelet took the pod on: the phase of the workers of startup and liveness probes, µs. */
  readonly sinceUs: number;
  /** Time that an answer takes, µs. */
  readonly answerUs: number;
}

/** Exit code of a container that the kernel kills. */
const SIGKILL_EXIT = 137;

/** µs until a container that uses memory as its behaviour says passes its limit; 0 bytes: no limit. */
export function oomUs(behaviour: ContainerBehaviour | null, limitBytes: number): number {
  if (behaviour === null || limitBytes === 0) return Number.POSITIVE_INFINITY;
  const { start, perSecond, max } = behaviour.memory;
  if (start > limitBytes) return 0;
  if (perSecond === 0 || max <= limitBytes) return Number.POSITIVE_INFINITY;
  return Math.ceil(((limitBytes - start) / perSecond) * 1e6);
}

export function fateOf(input: FateInput): Fate {
  const { startup, readiness, liveness, behaviour, sinceUs } = input;
  const answerUs = behaviour?.answerUs ?? input.answerUs;
  let endUs = Number.POSITIVE_INFINITY;
  let why: Fate['why'] = 'exit';
  let code = 0;
  const ends = (us: number, reason: Fate['why'], exitCode: number): void => {
    if (us < endUs) [endUs, why, code] = [us, reason, exitCode];
  };
  if (behaviour?.postStartFails) ends(0, 'hook', SIGKILL_EXIT);
  ends(oomUs(behaviour, input.memoryLimitBytes), 'oom', SIGKILL_EXIT);
  if (behaviour !== null) ends(behaviour.exitAfterUs, 'exit', behaviour.exitCode);
  let startedUs = 0;
  if (startup !== null) {
    const first = ceilTo(sinceUs, startup.periodUs) - sinceUs;
    const outcome = startupOutcome(startup, behaviour, first, answerUs);
    startedUs = outcome.ok ? outcome.atUs : Number.POSITIVE_INFINITY;
    if (!outcome.ok) ends(outcome.atUs, 'startup', -1);
  }
  if (liveness !== null && startedUs < Number.POSITIVE_INFINITY) {
    const first = ceilTo(sinceUs + startedUs, liveness.periodUs) - sinceUs;
    const failed = flips(liveness, failingSpans(behaviour, []), first, answerUs, true)[0];
    if (failed !== undefined) ends(failed.atUs, 'liveness', -1);
  }
  let ready: Flip[] = [];
  if (startedUs < Number.POSITIVE_INFINITY) {
    ready =
      readiness === null
        ? [{ atUs: startedUs, ok: true }]
        : flips(readiness, failingSpans(behaviour, behaviour?.unready ?? []), startedUs, answerUs, false);
  }
  return { ready: ready.filter(({ atUs }) => atUs < endUs), endUs, why, code };
}
