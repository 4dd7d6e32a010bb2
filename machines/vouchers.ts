// Who vouches for a control field: which facts make a recipient, a payee or an amount one that the company knows. Facts labelled
// `untrusted` never count, whoever wrote them down.
import type { ControlKind } from './effects.ts';

export interface Voucher {
  predicate: string;
  /** Where the value stands: the key of the entity, the value itself, or fields of it. */
  at: 'key' | 'value' | readonly string[];
}

/** Hosts, paths and visibility are vouched for by settings alone. */
export const vouchers: Readonly<Record<ControlKind, readonly Voucher[]>> = {
  recipient: [{ predicate: 'person.email', at: 'value' }, { predicate: 'mail.authenticated', at: 'key' }],
  payee: [{ predicate: 'person.email', at: 'value' }, { predicate: 'organisation.name', at: 'value' }, { predicate: 'organisation.iban', at: 'value' }, { predicate: 'account.iban', at: 'value' }, { predicate: 'invoice.issued', at: ['customerEmail'] }],
  amount: [{ predicate: 'invoice.issued', at: ['total'] }],
  account: [{ predicate: 'account.iban', at: 'value' }, { predicate: 'organisation.iban', at: 'value' }],
  host: [],
  path: [],
  visibility: [],
};
