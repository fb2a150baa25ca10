// Random programs for the kernel, and a plain model that runs them: an array kept sorted by
// (time, order of scheduling). Whatever runs a program writes the same record.

import fc from 'fast-check';
import { Kernel, type QueueKind, type TimerHandle } from '../../../engine/kernel/index.ts';

export const QUEUES: readonly QueueKind[] = ['heap', 'ladder', 'fast-priority-queue'];

/** One thing a program does from outside of handlers. */
export type Command =
  | { do: 'schedule'; how: How; delay: number; count: number }
  | { do: 'cancel'; which: number }
  | { do: 'cancel most'; keepEvery: number }
  | { do: 'run'; span: number }
  | { do: 'drain' };
type How = 'after' | 'at' | 'timer' | 'lane';

export interface Program {
  commands: Command[];
  /** What an event does when it runs, by its number modulo the length: schedules these delays. */
  reactions: { how: How; delay: number }[][];
}

/** Ties, near, far and very far: the ranges in which queues keep different structures. */
const delays = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 1000 }),
  fc.integer({ min: 0, max: 10_000_000 }),
  fc.constantFrom(0, 1, 50, 86_400_000_000, 7 * 86_400_000_000),
);
const how = fc.constantFrom<How>('after', 'at', 'timer', 'lane');

export const programs: fc.Arbitrary<Program> = fc.record({
  commands: fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('schedule' as const),
          how,
          delay: delays,
          count: fc.constantFrom(1, 1, 1, 5, 60, 400),
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(1_000_000) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('run' as const), span: delays }) },
      { weight: 1, arbitrary: fc.constant({ do: 'drain' as const }) },
    ),
    { maxLength: 60 },
  ),
  reactions: fc.array(fc.array(fc.record({ how, delay: delays }), { maxLength: 3 }), {
    minLength: 1,
    maxLength: 7,
  }),
});

/** Programs with thousands of timers, most of them cancelled at once: the queue is swept while it lives. */
export const sweepingPrograms: fc.Arbitrary<Program> = fc.record({
  commands: fc
    .array(
      fc.tuple(
        fc.array(
          fc.record({
            do: fc.constant('schedule' as const),
            how,
            delay: delays,
            count: fc.constantFrom(1, 60),
          }),
          { maxLength: 4 },
        ),
        fc.record({
          do: fc.constant('schedule' as const),
          how: fc.constant<How>('timer'),
          delay: delays,
          count: fc.constantFrom(700, 1500),
        }),
        fc.record({ do: fc.constant('run' as const), span: delays }),
        fc.record({ do: fc.constant('cancel most' as const), keepEvery: fc.integer({ min: 2, max: 40 }) }),
      ),
      { minLength: 2, maxLength: 4 },
    )
    .map((rounds) => rounds.flatMap(([few, many, run, cancel]) => [many, run, ...few, cancel, ...few])),
  reactions: fc.array(fc.array(fc.record({ how, delay: delays }), { maxLength: 2 }), {
    minLength: 1,
    maxLength: 5,
  }),
});

/** Events a program may schedule from handlers, so that every program ends. */
const REACTIONS_MAX = 2000;
/** Events scheduled by one command spread over this many microseconds, in a scattered order. */
const SPREAD = 97;

/** Scatters the events of one command: some tie, some are out of order. */
function scattered(delay: number, i: number): number {
  return delay + ((i * 41) % SPREAD);
}

/** What both runners offer to `play`. */
interface Machine {
  now(): number;
  schedule(how: How, delay: number, id: number): void;
  cancel(timer: number): boolean;
  run(until: number): string;
  pending(): number;
}

/** Plays a program on a machine; gives the record of everything observable. */
function play(program: Program, make: (ran: (id: number) => void) => Machine): string[] {
  const record: string[] = [];
  let ids = 0;
  let timers = 0;
  let reactionsLeft = REACTIONS_MAX;
  const schedule = (kind: How, delay: number): void => {
    if (kind === 'timer') timers++;
    machine.schedule(kind, delay, ids++);
  };
  const machine = make((id) => {
    record.push(`${machine.now()}:${id}`);
    for (const { how: kind, delay } of program.reactions[id % program.reactions.length]!) {
      if (reactionsLeft-- > 0) schedule(kind, delay);
    }
  });
  for (const command of [...program.commands, { do: 'drain' } as const]) {
    if (command.do === 'schedule') {
      for (let i = 0; i < command.count; i++) schedule(command.how, scattered(command.delay, i));
    } else if (command.do === 'cancel') {
      if (timers > 0) record.push(`cancel ${machine.cancel(command.which % timers)}`);
    } else if (command.do === 'cancel most') {
      let cancelled = 0;
      for (let timer = 0; timer < timers; timer++) {
        if (timer % command.keepEvery !== 0 && machine.cancel(timer)) cancelled++;
      }
      record.push(`cancelled ${cancelled}`);
    } else {
      const until = command.do === 'run' ? machine.now() + command.span : Number.POSITIVE_INFINITY;
      record.push(`${machine.run(until)} ${machine.now()} ${machine.pending()}`);
    }
  }
  return record;
}

/** Plays on the kernel. With `lanes` false, what the program pushes to lanes goes through `after`. */
export function playOnKernel(program: Program, queue: QueueKind, lanes = true): string[] {
  return play(program, (ran) => {
    const kernel = new Kernel({ queue });
    const kind = kernel.on('event', (id) => ran(id));
    const handles: TimerHandle[] = [];
    return {
      now: () => kernel.now,
      schedule: (how, delay, id) => {
        if (how === 'timer') handles.push(kernel.timer(delay, kind, id, 0));
        else if (how === 'at') kernel.at(kernel.now + delay, kind, id, 0);
        else if (how === 'lane' && lanes) kernel.lane(delay).push(kind, id, 0);
        else kernel.after(delay, kind, id, 0);
      },
      cancel: (timer) => kernel.cancel(handles[timer]!),
      run: (until) => kernel.run(until),
      pending: () => kernel.pending,
    };
  });
}

/** Plays on the model: the shortest code that can be seen to be right. */
export function playOnModel(program: Program): string[] {
  return play(program, (ran) => {
    let now = 0;
    const pending: { time: number; id: number }[] = [];
    const timerIds: number[] = [];
    const gone = new Set<number>(); // run or cancelled: saves a search, changes nothing
    return {
      now: () => now,
      schedule: (how, delay, id) => {
        if (how === 'timer') timerIds.push(id);
        const time = now + delay;
        // Behind everything due at the same time or before.
        const at = pending.findIndex((other) => other.time > time);
        pending.splice(at < 0 ? pending.length : at, 0, { time, id });
      },
      cancel: (timer) => {
        const id = timerIds[timer]!;
        if (gone.has(id)) return false;
        gone.add(id);
        const at = pending.findIndex((event) => event.id === id);
        if (at >= 0) pending.splice(at, 1);
        return at >= 0;
      },
      run: (until) => {
        while (pending.length > 0 && pending[0]!.time <= until) {
          const { time, id } = pending.shift()!;
          now = time;
          gone.add(id);
          ran(id);
        }
        if (pending.length === 0) return 'idle';
        now = until;
        return 'until';
      },
      pending: () => pending.length,
    };
  });
}
