// A profile brought to life: one instance of each plug-in, listed per extension point, and the register of verdicts
// that all instances of a run share. Rejections are numbers here; texts are looked up when a message is written.
import type {
  ClusterView,
  Plugin,
  PluginHandle,
  PodView,
  SchedulerProfile,
  UnmodelledPlugin,
  Verdict,
} from '../contracts/scheduler.ts';
import { Code, PASS } from '../contracts/scheduler.ts';
import { assert } from '../kernel/index.ts';

/** One plug-in instance of one profile. */
export interface Instance {
  /** Over all profiles of the run: rejections name it. */
  readonly index: number;
  readonly name: string;
  readonly plugin: Plugin;
}

interface Registered {
  readonly code: Code;
  readonly reasons: readonly string[];
  /** Instance that registered it. */
  readonly instance: number;
}

/** All rejections that plug-ins of this run can give. */
export class Verdicts {
  readonly #list: Registered[] = [{ code: Code.success, reasons: [], instance: -1 }];
  readonly #ids = new Map<string, number>();
  /** How many of them are errors: those end an attempt. */
  errors = 0;

  register(instance: number, code: Code, reasons: readonly string[]): Verdict {
    assert(code !== Code.success && code !== Code.skip, 'success and skip are not rejections');
    const key = `${instance}\n${code}\n${reasons.join('\n')}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#list.length;
      this.#list.push({ code, reasons, instance });
      if (code === Code.error) this.errors += 1;
      this.#ids.set(key, id);
    }
    return id;
  }

  get size(): number {
    return this.#list.length;
  }
  code(verdict: Verdict): Code {
    return this.#list[verdict]!.code;
  }
  reasons(verdict: Verdict): readonly string[] {
    return this.#list[verdict]!.reasons;
  }
  /** Index of the plug-in instance that gave it. */
  instance(verdict: Verdict): number {
    return this.#list[verdict]!.instance;
  }
}

export class Framework {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
  readonly unmodelled: readonly UnmodelledPlugin[];
  readonly preEnqueue: readonly Instance[];
  readonly queueSort: Instance;
  readonly preFilter: readonly Instance[];
  readonly filter: readonly Instance[];
  readonly postFilter: readonly Instance[];
  readonly preScore: readonly Instance[];
  readonly score: readonly Instance[];
  readonly weights: readonly number[];
  readonly reserve: readonly Instance[];
  readonly permit: readonly Instance[];
  /** Those that may have work to do then. */
  readonly preBind: readonly Instance[];
  readonly bind: readonly Instance[];
  readonly postBind: readonly Instance[];

  constructor(
    profile: SchedulerProfile,
    cluster: ClusterView,
    verdicts: Verdicts,
    instances: Instance[],
    percentageOfNodesToScore: number,
  ) {
    this.schedulerName = profile.schedulerName;
    this.percentageOfNodesToScore = profile.percentageOfNodesToScore || percentageOfNodesToScore;
    this.unmodelled = profile.unmodelled;
    const mine = profile.plugins.map(({ definition, args }) => {
      const index = instances.length;
      const handle: PluginHandle = {
        cluster,
        verdict: (code, ...reasons) => verdicts.register(index, code, reasons),
      };
      const instance: Instance = { index, name: definition.name, plugin: definition.create(args, handle) };
      instances.push(instance);
      return instance;
    });
    const at = (point: keyof SchedulerProfile['points']): Instance[] =>
      profile.points[point].map((position) => mine[position]!);
    this.preEnqueue = at('preEnqueue');
    this.preFilter = at('preFilter');
    this.filter = at('filter');
    this.postFilter = at('postFilter');
    this.preScore = at('preScore');
    this.score = at('score');
    this.weights = profile.weights;
    this.reserve = at('reserve');
    this.permit = at('permit');
    this.preBind = at('preBind').filter(({ plugin }) => plugin.preBind !== undefined);
    this.bind = at('bind');
    this.postBind = at('postBind');
    const sorters = at('queueSort');
    assert(sorters.length === 1, () => `profile ${profile.schedulerName} has ${sorters.length} queue orders`);
    this.queueSort = sorters[0]!;
    assert(this.weights.length === this.score.length, 'every scorer has a weight');
  }
}

/** Index of the PreFilter plug-in of that name. */
export function preFilterOf({ preFilter, schedulerName }: Framework, name: string): number {
  const instance = preFilter.find((each) => each.name === name);
  assert(instance !== undefined, () => `profile ${schedulerName} has no PreFilter ${name}`);
  return instance.index;
}

/** Reserve and Permit; undoes them and gives the verdict if one of them objects. */
export function reserveAndPermit(framework: Framework, pod: PodView, node: number): number {
  for (const { plugin } of framework.reserve) {
    const verdict = plugin.reserve?.(pod, node) ?? PASS;
    if (verdict === PASS) continue;
    unreserve(framework, pod, node);
    return verdict;
  }
  for (const { plugin } of framework.permit) {
    const verdict = plugin.permit!(pod, node);
    if (verdict === PASS) continue;
    unreserve(framework, pod, node);
    return verdict;
  }
  return PASS;
}

/** In reverse order. */
export function unreserve({ reserve }: Framework, pod: PodView, node: number): void {
  for (let i = reserve.length - 1; i >= 0; i--) reserve[i]!.plugin.unreserve?.(pod, node);
}
