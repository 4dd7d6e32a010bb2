// HTML to readable text in one linear pass. Not a parser: nothing is fetched, scripts, styles and comments are dropped, and
// text that a browser would hide is kept, because an agent should rather see too much than a different mail than its sender wrote.

const dropped = new Set(['script', 'style', 'head', 'title', 'template', 'noscript', 'svg', 'iframe', 'object']);
const startsLine = new Set([
  'address', 'article', 'aside', 'blockquote', 'br', 'dd', 'div', 'dl', 'dt', 'footer', 'form', 'h1', 'h2', 'h3', 'h4', 'h5',
  'h6', 'header', 'hr', 'li', 'main', 'nav', 'ol', 'p', 'pre', 'section', 'table', 'tr', 'ul',
]);

const entities: Record<string, string> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', euro: '€', pound: '£', yen: '¥', cent: '¢', copy: '©', reg: '®',
  trade: '™', hellip: '…', mdash: '—', ndash: '–', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', sbquo: '‚', bdquo: '„',
  laquo: '«', raquo: '»', bull: '•', middot: '·', deg: '°', sect: '§', times: '×', frac12: '½', shy: '', zwnj: '', zwj: '',
  auml: 'ä', ouml: 'ö', uuml: 'ü', Auml: 'Ä', Ouml: 'Ö', Uuml: 'Ü', szlig: 'ß', eacute: 'é', egrave: 'è', ecirc: 'ê',
  agrave: 'à', aacute: 'á', acirc: 'â', ccedil: 'ç', ntilde: 'ñ', oslash: 'ø', aring: 'å', aelig: 'æ',
};

/** Readable text of an HTML body: block elements become lines, table cells and runs of blanks single blanks. Never throws. */
export function textFromHtml(html: string): string {
  const lower = html.toLowerCase();
  // Lower-casing can change the length of exotic letters; then positions no longer agree and the tag search uses the original.
  const search = lower.length === html.length ? lower : html;
  const out: string[] = [];
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) { out.push(decodeEntities(html.slice(at))); break; }
    if (open > at) out.push(decodeEntities(html.slice(at, open)));
    if (html.startsWith('<!--', open)) {
      at = after(html, '-->', open + 4);
      continue;
    }
    const name = /^<\/?([a-z][a-z0-9]{0,15})|^<[!?]/.exec(search.slice(open, open + 18));
    if (!name) { out.push('<'); at = open + 1; continue; }
    const tag = name[1] ?? '';
    at = after(html, '>', open + 1);
    if (startsLine.has(tag)) out.push(tag === 'li' && html[open + 1] !== '/' ? '\n- ' : '\n');
    else if (tag === 'td' || tag === 'th') out.push(' ');
    if (dropped.has(tag) && html[open + 1] !== '/') at = after(html, '>', indexOrEnd(search, `</${tag}`, at));
  }
  return joinLines(out.join(''));
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

function indexOrEnd(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

function decodeEntities(text: string): string {
  const oneLine = text.replace(/\s+/g, ' ');
  if (!oneLine.includes('&')) return oneLine;
  return oneLine.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z][a-z0-9]{1,15});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? entities[name.toLowerCase()] ?? whole;
    const point = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
    return point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? String.fromCodePoint(point) : '\ufffd';
  });
}

function joinLines(text: string): string {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.replace(/[ \t\u00a0\u200b]+/g, ' ').trim();
    if (trimmed !== '' && trimmed !== '-') lines.push(trimmed);
    else if (lines.length > 0 && lines.at(-1) !== '') lines.push('');
  }
  return lines.join('\n').trim();
}
