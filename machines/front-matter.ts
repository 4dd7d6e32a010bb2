// A text with what is said about it above: `key: value` lines between two `---` lines. Whoever reads one says which keys there are; a
// fault names its line.
import { KeelsonError } from './errors.ts';
import { safeLine } from './agents/read-text.ts';

export interface FrontMatter {
  /** Its value and its line, from 1. Refuses when it is missing or empty. */
  need(key: string): { value: string; line: number };
  /** The same, or null without it. */
  find(key: string): { value: string; line: number } | null;
  /** The text below, line by line; the first is line `bodyLine`. */
  body: string[];
  bodyLine: number;
  /** Throws BAD_CONFIG: `Template, line 3: …`. */
  refuse(line: number, why: string): never;
}

/** Throws BAD_CONFIG that names the line. `what`: how the text is called in errors. */
export function readFrontMatter(text: string, { what, fields, maxChars, hint }: { what: string; fields: readonly string[]; maxChars: number; hint: string }): FrontMatter {
  const refuse = (line: number, why: string): never => {
    throw new KeelsonError('BAD_CONFIG', `${what}, line ${line}: ${why}.`, { hint });
  };
  if (text.length > maxChars) refuse(1, `it has ${text.length} characters, at most ${maxChars} are read`);
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  if (lines[0]?.trim() !== '---') refuse(1, 'expected "---" at the start');
  const end = lines.findIndex((line, index) => index > 0 && line.trim() === '---');
  if (end < 0) refuse(lines.length, 'the front matter has no closing "---"');
  const found = new Map<string, { value: string; line: number }>();
  for (const [index, line] of lines.slice(1, end).entries()) {
    const at = index + 2;
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const [, key, value = ''] = /^\s*([a-zA-Z]+)\s*:\s*(.*)$/.exec(line) ?? refuse(at, `"${safeLine(line, 40)}" is not "key: value"`);
    if (!fields.includes(key!)) refuse(at, `unknown key "${key}", known are ${fields.join(', ')}`);
    if (found.has(key!)) refuse(at, `"${key}" is given twice`);
    found.set(key!, { value: value.trim().replace(/^(["'])(.*)\1$/, '$2'), line: at });
  }
  const body = lines.slice(end + 1);
  if (body.every((line) => line.trim() === '')) refuse(end + 2, 'there is no text below the front matter');
  return {
    find: (key) => found.get(key) ?? null,
    need(key) {
      const entry = found.get(key) ?? refuse(end + 1, `"${key}" is missing`);
      return entry.value === '' ? refuse(entry.line, `"${key}" is empty`) : entry;
    },
    body, bodyLine: end + 2, refuse,
  };
}
