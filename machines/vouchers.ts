// Who vouches for a control field: which facts make a recipient, a payee or an amount one that the company knows. Only what the operator,
// a policy, a verified connector or an operation stated counts (store/query-effects.ts); that a sender is who he says does not make him known.
import type { ControlKind } from './effects.ts';

export interface Voucher {
  predicate: string;
  /** Where the value stands: it is the whole value, or a field of it. */
  at: 'value' | readonly string[];
}

/** Hosts, paths and visibility are vouched for by settings alone. */
export const vouchers: Readonly<Record<ControlKind, readonly Voucher[]>> = {
  recipient: [{ predicate: 'person.email', at: 'value' }],
  payee: [{ predicate: 'payment.received', at: ['payment'] }, { predicate: 'person.email', at: 'value' }, { predicate: 'organisation.name', at: 'value' }, { predicate: 'organisation.iban', at: 'value' }, { predicate: 'account.iban', at: 'value' }, { predicate: 'invoice.issued', at: ['customerEmail'] }],
  amount: [{ predicate: 'invoice.issued', at: ['total'] }],
  account: [{ predicate: 'account.iban', at: 'value' }, { predicate: 'organisation.iban', at: 'value' }],
  host: [],
  path: [],
  visibility: [],
};
