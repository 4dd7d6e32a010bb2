// The template library: markdown files with front matter. No expression language: a placeholder is a name, and what fills
// it is one cleaned line.
import { readFrontMatter } from '../front-matter.ts';
import { languageSchema, type Language } from '../mail.ts';
import { safeLine } from './read-text.ts';

export interface Template {
  id: string;
  language: Language;
  topic: string;
  /** Words and phrases, as written; matching folds and stems them. */
  keywords: string[];
  title: string | null;
  body: string;
}

const fields = ['id', 'language', 'topic', 'keywords', 'title'] as const;
const maxChars = 20_000;
const placeholder = /\{\{\s*([a-zA-Z][a-zA-Z0-9_]{0,39})\s*\}\}/g;

/**
 * Reads one template: front matter between `---` lines with id, language (en, de), topic, keywords (comma separated) and
 * optionally title, then the text with `{{name}}` placeholders. Throws BAD_CONFIG that names the line.
 */
export function parseTemplate(text: string): Template {
  const { need, find, body, bodyLine, refuse } = readFrontMatter(text, { what: 'Template', fields, maxChars, hint: 'A template begins with `---`, then `id:`, `language:`, `topic:` and `keywords:`, then `---` and the text.' });
  const id = need('id');
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(id.value)) refuse(id.line, `the id "${safeLine(id.value, 40)}" must be lower case letters, digits and "-"`);
  const language = languageSchema.safeParse(need('language').value);
  if (!language.success) return refuse(need('language').line, `the language "${safeLine(need('language').value, 20)}" is not en or de`);
  const keywords = need('keywords').value.split(',').map((word) => word.trim()).filter((word) => word !== '').slice(0, 200);
  if (keywords.length === 0) refuse(need('keywords').line, '"keywords" names no word');
  for (const [index, line] of body.entries()) {
    const rest = line.replace(placeholder, '');
    if (rest.includes('{{') || rest.includes('}}')) refuse(bodyLine + index, 'a placeholder must be a name in double braces, like {{name}}');
  }
  return { id: id.value, language: language.data, topic: need('topic').value, keywords, title: find('title')?.value || null, body: body.join('\n').trim() };
}

/** Company text that may have several lines; everything else is one line. */
const blocks = new Set(['signature']);

function cleanBlock(text: string): string {
  return text.split(/\r\n|\r|\n/).slice(0, 20).map((line) => safeLine(line, 200)).join('\n').trim();
}

/**
 * Fills the placeholders. Values are cut to one clean line (the signature may have more) and are never read as template
 * text. A placeholder without a value stays visible as `[name]` and is listed in `missing`; an empty value leaves no gap.
 */
export function renderTemplate(template: Pick<Template, 'body'>, vars: Readonly<Record<string, string>>): { text: string; missing: string[] } {
  const missing = new Set<string>();
  const gap = '\u0000';
  const filled = template.body.replace(placeholder, (_whole, name: string) => {
    const value = Object.hasOwn(vars, name) ? vars[name] : undefined;
    if (value === undefined) { missing.add(name); return `[${name}]`; }
    return (blocks.has(name) ? cleanBlock(value) : safeLine(value)) || gap;
  });
  const text = filled.replace(/[ \t]*\u0000(?=[,.;:!?])/g, '').replace(/\u0000[ \t]?/g, '').replace(/\n{3,}/g, '\n\n').trim();
  return { text, missing: [...missing] };
}
