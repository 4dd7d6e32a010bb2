// What the operator writes into `connectors/http.json`: calls to servers, each with all that the gate has to know about it. A call that
// is not declared does not exist, so no payload can name a host, a method or a header.
import { z } from 'zod';
import { controlKindSchema, riskSchema } from '#machines/effects.ts';

const word = z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'expected small letters, digits and dashes');
const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,60}$/, 'expected the name of a header');
/** `params.project`, `body.recipient.email`: where something stands in the payload. */
const field = z.string().regex(/^(params|body)(\.[\w-]+)+$/, "expected a field like 'params.project' or 'body.recipient.email'");
/** `data.0.id`: where something stands in an answer. */
const place = z.string().regex(/^[\w-]+(\.[\w-]+)*$/, "expected a place in the answer like 'data.0.id'");
const jsonSchema = z.record(z.string(), z.json());

/** What is said of a call besides its request. */
const manner = {
  title: z.string().min(1).max(200).regex(/^.+$/, 'expected one line').optional(),
  /** `read` changes nothing on the other side. A GET when absent; everything else is a write. */
  effect: z.enum(['read', 'write']).optional(),
  risk: riskSchema.optional(),
  reversible: z.boolean().default(false),
  headers: z.record(headerName, z.string().max(1_000)).default({}),
  secretHeader: z.strictObject({ header: headerName, secret: z.string().regex(/^[A-Z][A-Z0-9_]*$/), prefix: z.string().max(50).default('') }).optional(),
  /** Fields that decide where it goes and how much it moves. `vouched`: values that need no fact to be trusted. */
  control: z.array(z.strictObject({ field, kind: controlKindSchema.exclude(['amount', 'host']), vouched: z.array(z.string()).default([]) })).default([]),
  /** It moves money, and where the payload says how much and to whom. Needs `idempotencyHeader`. */
  money: z.strictObject({ amountMinor: field, currency: field, payee: field }).optional(),
  /** The server does one thing per value of this header: the operation's id. */
  idempotencyHeader: headerName.optional(),
  idempotencyHours: z.number().positive().max(24 * 365).default(24),
  /** A field of the body that gets the operation's id, for a lookup to find it by. */
  operationField: z.string().regex(/^[\w-]+$/).optional(),
  /** Asked by GET whether it happened; `{operation}` in the address stands for the operation's id. */
  lookup: z.strictObject({
    url: z.string(),
    /** Where the answer has the list of what was found; without it an answer of 200 means that it is there. */
    items: place.optional(),
    ref: place.optional(),
    /** Not there now means never: the server does nothing late. */
    absentIsFinal: z.boolean().default(false),
  }).optional(),
  /** What an answer must be. */
  answer: z.enum(['json', 'text', 'nothing']).default('json'),
  /** Where the answer has the server's own name for what was done. */
  ref: place.optional(),
  maxMs: z.number().int().min(100).max(300_000).default(30_000),
};

export const callSchema = z.strictObject({
  name: word,
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  /** `https://api.desk.example/projects/{project}/tickets?notify={notify?}`: parameters in path and query; a `?` makes one of the query optional. */
  url: z.string(),
  /** JSON Schema of a parameter; any text or number when absent. */
  params: z.record(z.string(), jsonSchema).default({}),
  /** JSON Schema of the body, which travels as JSON; no body when absent. */
  body: jsonSchema.optional(),
  ...manner,
});
export type CallSettings = z.output<typeof callSchema>;

const apiSchema = z.strictObject({
  /** An OpenAPI 3 file as JSON, in the same folder. */
  openapi: z.string().regex(/^[\w-]+(\.[\w-]+)*\.json$/, 'expected the name of a .json file in the folder of this one'),
  /** `https://api.desk.example/v1`: what the file says about servers is not used. */
  server: z.string(),
  /** By operationId; nothing else of the file becomes an action. */
  operations: z.record(z.string(), z.strictObject({ name: word.optional(), ...manner })),
});
export type ApiSettings = z.output<typeof apiSchema>;

export const settingsSchema = z.strictObject({
  calls: z.array(callSchema).default([]),
  apis: z.array(apiSchema).default([]),
  /** `nas.example:8080`: hosts of the own network that a call may reach. */
  allowPrivate: z.array(z.string()).default([]),
  perMinute: z.number().int().positive().optional(),
});
export type HttpSettings = z.output<typeof settingsSchema>;
