// Watches one IMAP mailbox and hands over what is new. The mailbox is opened read-only (EXAMINE), so nothing can be marked or
// deleted. The cursor moves only after a mail was taken over; a crash in between hands it over twice, and its id makes that harmless.
import type { ImapFlow, ImapFlowOptions } from 'imapflow';
import type { Clock } from '#actors/clock.ts';
import { connectionSettings, imapReason } from './imap-connection.ts';
import { maxRawBytes } from './parse.ts';

export interface ImapCursor { uidValidity: string; lastUid: number }

export interface WatchOptions {
  /** imaps://user:password@host:993 or imap://…:143 (STARTTLS, demanded unless the host is this machine). */
  imapUrl: string;
  /** Takes one mail over; a rejection leaves the cursor and the mail is handed over again after a pause. */
  onMail: (raw: Uint8Array, source: string) => Promise<void>;
  /** null at first, and then every mail in the mailbox is new. The same holds when the server changed its uidValidity. */
  cursor: { load(): Promise<ImapCursor | null>; save(cursor: ImapCursor): Promise<void> };
  /** Shaped like pino. Never given the password. */
  log: { info(fields: object, text: string): void; warn(fields: object, text: string): void };
  signal: AbortSignal;
  mailbox?: string;
  clock: Pick<Clock, 'sleep'>;
  /** 0 to 1: spreads the pauses, so that many watchers do not come back at once. */
  random: () => number;
  /** Pauses between attempts, in milliseconds: doubled from `first` to `max`, each cut to 50–100 % by `random`. */
  pauseMs?: { first: number; max: number };
}

/**
 * Runs until `signal` aborts, then resolves; connection failures are logged and tried again, a wrong password with the longest
 * pause. Throws BAD_CONFIG for an unusable URL. A mail over 50 MB is skipped with a warning in the log.
 */
export async function watchMailbox(options: WatchOptions): Promise<void> {
  const { log, signal, clock, random, mailbox = 'INBOX', pauseMs = { first: 1_000, max: 60_000 } } = options;
  const settings = connectionSettings(options.imapUrl);
  const place = `${settings.host}/${mailbox}`;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await watchOnce(options, settings, mailbox, () => {
        if (failures > 0) log.info({ place }, 'mailbox is reachable again');
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) break;
      const wrongPassword = typeof error === 'object' && error !== null && 'authenticationFailed' in error;
      const base = wrongPassword ? pauseMs.max : Math.min(pauseMs.max, pauseMs.first * 2 ** Math.min(failures, 20));
      const pause = Math.round(base * (0.5 + random() / 2));
      failures += 1;
      log.warn({ place, failures, pauseMs: pause, reason: imapReason(error) }, wrongPassword ? 'mailbox refused the login; trying again' : 'mailbox failed; trying again');
      await clock.sleep(pause, signal);
    }
  }
  log.info({ place }, 'mailbox watch stopped');
}

async function watchOnce(options: WatchOptions, settings: ImapFlowOptions, mailbox: string, onHealthy: () => void): Promise<void> {
  const { signal, log } = options;
  const { ImapFlow: Client } = await import('imapflow');
  const client = new Client(settings);
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => undefined);
  let news = Promise.withResolvers<void>();
  let taking: Promise<void> = Promise.resolve();
  client.on('exists', () => news.resolve());
  client.on('error', (error: unknown) => closed.reject(error));
  client.on('close', () => closed.reject(new Error('the connection was closed')));
  const stop = (): void => { client.close(); closed.reject(new Error('stopped')); };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([client.connect(), closed.promise]);
    await client.mailboxOpen(mailbox, { readOnly: true });
    log.info({ place: `${settings.host}/${mailbox}`, mails: client.mailbox ? client.mailbox.exists : 0 }, 'mailbox opened');
    while (!signal.aborted) {
      // Renewed before looking, so that a mail arriving while we look is not missed.
      news = Promise.withResolvers<void>();
      taking = takeNew(client, options, settings.host ?? '');
      await Promise.race([taking, closed.promise]);
      onHealthy();
      // imapflow starts IDLE by itself once the connection is quiet, and polls where the server has no IDLE.
      await Promise.race([news.promise, closed.promise]);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
    // A mail being taken over is finished first: nothing runs on after the watch has ended.
    await taking.catch(() => undefined);
  }
}

async function takeNew(client: ImapFlow, { onMail, cursor, log, signal }: WatchOptions, host: string): Promise<void> {
  if (!client.mailbox) throw new Error('the mailbox is not open');
  const { path } = client.mailbox;
  const uidValidity = String(client.mailbox.uidValidity);
  const saved = await cursor.load();
  if (saved && saved.uidValidity !== uidValidity) log.warn({ host, path }, 'the server numbered its mails anew; reading all of them again');
  const lastUid = saved?.uidValidity === uidValidity ? saved.lastUid : 0;
  // "n:*" always names the newest mail too, even when its number is below n.
  const found = await client.search({ uid: `${lastUid + 1}:*` }, { uid: true });
  const uids = (found || []).filter((uid) => uid > lastUid).toSorted((a, b) => a - b);
  for (const uid of uids) {
    if (signal.aborted) return;
    const source = `imap:${host}/${path};UIDVALIDITY=${uidValidity}/;UID=${uid}`;
    // The size first: a mail of gigabytes must not be loaded to find out.
    const { size = 0 } = (await client.fetchOne(String(uid), { size: true }, { uid: true })) || {};
    if (size > maxRawBytes) log.warn({ source, sizeBytes: size }, 'mail skipped: it is larger than 50 MB');
    else {
      const message = await client.fetchOne(String(uid), { source: true }, { uid: true });
      // No answer means that somebody deleted it meanwhile.
      if (message && message.source) await onMail(message.source, source);
    }
    await cursor.save({ uidValidity, lastUid: uid });
  }
  if (uids.length > 0) log.info({ host, path, mails: uids.length, lastUid: uids.at(-1) }, 'mails taken over');
}
