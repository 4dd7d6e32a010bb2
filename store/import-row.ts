// One line of an export as the values of a row, or why it is none.
import { plainError } from '#machines/errors.ts';
import type { Value } from './database.ts';
import { badCopy, limits, type Column } from './export-format.ts';

/** Throws BAD_COPY with `where`. The row has exactly these columns, of their types; whatever is called `__proto__` is one too many. */
export function readRow(line: string, columns: Column[], where: string): Value[] {
  let row: unknown;
  if (line.length > limits.jsonDepth && depthOf(line) > 1) throw badCopy(`${where} is no row`);
  try {
    row = JSON.parse(line);
  } catch (error) {
    throw badCopy(`${where} is no JSON: ${plainError(error).message.slice(0, 100)}`);
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) throw badCopy(`${where} is no row`);
  const strange = Object.keys(row).find((name) => !columns.some((column) => column.name === name));
  if (strange !== undefined) throw badCopy(`${where} has a column ${JSON.stringify(strange.slice(0, 50))}, which this table has not`);
  return columns.map((column) => {
    if (!Object.hasOwn(row, column.name)) throw badCopy(`${where} has no ${column.name}`);
    const value: unknown = (row as Record<string, unknown>)[column.name];
    if (value === null && !column.required) return null;
    const found = convert(value, column);
    if (found === undefined) throw badCopy(`${where}: ${column.name} is no ${words[column.type]}`);
    if (column.json && found !== '' && !isShallowJson(found as string)) throw badCopy(`${where}: ${column.name} holds no JSON, or one nested too deep`);
    return found;
  });
}

const words = { INTEGER: 'whole number', REAL: 'number', TEXT: 'text', BLOB: 'base64' };

function convert(value: unknown, { type }: Column): Value | undefined {
  switch (type) {
    case 'INTEGER':
      return Number.isSafeInteger(value) ? (value as number) : undefined;
    case 'REAL':
      return Number.isFinite(value) ? (value as number) : undefined;
    case 'TEXT':
      return typeof value === 'string' && value.isWellFormed() ? value : undefined;
    case 'BLOB': {
      if (typeof value !== 'string') return undefined;
      const bytes = Buffer.from(value, 'base64');
      return bytes.toString('base64') === value ? bytes : undefined;
    }
  }
}

function isShallowJson(text: string): boolean {
  if (text.length > limits.jsonDepth && depthOf(text) > limits.jsonDepth) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** How deep brackets are nested, those in strings left out. Asked before long texts are parsed: depth costs far more memory than length. */
export function depthOf(json: string): number {
  let [depth, deepest, quoted] = [0, 0, false];
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (quoted) {
      if (c === backslash) i++;
      else if (c === quote) quoted = false;
    } else if (c === quote) quoted = true;
    else if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (c === 0x5d || c === 0x7d) depth--;
  }
  return deepest;
}
const quote = 0x22;
const backslash = 0x5c;
