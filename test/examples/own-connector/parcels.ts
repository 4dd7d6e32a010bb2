// A connector of a company's own: orders a parcel label from a carrier. Settings stand in connectors/parcels.json, the key comes from
// where all secrets come from.
import { action, exchange, isSafeBase, KeelsonError, saidBy, statusError, type Call, type Connector, type Performed } from 'keelson/connector';
import { z } from 'zod';

export const settingsSchema = z.strictObject({ url: z.string().refine(isSafeBase, 'expected https://…') });
export const secrets = ['PARCELS_KEY'];

const label = z.strictObject({
  to: z.strictObject({ name: z.string().min(1).max(100), email: z.email(), city: z.string().min(1).max(100) }),
  grams: z.number().int().positive().max(30_000),
});
type Label = z.output<typeof label>;
const reply = z.object({ id: z.string().max(100), tracking: z.string().max(100) });

export default function createParcels({ url }: z.output<typeof settingsSchema>, keys: Record<string, string>): Connector {
  const { host } = new URL(url);
  return {
    name: 'parcels', version: '1', hosts: [host], secrets, perMinute: 60,
    actions: [action({
      name: 'parcels.order', title: 'Order a parcel label', input: label,
      effect: 'write', risk: 'medium', reversible: false, money: false,
      // The carrier makes one label per key, for a day.
      idempotency: { kind: 'native', keyLifetimeMs: 86_400_000 },
      async plan({ to, grams }: Label) {
        return {
          summary: `Order a label for a parcel of ${grams} g to ${to.name}`, preview: `${to.name}, ${to.city} (${to.email}): ${grams} g`,
          risk: 'medium', reasons: [], enclosures: [], money: null,
          control: [{ kind: 'recipient', field: 'to.email', value: to.email.toLowerCase(), vouchedBy: null }],
        };
      },
      async commit(payload: Label, { operationId, signal, nowMs }: Call): Promise<Performed> {
        const headers = { authorization: `Bearer ${keys['PARCELS_KEY']}`, 'content-type': 'application/json', 'idempotency-key': operationId };
        const answer = await exchange({ method: 'POST', url: `${url}/labels`, headers, body: JSON.stringify(payload), signal, write: true, maxBytes: 100_000 });
        const wrong = statusError({ ...answer, host, effect: 'write', nowMs: nowMs(), keyed: true, says: saidBy(answer) });
        if (wrong) throw wrong;
        const { id, tracking } = readReply(answer.text);
        return { done: true, providerRef: id, note: `tracking number ${tracking}`, result: { tracking }, facts: [] };
      },
    })],
  };
}

function readReply(text: string): z.output<typeof reply> {
  try {
    return reply.parse(JSON.parse(text));
  } catch (cause) {
    throw new KeelsonError('SEND_UNKNOWN', 'the carrier took the order, and its reply cannot be read', { cause });
  }
}
