// One item with all that is needed to decide it: composed from several reads, so that a page asks once.
import { toInboxItem, type StoredIntent } from '#machines/inbox.ts';
import { isCurrency, toMoney } from '#machines/money-text.ts';
import type { Link } from '#machines/records.ts';
import { operator } from './desk-commands.ts';
import { answersOf, type Answers } from './inbox-answers.ts';
import { differenceOf, type Difference } from './inbox-difference.ts';
import { otherSpelling } from './spellings.ts';

type Query = (name: string, args: Record<string, unknown>) => Promise<unknown>;

/** `text`: words of it, cut; null when it is gone or has none. */
export interface Evidence extends Link { title: string; text: string | null }
export interface Place { kind: string; field: string; value: string; alsoWritten: string | null; vouchedBy: string | null; /** The mail that names it. */ saidBy: string | null }
export interface Preview { name: string; mediaType: string; sizeBytes: number; hash: string; artifact: string; text: string | null }
export interface DecidedBefore { by: string; how: string; reason: string | null; at: number }
export type Card = ReturnType<typeof toInboxItem> & {
  state: string;
  answers: string;
  can: Answers;
  amount: string | null;
  places: Place[];
  previews: Preview[];
  why: Evidence[];
  difference: Difference | null;
  costMicros: number;
  onTimeout: string;
  decided: DecidedBefore | null;
  snoozedUntil: number | null;
};

const evidenceMax = 12;
const excerptChars = 1_500;
const previewChars = 20_000;
const previewBytes = 200_000;

export async function cardOf(item: StoredIntent & { updated_ms: number }, { query, snoozedUntil }: { query: Query; snoozedUntil: number | null }): Promise<Card> {
  const shown = toInboxItem(item);
  const why = await Promise.all(shown.evidence.slice(0, evidenceMax).map((link) => evidenceOf(link, query)));
  const [difference, costMicros, decided, previews] = await Promise.all([
    differenceOf(item, query), query('runCost', { address: item.actor }) as Promise<number>, decidedOf(item, query), Promise.all((shown.enclosures ?? []).map((enclosure) => previewOf(enclosure, query))),
  ]);
  const names = (text: string) => why.find(({ kind, text: words }) => kind === 'artifact' && words?.toLowerCase().includes(text.toLowerCase()));
  const places = (shown.control ?? []).map(({ kind, field, value, vouchedBy }): Place => ({ kind, field, value: wordsOf(value), alsoWritten: otherSpelling(value), vouchedBy, saidBy: typeof value === 'string' ? names(value)?.id ?? null : null }));
  return {
    ...shown, state: item.state, can: answersOf(item), amount: amountOf(item), places, previews, why, difference, costMicros, decided, snoozedUntil,
    onTimeout: shown.expiresAt === null ? 'It waits until you answer.' : item.kind === 'approval' ? 'Without an answer nothing is done, and it lapses.' : 'Without an answer nothing is approved; its machine goes on as it says for silence.',
  };
}

/** What would move, else what it is about. */
export function amountOf({ data }: Pick<StoredIntent, 'data'>): string | null {
  const { amountMinor, currency } = (data?.money ?? data?.payload ?? {}) as { amountMinor?: unknown; currency?: unknown };
  return moneyWords(amountMinor, currency);
}
export const moneyWords = (amountMinor: unknown, currency: unknown) => (Number.isSafeInteger(amountMinor) && typeof currency === 'string' && isCurrency(currency) ? toMoney(amountMinor as number, currency) : null);

function wordsOf(value: unknown): string {
  const { amountMinor, currency } = (value ?? {}) as { amountMinor?: unknown; currency?: unknown };
  return typeof value === 'string' ? value : moneyWords(amountMinor, currency) ?? JSON.stringify(value);
}

interface Change { state: string; actor: string; seq: number; at_ms: number }
interface Step { seq: number; body: { from?: string; message?: { event?: { type: string; reason?: string; text?: string; edit?: unknown } } } | null }

