// Small pieces in which statements are shown: values, who vouches for them, moments, states, pairs of name and value.
import { Fragment, type ComponentChildren } from 'preact';
import type { Json } from '#machines/predicates.ts';
import { Badge, type Tone } from './frame.tsx';
import { money } from './length.ts';
import { LinkTo } from './link.tsx';
import { Revealed } from './text.tsx';

const briefChars = 300;
const entity = /^(person|organisation|project|asset|product|account)\/./;

/** A value in one line: money as an amount, a mail by its subject, else its text or JSON. */
export function briefOf(value: Json): string {
  if (typeof value === 'string') return value === '' ? '(empty)' : cut(value);
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    const { amountMinor, currency, payee, subject, summary, title } = value;
    const name = [subject, summary, title].find((word) => typeof word === 'string');
    if (name !== undefined) return cut(`“${name}”`);
    if (typeof amountMinor === 'number' && typeof currency === 'string') return cut(`${money(amountMinor, currency)}${typeof payee === 'string' ? ` · ${payee}` : ''}`);
  }
  return cut(JSON.stringify(value) ?? '');
}

const cut = (text: string) => (text.length > briefChars ? `${text.slice(0, briefChars)} …` : text);

export function Value({ value }: { value: Json }) {
  return typeof value === 'string' && entity.test(value) ? <LinkTo kind="entity" id={value} /> : <Revealed text={briefOf(value)} />;
}

const labelTones: Record<string, Tone> = { operator: 'good', 'verified-connector': 'good', untrusted: 'waiting' };
/** Who vouches for a statement. */
export const LabelBadge = ({ label }: { label: string }) => <Badge tone={labelTones[label] ?? 'plain'}>{label}</Badge>;

const stateTones: Record<string, Tone> = { 'input-required': 'waiting', completed: 'good', failed: 'bad', working: 'busy', submitted: 'busy' };
export const StateBadge = ({ state }: { state: string }) => <Badge tone={stateTones[state] ?? 'plain'}>{state === 'input-required' ? 'waits for you' : state}</Badge>;

/** A moment by the calendar. */
export function Moment({ ms }: { ms: number }) {
  const date = new Date(ms);
  return <time dateTime={date.toISOString()}>{date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })}</time>;
}

export function size(bytes: number): string {
  return bytes < 1_000 ? `${bytes} B` : bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Names with values; what is null is left out. */
export function Pairs({ pairs }: { pairs: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return <dl class="pairs">{pairs.filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => <Fragment key={name}><dt>{name}</dt><dd>{value}</dd></Fragment>)}</dl>;
}

/** For a shell. */
export const quote = (word: string) => (/^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
