// The operator says that a mail was taken for something it is not. Kept as a correction, from which later mails are judged; the facts
// that were read from the mistake are taken back; and the mail is handled anew as what it is. All of it in one commit.
import { z } from 'zod';
import type { Clock } from '#actors/clock.ts';
import type { MakeId } from '#actors/ids.ts';
import type { StorePort } from '#actors/store-port.ts';
import { detectLanguage } from '#machines/agents/language.ts';
import { KeelsonError } from '#machines/errors.ts';
import { categorySchema, type Category, type Mail } from '#machines/mail.ts';
import { partId, partNumber, readPartId, type Fact } from '#machines/records.ts';
import type { Message } from '#machines/message.ts';
import { commandIdSchema as commandId, createCommands, operator, type Content } from './desk-commands.ts';
import type { Desk } from './desk.ts';
import { post, type Route } from './route.ts';
import { instead, type StoredFact } from './standing.ts';

/** `id`: of the mail, of a decision about it, or of an inbox item of its run. */
export const correctRequest = z.object({ id: z.string().min(1).max(400), category: categorySchema, reason: z.string().max(2_000).optional(), commandId });

const correctedSchema = z.object({
  mail: z.string(), before: z.string().nullable(), after: z.string(),
  /** Null when a question was open: then this was its answer. */
  annotation: z.string().nullable(),
  /** The run that handles it as what it is; null when none does, and `why`. */
  run: z.string().nullable(), why: z.string().nullable(),
  /** Facts that were taken back. */
  retired: z.array(z.string()),
});
export type Corrected = z.output<typeof correctedSchema>;

export interface CorrectDesk { correct(request: z.output<typeof correctRequest>): Promise<Corrected> }

const mailId = /^m-[0-9a-f]{16}$/;
const runOf = /^mail\/(m-[0-9a-f]{16})(?:-r(\d{1,6}))?$/;
const runsMax = 50;
const handledBy = 'It is handled as that by ';
const money = ['invoice', 'receipt', 'payment'];
/** Enough of a mail to be found by. */
const wordsOf = ({ subject, text }: Pick<Mail, 'subject' | 'text'>) => `${subject}\n${text}`.slice(0, 2_000).toWellFormed();

interface Runs { all: string[]; unfinished: string[]; next: string }
interface Verdict { id: string; category: string }

