// What the operator states, corrects and remarks: straight into the store, in the operator's name.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import { KeelsonError } from '#machines/errors.ts';
import { holdsOf, predicateOf, whyNotFact } from '#machines/predicates.ts';
import { linkSchema, partId, partNumber, type Fact, type Intent, type Link } from '#machines/records.ts';
import { z } from 'zod';
import type { Commands, Content } from './desk-commands.ts';
import { contradictAfter, instead, readStanding, type StoredFact } from './standing.ts';

const moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })], 'expected an ISO date, such as 2026-05-01 or 2026-05-01T12:00:00Z').transform((text) => Date.parse(text)).optional();

export const factRequestSchema = z.object({
  entity: z.string(),
  predicate: z.string(),
  value: z.json(),
  /** From when and until when it is true. */
  from: moment,
  to: moment,
  /** The one fact that is corrected. */
  supersedes: z.string().optional(),
  /** Corrects all that is said now. */
  correct: z.boolean().default(false),
  /** What was true until then is true no more; this is. */
  changesFrom: moment,
  confidence: z.number().min(0).max(1).default(1),
  source: z.string().optional(),
});
export type FactRequest = z.output<typeof factRequestSchema>;

export const remarkRequestSchema = z.object({ kind: linkSchema.shape.kind, id: z.string(), text: z.string().min(1).max(100_000), reason: z.string().max(2_000).optional() });
export type RemarkRequest = z.output<typeof remarkRequestSchema>;

/** `contradiction`: the inbox item that asks which of two statements is right. */
export interface AddedFact { fact: string; entity: string; predicate: string; contradiction: string | null }
export interface Annotated { annotation: string; target: Link }

export interface Knowledge {
  addFact(request: FactRequest & { commandId?: string | undefined }): Promise<AddedFact>;
  annotate(request: RemarkRequest & { commandId?: string | undefined }): Promise<Annotated>;
}

/** A word from the command line: JSON where that is what the predicate takes, else the text itself. */
export function readFactValue(predicate: string, text: string): Fact['value'] {
  let json: Fact['value'];
  try {
    json = JSON.parse(text) as Fact['value'];
  } catch {
    return text;
  }
  const schema = predicateOf(predicate)?.schema;
  return schema !== undefined && !schema.safeParse(json).success && schema.safeParse(text).success ? text : json;
}

/** Throws BAD_ARGUMENT with the store's own reason. */
export function assertFact(fact: Pick<Fact, 'entity' | 'predicate' | 'value'>): void {
  const reason = whyNotFact(fact, 'operator');
  if (reason !== null) throw new KeelsonError('BAD_ARGUMENT', reason);
}

/** Questions that have no answer any more once `facts` are written, as closed; except `answered`. */
export async function mootQuestions(store: StorePort, { standing, facts, nowMs, answered }: { standing: StoredFact[]; facts: Fact[]; nowMs: number; answered?: string }): Promise<Intent[]> {
  const [subject] = [...facts, ...standing];
  if (!subject || holdsOf(subject.predicate) !== 'one' || contradictAfter(standing, facts, nowMs)) return [];
  const open = (await store.query('inbox', {})) as { id: string; actor: string; data: { category?: string; payload?: { entity?: string; predicate?: string } } }[];
  return open
    .filter(({ id, actor, data: { category, payload } }) => actor === 'store/questions' && category === 'contradiction' && id !== answered && payload?.entity === subject.entity && payload.predicate === subject.predicate)
    .map(({ id }) => ({ id, kind: 'task', state: 'canceled' }));
}

export function createKnowledge({ store, clock, commands }: { store: StorePort; clock: Clock; commands: Commands }): Knowledge {
  const added = async ({ entity, predicate }: FactRequest, seq: number): Promise<AddedFact> => {
    const fact = partId('f', partNumber(seq, 0));
    const question = `c-${fact.slice('f-'.length)}`;
    return { fact, entity, predicate, contradiction: (await store.query('intent', { id: question })) === null ? null : question };
  };

  const write = (request: FactRequest, id: string, content: Content) => commands.inTurn(async () => {
    const standing = await readStanding(store, request.entity, request.predicate);
    const facts = await toFacts(store, request, standing);
    const empty = facts.find(({ validFromMs, validToMs }) => validFromMs !== undefined && validToMs !== undefined && validToMs <= validFromMs);
    if (empty) throw new KeelsonError('BAD_ARGUMENT', `to: expected a moment after ${iso(empty.validFromMs!)}, from when it is true`);
    const corrects = facts.some(({ supersedes }) => supersedes !== undefined);
    const intents = corrects ? await mootQuestions(store, { standing, facts, nowMs: clock.now() }) : [];
    return added(request, await commands.write(id, content, { facts, intents }));
  });

  return {
    async addFact({ commandId, ...request }) {
      assertRequest(request);
      const content = { type: 'ADD_FACT', about: request.entity, ...request };
      return commands.once(commandId, content, { first: (id) => write(request, id, content), again: ({ seq }) => added(request, seq) });
    },
    async annotate({ commandId, ...request }) {
      const { kind, id: about, text, reason } = request;
      const target: Link = { kind, id: about };
      const content = { type: 'ANNOTATE', about, kind, text, ...(reason === undefined ? {} : { reason }) };
      const annotated = (seq: number): Annotated => ({ annotation: partId('a', partNumber(seq, 0)), target });
      return commands.once(commandId, content, {
        async first(id) {
          await assertExists(store, target);
          return annotated(await commands.write(id, content, { annotations: [{ kind: 'remark', target, text, ...(reason === undefined ? {} : { reason }) }] }));
        },
        again: async ({ seq }) => annotated(seq),
      });
    },
  };
}

