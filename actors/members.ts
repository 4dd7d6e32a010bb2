// Which processes host, and who of them reads which partition. Everybody says once a second that it is there; rendezvous hashing over
// the living gives each partition one owner. Nothing is agreed on: for a moment two may own a partition, or nobody. That costs time
// only: the bus has one message per partition in flight, and the store drops what is done twice.
import type { Beat, Bus, Ownership } from './bus.ts';
import { partitions } from './bus-subjects.ts';
import type { Clock } from './clock.ts';
import { sha256 } from './hash.ts';

export interface Member { id: string; role: string }
export interface Members extends Ownership {
  /** The living, this one first. */
  list(): Member[];
  /** Says that this one is gone, so that the others take over at once. Stop reading first. */
  leave(): Promise<void>;
}

const beatMs = 1_000;
/** Who was not heard for so long is dead. */
const silentMs = 4_000;
/** Who hosts already answers a newcomer at once; who is slower is heard later. */
const helloMs = 30;

/** Joins those that host. `id` is this process's for as long as it lives. */
export async function joinMembers({ bus, clock, id, role }: { bus: Pick<Bus, 'beat' | 'onBeat' | 'flush'>; clock: Clock; id: string; role: string }): Promise<Members> {
  const heard = new Map<string, Member & { atMs: number }>();
  const tasks: (() => void)[] = [];
  let owners: string[] = [];
  let lastBeatMs = clock.now();

  const changed = () => {
    owners = assignPartitions([id, ...heard.keys()]);
    for (const task of tasks) task();
  };
  const say = (state: Beat['state']) => bus.beat({ id, role, state });
  const hear = (beat: Beat) => {
    if (beat.id === id) return;
    const known = heard.has(beat.id);
    if (beat.state === 'new') say('here');
    if (beat.state === 'gone') heard.delete(beat.id);
    else heard.set(beat.id, { id: beat.id, role: beat.role, atMs: clock.now() });
    if (known !== heard.has(beat.id)) changed();
  };
  const beat = () => {
    const nowMs = clock.now();
    // We were frozen ourselves, or the clock was set: what the others said meanwhile is not read yet.
    const paused = Math.abs(nowMs - lastBeatMs) > silentMs / 2;
    lastBeatMs = nowMs;
    say('here');
    const before = heard.size;
    for (const member of heard.values()) {
      if (paused) member.atMs = nowMs;
      else if (nowMs - member.atMs > silentMs) heard.delete(member.id);
    }
    if (heard.size !== before) changed();
  };

  changed();
  const listening = bus.onBeat(hear);
  say('new');
  await bus.flush();
  await clock.sleep(helloMs);
  const stopBeat = clock.every(beatMs, beat);
  return {
    owns: (partition) => owners[partition] === id,
    onChange: (task) => void tasks.push(task),
    list: () => [{ id, role }, ...[...heard.values()].map((member) => ({ id: member.id, role: member.role }))],
    async leave() {
      stopBeat();
      say('gone');
      await listening.stop();
      await bus.flush();
    },
  };
}

/** The owner of each partition. Whoever comes or goes moves only its own partitions. */
export function assignPartitions(ids: readonly string[]): string[] {
  const rank = (id: string, partition: number) => sha256(`${partition} ${id}`);
  return Array.from({ length: partitions }, (_, n) => ids.reduce((best, id) => (rank(id, n) > rank(best, n) ? id : best)));
}
