// The MCP servers of a company, from connectors/mcp.json, and what the operator pinned of their tools, in connectors/mcp.pins.json.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connector } from '#connectors/connector.ts';
import { createMcpConnectors, pinsSchema, secretNames, settingsSchema, type McpPins, type McpSettings } from '#connectors/mcp/connector.ts';
import { readSettings } from './connector-settings.ts';

type Secrets = (names: readonly string[]) => Record<string, string>;

/** Null when the company has no connectors/mcp.json. Throws BAD_CONFIG with the file and the field. */
export function readMcp(dataDir: string, secrets: Secrets): { settings: McpSettings; pins: McpPins; secrets: Record<string, string> } | null {
  const settings = readSettings(dataDir, 'mcp.json', settingsSchema);
  return settings && { settings, pins: readSettings(dataDir, 'mcp.pins.json', pinsSchema) ?? {}, secrets: secrets(secretNames(settings)) };
}

/** One connector per server with pinned tools; none is started for it. */
export function openMcpConnectors(dataDir: string, secrets: Secrets): Connector[] {
  const mcp = readMcp(dataDir, secrets);
  return mcp ? createMcpConnectors(mcp.settings, mcp) : [];
}

/** Written whole or not at all. */
export function writePins(dataDir: string, pins: McpPins): void {
  const file = join(dataDir, 'connectors', 'mcp.pins.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(pins, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
