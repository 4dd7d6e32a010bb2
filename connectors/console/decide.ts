// Approving from a phone: a link that was sent to it opens a page with all of what is approved, and a button on it decides. Looking
// never decides: mail programs and chat servers open links too.
import type { Context, Hono } from 'hono';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import { assertConfirmed } from './confirm.ts';
import type { Desk } from './desk.ts';
import { decisionPage, headers, sentencePage } from './decide-page.ts';
import { readTicket, ticketFor } from './decide-ticket.ts';

export interface DecideOptions {
  desk: Pick<Desk, 'approve' | 'reject'>;
  /** 32 secret bytes; another key makes all links void. */
  key: Uint8Array;
  now(): number;
  /** The item as it is stored now. */
  find(id: string): Promise<StoredIntent | null>;
}

const bodyBytesMax = 16_384;

/** The link for an item; null when there is nothing to decide. `publicUrl`: how the phone reaches this server. */
export function decideLink(publicUrl: string, item: StoredIntent, { key, nowMs }: { key: Uint8Array; nowMs: number }): string | null {
  const ticket = ticketFor(item, { key, nowMs });
  return ticket === null ? null : `${publicUrl.replace(/\/+$/, '')}/decide/${ticket}`;
}

/** `GET` and `POST /decide/:ticket`. They bring their own authority, so they stand before whatever asks for the operator's token. */
export function decideRoutes(app: Hono, { desk, key, now, find }: DecideOptions): void {
  const say = (c: Context, status: 200 | 400 | 403 | 404 | 409 | 410 | 413 | 415 | 503, sentence: string) => c.body(sentencePage(sentence), status, headers);

  /** The item that this link may decide, or the answer why it may not. */
  const open = async (c: Context): Promise<{ item: StoredIntent; payloadHash: string; expiresMs: number } | Response> => {
    const ticket = readTicket(c.req.param('ticket') ?? '', key);
    if (ticket === null) return say(c, 404, 'This link is not valid.');
    const item = await find(ticket.id);
    if (item === null) return say(c, 404, 'What this link was about is not there any more.');
    if (item.state !== 'input-required') return say(c, 410, `This was already decided: it is ${item.state}.`);
    if (now() >= ticket.expiresMs) return say(c, 410, 'This link has expired. Look into the inbox.');
    if (item.data?.payloadHash !== ticket.payloadHash) return say(c, 409, 'This has changed since the link was made. Look into the inbox.');
    return { item, ...ticket };
  };

  app.get('/decide/:ticket', async (c) => {
    const opened = await open(c);
    return opened instanceof Response ? opened : c.body(decisionPage(opened.item, opened.expiresMs), 200, headers);
  });

  app.post('/decide/:ticket', async (c) => {
    // Browsers say where a form was sent from; the link itself is what no other site knows.
    if (!['same-origin', 'none', undefined].includes(c.req.header('sec-fetch-site'))) return say(c, 403, 'Decisions are taken on this page only.');
    if (c.req.header('content-type')?.split(';')[0]?.trim() !== 'application/x-www-form-urlencoded') return say(c, 415, 'This is no form of this page.');
    const opened = await open(c);
    if (opened instanceof Response) return opened;
    const form = await readForm(c);
    if (form === null) return say(c, 413, 'This is longer than a reason can be.');
    const [decision, ...others] = form.getAll('decision');
    const reason = form.get('reason')?.trim() ?? '';
    const { item: { id }, payloadHash } = opened;
    // A button that is pressed twice is one command.
    const commandId = `decide-${sha256(`${c.req.param('ticket')} ${form.toString()}`).slice(0, 40)}`;
    try {
      if (others.length === 0 && decision === 'approve') {
        assertConfirmed(opened.item.data ?? {}, form.get('confirm') ?? undefined);
        await desk.approve(id, { hash: payloadHash, commandId });
        return say(c, 200, 'Approved.');
      }
      if (others.length === 0 && decision === 'reject') {
        if (reason === '' || reason.length > 2_000) return say(c, 400, 'A rejection needs a reason of at most 2,000 characters.');
        await desk.reject(id, { reason, commandId });
        return say(c, 200, 'Rejected.');
      }
      return say(c, 400, 'Nothing was decided: approve or reject.');
    } catch (error) {
      if (error instanceof KeelsonError && ['REFUSED', 'NOT_FOUND', 'BAD_ARGUMENT'].includes(error.code)) return say(c, 409, `Not decided here: ${error.message}.`);
      return say(c, 503, 'It could not be decided now. Open the link again to see whether it was.');
    }
  });
}

async function readForm(c: Context): Promise<URLSearchParams | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    size += chunk.length;
    if (size > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
