// One item of the inbox as text, in the order in which a person decides: what will happen and all of it as it leaves, how much money, who
// vouches for where it goes, why you are asked; the exact payload and its hash last.
import type { Control } from '#machines/effects.ts';
import type { toInboxItem } from '#machines/inbox.ts';
import { isCurrency, toMoney } from '#machines/money-text.ts';
import { oneLine, table, visible } from './cli-output.ts';

type Item = ReturnType<typeof toInboxItem>;

export function renderItem(item: Item): string {
  const { bound, does, policy, evidence, expiresAt, reversible } = item;
  const blocks: string[][] = [
    [`${item.kind} ${item.id}`, line(item.summary)],
    does === undefined ? [] : [`What happens${bound?.['mode'] === 'dry-run' ? ' (dry run: nothing leaves)' : ''}: ${line(does)}`, ...quoted(item.preview ?? '')],
    [...moneyOf(item), ...(item.enclosures ?? []).map(({ name, mediaType, sizeBytes, artifact, hash }) => line(`enclosed: ${name} (${mediaType}, ${sizeBytes} bytes) · ${artifact} · sha256 ${hash}`))],
    item.control === undefined || item.control.length === 0 ? [] : [table(['FIELD', 'IS', 'VALUE', 'VOUCHED FOR BY'], item.control.map(({ field, kind, value, vouchedBy }) => [field, kind, shown(value), vouchedBy === null ? 'NOBODY' : line(vouchedBy)]))],
    [
      [`risk ${item.risk}`, ...(reversible === undefined ? [] : [reversible ? 'can be undone' : 'cannot be undone']), `confidence ${item.confidence?.toFixed(2) ?? 'none'}`, `category ${item.category ?? 'none'}`, ...(expiresAt ? [`expires ${expiresAt}`] : [])].join(' · '),
      ...(policy ? [`policy ${policy.id} ${policy.version}, rule ${policy.rule}`] : []),
      ...item.reasons.map((reason) => `  because: ${line(reason)}`),
      ...evidence.map((link) => `  evidence: ${link.kind} ${line(link.id)}`),
    ],
    [...(bound ? [`payload of ${line(bound['action'] as string)}`] : []), ...fieldsOf(item.payload)],
    [`answers: ${item.answers}`, `hash ${item.payloadHash}`],
  ];
  return visible(blocks.filter((block) => block.length > 0).map((block) => block.join('\n')).join('\n\n'));
}

function moneyOf({ money }: Item): string[] {
  if (!money) return [];
  return [`money: ${toMoney(money.amountMinor, money.currency)} · payee ${line(money.payee)} · ${money.moves ? 'this moves it, and it counts towards the caps' : 'nothing is moved by this'}`];
}

function shown(value: Control['value']): string {
  if (typeof value === 'string') return line(value);
  const { amountMinor, currency } = (value ?? {}) as { amountMinor?: unknown; currency?: unknown };
  return Number.isInteger(amountMinor) && typeof currency === 'string' && isCurrency(currency) ? toMoney(amountMinor as number, currency) : line(JSON.stringify(value));
}

function fieldsOf(payload: unknown): string[] {
  const fields = payload !== null && typeof payload === 'object' ? Object.entries(payload) : [];
  return fields.flatMap(([name, value]) => {
    const key = line(name);
    return typeof value !== 'string' ? [`${key}: ${JSON.stringify(value)}`] : value.includes('\n') ? [`${key}:`, ...quoted(value)] : [`${key}: ${value}`];
  });
}

/** Marked at the left: text from outside cannot look like a line of ours. */
const quoted = (text: string) => (text === '' ? [] : text.split('\n').map((one) => `  │ ${one}`.trimEnd()));
const line = (text: string) => oneLine(text, 2_000);
