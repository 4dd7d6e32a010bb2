// Which MCP servers there are, as the operator writes it into connectors/mcp.json, and what was pinned of their tools, in
// connectors/mcp.pins.json.
import { isIPv4 } from 'node:net';
import { z } from 'zod';

const secretName = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'expected the name of a secret, such as NOTES_TOKEN');
const tools = z.array(z.string().min(1));

const serverSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,29}$/, 'expected a to z, 0 to 9 and dashes'),
  /** A program that speaks MCP on its standard input and output; it is started for each call. */
  command: z.string().min(1).optional(),
  args: z.array(z.string()).default([]),
  /** Secrets that the program gets as variables of its environment. */
  secrets: z.array(secretName).default([]),
  /** Streamable HTTP: https, or http on this machine. */
  url: z.url().optional(),
  /** The secret that is sent as bearer token. */
  token: secretName.optional(),
  /** Tools that change nothing, whatever they say about themselves. */
  reads: tools.default([]),
  /** Arguments, by tool, that are only content: they decide neither where something goes nor how much. */
  content: z.record(z.string(), tools).default({}),
}).superRefine(({ command, url, token, secrets, args }, context) => {
  const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if ((command === undefined) === (url === undefined)) issue('command', 'expected either command or url');
  if (url !== undefined && (secrets.length > 0 || args.length > 0)) issue('url', 'args and secrets are for a command; a url takes token');
  if (url === undefined && token !== undefined) issue('token', 'is for a url; a command takes secrets');
  if (url !== undefined && URL.canParse(url) && !mayReach(new URL(url))) issue('url', 'expected https://…, or http:// on 127.0.0.1, [::1] or localhost, without user and password');
});
export type McpServer = z.output<typeof serverSchema>;

export const settingsSchema = z.strictObject({
  servers: z.array(serverSchema).min(1).max(50).refine((servers) => new Set(servers.map(({ name }) => name)).size === servers.length, 'two servers have one name'),
});
export type McpSettings = z.input<typeof settingsSchema>;

/** What a server says about a tool: all of it was seen by the operator, and any change of it is a change. */
export const pinnedToolSchema = z.strictObject({
  name: z.string(), title: z.string().nullable(), description: z.string(),
  inputSchema: z.json(), outputSchema: z.json(), annotations: z.json(),
});
export type PinnedTool = z.output<typeof pinnedToolSchema>;
/** By server, by the tool's own name. */
export const pinsSchema = z.record(z.string(), z.record(z.string(), pinnedToolSchema));
export type McpPins = z.output<typeof pinsSchema>;

/** The secrets that these settings ask for, by server or all of them. */
export const secretNames = (settings: McpSettings): string[] => [...new Set(settingsSchema.parse(settings).servers.flatMap(secretsOf))];
export const secretsOf = ({ secrets, token }: McpServer): string[] => [...secrets, ...(token === undefined ? [] : [token])];

function mayReach(url: URL): boolean {
  if (url.username !== '' || url.password !== '') return false;
  const isLocal = url.hostname === 'localhost' || url.hostname === '[::1]' || (isIPv4(url.hostname) && url.hostname.startsWith('127.'));
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal);
}
