// A change that the operator makes to drafts of one template again and again belongs into the template: the same lines taken out and put
// in. Only lines that stand in the template word for word can be changed there; what was filled in belongs to one mail. Pure.
import { parseTemplate } from '../agents/templates.ts';
import { diffLines } from '../diff.ts';

export interface Edit { id: string; template: string; before: string; after: string }
/** A version that is in force; `id` is the artifact's, `template/quote-en`. */
export interface Stored { id: string; text: string }
export interface TemplateProposal { kind: 'template'; fingerprint: string; template: string; name: string; text: string; removed: string[]; added: string[]; evidence: { kind: 'annotation'; id: string }[]; replay: { edited: number; same: number } }

const editsMin = 3;
const linesMax = 12;

interface Hunk { removed: string[]; added: string[]; after: string }

/** What was taken out and put in at one place, with the line above it. */
function hunksOf(before: string, after: string): Hunk[] {
  const hunks: Hunk[] = [];
  let current: Hunk | null = null;
  let above = '';
  for (const { op, line } of diffLines(before.trim(), after.trim())) {
    if (op === ' ') {
      current = null;
      if (line.trim() !== '') above = line.trim();
      continue;
    }
    if (!current) hunks.push((current = { removed: [], added: [], after: above }));
    (op === '-' ? current.removed : current.added).push(line.trimEnd());
  }
  return hunks.filter(({ removed, added }) => removed.length + added.length <= linesMax && [...removed, ...added].some((line) => line.trim() !== ''));
}

export function proposeTemplates(edits: readonly Edit[], stored: readonly Stored[], { known, limit }: { known: readonly string[]; limit: number }): TemplateProposal[] {
  const proposals: TemplateProposal[] = [];
  for (const { id, text } of stored) {
    const template = read(text);
    if (template === null) continue;
    const mine = edits.filter((edit) => edit.template === template);
    const counted = new Map<string, { hunk: Hunk; ids: Set<string> }>();
    for (const edit of mine) for (const hunk of hunksOf(edit.before, edit.after)) {
      const key = JSON.stringify([hunk.removed, hunk.added]);
      const entry = counted.get(key) ?? { hunk, ids: new Set<string>() };
      entry.ids.add(edit.id);
      counted.set(key, entry);
    }
    for (const [key, { hunk, ids }] of [...counted].filter(([, found]) => found.ids.size >= editsMin).toSorted((a, b) => b[1].ids.size - a[1].ids.size)) {
      const fingerprint = `template:${template}:${key}`.slice(0, 600);
      if (proposals.length >= limit || known.includes(fingerprint) || proposals.some((one) => one.template === template)) break;
      const changed = apply(text, hunk);
      if (changed === null || read(changed) !== template) continue;
      proposals.push({ kind: 'template', fingerprint, template, name: id.slice('template/'.length), text: changed, removed: hunk.removed, added: hunk.added, evidence: [...ids].slice(0, 12).map((edit) => ({ kind: 'annotation', id: edit })), replay: { edited: mine.length, same: ids.size } });
    }
  }
  return proposals;
}

function read(text: string): string | null {
  try {
    return parseTemplate(text).id;
  } catch {
    return null;
  }
}

/** The template with the change; null where it cannot be made word for word, or was made already. */
function apply(text: string, { removed, added, after }: Hunk): string | null {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line, i) => i > 0 && line === '---') + 1;
  const at = removed.length > 0
    ? lines.findIndex((_, i) => i >= start && removed.every((line, k) => lines[i + k]?.trimEnd() === line))
    : lines.findIndex((line, i) => i >= start && line.trim() === after && after !== '') + 1;
  if (at < start || (removed.length === 0 && at === 0)) return null;
  const changed = [...lines.slice(0, at), ...added, ...lines.slice(at + removed.length)].join('\n');
  return changed === text ? null : changed;
}
