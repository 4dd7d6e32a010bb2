// Has the wall clock been set? It is compared with the time that really passed. A forward jump makes deadlines due that nobody
// waited for; those of actors that act outside wait for the operator's word. Pure: the store remembers, the supervisor reads.
import { toItemData } from './inbox.ts';
import type { Intent } from './records.ts';

export interface Reading {
  /** Milliseconds since 1970, as the clock on the wall says. */
  wallMs: number;
  /** Milliseconds since some moment that setting the clock does not move; a sleep of the computer counts. */
  elapsedMs: number;
  /** Readings with different names have nothing in common: the computer was started anew between them. */
  boot: string;
}

/** Deadlines of these types of actors, due after `fromMs` up to `toMs`, are not let go. */
export interface Held {
  /** Of the question in the inbox. */
  id: string;
  fromMs: number;
  toMs: number;
  types: string[];
}

/** A forward jump by more than this holds what acts outside. */
export const jumpMsMax = 5 * 60_000;

/** How far the wall clock went beyond the time that passed, negative when it was set back; 0 when nobody can tell. */
export function jumpBetween(before: Reading | null, now: Reading): number {
  return before?.boot === now.boot ? now.wallMs - before.wallMs - (now.elapsedMs - before.elapsedMs) : 0;
}

/** What the jump makes due: after the time that the old clock would show now, up to what the new one shows. */
export const dueByJump = (now: Reading, jumpMs: number) => ({ fromMs: now.wallMs - jumpMs, toMs: now.wallMs });

export interface HeldTimer { actor: string; dueMs: number }

/** The question; `count` timers are held, `first` are some of them. */
export function askAboutJump({ id, fromMs, toMs }: Held, count: number, first: HeldTimer[], hash: (value: unknown) => string): Intent {
  const timers = first.map(({ actor, dueMs }) => ({ actor, due: iso(dueMs) }));
  const payload = { oldClock: iso(fromMs), newClock: iso(toMs), jumpMs: toMs - fromMs, held: count, timers };
  return {
    id,
    kind: 'question',
    state: 'input-required',
    summary: `The clock jumped forward by ${spell(toMs - fromMs)}: ${count === 1 ? '1 timer that may act outside is' : `${count} timers that may act outside are`} due only by that. Let ${count === 1 ? 'it' : 'them'} go?`,
    data: toItemData({
      category: 'clock', confidence: null, risk: 'high',
      reasons: ['nobody waited as long as these timers should have waited', 'setting the clock back closes this question'],
      payload, payloadHash: hash(payload), evidence: [], policy: null, expiresAfterMs: null,
      answers: 'approve = the new time is right, let them go; reject = they wait as long as they would have waited without the jump',
    }),
  };
}

const iso = (ms: number) => new Date(ms).toISOString();

/** `1 day 2 h`: the two largest units that say something. */
export function spell(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const parts = [[Math.floor(minutes / 1_440), 'day'], [Math.floor(minutes / 60) % 24, 'h'], [minutes % 60, 'min']] as const;
  return parts.filter(([n]) => n > 0).slice(0, 2).map(([n, unit]) => `${n} ${unit}${unit === 'day' && n > 1 ? 's' : ''}`).join(' ') || `${Math.round(ms / 1_000)} s`;
}
