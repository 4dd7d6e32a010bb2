// What the stand-in for Stripe knows: payment links, payment intents, charges and refunds in memory, and what was executed. Parameters
// come as Stripe takes them: `metadata[operation]`, `line_items[0][price_data][unit_amount]`.

/** `operation`: the mark it carries. Two entries with one operation are an effect that was executed twice. */
export interface Executed { what: 'link' | 'capture' | 'refund'; id: string; operation: string; amount: number; currency: string; key: string | null }

export class StripeRefusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | undefined;
  constructor(status: number, type: string, message: string, code?: string) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = code;
  }
}

type Params = Record<string, string>;
export interface Intent { id: string; object: 'payment_intent'; amount: number; amount_received: number; currency: string; customer: string | null; status: string; created: number; metadata: Params; latest_charge: object | null }
export interface Link { id: string; object: 'payment_link'; url: string; active: boolean; metadata: Params }
export interface Refund { id: string; object: 'refund'; amount: number; currency: string; status: string; charge: string; payment_intent: string; metadata: Params }

const bad = (message: string, code?: string) => new StripeRefusal(400, 'invalid_request_error', message, code);
const missing = (what: string, id: string) => new StripeRefusal(404, 'invalid_request_error', `No such ${what}: '${id}'`, 'resource_missing');
const group = (params: Params, name: string) => Object.fromEntries(Object.entries(params).filter(([key]) => key.startsWith(`${name}[`)).map(([key, value]) => [key.slice(name.length + 1, -1), value]));
const positive = (params: Params, name: string) => {
  const value = Number(params[name]);
  if (!Number.isInteger(value) || value < 1) throw bad(`Invalid positive integer: ${name}`, 'parameter_invalid_integer');
  return value;
};
const known = (params: Params, ...names: string[]) => {
  for (const key of Object.keys(params)) if (!names.includes(key.replace(/\[.*/, ''))) throw bad(`Received unknown parameter: ${key}`, 'parameter_unknown');
};

export function createStripeBooks(executed: Executed[]) {
  const links: Link[] = [];
  const intents: Intent[] = [];
  const refunds: Refund[] = [];
  const chargeOf = ({ id }: { id: string }) => `ch_${id.slice(3)}`;
  const intent = (id: string) => intents.find((one) => one.id === id || chargeOf(one) === id) ?? (() => { throw missing(id.startsWith('ch_') ? 'charge' : 'payment_intent', id); })();
  const refundedOf = ({ id }: Intent) => refunds.filter(({ payment_intent: of, status }) => of === id && status !== 'failed').reduce((sum, { amount }) => sum + amount, 0);

  function addIntent(params: Params): Intent {
    known(params, 'amount', 'currency', 'customer', 'payment_method', 'description', 'capture_method', 'confirm', 'off_session', 'expand', 'metadata');
    const [method, n] = [params['payment_method'], intents.length + 1];
    if (params['capture_method'] !== 'manual') throw bad('this double holds money only');
    const made: Intent = { id: `pi_${n}`, object: 'payment_intent', amount: positive(params, 'amount'), amount_received: 0, currency: params['currency'] ?? '', customer: params['customer'] ?? null, status: 'requires_capture', created: Math.floor(Date.now() / 1_000), metadata: group(params, 'metadata'), latest_charge: null };
    if (!/^[a-z]{3}$/.test(made.currency)) throw bad(`Invalid currency: ${made.currency}`);
    intents.push(made);
    if (method === 'pm_declined' || method === 'pm_confirm') {
      made.status = 'requires_payment_method';
      throw method === 'pm_declined' ? new StripeRefusal(402, 'card_error', 'Your card was declined.', 'card_declined') : new StripeRefusal(402, 'card_error', 'This transaction requires authentication.', 'authentication_required');
    }
    made.latest_charge = { id: chargeOf(made), object: 'charge', payment_method_details: { type: 'card', card: { capture_before: made.created + 5 * 86_400 } } };
    return made;
  }

  function capture(id: string, params: Params, key: string | null): Intent {
    known(params, 'amount_to_capture', 'expand');
    const held = intent(id);
    if (held.status !== 'requires_capture') throw bad(`This PaymentIntent could not be captured because it has a status of ${held.status}.`, 'payment_intent_unexpected_state');
    const amount = positive(params, 'amount_to_capture');
    if (amount > held.amount) throw bad('The amount is greater than the amount capturable', 'amount_too_large');
    executed.push({ what: 'capture', id, operation: held.metadata['operation'] ?? '', amount, currency: held.currency, key });
    return Object.assign(held, { status: 'succeeded', amount_received: amount });
  }

  function cancel(id: string, params: Params): Intent {
    known(params, 'expand');
    const held = intent(id);
    if (held.status === 'canceled' || held.status === 'succeeded') throw bad(`You cannot cancel this PaymentIntent because it has a status of ${held.status}.`, 'payment_intent_unexpected_state');
    return Object.assign(held, { status: 'canceled' });
  }

  function addLink(params: Params, key: string | null): Link {
    known(params, 'line_items', 'metadata', 'payment_intent_data', 'restrictions');
    const item = group(params, 'line_items[0][price_data]');
    const [amount, currency] = [positive(item, 'unit_amount'), item['currency'] ?? ''];
    if (params['restrictions[completed_sessions][limit]'] !== '1') throw bad('this double makes links that are paid once');
    const made: Link = { id: `plink_${links.length + 1}`, object: 'payment_link', url: `https://buy.stripe.example/${links.length + 1}`, active: true, metadata: group(params, 'metadata') };
    links.push(made);
    executed.push({ what: 'link', id: made.id, operation: made.metadata['operation'] ?? '', amount, currency, key });
    return made;
  }

  function addRefund(params: Params, key: string | null): Refund {
    known(params, 'charge', 'payment_intent', 'amount', 'reason', 'metadata');
    const of = intent(params['payment_intent'] ?? params['charge'] ?? '');
    const amount = positive(params, 'amount');
    const left = of.amount_received - refundedOf(of);
    if (left === 0) throw bad(`Charge ${chargeOf(of)} has already been refunded.`, 'charge_already_refunded');
    if (amount > left) throw bad(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`);
    const made: Refund = { id: `re_${refunds.length + 1}`, object: 'refund', amount, currency: of.currency, status: 'succeeded', charge: chargeOf(of), payment_intent: of.id, metadata: group(params, 'metadata') };
    refunds.push(made);
    executed.push({ what: 'refund', id: made.id, operation: made.metadata['operation'] ?? '', amount, currency: of.currency, key });
    return made;
  }

  /** Newest first, by pages. */
  function page<T extends { id: string }>(all: T[], { limit = '10', starting_after: after }: Params) {
    const newest = all.toReversed();
    const from = after === undefined ? 0 : newest.findIndex(({ id }) => id === after) + 1;
    return { object: 'list', data: newest.slice(from, from + Number(limit)), has_more: newest.length > from + Number(limit) };
  }

  return {
    links, intents, refunds,
    /** Somebody has paid so much: what a refund can be made of. */
    paid(amount: number, currency = 'eur', metadata: Params = {}): Intent {
      const made: Intent = { id: `pi_${intents.length + 1}`, object: 'payment_intent', amount, amount_received: amount, currency, customer: null, status: 'succeeded', created: Math.floor(Date.now() / 1_000), metadata, latest_charge: null };
      intents.push(made);
      return made;
    },
    write(path: string, params: Params, key: string | null): object {
      const [, , what, id = '', verb] = path.split('/');
      if (what === 'payment_links' && id === '') return addLink(params, key);
      if (what === 'refunds' && id === '') return addRefund(params, key);
      if (what === 'payment_intents' && id === '') return addIntent(params);
      if (what === 'payment_intents' && verb === 'capture') return capture(id, params, key);
      if (what === 'payment_intents' && verb === 'cancel') return cancel(id, params);
      throw new StripeRefusal(404, 'invalid_request_error', `Unrecognized request URL (POST: ${path})`);
    },
    read(path: string, params: Params): object {
      const [, , what, id = ''] = path.split('/');
      if (what === 'payment_links' && id === '') return page(links, params);
      if (what === 'refunds' && id === '') return page(refunds.filter((one) => one.payment_intent === params['payment_intent'] || one.charge === params['charge']), params);
      if (what === 'payment_intents') return id === '' ? page(intents.filter(({ customer }) => customer === params['customer']), params) : intent(id);
      if (what === 'charges') return { id, object: 'charge', currency: intent(id).currency };
      throw new StripeRefusal(404, 'invalid_request_error', `Unrecognized request URL (GET: ${path})`);
    },
  };
}
