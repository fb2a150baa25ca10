// Do the intervals cover, the tests hold their error rates, and the power keep its word? Many experiments on models with
// known answers, simulated by the kernel: waits in M/M/1 and M/M/c (mean and 0.9 quantile), each experiment some
// independent replications as an Experiment's are. Printed: how often the interval held the truth, how often an alarm
// was false, how often a real difference was seen against the claimed power. Ends with exit code 1 where a figure is
// outside its bounds. Full: 1,000 experiments each; small: 100, with bounds as much wider as chance asks.
import process from 'node:process';
import { Kernel, Rng } from '../../engine/kernel/index.ts';
import { pairedDifference, ratioInterval, welchDifference } from '../../reports/stats/compare.ts';
import { type Interval, meanInterval } from '../../reports/stats/mean.ts';
import { regressionTest } from '../../reports/stats/noninferiority.ts';
import { oneSidedPower, power } from '../../reports/stats/power.ts';
import { replicationsWanted } from '../../reports/stats/precision.ts';
import { medianInterval } from '../../reports/stats/quantile.ts';

interface Model {
  readonly name: string;
  readonly servers: number;
  /** Offered load a server, below 1. The mean service time is 1 s. */
  readonly utilisation: number;
}

const MODELS: readonly Model[] = [
  { name: 'M/M/1, 50 %', servers: 1, utilisation: 0.5 },
  { name: 'M/M/3, 60 %', servers: 3, utilisation: 0.6 },
];
const REPLICATIONS = 20;
const WARM_UP = 200;
const CUSTOMERS = 2000;
const QUANTILE = 0.9;
/** The planted difference: service times longer by this share. */
const SLOWER = 0.03;

/** Erlang C: probability that a customer waits. */
function waitProbability({ servers, utilisation }: Model): number {
  const load = servers * utilisation;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < servers; k++) {
    term *= load / k;
    sum += term;
  }
  const last = ((term * load) / servers) * (1 / (1 - utilisation));
  return last / (sum + last);
}

/** Seconds, of the stationary queue. The wait beyond 0 is exponential with rate c - load. */
function truth(model: Model): { mean: number; quantile: number } {
  const wait = waitProbability(model);
  const rate = model.servers * (1 - model.utilisation);
  return { mean: wait / rate, quantile: Math.log(wait / (1 - QUANTILE)) / rate };
}

interface Replication {
  readonly mean: number;
  readonly quantile: number;
}

/** One replication, seconds. `speed` divides service times; the same seed and replication give the same arrivals. */
function simulate(model: Model, seed: string, replication: number, speed = 1): Replication {
  const kernel = new Kernel();
  const rng = new Rng(seed, replication);
  const arrivals = rng.stream('arrivals');
  const services = rng.stream('services');
  const gapUs = 1e6 / (model.servers * model.utilisation);
  const draw = (stream: { next(): number }, meanUs: number): number =>
    Math.round(-Math.log1p(-stream.next()) * meanUs);
  const customers = WARM_UP + CUSTOMERS;
  const arrivedUs = new Float64Array(customers);
  const waitsUs = new Float64Array(CUSTOMERS);
  let arrived = 0;
  let served = 0;
  let busy = 0;
  const serve = (): void => {
    const customer = served++;
    busy += 1;
    if (customer >= WARM_UP) waitsUs[customer - WARM_UP] = kernel.now - arrivedUs[customer]!;
    kernel.after(draw(services, 1e6 / speed), departure, 0, 0);
  };
  const arrival = kernel.on('arrival', () => {
    arrivedUs[arrived++] = kernel.now;
    if (arrived < customers) kernel.after(draw(arrivals, gapUs), arrival, 0, 0);
    if (busy < model.servers) serve();
  });
  const departure = kernel.on('departure', () => {
    busy -= 1;
    if (served < arrived) serve();
  });
  kernel.after(draw(arrivals, gapUs), arrival, 0, 0);
  kernel.run();
  let sum = 0;
  for (const wait of waitsUs) sum += wait;
  waitsUs.sort();
  return { mean: sum / CUSTOMERS / 1e6, quantile: waitsUs[Math.ceil(QUANTILE * CUSTOMERS) - 1]! / 1e6 };
}

interface Line {
  readonly what: string;
  readonly rate: number;
  readonly low: number;
  readonly high: number;
  readonly experiments: number;
}

const holds = ({ low, high }: Interval, value: number): boolean => low <= value && value <= high;

