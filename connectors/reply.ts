// Drafting replies: from the templates; and what a model is shown when none of them is good enough, read right before it is asked, so
// that runs keep no words of others. Everything in it says whose word it is.
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { draftReply, findCorrections } from '#machines/agents/draft-rules.ts';
import type { Template } from '#machines/agents/templates.ts';
import type { Language, Mail } from '#machines/mail.ts';
import type { Label, Link } from '#machines/records.ts';
import type { draftInput } from '#machines/tasks/draft.ts';
import type { z } from 'zod';
import type { Reference } from './knowledge.ts';

export interface Company { name: string; operator: string; email: string; signature: string }
export interface DraftInput { mail: Mail; language: Language; hits: Reference[] }
export type ReadHits = (hits: Reference[]) => Promise<(Reference & { text: string })[]>;

export function draftFromTemplates(templates: () => Promise<Template[]>, company: Company, readHits: ReadHits): Activity {
  return async ({ input }) => {
    const { mail, language, hits } = input as DraftInput;
    const draft = draftReply({ mail, language, templates: await templates(), hits: await readHits(hits), company });
    return { ...draft, evidence: draft.evidence.map(({ kind, id }) => ({ kind: kind === 'fact' ? 'fact' : 'artifact', id })), model: null, costMicros: null };
  };
}

/** What a model is asked with, and what the question rests on. */
export interface Shown { input: unknown; evidence: Link[] }
interface Corrected { before?: string; after?: string; reason?: string }

/** Whose words they are. What nobody vouches for is a stranger's; a fact has a label of its own. */
const labels: Record<string, Label> = { remark: 'operator', sent: 'system' };
const correctionsMax = 3;
const correctionChars = 2_000;

/** A draft's question, with the words behind its references. `language` stays where it is: an answer in another one counts as none. */
export function draftContext({ query, templates, company, readHits }: { query: StorePort['query']; templates: () => Promise<Template[]>; company: Company; readHits: ReadHits }): (input: unknown) => Promise<Shown> {
  return async (input) => {
    const { mail: { from, subject, text }, language, hits } = input as z.output<typeof draftInput>;
    const ids = findCorrections(hits).slice(0, correctionsMax);
    const corrections = (await Promise.all(ids.map((id) => query('annotation', { id })))) as (Corrected | null)[];
    const found = await readHits(hits.filter(({ kind }) => kind !== 'correction' && kind !== 'template'));
    const known = await Promise.all(found.map(async ({ kind, id, text: words }) => ({ kind, label: kind === 'fact' ? ((await query('fact', { id })) as { label: Label } | null)?.label ?? 'untrusted' : labels[kind] ?? 'untrusted', text: words })));
    const { name, operator, signature } = company;
    return {
      input: {
        company: { name, operator, signature }, language,
        templates: (await templates()).filter((template) => template.language === language).map(({ id, body }) => ({ id, body })),
        known,
        corrections: corrections.flatMap((one) => (one?.after === undefined ? [] : [{ label: 'operator', before: one.before?.slice(0, correctionChars) ?? null, after: one.after.slice(0, correctionChars), reason: one.reason ?? null }])),
        mail: { label: 'untrusted', from, subject, text },
      },
      evidence: ids.map((id) => ({ kind: 'annotation' as const, id })),
    };
  };
}
