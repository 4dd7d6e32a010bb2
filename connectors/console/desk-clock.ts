// The clock jumped forward, and timers that may act outside wait for the operator. The answer is the state of the question; the store
// looks at it when it next lets deadlines go, so nothing has to be told that a crash could lose.
import type { Commands, Content } from './desk-commands.ts';

/** Who asks about the clock: the store. */
export const clockKeeper = 'store/clock';

/** Answers the state in which the question is closed, or null when it does not take this answer. */
export async function decideClock(commands: Commands, item: { id: string }, { id, content }: { id: string; content: Content & { edit?: unknown } }): Promise<'completed' | 'rejected' | null> {
  const isYes = content.type === 'APPROVE' && content.edit === undefined;
  if (!isYes && content.type !== 'REJECT') return null;
  const state = isYes ? 'completed' : 'rejected';
  await commands.write(id, content, { intents: [{ id: item.id, kind: 'question', state }] });
  return state;
}