export async function run({ size, json }: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const experiments = size === 'full' ? 1000 : 100;
  /** What chance adds to the bounds of a rate when fewer experiments are made than they were meant for. */
  const spare = size === 'full' ? 0 : 2.6 * Math.sqrt((0.05 * 0.95) / experiments);
  const lines: Line[] = [];
  const rate = (what: string, times: number, low: number, high: number): void => {
    lines.push({
      what,
      rate: times / experiments,
      low: low - spare,
      high: Math.min(1, high + spare),
      experiments,
    });
  };
  const sample = (model: Model, seed: string, speed = 1, count = REPLICATIONS): Replication[] =>
    Array.from({ length: count }, (_, r) => simulate(model, seed, r, speed));

  for (const model of MODELS) {
    const { mean, quantile } = truth(model);
    let means = 0;
    let quantiles = 0;
    let quantileMeans = 0;
    let ratios = 0;
    let alarms = 0;
    let pairedAlarms = 0;
    let gateAlarms = 0;
    const seen: boolean[] = [];
    const gateSeen: boolean[] = [];
    const differences: number[] = [];
    const margin = 0.05 * mean;
    for (let e = 0; e < experiments; e++) {
      const a = sample(model, `a${e}`);
      const ma = a.map((one) => one.mean);
      if (holds(meanInterval(ma), mean)) means += 1;
      const qa = a.map((one) => one.quantile);
      if (holds(medianInterval(qa), quantile)) quantiles += 1;
      if (holds(meanInterval(qa), quantile)) quantileMeans += 1;
      // The same model with other random numbers: whatever is found is false.
      const mb = sample(model, `b${e}`).map((one) => one.mean);
      if (holds(ratioInterval(ma, mb), 1)) ratios += 1;
      if (welchDifference(ma, mb).p < 0.05) alarms += 1;
      if (pairedDifference(ma, mb).p < 0.05) pairedAlarms += 1;
      // Worse by exactly the margin, on average: the gate's worst null.
      const worseBy = mb.map((x, r) => x - ma[r]! + margin);
      if (regressionTest(worseBy, margin).p < 0.05) gateAlarms += 1;
      // Servers slower by SLOWER, without common random numbers: with them, next to nothing is too small to be seen.
      const slower = sample(model, `c${e}`, 1 / (1 + SLOWER)).map((one) => one.mean);
      const worse = slower.map((x, r) => x - ma[r]!);
      differences.push(...worse);
      seen.push(pairedDifference(ma, slower).p < 0.05);
      gateSeen.push(regressionTest(worse, 0.02 * mean).p < 0.05);
    }
    rate(`${model.name}: mean wait, t interval`, means, 0.935, 0.965);
    rate(`${model.name}: p90 wait, order statistics`, quantiles, 0.935, 0.965);
    rate(`${model.name}: p90 wait, t interval`, quantileMeans, 0.935, 0.965);
    rate(`${model.name}: ratio of means, Fieller`, ratios, 0.935, 0.965);
    rate(`${model.name}: false alarms, paired`, pairedAlarms, 0, 0.065);
    rate(`${model.name}: false alarms, Welch`, alarms, 0, 0.065);
    rate(`${model.name}: false alarms of the gate at its margin`, gateAlarms, 0, 0.065);
    const { mean: effect, sd } = meanInterval(differences);
    const claimed = power(effect, sd, REPLICATIONS);
    const count = seen.filter(Boolean).length;
    rate(
      `${model.name}: 3 % slower seen; claimed ${claimed.toFixed(3)}`,
      count,
      claimed - 0.05,
      claimed + 0.05,
    );
    const claimedGate = oneSidedPower(effect - 0.02 * mean, sd, REPLICATIONS, 0.05);
    const gateCount = gateSeen.filter(Boolean).length;
    rate(
      `${model.name}: gate sees it beyond its margin; claimed ${claimedGate.toFixed(3)}`,
      gateCount,
      claimedGate - 0.05,
      claimedGate + 0.05,
    );
  }
  sequential(experiments, rate);
  print(lines, json);
}

/** Replications added until the interval is +- 5 % of the mean. */
function sequential(
  experiments: number,
  rate: (what: string, times: number, low: number, high: number) => void,
): void {
  const model = MODELS[0]!;
  const { mean } = truth(model);
  let held = 0;
  for (let e = 0; e < experiments; e++) {
    const samples: number[] = [];
    for (;;) {
      const wanted = replicationsWanted(samples, { relative: 0.05, most: 1000 });
      if (wanted === samples.length) break;
      while (samples.length < wanted) samples.push(simulate(model, `s${e}`, samples.length).mean);
    }
    if (holds(meanInterval(samples), mean)) held += 1;
  }
  rate(`${model.name}: mean wait, until +-5 %`, held, 0.935, 0.965);
}

function print(lines: readonly Line[], json: boolean): void {
  const bad = lines.filter((line) => line.rate < line.low || line.rate > line.high);
  if (json) console.log(JSON.stringify({ benchmark: 'coverage', lines, bad: bad.length }));
  else {
    const width = Math.max(...lines.map((line) => line.what.length));
    for (const line of lines) {
      const percent = (x: number): string => `${(100 * Math.max(0, x)).toFixed(1)}`.padStart(5);
      const flag = bad.includes(line) ? '  OUTSIDE' : '';
      console.log(
        `${line.what.padEnd(width)}  ${percent(line.rate)} %  (${percent(line.low)} to ${percent(line.high)}, ${line.experiments} experiments)${flag}`,
      );
    }
  }
  if (bad.length > 0) process.exitCode = 1;
}