function assertRequest({ entity, predicate, value, from, changesFrom, supersedes, correct }: FactRequest): void {
  assertFact({ entity, predicate, value });
  if ([supersedes !== undefined, correct, changesFrom !== undefined].filter(Boolean).length > 1) throw new KeelsonError('BAD_ARGUMENT', 'choose one of supersedes, correct and changesFrom');
  if (changesFrom !== undefined && from !== undefined) throw new KeelsonError('BAD_ARGUMENT', 'changesFrom says from when it is true; leave from out');
  if ((correct || changesFrom !== undefined) && predicateOf(predicate)?.holds === 'events') throw new KeelsonError('BAD_ARGUMENT', `every '${predicate}' stands for itself; correct one with supersedes`);
}

/** The new fact first, then what it takes with it. */
async function toFacts(store: StorePort, request: FactRequest, standing: StoredFact[]): Promise<Fact[]> {
  const { entity, predicate, value, from, to, changesFrom, supersedes, correct, confidence, source } = request;
  if (source !== undefined) await assertExists(store, { kind: 'artifact', id: source });
  const said = { confidence, ...(source === undefined ? {} : { source }), ...(from === undefined ? {} : { validFromMs: from }), ...(to === undefined ? {} : { validToMs: to }) };
  const plain: Fact = { entity, predicate, value, label: 'operator', ...said };
  if (supersedes !== undefined) return [instead(await findCorrectable(store, request, supersedes), value, said)];
  if (correct) return standing.length === 0 ? [plain] : standing.map((wrong) => instead(wrong, value, said));
  if (changesFrom === undefined) return [plain];

  const until = standing.filter((fact) => fact.valid_from_ms < changesFrom && changesFrom < (fact.valid_to_ms ?? Infinity));
  if (until.length === 0) throw new KeelsonError('REFUSED', `nothing is known of ${predicate} of ${entity} that was true before ${iso(changesFrom)} and could change then`, { hint: `\`keelson find fact --entity ${entity}\` shows what is known and from when.` });
  const end = Math.min(...until.map((fact) => fact.valid_to_ms ?? Infinity));
  // Only the end is new: what was said keeps its label, its source and its confidence.
  const ended = until.map((fact) => instead(fact, fact.value, { label: fact.label, confidence: fact.confidence, ...(fact.source === null ? {} : { source: fact.source }), validToMs: changesFrom }));
  return [{ ...plain, validFromMs: changesFrom, ...(to === undefined && end < Infinity ? { validToMs: end } : {}) }, ...ended];
}

async function findCorrectable(store: StorePort, { entity, predicate }: FactRequest, id: string): Promise<StoredFact> {
  const fact = (await store.query('fact', { id })) as (StoredFact & { supersededBy: { id: string }[] }) | null;
  if (!fact) throw new KeelsonError('NOT_FOUND', `there is no fact '${id}'`);
  if (fact.entity !== entity || fact.predicate !== predicate) throw new KeelsonError('BAD_ARGUMENT', `supersedes: ${id} is about ${fact.predicate} of ${fact.entity}`);
  if (fact.supersededBy.length > 0) throw new KeelsonError('REFUSED', `${id} was corrected already, by ${fact.supersededBy.map((later) => later.id).join(' and ')}`);
  return fact;
}

/** Throws NOT_FOUND when there is no such row. */
async function assertExists(store: StorePort, { kind, id }: Link): Promise<void> {
  const rows = async (name: string, args: Record<string, unknown>) => ((await store.query(name, { ...args, limit: 1 })) as unknown[]).length > 0;
  const one = async (name: string) => (await store.query(name, { id })) !== null;
  const finders: Record<Link['kind'], () => Promise<boolean>> = {
    artifact: () => rows('artifacts', { id: id.replace(/#L\d+$/, '') }),
    policy: () => rows('artifacts', { artifactKind: 'policy', id }),
    entity: () => rows('facts', { entity: id }),
    fact: () => one('fact'),
    decision: () => one('decision'),
    intent: () => one('intent'),
    annotation: () => one('annotation'),
    operation: () => rows('operation', { id }),
  };
  if (!(await finders[kind]())) throw new KeelsonError('NOT_FOUND', `there is no ${kind} '${id}'`);
}

const iso = (ms: number) => new Date(ms).toISOString();
