// Lets deadlines go, and looks at the clock before it does. When the wall clock jumped forward, what is due only by that and may
// act outside is held; a question in the inbox says so. The answer is the state of that question: nobody tells this file, it looks.
// The last reading of the clock and what is held are a row of `setting`, so that a restart in between changes nothing.
import { hashJson } from '#actors/hash.ts';
import { askAboutJump, dueByJump, jumpBetween, jumpMsMax, type Held, type HeldTimer, type Reading } from '#machines/clock-jump.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Intent } from '#machines/records.ts';
import type { Committer, WriteWith } from './commit.ts';
import type { Database } from './database.ts';
import { isHeld, type Relay } from './outbox.ts';
import { readSetting, writeSetting } from './setting.ts';

/** What the supervisor sees besides the time: without it no jump can be noticed. */
export interface Watch { elapsedMs: number; boot: string; /** Types of actors that may act outside. */ effectful: string[] }
export interface Released { released: number; nextDueMs: number | null; /** How far the clock was found to be set; 0 when it was not. */ jumpMs: number; /** How many were held just now. */ held: number }

interface State { reading: Reading | null; held: Held[] }
interface Release { nowMs: number; watch?: Watch | undefined }

const key = 'clock';
const keeper = 'store/clock';
/** A reading this old is replaced, so that slow corrections of the clock do not add up to a jump. */
const readingMsMax = 60_000;
/** Less than this is no setting of the clock. */
const settingMsMin = 1_000;
const shownMax = 20;

/** One turn: at most a page of deadlines. */
export function release(database: Database, committer: Pick<Committer, 'exclusively'>, relay: Pick<Relay, 'release'>, { nowMs, watch }: Release): Promise<Released> {
  return committer.exclusively(async (write) => {
    const state = await followAnswers({ database, write, nowMs }, (await readSetting<State>(database, key)) ?? { reading: null, held: [] });
    const looked = watch ? await lookAtClock({ database, write, nowMs }, state, watch) : { state, jumpMs: 0, held: 0 };
    return { ...(await relay.release(nowMs, looked.state.held)), jumpMs: looked.jumpMs, held: looked.held };
  });
}

interface Tools { database: Database; write: WriteWith; nowMs: number }

/** Takes away what is answered, and what the clock took back. */
async function followAnswers({ database, write, nowMs }: Tools, { reading, held }: State): Promise<State> {
  if (held.length === 0) return { reading, held };
  const rows = await database.all<{ id: string; state: Intent['state'] }>('SELECT id, state FROM intent WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(held.map(({ id }) => id)));
  const answers = new Map(rows.map(({ id, state }) => [id, state]));
  // A clock that is set back makes less of it due; at the end nothing, and then there is no question.
  const today = held.map((one) => ({ ...one, toMs: Math.min(one.toMs, nowMs) }));
  const open = today.filter(({ id }) => answers.get(id) === 'input-required');
  const rejected = today.filter(({ id, fromMs, toMs }) => answers.get(id) === 'rejected' && fromMs < toMs);
  const lapsed = open.filter(({ fromMs, toMs }) => toMs <= fromMs);
  const left = { reading, held: open.filter((one) => !lapsed.includes(one)) };
  if (JSON.stringify(left.held) === JSON.stringify(held)) return left;
  await commitWith({ database, write, nowMs }, { answered: held.filter(({ id }) => answers.get(id) !== 'input-required').map(({ id }) => id), lapsed: lapsed.map(({ id }) => id), left: left.held }, async () => {
    for (const one of rejected) await database.run(`UPDATE outbox SET due_ms = due_ms + ? WHERE due_ms IS NOT NULL AND ${isHeld}`, one.toMs - one.fromMs, JSON.stringify([one]));
    await writeSetting(database, key, left);
  }, lapsed.map(({ id }) => ({ id, kind: 'question', state: 'canceled', summary: 'The clock was set back: no timer is due by the jump any more.' })));
  return left;
}

async function lookAtClock({ database, write, nowMs }: Tools, { reading: before, held }: State, { effectful, elapsedMs, boot }: Watch): Promise<{ state: State; jumpMs: number; held: number }> {
  const reading: Reading = { wallMs: nowMs, elapsedMs, boot };
  const found = jumpBetween(before, reading);
  const jumpMs = Math.abs(found) < settingMsMin ? 0 : found;
  const isNew = before === null || before.boot !== boot || jumpMs !== 0 || elapsedMs - before.elapsedMs >= readingMsMax;
  const one: Held = { id: '', ...dueByJump(reading, jumpMs), types: effectful };
  const { count, first } = jumpMs > jumpMsMax ? await findHeld(database, one) : { count: 0, first: [] };
  if (count === 0) {
    const state = { reading: isNew ? reading : before, held };
    if (isNew) await writeSetting(database, key, state);
    return { state, jumpMs, held: 0 };
  }
  const state: State = { reading, held: [...held, { ...one, id: await nextId(database) }] };
  await commitWith({ database, write, nowMs }, { jumpMs, held: count }, () => writeSetting(database, key, state), [askAboutJump(state.held.at(-1)!, count, first, hashJson)]);
  return { state, jumpMs, held: count };
}

async function findHeld(database: Database, one: Held): Promise<{ count: number; first: HeldTimer[] }> {
  const which = `FROM outbox WHERE due_ms IS NOT NULL AND ${isHeld}`;
  const [all] = await database.all<{ n: number }>(`SELECT count(*) AS n ${which}`, JSON.stringify([one]));
  const first = await database.all<{ actor: string; due: number }>(`SELECT sender AS actor, due_ms AS due ${which} ORDER BY due_ms, n LIMIT ?`, JSON.stringify([one]), shownMax);
  return { count: all?.n ?? 0, first: first.map(({ actor, due }) => ({ actor, dueMs: due })) };
}

/** Ids by their place in the journal: nobody else has them, and people can type them. */
async function nextId(database: Database): Promise<string> {
  const [head] = await database.all<{ seq: number }>('SELECT coalesce(max(seq), 0) AS seq FROM journal');
  return `clock-${(head?.seq ?? 0) + 1}`;
}

async function commitWith({ database, write, nowMs }: Tools, journal: object, also: () => Promise<void>, intents: Intent[]): Promise<void> {
  const answer = await write({ ...emptyCommit(await nextId(database), nowMs, keeper, journal), intents }, also);
  if (answer.outcome !== 'written') throw new KeelsonError('STORE_FAILED', `what the clock did could not be written: ${answer.outcome}`);
}
