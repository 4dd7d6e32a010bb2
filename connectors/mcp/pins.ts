// A tool is known by everything its server says about it. The operator pins that once; a tool that says something else later, or that
// nobody pinned, is not called.
import { hashJson } from '#actors/hash.ts';
import { whyNotJson } from '#machines/json-limits.ts';
import { argumentsSchema } from './arguments.ts';
import type { PinnedTool } from './settings.ts';

const limits = { tools: 200, toolBytes: 65_536, toolDepth: 40 } as const;

/** A tool as a server lists it; whatever else it says (icons, _meta) is not used by anybody. */
export interface ListedTool { name: string; title?: string | null; description?: string; inputSchema: unknown; outputSchema?: unknown; annotations?: unknown }

/** What can be pinned of what a server lists, and what cannot, with the reason. */
export function pinsOf(tools: readonly ListedTool[]): { pins: Record<string, PinnedTool>; refused: { tool: string; reason: string }[] } {
  const pins: Record<string, PinnedTool> = {};
  const refused: { tool: string; reason: string }[] = [];
  for (const [n, listed] of tools.entries()) {
    const pin = pinOf(listed);
    const reason = n >= limits.tools ? `a server may have ${limits.tools} tools` : (whyNotPin(pin) ?? whyNotBeside(pin, Object.keys(pins)));
    if (reason === null) pins[pin.name] = pin;
    else refused.push({ tool: listed.name.slice(0, 100), reason });
  }
  return { pins, refused };
}

export function pinOf({ name, title, description, inputSchema, outputSchema, annotations }: ListedTool): PinnedTool {
  return { name, title: title ?? null, description: description ?? '', inputSchema: json(inputSchema), outputSchema: json(outputSchema), annotations: json(annotations) };
}
const json = (value: unknown) => (value ?? null) as PinnedTool['inputSchema'];

export interface Change { tool: string; what: 'new' | 'changed' | 'gone' }

/** How what a server lists now differs from what was pinned. */
export function changed(pins: Record<string, PinnedTool>, tools: readonly ListedTool[]): Change[] {
  const now = new Map(tools.map((tool) => [tool.name, pinOf(tool)]));
  const differing = [...now.values()].filter((pin) => !isPinned(pins, pin)).map(({ name }): Change => ({ tool: name, what: Object.hasOwn(pins, name) ? 'changed' : 'new' }));
  return [...differing, ...Object.keys(pins).filter((name) => !now.has(name)).map((tool): Change => ({ tool, what: 'gone' }))];
}

export const isPinned = (pins: Record<string, PinnedTool>, pin: PinnedTool) => Object.hasOwn(pins, pin.name) && hashJson(pins[pin.name]) === hashJson(pin);

/** `Create Note` → `create-note`: the verb of an action. */
export const verbOf = (tool: string) => tool.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');

function whyNotPin(pin: PinnedTool): string | null {
  if (!/^[\w./ -]{1,128}$/.test(pin.name) || verbOf(pin.name) === '' || pin.name === '__proto__') return 'its name has other characters than letters, digits, _ . / - and spaces';
  const why = whyNotJson({ ...pin }, 'tool', { bytes: limits.toolBytes, depth: limits.toolDepth, wellFormed: true });
  if (why !== null) return why;
  try {
    argumentsSchema(pin.inputSchema);
    return null;
  } catch (error) {
    return `its arguments cannot be checked: ${(error as Error).message}`;
  }
}

function whyNotBeside({ name }: PinnedTool, others: string[]): string | null {
  const twin = others.find((other) => verbOf(other) === verbOf(name));
  return twin === undefined ? null : `'${twin}' is called '${verbOf(name)}' too`;
}