/** The last answer the actor was given while it was asked. */
async function decidedOf({ id, state, actor, data, created_ms: createdMs }: StoredIntent, query: Query): Promise<DecidedBefore | null> {
  if (state === 'input-required') return null;
  const changes = (await query('intentChanges', { id })) as Change[];
  const [asked, end] = [changes[0], changes.findLast((change) => change.state === state)];
  if (!asked || !end) return null;
  const writer = end.actor === operator ? operator : actor;
  const steps = (await query('history', { address: writer, after: (writer === operator ? end.seq : asked.seq) - 1, limit: 200 })) as Step[];
  const answer = steps.filter(({ seq }) => seq <= end.seq).findLast(({ body }) => body?.message?.event !== undefined && /^(?:APPROVE|REJECT|RESPOND)$/.test(body.message.event.type));
  const event = answer?.body?.message?.event;
  const said: Record<string, string> = { APPROVE: event?.edit === undefined ? 'approved' : 'approved with other words', REJECT: 'rejected', RESPOND: 'answered' };
  if (event) return { by: 'the operator', how: said[event.type]!, reason: event.reason ?? null, at: end.at_ms };
  const isLapsed = typeof data?.expiresAfterMs === 'number' && end.at_ms >= createdMs + data.expiresAfterMs;
  return isLapsed ? { by: 'nobody', how: 'it lapsed without an answer', reason: null, at: end.at_ms } : { by: actor, how: state, reason: null, at: end.at_ms };
}

interface Enclosed { artifact: string; name: string; mediaType: string; hash: string; sizeBytes: number }
async function previewOf({ artifact, name, mediaType, hash, sizeBytes }: Enclosed, query: Query): Promise<Preview> {
  const isText = /^(?:text\/(?:plain|markdown|csv|calendar)|application\/json)\b/.test(mediaType) && sizeBytes <= previewBytes;
  const found = isText ? ((await query('document', { id: artifact, hash })) as { base64: string } | null) : null;
  return { artifact, name, mediaType, hash, sizeBytes, text: found && cut(Buffer.from(found.base64, 'base64').toString(), previewChars) };
}

async function evidenceOf({ kind, id }: Link, query: Query): Promise<Evidence> {
  const found = (title: string, text: string | null) => ({ kind, id, title, text: text === null ? null : cut(text, excerptChars) });
  const one = async <T>(name: string) => (await query(name, { id })) as T | null;
  if (kind === 'fact') {
    const fact = await one<{ entity: string; predicate: string; value: unknown; label: string }>('fact');
    return fact ? found(`${fact.predicate} of ${fact.entity} (${fact.label})`, JSON.stringify(fact.value)) : found('a fact that is gone', null);
  }
  if (kind === 'annotation') {
    const remark = await one<{ text: string; kind: string }>('annotation');
    return remark ? found(`your ${remark.kind}`, remark.text) : found('a remark that is gone', null);
  }
  if (kind === 'decision') {
    const decision = await one<{ what: string; outcome: string; reasons: string[] }>('decision');
    return decision ? found(`${decision.what}: ${decision.outcome}`, decision.reasons.join('\n')) : found('a decision that is gone', null);
  }
  return kind === 'artifact' || kind === 'policy' ? artifactOf(id, query, found) : found(kind, null);
}

async function artifactOf(given: string, query: Query, found: (title: string, text: string | null) => Evidence): Promise<Evidence> {
  const id = given.replace(/#L\d+$/, '');
  const run = (await query('actor', { address: `mail/${id}` })) as { record: { snapshot: { context: { mail?: { from: { address: string; name: string } | null; subject: string; text: string } } } } } | null;
  const mail = run?.record.snapshot.context.mail;
  if (mail) return found(`mail of ${mail.from?.address ?? 'an unknown sender'}: ${mail.subject || '(no subject)'}`, `From: ${mail.from?.name ?? ''} <${mail.from?.address ?? ''}>\nSubject: ${mail.subject}\n\n${mail.text}`);
  const [artifact] = (await query('artifacts', { id, limit: 1 })) as { kind: string; mediaType: string; name: string | null; sizeBytes: number }[];
  if (!artifact) return found('a document that is gone', null);
  const document = /^(?:text\/|application\/json)/.test(artifact.mediaType) && artifact.sizeBytes <= previewBytes ? ((await query('document', { id })) as { base64: string } | null) : null;
  return found(`${artifact.kind} ${artifact.name ?? id}`, document && Buffer.from(document.base64, 'base64').toString());
}

const cut = (text: string, chars: number) => (text.length > chars ? `${text.slice(0, chars)} …` : text);
