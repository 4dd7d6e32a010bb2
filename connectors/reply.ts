// Drafting replies: the template tier always, the model tier when one is configured.
import type { Activity } from '#actors/worker.ts';
import { draftReply } from '#machines/agents/draft-rules.ts';
import type { Template } from '#machines/agents/templates.ts';
import type { Language, Mail } from '#machines/mail.ts';
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
