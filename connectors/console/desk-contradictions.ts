// Two statements that cannot both be true wait in the inbox; nobody else than the desk can hear the answer. Afterwards one value
// stands for the time in question, in the operator's name, and the statements that said otherwise are corrected by it.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import { KeelsonError } from '#machines/errors.ts';
import { overlaps, type Fact } from '#machines/records.ts';
import type { Commands, Content } from './desk-commands.ts';
import { assertFact, mootQuestions, readFactValue } from './desk-facts.ts';
import { byRank, instead, periodOf, readStanding, sameValue, type StoredFact } from './standing.ts';

interface Contradiction { entity: string; predicate: string; standing: { id: string }[]; added: { id: string } }
export type Decided = { says: 'added' } | { says: 'standing' } | { says: 'neither'; text: string };

/** Answers the state in which the item is closed. */
export async function decideContradiction({ store, clock, commands }: { store: StorePort; clock: Clock; commands: Commands }, item: { id: string; data: { payload: unknown } }, decided: Decided, command: { id: string; content: Content }): Promise<'completed' | 'rejected'> {
  const { entity, predicate, ...payload } = item.data.payload as Contradiction;
  const load = async ({ id }: { id: string }) => {
    const fact = (await store.query('fact', { id })) as StoredFact | null;
    if (!fact) throw new KeelsonError('REFUSED', `${id} is not in the store any more; nothing can be decided about it`);
    return fact;
  };
  const added = await load(payload.added);
  const standing = await readStanding(store, entity, predicate);
  const concerned = standing.filter((fact) => overlaps(periodOf(fact), periodOf(added)));

  const right = async (): Promise<Pick<StoredFact, 'value' | 'source'>> => {
    if (decided.says === 'added') return added;
    if (decided.says === 'neither') return { value: readFactValue(predicate, decided.text), source: null };
    const known = concerned.filter(({ value }) => !sameValue(value, added.value));
    const [best] = (known.length > 0 ? known : await Promise.all(payload.standing.map(load))).toSorted(byRank);
    return best!;
  };
  const { value, source } = await right();
  assertFact({ entity, predicate, value });
  const isWrong = (fact: StoredFact) => (decided.says === 'standing' ? sameValue(fact.value, added.value) : !sameValue(fact.value, value));
  const facts: Fact[] = concerned.filter(isWrong).map((wrong) => instead(wrong, value, source === null ? {} : { source }));
  const state = decided.says === 'standing' ? 'rejected' : 'completed';
  const moot = await mootQuestions(store, { standing, facts, nowMs: clock.now(), answered: item.id });
  await commands.write(command.id, command.content, { facts, intents: [{ id: item.id, kind: 'task', state }, ...moot] });
  return state;
}
