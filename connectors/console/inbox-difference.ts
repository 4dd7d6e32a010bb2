// What is new in what would leave: against the template it was made from, else against the last thing of its kind that left.
import type { StoredIntent } from '#machines/inbox.ts';

type Query = (name: string, args: Record<string, unknown>) => Promise<unknown>;
export interface Difference { with: 'template' | 'sent'; id: string; /** In one line, for people. */ said: string; before: string; after: string }

interface Operation { address: string; record: { snapshot: { context: { action?: string; payload?: unknown; origin?: { template: string | null } | null; verdict?: { plan?: { control?: { value: unknown }[] } | null } | null } } } }

/** So many of what left last are looked at for one that is like it. */
const looksMax = 30;
const comparedMax = 20_000;

/** Null when nothing like it is known. */
export async function differenceOf({ actor, data }: StoredIntent, query: Query): Promise<Difference | null> {
  if (!data?.bound || data.payload === undefined) return null;
  const operation = (await query('actor', { address: actor })) as Operation | null;
  const template = operation?.record.snapshot.context.origin?.template ?? null;
  const { subject, text } = data.payload as { subject?: unknown; text?: unknown };
  if (template !== null && typeof text === 'string') {
    const id = `template/${template}`;
    const found = await textOf(query, id);
    if (found !== null) return compare({ with: 'template', id, said: `the template ${template}` }, bodyOf(found), text);
  }
  const now = typeof text === 'string' ? `${typeof subject === 'string' ? `${subject}\n\n` : ''}${text}` : (data.preview ?? '');
  const last = await lastLike(query, { action: data.bound['action'], places: placesOf(data.control) });
  const before = last && (await textOf(query, last.id));
  return last && before !== null ? compare({ with: 'sent', id: last.id, said: last.isSamePlace ? 'what left last to the same place' : 'the last one of this kind that left' }, before, now) : null;
}

function compare(what: Pick<Difference, 'with' | 'id' | 'said'>, before: string, after: string): Difference {
  return { ...what, before: before.slice(0, comparedMax), after: after.slice(0, comparedMax) };
}

const placesOf = (control: readonly { value: unknown }[] = []) => JSON.stringify(control.map(({ value }) => value));

/** The newest of this action, of those to the same place if there is one. */
async function lastLike(query: Query, { action, places }: { action: unknown; places: string }): Promise<{ id: string; isSamePlace: boolean } | null> {
  const sent = (await query('artifacts', { artifactKind: 'sent', limit: looksMax })) as { id: string; actor: string }[];
  let first: string | null = null;
  for (const { id, actor } of sent) {
    const context = ((await query('actor', { address: actor })) as Operation | null)?.record.snapshot.context;
    if (!context || context.action !== action) continue;
    if (placesOf(context.verdict?.plan?.control) === places) return { id, isSamePlace: true };
    first ??= id;
  }
  return first === null ? null : { id: first, isSamePlace: false };
}

async function textOf(query: Query, id: string): Promise<string | null> {
  const found = (await query('document', { id })) as { base64: string } | null;
  return found && Buffer.from(found.base64, 'base64').toString();
}

/** Without the front matter. */
const bodyOf = (template: string) => template.replace(/^---\r?\n.*?\r?\n---\r?\n/s, '').trim();
