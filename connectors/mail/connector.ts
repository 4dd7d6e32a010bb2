// Mail as a way out. Sent by SMTP when a server is configured, else written into the outbox folder, clearly not sent. SMTP takes no key
// and answers no question, so a lost reply can be settled only by the operator's own Sent folder, and only in one direction.
import { join, relative } from 'node:path';
import type { Found, Performed } from '#machines/effects.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { outgoingMailSchema, type OutgoingMail } from '#machines/mail.ts';
import { action, type Call, type Connector, type Idempotency } from '../connector.ts';
import { composeMail, messageIdFor } from './compose.ts';
import { readEnclosures } from './enclosures.ts';
import { withFolders, type Folder } from './imap-folders.ts';
import { readEmlDate, writeEml } from './outbox.ts';
import { planMail } from './plan.ts';
import { readServerUrl } from './server-url.ts';
import { sendMail } from './smtp.ts';

export interface MailSettings {
  smtpUrl: string | null;
  /** The mailbox whose Drafts and Sent folders are used. */
  imapUrl?: string | null;
  outboxDir: string;
  /** Domain of our Message-IDs. */
  domain: string;
  /** The address this company writes from; `ownAddresses` are further ones. */
  from: string;
  ownAddresses: readonly string[];
}

const sendTimeoutMs = 60_000;
const folderTimeoutMs = 30_000;
/** The copy is a courtesy: the result of a mail that has left must not wait long for it. */
const copyTimeoutMs = 10_000;
/** A file of the outbox is named after its operation and stays, so writing it again is the same file. */
const fileKeyMs = 10 * 365 * 86_400_000;
const file: Idempotency = { kind: 'native', keyLifetimeMs: fileKeyMs };

