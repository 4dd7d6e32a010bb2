// What the inbox of the console asks for: the list in the order of consequence, one card, and what is decided besides yes and no.
import { KeelsonError } from '#machines/errors.ts';
import type { StoredIntent } from '#machines/inbox.ts';
import { z } from 'zod';
import { commandIdSchema as commandId } from './desk-commands.ts';
import { isAboutMoney, type InboxDesk } from './desk-inbox.ts';
import { cardOf, moneyWords } from './inbox-card.ts';
import { get, post, type RawRoute, type Route } from './route.ts';

interface Line { id: string; kind: string; actor: string; summary: string; createdMs: number; risk: string | null; category: string | null; confidence: number | null; expiresAfterMs: number | null; hash: string | null; action: string | null; does: string | null; reversible: boolean | null; amountMinor: unknown; currency: unknown; payee: string | null }

const lineSchema = z.object({
  id: z.string(), kind: z.string(), actor: z.string(), summary: z.string(), does: z.string().nullable(), action: z.string().nullable(), category: z.string().nullable(), risk: z.string(), confidence: z.number().nullable(),
  /** As it is read, `119.00 EUR`. */
  amount: z.string().nullable(), isMoney: z.boolean(), reversible: z.boolean().nullable(), hash: z.string(),
  createdAt: z.number(), expiresAt: z.number().nullable(), snoozedUntil: z.number().nullable(),
});
export type InboxLine = z.output<typeof lineSchema>;
const listSchema = z.object({ items: z.array(lineSchema), waiting: z.number(), snoozed: z.number(), more: z.number() });
export type InboxList = z.output<typeof listSchema>;

const linesMax = 1_000;
const batchMax = 100;

type Query = (name: string, args: Record<string, unknown>) => Promise<unknown>;

async function find(query: Query, id: string): Promise<StoredIntent & { updated_ms: number }> {
  const item = (await query('intent', { id })) as (StoredIntent & { updated_ms: number }) | null;
  if (!item) throw new KeelsonError('NOT_FOUND', `there is no inbox item '${id}'`, { hint: 'It was never there, or what it was about was erased.' });
  return item;
}

/** All that waits, the most pressing first. */
export async function listInbox({ query, inbox }: { query: Query; inbox: Pick<InboxDesk, 'snoozed'> }, { text = '', limit }: { text?: string | undefined; limit: number }): Promise<InboxList> {
  const [lines, snoozed] = await Promise.all([query('inboxLines', {}) as Promise<Line[]>, inbox.snoozed()]);
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const items = lines.map((line) => toLine(line, snoozed.get(line.id) ?? null)).filter((line) => contains(line, words)).toSorted(byConsequence);
  return { items: items.slice(0, limit), waiting: lines.length, snoozed: items.filter(({ snoozedUntil }) => snoozedUntil !== null).length, more: Math.max(0, items.length - limit) };
}

export function inboxRoutes({ query, inbox }: { query: Query; inbox: InboxDesk }): Route[] {
  return [
    get('/api/inbox', {
      summary: 'All that waits for the operator: what cannot be undone first, then money, then what expires soonest, then the oldest.',
      query: z.object({ text: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(10_000).default(linesMax) }), answer: listSchema,
      handle: ({ query: wanted }) => listInbox({ query, inbox }, wanted),
    }),
    get('/api/inbox/pace', { summary: 'How long the operator looked before his last 100 decisions, as the console measured it.', answer: z.object({ decisions: z.number(), medianMs: z.number().nullable(), fastShare: z.number().nullable(), alarm: z.boolean() }), handle: () => inbox.pace() }),
    get('/api/inbox/:id', {
      summary: 'One item with all that is needed to decide it; also when it was decided already.',
      handle: async ({ params: { id } }) => cardOf(await find(query, id), { query, snoozedUntil: (await inbox.snoozed()).get(id) ?? null }),
    }),
    post('/api/inbox/batch', {
      summary: 'One answer to several items of one kind and one risk; never for money or high risk.', moves: true,
      body: z.object({ items: z.array(z.object({ id: z.string(), hash: z.string() })).min(1).max(batchMax), decision: z.enum(['approve', 'reject']), reason: z.string().max(2_000).optional(), commandId }).refine(({ decision, reason }) => decision === 'approve' || (reason ?? '').trim() !== '', 'a rejection needs a reason'),
      handle: ({ body }) => inbox.batch(body),
    }),
    post('/api/inbox/:id/snooze', {
      summary: 'Puts an item off until then, in milliseconds since 1970; 0 brings it back. When it expires stays as it is.',
      body: z.object({ until: z.number().int().min(0).max(8_640_000_000_000_000), commandId }), answer: z.object({ id: z.string(), snoozedUntil: z.number().nullable() }),
      handle: ({ params: { id }, body }) => inbox.snooze(id, body),
    }),
  ];
}

/** Documents that would leave with an item: to be saved, never to be shown by the browser. */
export function inboxFiles({ query }: { query: Query }): RawRoute[] {
  return [{
    method: 'get', path: '/api/inbox/:id/enclosures/:hash', who: 'all', summary: 'The bytes of a document that would leave with an item.',
    async answer(c) {
      const { id = '', hash = '' } = c.req.param() as Record<string, string>;
      const enclosure = (await find(query, id)).data?.enclosures?.find((one) => one.hash === hash);
      const found = enclosure && ((await query('document', { id: enclosure.artifact, hash })) as { base64: string } | null);
      if (!enclosure || !found) throw new KeelsonError('NOT_FOUND', `no document with this hash goes with '${id}'`);
      return c.body(Buffer.from(found.base64, 'base64'), 200, { 'content-type': 'application/octet-stream', 'content-disposition': `attachment; filename*=UTF-8''${encodeName(enclosure.name)}`, 'x-content-type-options': 'nosniff', 'content-security-policy': "default-src 'none'; sandbox" });
    },
  }];
}

function toLine({ risk, hash, amountMinor, currency, payee, expiresAfterMs, createdMs, ...line }: Line, snoozedUntil: number | null): InboxLine {
  return { ...line, risk: risk ?? 'medium', hash: hash ?? '', amount: moneyWords(amountMinor, currency), isMoney: isAboutMoney({ money: payee, category: line.category }), createdAt: createdMs, expiresAt: expiresAfterMs === null ? null : createdMs + expiresAfterMs, snoozedUntil };
}

const contains = ({ id, kind, actor, summary, does, category, risk }: InboxLine, words: readonly string[]) => {
  const text = [id, kind, actor, summary, does, category, risk].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
};

/** What was put off comes last. */
function byConsequence(a: InboxLine, b: InboxLine): number {
  const first = (one: InboxLine) => [one.snoozedUntil === null ? 0 : 1, one.reversible === false ? 0 : 1, one.isMoney ? 0 : 1, one.expiresAt ?? Infinity, one.createdAt];
  const [x, y] = [first(a), first(b)];
  const i = x.findIndex((value, place) => value !== y[place]);
  return i === -1 ? (a.id < b.id ? -1 : 1) : x[i]! < y[i]! ? -1 : 1;
}

const encodeName = (name: string) => encodeURIComponent(name.replaceAll(/[\p{C}/\\]/gu, '_').slice(0, 150)).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
