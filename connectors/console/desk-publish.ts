// A yes to what was learnt puts it in force: a rule, or the next version of a template. It is published here, in the operator's name and
// from the item that was shown; the agent that proposed it may not. The file is written first, so that the folder of the company says
// what is in force; then the store; a second yes after a crash writes the same once more.
import { sha256 } from '#actors/hash.ts';
import { publishSchema } from '#machines/agents/consolidation.ts';
import { parseTemplate } from '#machines/agents/templates.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Item } from '#machines/inbox.ts';
import { parseRule } from '#machines/learning/rule.ts';
import type { Commands } from './desk-commands.ts';
import { consolidationAddress } from '#machines/agents/standing.ts';

const folders = { rule: { mediaType: 'application/json' }, template: { mediaType: 'text/markdown' } } as const;
export type Published = keyof typeof folders;

/** Writes the file of a rule or template. `isNew`: there must be none yet, unless it says the same. Throws REFUSED when there is. */
export type WriteFile = (kind: Published, name: string, text: string, options: { isNew: boolean }) => void;

export const isPublication = ({ actor, data }: { actor: string; data: Item }): boolean => actor === consolidationAddress && data.category === 'learnt';

export async function publishLearnt({ commands, writeFile }: { commands: Commands; writeFile: WriteFile }, item: { id: string; data: Item }): Promise<void> {
  const parsed = publishSchema.safeParse((item.data.payload as { publish?: unknown } | null)?.publish);
  if (!parsed.success || sha256(parsed.data.text) !== item.data.payloadHash) throw new KeelsonError('REFUSED', `what '${item.id}' would publish is not what was shown`);
  const { kind, name, text } = parsed.data;
  if (kind === 'rule') parseRule(text, name);
  else parseTemplate(text);
  writeFile(kind, name, text, { isNew: kind === 'rule' });
  const hash = sha256(text);
  await commands.write(`publish:${item.id}:${hash.slice(0, 16)}`, { type: 'PUBLISH', about: item.id, hash }, {
    artifacts: [{ id: `${kind}/${name}`, kind, mediaType: folders[kind].mediaType, hash, sizeBytes: Buffer.byteLength(text), ...(kind === 'template' ? { text } : {}) }],
    blobs: [{ hash, bytes: text }],
    decisions: [{ what: `${kind}s`, outcome: 'published', confidence: null, reasons: item.data.reasons.slice(0, 5), evidence: [{ kind: 'artifact', id: `${kind}/${name}` }, ...item.data.evidence.slice(0, 20)], policy: null, model: null, costMicros: null }],
  });
}
