// The operator's commands as the store knows them: one id, one content. The same again is answered as it was the first time;
// another content under a known id is refused.
import type { Clock } from '#actors/clock.ts';
import { hashJson } from '#actors/hash.ts';
import type { MakeId } from '#actors/ids.ts';
import { createTurns, type InTurn } from '#actors/in-turn.ts';
import type { StorePort } from '#actors/store-port.ts';
import { emptyCommit, type Commit, type Outcome } from '#machines/commit.ts';
import { KeelsonError } from '#machines/errors.ts';
import { z } from 'zod';

export const operator = 'operator/desk';
/** Names a command, so that it may be given again. */
export const commandIdSchema = z.string().min(1).max(100).optional();
/** How long the desk waits for an actor. */
export const answerMs = 15_000;

/** What is asked for, and about what: `about` makes the same answer to another item another command. */
export interface Content { type: string; about: string; [field: string]: unknown }

/** How it went the first time. */
export interface Before { seq: number; first: Outcome; note: string | null }

export interface Commands {
  /** Does `first`, or `again` when this very command was given before. Both get the id of its message. */
  once<T>(commandId: string | undefined, content: Content, { first, again }: { first(id: string): Promise<T>; again(before: Before): Promise<T> }): Promise<T>;
  /** Writes parts in the operator's name; answers the number of the commit. */
  write(id: string, content: Content, parts: Partial<Pick<Commit, 'facts' | 'intents' | 'annotations' | 'sends' | 'unparks' | 'artifacts' | 'blobs' | 'decisions'>>): Promise<number>;
  /** One after the other: what is decided on what was read must not be overtaken. */
  inTurn: InTurn;
}

export const messageOf = (content: Content) => ({ kind: 'event' as const, event: content });

export function createCommands({ store, clock, makeId }: { store: StorePort; clock: Clock; makeId: MakeId }): Commands {
  /** Commands that are being done now, with the hash of their content. */
  const inHand = new Map<string, string>();

  const otherContent = (id: string) => new KeelsonError('REFUSED', `the command id '${id.slice('command:'.length)}' was used before for another command; nothing was changed`, { hint: 'Give a new command another id.' });
  const commitOf = (id: string, content: Content) => emptyCommit(id, clock.now(), operator, { message: messageOf(content) });

  return {
    async once(commandId, content, { first, again }) {
      if (commandId === undefined) return first(`command:${makeId()}`);
      const id = `command:${commandId}`;
      const hash = hashJson(content);
      if ((inHand.get(id) ?? hash) !== hash) throw otherContent(id);
      inHand.set(id, hash);
      try {
        if ((await store.query('outcome', { id })) === null) return await first(id);
        // The id is known, so nothing is written: the store compares the contents and says how it went.
        const answer = await store.commit(commitOf(id, content));
        if (answer.outcome !== 'duplicate') throw otherContent(id);
        return await again(answer);
      } finally {
        inHand.delete(id);
      }
    },
    async write(id, content, parts) {
      const answer = await store.commit({ ...commitOf(id, content), ...parts });
      if (answer.outcome === 'written' || answer.outcome === 'duplicate') return answer.seq;
      if (answer.outcome === 'mismatch') throw otherContent(id);
      if (answer.outcome !== 'invalid') throw new KeelsonError('STORE_FAILED', `the command could not be kept: ${answer.outcome}`);
      // Which record of the commit it was is nothing to the operator.
      const [, place, reason] = /^((?:facts|annotations)\.\d+\.)?(.*)$/s.exec(answer.reason)!;
      throw new KeelsonError(place ? 'BAD_ARGUMENT' : 'REFUSED', reason!);
    },
    inTurn: createTurns(),
  };
}
