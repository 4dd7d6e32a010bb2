// What travels on the bus as an AsyncAPI 3.0 document, from Keelson's side: it receives what others send. The schemas are those by which
// messages are checked; docs/bus.md says the same in words.
import { z } from 'zod';
import { subjectNames } from '#actors/bus-subjects.ts';
import { announcementSchema } from '#machines/changes.ts';
import type { Applied } from '#machines/commit.ts';
import { bodySchema, jobSchema, limits } from '#machines/message.ts';
import type { RawRoute } from './route.ts';

const appliedSchema = z.object({
  id: z.string().describe('The `ce-id` of your message.'),
  outcome: z.enum(['applied', 'ignored', 'refused', 'parked', 'duplicate']),
  note: z.string().nullable(), rev: z.int().nullable(), value: z.unknown(), status: z.string().nullable(),
} satisfies Record<keyof Applied, z.ZodType>);
const failureSchema = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });

const headers = z.object({
  'ce-id': z.string().max(limits.idChars).describe('Names the message for ever: a second one with this id changes nothing.'),
  'ce-cause': z.string().max(limits.idChars).optional().describe('The id of what caused it.'),
  'ce-source': z.string().optional(), 'ce-type': z.string().optional(), 'ce-time': z.iso.datetime().optional(),
});

const ofHost = ['timer', 'done', 'error', 'stop', 'next'];
const summaries: Record<string, string> = {
  start: 'Starts an actor.', event: 'An event for an actor.', job: 'Asks a worker to run an activity.',
  applied: 'What became of a message.', changes: 'A group of commits that went to disk.', ask: 'A named read of the store.', answer: 'What was read.', failure: 'Why it was not read.',
};

/** `queries`: the named reads. */
export function toAsyncApi({ version, queries }: { version: string; queries: readonly string[] }): object {
  const bodies = Object.fromEntries(bodySchema.options.map((schema) => [schema.shape.kind.value, schema]));
  const messages: Record<string, z.ZodType> = {
    ...bodies, job: jobSchema, applied: appliedSchema, changes: announcementSchema,
    ask: z.object({ name: z.enum(queries as [string, ...string[]]), args: z.record(z.string(), z.unknown()).default({}) }), answer: z.object({ result: z.unknown() }), failure: failureSchema,
  };
  const names = subjectNames('{company}');
  const parameters: Record<string, string> = {
    company: 'The company on the bus: `company` in run.json.', activity: 'An activity; `mail.send` is `mail-send`.',
    toType: 'The receiver\'s type: the id of its machine.', toKey: 'The receiver\'s key, percent-encoded.', fromType: 'The sender\'s type.', fromKey: 'The sender\'s key, percent-encoded.',
  };
  const channel = (address: string | null, carried: readonly string[], description: string) => ({
    address, description,
    ...(address === null ? {} : { parameters: Object.fromEntries(Array.from(address.matchAll(/\{(\w+)\}/g), ([, name]) => [name, { description: parameters[name!] }])) }),
    messages: Object.fromEntries(carried.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
  });
  const channels = {
    mailbox: channel(`${names.root}msg.{toType}.{toKey}.{fromType}.{fromKey}`, Object.keys(bodies), `Messages to actors. From others only start and event are taken; ${ofHost.join(', ')} are what actors and the host say.`),
    applied: channel(`${names.root}applied.{fromType}.{fromKey}`, ['applied'], 'What became of a message, for its sender. Subscribe before you publish.'),
    jobs: channel(names.queue('{activity}'), ['job'], 'Work for workers.'),
    changes: channel(names.changes, ['changes'], 'What was written, in commit order. Kept nowhere: ask the query `changes` for what is missing.'),
    query: channel(names.query, ['ask'], 'Questions to the store, as a NATS request.'),
    queryAnswer: channel(null, ['answer', 'failure'], 'The inbox that a NATS request names for its answer.'),
  };
  const on = (name: keyof typeof channels) => ({ $ref: `#/channels/${name}` });
  const each = (name: keyof typeof channels, only = Object.keys(channels[name].messages)) => only.map((message) => ({ $ref: `#/channels/${name}/messages/${message}` }));

  return {
    asyncapi: '3.0.0',
    info: { title: 'Keelson', version, description: 'Durable actors on NATS: start them, send them events, hear what became of each message and what was written.' },
    defaultContentType: 'application/json',
    servers: { company: { host: '127.0.0.1:{port}', protocol: 'nats', description: 'The nats-server of a company; `nats` in run.json names it.', variables: { port: { description: 'Chosen at the start.' } }, security: [{ $ref: '#/components/securitySchemes/token' }] } },
    channels,
    operations: {
      takeMessage: { action: 'receive', channel: on('mailbox'), messages: each('mailbox', ['start', 'event']), summary: 'An actor is started, or hears an event.', reply: { channel: on('applied'), messages: each('applied') } },
      takeJob: { action: 'receive', channel: on('jobs'), messages: each('jobs'), summary: 'A worker runs an activity.' },
      tellChanges: { action: 'send', channel: on('changes'), messages: each('changes'), summary: 'Everybody hears what was written.' },
      answerQuery: { action: 'receive', channel: on('query'), messages: each('query'), summary: 'The store answers a named read.', reply: { channel: on('queryAnswer'), messages: each('queryAnswer') } },
    },
    components: {
      messages: Object.fromEntries(Object.entries(messages).map(([name, schema]) => [name, {
        name, summary: summaries[name] ?? 'What actors and the host say to each other.', contentType: 'application/json', payload: toSchema(schema),
        ...(name in bodies || name === 'job' ? { headers: toSchema(headers) } : {}),
      }])),
      securitySchemes: { token: { type: 'apiKey', in: 'password', description: 'The token of the company folder, given as the NATS token when connecting.' } },
    },
  };
}

export function asyncApiRoute(options: { version: string; queries: readonly string[] }): RawRoute {
  return { method: 'get', path: '/asyncapi.json', who: 'all', summary: 'What travels on the bus, as an AsyncAPI document.', answer: (c) => c.json(toAsyncApi(options)) };
}

/** AsyncAPI reads schemas as JSON Schema draft 7. */
function toSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return rest;
}