/** Throws BAD_CONFIG for an unusable URL. */
export function createMailConnector({ smtpUrl, imapUrl = null, outboxDir, domain, from, ownAddresses }: MailSettings): Connector {
  const own = [from, ...ownAddresses].map((address) => address.toLowerCase());
  const draftsDir = join(outboxDir, 'drafts');

  const compose = async (payload: OutgoingMail, { operationId, documents }: Call, date: Date) =>
    composeMail(payload, { messageId: messageIdFor(operationId, domain), date, enclosed: await readEnclosures(payload.enclosures ?? [], documents) });
  /** Not the time of this try: every try of an operation makes the same bytes. */
  const dateOf = ({ sinceMs, nowMs }: Call) => new Date(sinceMs ?? nowMs());
  const performed = (payload: OutgoingMail, { operationId }: Call, { sent, done, note }: { sent: boolean; done: boolean; note: string }): Performed => ({
    done, note, providerRef: messageIdFor(operationId, domain), result: null,
    facts: [{ entity: `person/${payload.to.address.toLowerCase()}`, predicate: sent ? 'mail.sent' : 'mail.written-not-sent', value: { subject: payload.subject, operation: operationId }, label: 'system', confidence: 1 }],
  });

  const write = async (folder: string, payload: OutgoingMail, call: Call): Promise<string> => {
    if (call.signal.aborted) throw new KeelsonError('SEND_DEFERRED', 'the time was up before the mail was written');
    // The first try fixed the date, also when nobody told us when that was.
    const path = await writeEml(folder, call.operationId, await compose(payload, call, (await readEmlDate(folder, call.operationId)) ?? dateOf(call)));
    return `written to outbox/${relative(outboxDir, path)}`;
  };

  const send = async (url: string, payload: OutgoingMail, call: Call): Promise<Performed> => {
    const bytes = await compose(payload, call, dateOf(call));
    const { response } = await sendMail({ smtpUrl: url, envelope: { from: payload.from.address, to: payload.to.address }, bytes, timeoutMs: sendTimeoutMs, signal: call.signal });
    const copy = imapUrl === null ? '' : await fileCopy(imapUrl, payload, bytes, call);
    return performed(payload, call, { sent: true, done: true, note: `${response}${copy}` });
  };

  /** SMTP servers keep no copy of their own; some mail hosts do. What goes wrong here says nothing about the mail. */
  const fileCopy = async (url: string, payload: OutgoingMail, bytes: Uint8Array, call: Call): Promise<string> => {
    try {
      await withFolders(url, { signal: call.signal, timeoutMs: copyTimeoutMs }, async (folders) => (await folders.find(messageIdFor(call.operationId, domain), payload.from.address, ['Sent'])) ?? folders.append('Sent', bytes));
      return '';
    } catch (error) {
      return `; no copy in the Sent folder: ${plainError(error).message}`.slice(0, 300);
    }
  };

  const draft = (url: string, payload: OutgoingMail, call: Call): Promise<Performed> =>
    withFolders(url, { signal: call.signal, timeoutMs: folderTimeoutMs }, async (folders) => {
      const there = await folders.find(messageIdFor(call.operationId, domain), payload.from.address, ['Drafts']);
      const path = there ?? (await folders.append('Drafts', await compose(payload, call, dateOf(call))));
      return performed(payload, call, { sent: false, done: true, note: `lies in the folder ${path}` });
    });

  const lookIn = (url: string, places: Folder[], sent: boolean) => async (payload: OutgoingMail, call: Call): Promise<Found> => {
    const path = await withFolders(url, { signal: call.signal, timeoutMs: folderTimeoutMs }, (folders) => folders.find(messageIdFor(call.operationId, domain), payload.from.address, places));
    if (path !== null) return { found: 'done', performed: performed(payload, call, { sent, done: true, note: `found in the folder ${path}` }) };
    // A server files no copy, a program may have moved or removed it.
    return { found: 'unclear', note: `it is not in the mailbox (${places.join(', ')}), which proves nothing` };
  };

  const settings = { domain, own };
  return {
    name: 'mail',
    version: '2',
    hosts: [...new Set([...(smtpUrl === null ? [] : [hostOf(smtpUrl, 'smtp')]), ...(imapUrl === null ? [] : [hostOf(imapUrl, 'imap')])])],
    secrets: [...(smtpUrl === null ? [] : ['KEELSON_SMTP_URL']), ...(imapUrl === null ? [] : ['KEELSON_IMAP_URL'])],
    actions: [
      action<OutgoingMail>({
        name: 'mail.send', title: 'Send a mail, or a reply in its thread', input: outgoingMailSchema,
        effect: 'write', risk: 'medium', reversible: false, money: false,
        idempotency: smtpUrl === null ? file : { kind: imapUrl === null ? 'none' : 'lookup' },
        plan: (payload, call) => planMail('Send', payload, call, { ...settings, note: smtpUrl === null ? 'no SMTP server is configured: it will be written to outbox/ and not sent' : null }),
        commit: async (payload, call) => (smtpUrl === null
          ? performed(payload, call, { sent: false, done: false, note: `not sent: ${await write(outboxDir, payload, call)} because no SMTP server is configured` })
          : send(smtpUrl, payload, call)),
        ...(smtpUrl === null || imapUrl === null ? {} : { lookup: lookIn(imapUrl, ['Sent', 'All'], true) }),
      }),
      action<OutgoingMail>({
        name: 'mail.draft', title: 'Put a mail into the drafts, for a person to send', input: outgoingMailSchema,
        effect: 'write', risk: 'low', reversible: true, money: false,
        idempotency: imapUrl === null ? file : { kind: 'lookup' },
        plan: (payload, call) => planMail('Draft', payload, call, { ...settings, note: null }),
        commit: async (payload, call) => (imapUrl === null ? performed(payload, call, { sent: false, done: true, note: await write(draftsDir, payload, call) }) : draft(imapUrl, payload, call)),
        ...(imapUrl === null ? {} : { lookup: lookIn(imapUrl, ['Drafts'], false) }),
      }),
    ],
  };
}

function hostOf(url: string, scheme: 'smtp' | 'imap'): string {
  const { host, port } = readServerUrl(url, scheme);
  const name = host.includes(':') ? `[${host}]` : host.toLowerCase();
  return port === null ? name : `${name}:${port}`;
}
