// Joins an IMAP mailbox to the intake. How far it was read is a fact, like everything the company knows.
import type { Clock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import type { StorePort } from '#actors/store-port.ts';
import { watchMailbox, type ImapCursor } from '#connectors/mail/imap.ts';
import { emptyCommit } from '#machines/commit.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';

const entity = 'asset/imap-inbox';
const predicate = 'imap.cursor';

/** Starts following; the answer stops it. */
export function followInbox({ imapUrl, store, clock, log, receive }: { imapUrl: string; store: StorePort; clock: Clock; log: Log; receive: (raw: Uint8Array, source: string) => Promise<unknown> }): () => Promise<void> {
  const abort = new AbortController();
  const cursor = {
    async load(): Promise<ImapCursor | null> {
      const [last] = (await store.query('lastFact', { entity, predicate })) as { value: ImapCursor }[];
      return last?.value ?? null;
    },
    async save(value: ImapCursor) {
      await store.commit({ ...emptyCommit(`imap:${randomId()}`, clock.now(), 'connector/mail', { cursor: value }), facts: [{ entity, predicate, value: { ...value }, label: 'system', confidence: 1 }] });
    },
  };
  const onMail = async (raw: Uint8Array, source: string) => {
    try {
      await receive(raw, source);
    } catch (error) {
      // What cannot be read stays in the mailbox; asking for it again would not help.
      if (!(error instanceof KeelsonError) || error.code !== 'BAD_MAIL') throw error;
      log.warn({ source, ...plainError(error) }, 'a mail could not be read');
    }
  };
  const watching = watchMailbox({ imapUrl, onMail, cursor, log, signal: abort.signal, clock, random: Math.random }).catch((error: unknown) => log.error(plainError(error), 'the IMAP mailbox is not followed any more'));
  return async () => {
    abort.abort();
    await watching;
  };
}
