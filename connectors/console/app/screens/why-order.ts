// The why-chain put in order for reading: from the row that is asked about down to where it began, one sentence per step, and what lies
// between the steps that say something folded away.
import type { Link } from '#machines/records.ts';
import { percent } from '../parts/percent.ts';

export interface WhyDecision { id: string; what: string; outcome: string; confidence: number | null; reasons: string[]; evidence: Link[]; policy: { id: string; version: string; rule: string } | null; model: string | null; costMicros: number | null }
export interface WhyStep { seq: number; at: string; id: string; actor: string; rev: number | null; machine: string | null; outcome: string; event: string | null; from: string | null; note: string | null; decisions: WhyDecision[]; evidence: Link[]; cause: number | null }
export interface RawInput { artifact: string; version: number; hash: string; name: string | null; line?: number; text?: string }
export interface Why { kind: string; id: string; chain: WhyStep[]; raw: RawInput[]; cut: boolean }

export type Item = { step: WhyStep } | { folded: WhyStep[] };
/** `joins`: the step of an earlier strand in which this one goes on. */
export interface Strand { items: Item[]; joins: number | null }

/** One strand for each beginning that nothing else in the chain was caused by; most questions have one. */
export function toStrands({ chain }: Why, isFolded: boolean): Strand[] {
  const bySeq = new Map(chain.map((step) => [step.seq, step]));
  const causes = new Set(chain.map(({ cause }) => cause));
  const seen = new Set<number>();
  return chain.filter(({ seq }) => !causes.has(seq)).map((first) => {
    const steps: WhyStep[] = [];
    let step: WhyStep | undefined = first;
    for (; step && !seen.has(step.seq); step = step.cause === null ? undefined : bySeq.get(step.cause)) {
      seen.add(step.seq);
      steps.push(step);
    }
    return { items: isFolded ? fold(steps) : steps.map((one) => ({ step: one })), joins: step?.seq ?? null };
  });
}

function fold(steps: WhyStep[]): Item[] {
  const items: Item[] = [];
  for (const [i, step] of steps.entries()) {
    const last = items.at(-1);
    if (i === 0 || i === steps.length - 1 || saysSomething(step)) items.push({ step });
    else if (last && 'folded' in last) last.folded.push(step);
    else items.push({ folded: [step] });
  }
  // To fold one step takes as much room as to show it.
  return items.map((item) => ('folded' in item && item.folded.length === 1 ? { step: item.folded[0]! } : item));
}

const saysSomething = ({ decisions, evidence, note, from, actor, outcome }: WhyStep) => decisions.length + evidence.length > 0 || note !== null || outcome !== 'applied' || [from, actor].some((who) => who?.startsWith('operator/'));

const answers: Record<string, string> = { APPROVE: 'You said yes.', REJECT: 'You said no.', RESPOND: 'You answered in words.', CANCEL: 'You canceled it.', RECONCILE: 'You said what became of it.' };

/** What happened in this step, in one sentence. */
export function sentenceOf({ decisions, event, from, actor, machine }: WhyStep): string {
  const who = `The ${(machine ?? actor).split(/[@/]/)[0]} agent`;
  const [decision, ...others] = decisions;
  if (decision) return `${machine === null ? actor : who} decided on ${decision.what}: ${decision.outcome}${decision.confidence === null ? '' : `, ${percent(decision.confidence)} sure`}${others.length > 0 ? `, and on ${others.map(({ what }) => what).join(', ')}` : ''}.`;
  if (event === null) return `Something reached ${actor}; what it was is gone.`;
  const [word, what = ''] = event.split(/ (.*)/s);
  if (from?.startsWith('operator/')) return answers[event] ?? `You sent ${event} to ${actor}.`;
  if (actor.startsWith('operator/')) return event === 'ADD_FACT' ? 'You stated this yourself.' : event === 'ANNOTATE' ? 'You remarked on it.' : `You did this yourself: ${event}.`;
  if (event === 'received') return actor === 'connector/mail' ? 'A mail came in.' : `${actor} took something in.`;
  if (word === 'start') return `The ${what.split('@')[0]} agent was started${from ? ` by ${from}` : ''}.`;
  if (word === 'done') return `${who} got the result of “${what}”${from ? ` from ${from}` : ''}.`;
  if (word === 'error') return `${who} heard that “${what}” failed.`;
  if (word === 'job') return what === 'done' ? 'A worker finished the job.' : what === 'claimed' ? 'A worker took the job.' : `A job ended: ${what || 'no more is known'}.`;
  return `${machine === null ? actor : who} got ${event}${from ? ` from ${from}` : ''}.`;
}

/** What came in first stands next to the step that took it in; what was only looked up later follows. */
export function inOrder({ chain, raw }: Why): RawInput[] {
  const firstUse = ({ artifact }: RawInput) => chain.findLast((step) => step.id.endsWith(`:${artifact}`) || evidenceOf(step).some(({ id }) => id === artifact || id.startsWith(`${artifact}#L`)))?.seq ?? Infinity;
  return raw.toSorted((a, b) => firstUse(a) - firstUse(b));
}

/** What a step rests on, each once. */
export function evidenceOf({ decisions, evidence }: WhyStep): Link[] {
  const all = new Map([...decisions.flatMap((decision) => decision.evidence), ...evidence].map((link) => [`${link.kind} ${link.id}`, link]));
  return [...all.values()];
}
