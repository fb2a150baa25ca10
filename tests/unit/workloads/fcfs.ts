// A queue with c servers, first come first served, computed job by job: what a cluster of c nodes that hold one job
// each must do when control-plane latencies are zero. Written apart from the simulator so that the two can disagree.

/** Waiting time of each job, in the unit of the inputs. `arrivals` must not decrease. */
export function fcfsWaits(
  arrivals: readonly number[],
  durations: readonly number[],
  servers: number,
): number[] {
  if (!(servers >= 1)) throw new RangeError(`${servers} servers`);
  // When each server is free next. The number of servers is small: the earliest is found by looking at all.
  const freeAt = new Array<number>(servers).fill(Number.NEGATIVE_INFINITY);
  return arrivals.map((arrival, job) => {
    if (job > 0 && arrival < arrivals[job - 1]!)
      throw new RangeError(`job ${job} arrives before its predecessor`);
    let server = 0;
    for (let other = 1; other < servers; other++) if (freeAt[other]! < freeAt[server]!) server = other;
    const start = Math.max(arrival, freeAt[server]!);
    freeAt[server] = start + durations[job]!;
    return start - arrival;
  });
}

/** Erlang's C formula: probability that an arrival of an M/M/c queue with offered load a = λ/µ < c waits. */
export function erlangC(servers: number, load: number): number {
  // B(0) = 1, B(k) = a·B(k-1) / (k + a·B(k-1)); C = B / (1 - ρ(1 - B)).
  let blocking = 1;
  for (let k = 1; k <= servers; k++) blocking = (load * blocking) / (k + load * blocking);
  const utilisation = load / servers;
  return blocking / (1 - utilisation * (1 - blocking));
}

/** Mean wait of an M/M/c queue, in units of the mean service time. */
export const meanWaitMMc = (servers: number, load: number): number =>
  erlangC(servers, load) / (servers - load);
