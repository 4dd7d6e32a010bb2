// The operator's own folders: a draft is put into \Drafts, a copy of what was sent into \Sent, and both are found again by their
// Message-ID. APPEND cannot be repeated safely, so it is the line between "certainly not done" and "nobody can tell".
import type { ImapFlow } from 'imapflow';
import { KeelsonError } from '#machines/errors.ts';
import { connectionSettings, imapReason } from './imap-connection.ts';

export type Folder = 'Drafts' | 'Sent' | 'All';

export interface Folders {
  /** Name of the first of these folders that has a mail with this Message-ID from this address; null when none has. */
  find(messageId: string, from: string, folders: readonly Folder[]): Promise<string | null>;
  /** The folder's name. Throws SEND_REFUSED when the server has no such folder. */
  append(folder: Folder, bytes: Uint8Array): Promise<string>;
}

/**
 * One connection for `work`, ended by `signal` or after `timeoutMs`. Throws SEND_DEFERRED (not reached, or ended before an APPEND),
 * SEND_REFUSED (wrong password, a no to the APPEND), SEND_UNKNOWN (ended in an APPEND), BAD_CONFIG for an unusable URL.
 */
export async function withFolders<T>(imapUrl: string, { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number }, work: (folders: Folders) => Promise<T>): Promise<T> {
  const settings = connectionSettings(imapUrl);
  const { ImapFlow: Client } = await import('imapflow');
  const client = new Client({ ...settings, disableAutoIdle: true, connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs });
  const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  client.on('error', (error: unknown) => ended.reject(error));
  client.on('close', () => ended.reject(new Error('the connection was closed')));
  const stop = (): void => {
    ended.reject(new Error(signal.aborted ? 'it was stopped' : `no answer within ${timeoutMs} ms`));
    client.close();
  };
  until.addEventListener('abort', stop, { once: true });
  const progress = { appending: false };
  const run = async (): Promise<T> => {
    await client.connect();
    return work(foldersOf(client, progress));
  };
  try {
    if (until.aborted) stop();
    const running = until.aborted ? ended.promise : run();
    running.catch(() => undefined);
    return await Promise.race([running, ended.promise]);
  } catch (error) {
    throw classify(error, progress.appending);
  } finally {
    until.removeEventListener('abort', stop);
    client.close();
  }
}

function foldersOf(client: ImapFlow, progress: { appending: boolean }): Folders {
  const pathOf = async (folder: Folder) => (await client.list()).find(({ specialUse }) => specialUse === `\\${folder}`)?.path;
  return {
    async find(messageId, from, folders) {
      for (const folder of folders) {
        const path = await pathOf(folder);
        if (path === undefined) continue;
        await client.mailboxOpen(path, { readOnly: true });
        const uids = await client.search({ header: { 'message-id': messageId } }, { uid: true });
        if (!uids) throw new Error(`the folder ${path} could not be searched`);
        for (const uid of uids.slice(-10)) {
          const found = await client.fetchOne(String(uid), { envelope: true, flags: true }, { uid: true });
          // Somebody else's mail may bear our id, and a draft in "all mail" has not left.
          const isOurs = found && found.envelope?.messageId === messageId && found.envelope.from?.[0]?.address?.toLowerCase() === from.toLowerCase();
          if (isOurs && (folder === 'Drafts' || !found.flags?.has('\\Draft'))) return path;
        }
      }
      return null;
    },
    async append(folder, bytes) {
      const path = await pathOf(folder);
      if (path === undefined) throw new KeelsonError('SEND_REFUSED', `the mail server has no folder for ${folder}`, { hint: 'Create it in a mail program, or mark one with that special use.' });
      progress.appending = true;
      if (!(await client.append(path, Buffer.from(bytes), folder === 'Drafts' ? ['\\Draft', '\\Seen'] : ['\\Seen']))) throw new Error('the server did not say that it took it');
      progress.appending = false;
      return path;
    },
  };
}

function classify(error: unknown, appending: boolean): KeelsonError {
  if (error instanceof KeelsonError) return error;
  const { responseStatus, authenticationFailed } = (typeof error === 'object' ? error : null) as { responseStatus?: string; authenticationFailed?: boolean } ?? {};
  const reason = imapReason(error);
  if (authenticationFailed) return new KeelsonError('SEND_REFUSED', `the mail server refused the login: ${reason}`, { cause: error });
  if (!appending) return new KeelsonError('SEND_DEFERRED', `the mail server was not reached: ${reason}`, { cause: error });
  if (responseStatus === 'NO' || responseStatus === 'BAD') return new KeelsonError('SEND_REFUSED', `the mail server did not take it: ${reason}`, { cause: error });
  return new KeelsonError('SEND_UNKNOWN', `the mail was being put into the folder when it failed: ${reason}`, { cause: error });
}
