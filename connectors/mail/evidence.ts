// What the company keeps of who sent a mail: a fact about the sender, and words for whoever reads the mail where its sender or domain was
// genuine before and cannot be shown to be now.
import type { StorePort } from '#actors/store-port.ts';
import type { Mail } from '#machines/mail.ts';
import { whyNotFact } from '#machines/predicates.ts';
import type { Fact } from '#machines/records.ts';
import type { Authentication } from './authenticate.ts';

const passedBefore = 'organisation.mail-authenticated';

export async function evidenceOf({ id, from }: Pick<Mail, 'id' | 'from'>, { passed, why, ...found }: Authentication, store: Pick<StorePort, 'query'>): Promise<{ facts: Fact[]; warnings: string[] }> {
  if (from === null) return { facts: [], warnings: [] };
  const address = from.address.toLowerCase();
  const { domain } = found;
  const entity = `organisation/${domain}`;
  const isKnown = domain !== '' && ((await store.query('lastFact', { entity, predicate: passedBefore })) as unknown[]).length > 0;
  const about = { confidence: 1, source: id };
  const facts: Fact[] = passed
    ? [{ ...about, entity: `person/${address}`, predicate: 'mail.authenticated', value: { mail: id, ...found }, label: 'verified-connector' }]
    : [{ ...about, entity: `person/${address}`, predicate: 'mail.not-authenticated', value: { mail: id, ...found, why }, label: 'system' }];
  if (passed && !isKnown) facts.push({ ...about, entity, predicate: passedBefore, value: { mail: id }, label: 'verified-connector' });
  // A stranger's address can be longer or odder than an entity may be; the mail is taken over all the same.
  return { facts: facts.filter((fact) => whyNotFact(fact, 'agent') === null), warnings: warningsOf(from, { passed, isKnown, domain, why }) };
}

function warningsOf({ name, address }: NonNullable<Mail['from']>, { passed, isKnown, domain, why }: { passed: boolean; isKnown: boolean; domain: string; why: string }): string[] {
  const shown = /[^\s<>"'()]{1,64}@([\w-]+(?:\.[\w-]+)+)/.exec(name);
  return [
    ...(passed || !isKnown ? [] : [`Its sender cannot be shown to be ${address.slice(0, 100)}, though mail from ${domain.slice(0, 100)} could before: ${why}.`]),
    ...(shown && shown[1]?.toLowerCase() !== domain ? [`The sender’s name shows another address (${shown[0].slice(0, 100)}) than the mail is from.`] : []),
  ];
}