/** `machine`: of a mail's run, `mail@2`; `company`: the settings that a new run gets. */
export function createCorrectDesk({ store, clock, makeId, desk, machine, company }: { store: StorePort; clock: Clock; makeId: MakeId; desk: Pick<Desk, 'respond'>; machine: string; company: unknown }): CorrectDesk {
  const commands = createCommands({ store, clock, makeId });

  const rootOf = async (address: string) => runOf.exec(((await store.query('rootOf', { address })) as string | null) ?? '')?.[1] ?? null;
  const findMail = async (id: string): Promise<string> => {
    if (mailId.test(id)) return id;
    const [, named] = runOf.exec(id) ?? [];
    if (named !== undefined) return named;
    const decision = readPartId('d', id) === null ? null : ((await store.query('decision', { id })) as { actor: string; evidence: { kind: string; id: string }[] } | null);
    const linked = decision?.evidence.find((link) => link.kind === 'artifact' && mailId.test(link.id))?.id;
    if (linked !== undefined) return linked;
    const item = decision ? null : ((await store.query('intent', { id })) as { actor: string } | null);
    const found = await rootOf(decision?.actor ?? item?.actor ?? '');
    if (found === null) throw new KeelsonError('NOT_FOUND', `'${id}' leads to no mail`, { hint: 'Give the id of a mail (m-…), of a decision about one (d-…), or of an inbox item of its run.' });
    return found;
  };

  const statusOf = async (address: string) => ((await store.query('actor', { address })) as { status: string } | null)?.status ?? null;
  /** Each correction has a run of its own number. The last one may be promised and not begun: then it can be ended all the same. */
  const runsOf = async (mail: string): Promise<Runs> => {
    const corrections = ((await store.query('annotations', { target: mail, annotationKind: 'correction', limit: runsMax + 1 })) as { task?: string }[]).filter(({ task }) => task === 'triage').length;
    if (corrections >= runsMax) throw new KeelsonError('REFUSED', `${mail} was corrected ${runsMax} times already`);
    const all = [`mail/${mail}`, ...Array.from({ length: corrections }, (_, n) => `mail/${mail}-r${n + 1}`)];
    const unfinished = (await Promise.all(all.map(async (address) => ({ address, status: await statusOf(address) })))).filter(({ status }) => status === null || status === 'active').map(({ address }) => address);
    return { all, unfinished, next: `mail/${mail}-r${corrections + 1}` };
  };

  /** What the runs of this mail did outside, or have on its way. */
  const operationsOf = async (runs: Runs) => (await Promise.all(runs.all.map((address) => store.query('trace', { address })))).flatMap((trace) => ((trace as { parts: { address: string; value: unknown }[] } | null)?.parts ?? []).filter(({ address }) => address.startsWith('operation/')));
  const assertNothingLeaves = async (runs: Runs) => {
    const leaving = new Set(((await store.query('onTheirWay', {})) as { address: string }[]).map(({ address }) => address));
    const busy = (await operationsOf(runs)).find(({ address }) => leaving.has(address));
    if (busy) throw new KeelsonError('REFUSED', `${busy.address} is on its way, so the run cannot be ended now`, { hint: 'Wait until `keelson ops` says how it ended, then correct it.' });
  };

  /** Facts about money that were read from the mistake: true for no time at all. */
  const retire = async (runs: Runs): Promise<{ ids: string[]; facts: Fact[] }> => {
    const facts = (await Promise.all(runs.all.map((actor) => store.query('facts', { actor })))).flat() as StoredFact[];
    const standing = (await Promise.all(facts.filter(({ predicate }) => money.includes(predicate)).map(async (fact) => ({ fact, now: (await store.query('fact', { id: fact.id })) as { supersededBy: unknown[] } | null })))).filter(({ now }) => now?.supersededBy.length === 0).map(({ fact }) => fact);
    return { ids: standing.map(({ id }) => id), facts: standing.map((fact) => instead(fact, fact.value, { confidence: 0, validToMs: fact.valid_from_ms + 1, ...(fact.source === null ? {} : { source: fact.source }) })) };
  };

  const write = async (id: string, content: Content, mail: string, category: Category, reason: string | undefined): Promise<Corrected> => {
    const [verdict] = (await store.query('verdictsOf', { mail })) as Verdict[];
    if (verdict?.category === category) throw new KeelsonError('REFUSED', `${mail} was taken for ${category} already`);
    const question = (await store.query('intent', { id: `q-${mail}` })) as { state: string } | null;
    if (question?.state === 'input-required') {
      await desk.respond(`q-${mail}`, { text: category, ...(reason === undefined ? {} : { reason }), commandId: `${id.slice('command:'.length)}.answer` });
      return { mail, before: null, after: category, annotation: null, run: `mail/${mail}`, why: 'it was being asked about: this is the answer', retired: [] };
    }
    if (!verdict) throw new KeelsonError('REFUSED', `nobody has said yet what ${mail} is`, { hint: `See where its run stands: keelson show mail/${mail}` });
    const runs = await runsOf(mail);
    await assertNothingLeaves(runs);
    const input = (await store.query('mailInput', { mail })) as { mail: Mail } | null;
    const answered = (await operationsOf(runs)).find(({ value }) => value === 'done');
    const why = input === null ? 'what was received is not kept any more, so it cannot be handled again' : answered && category === 'inquiry' ? `it was answered already, by ${answered.address}` : null;
    const { ids, facts } = await retire(runs);
    const given = input && { category, confidence: 1, language: detectLanguage(wordsOf(input.mail)).language, reasons: [reason ?? `You said that it is no ${verdict.category}.`], suspicious: [], by: 'operator', tier: 'operator' };
    const start = why === null;
    const sends: Message[] = [
      ...runs.unfinished.map((to, n): Message => ({ id: `${id}.stop-${n}`, to, from: operator, body: { kind: 'stop' } })),
      ...(start ? [{ id: `${id}.start`, to: runs.next, from: operator, body: { kind: 'start' as const, machine, input: { mail: input!.mail, company, given, run: runs.next.slice(runs.next.lastIndexOf('-') + 1) } as never } }] : []),
    ];
    const seq = await commands.write(id, content, {
      facts, sends,
      annotations: [{ kind: 'correction', target: { kind: 'artifact', id: mail }, text: input === null ? `${verdict.category} → ${category}` : wordsOf(input.mail), before: verdict.category, after: category, task: 'triage', ...(reason === undefined ? {} : { reason }) }],
      decisions: [{ what: 'triage', outcome: category, confidence: 1, reasons: [`It was taken for ${verdict.category}.`, ...(reason === undefined ? [] : [reason]), start ? `${handledBy}${runs.next}` : `It is not handled again: ${why}.`], evidence: [{ kind: 'artifact', id: mail }, { kind: 'decision', id: verdict.id }], policy: null, model: null, costMicros: 0, task: 'triage', tier: 'operator' }],
    });
    return { mail, before: verdict.category, after: category, annotation: partId('a', partNumber(seq, 0)), run: start ? runs.next : null, why, retired: ids };
  };

  return {
    async correct({ id, category, reason, commandId: given }) {
      const mail = await findMail(id);
      const content: Content = { type: 'CORRECT', about: mail, category, ...(reason === undefined ? {} : { reason }) };
      return commands.inTurn(() => commands.once(given, content, {
        first: (command) => write(command, content, mail, category, reason),
        again: async ({ seq }) => {
          const noted = (await store.query('annotation', { id: partId('a', partNumber(seq, 0)) })) as { before?: string } | null;
          const decided = (await store.query('decision', { id: partId('d', partNumber(seq, 0)) })) as { reasons: string[] } | null;
          const run = decided?.reasons.find((one) => one.startsWith(handledBy))?.slice(handledBy.length) ?? null;
          return { mail, before: noted?.before ?? null, after: category, annotation: noted ? partId('a', partNumber(seq, 0)) : null, run, why: run === null ? (decided?.reasons.at(-1) ?? null) : null, retired: [] };
        },
      }));
    },
  };
}

export const correctRoutes = (desk: CorrectDesk): Route[] => [
  post('/api/correct', { summary: 'A mail was taken for something it is not: what it is. It is handled anew, and later ones are judged by it.', moves: true, answer: correctedSchema, body: correctRequest, handle: ({ body }) => desk.correct(body) }),
];
