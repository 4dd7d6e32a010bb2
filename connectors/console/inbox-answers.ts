// What the operator can say to an item, as the item words it: `approve = try again; respond --text JSON = go on with this; reject = stop`.
import type { StoredIntent } from '#machines/inbox.ts';
import { confirmPhrase } from './confirm.ts';

export interface Answers {
  /** What a yes, a no, a text mean here; null when the item does not take it. */
  approve: string | null;
  reject: string | null;
  respond: string | null;
  /** What a text may be, when only a few are possible. */
  choices: string[];
  /** What stands in the text field at first. */
  suggestion: string;
  /** Names of the fields of the payload whose words may change, in their order. */
  edits: string[];
  /** The operation whose outcome nobody knows. */
  reconcile: string | null;
  /** The actor that stands still, to be retried, skipped or stopped. */
  order: string | null;
  /** The message that was parked. */
  parked: string | null;
  /** What must be typed to approve. */
  confirm: string | null;
}

/** Fields that hold words for people. Others are words when they have a blank in them. */
const wordy = ['text', 'subject', 'title', 'summary', 'description', 'body', 'note', 'message', 'caption'];

export function answersOf({ id, kind, data }: StoredIntent): Answers {
  const words = data?.answers ?? 'approve or reject = seen';
  const payload = (data?.payload ?? {}) as Record<string, unknown>;
  const parts = words.split(/;\s*/);
  const meaning = (verb: string) => parts.map((part) => new RegExp(`(?:^|\\b(?:or|then) )${verb}\\b(?! --edit)[^=]*(?:=\\s*(.*))?$`, 's').exec(part)).find((found) => found !== null);
  const [approve, reject, respond] = ['approve', 'reject', 'respond'].map((verb) => meaning(verb));
  const text = (key: string) => (typeof payload[key] === 'string' ? payload[key] : '');
  const reconcile = /\bops reconcile (\S+) --done/.exec(words)?.[1] ?? null;
  const isStill = kind === 'escalation' && /^(?:failed|held|stuck)-/.test(id);
  return {
    approve: approve && reconcile === null ? approve[1] ?? '' : null,
    reject: reject && reconcile === null ? reject[1]?.replace(/^--reason\s*/, '') ?? '' : /approve or reject/.test(words) ? 'seen' : null,
    respond: respond ? respond[1] ?? '' : null,
    choices: /respond --text [A-Z]+ \(([\w-]+(?:, [\w-]+)+)\)/.exec(words)?.[1]?.split(', ') ?? [],
    suggestion: text('suggestion'),
    edits: kind === 'approval' ? editable(payload, data?.control ?? []) : [],
    reconcile,
    order: isStill ? text('actor') || null : null,
    parked: id.startsWith('parked-') ? text('id') || null : null,
    confirm: confirmPhrase(data ?? {}),
  };
}

function editable(payload: Record<string, unknown>, control: readonly { field: string }[]): string[] {
  const fixed = new Set(control.map(({ field }) => field.split(/[.[]/)[0]));
  return Object.entries(payload).filter(([name, value]) => typeof value === 'string' && value !== '' && !fixed.has(name) && (wordy.includes(name) || /\s/.test(value))).map(([name]) => name);
}
