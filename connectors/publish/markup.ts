// Plain text with a little Markdown becomes HTML: paragraphs, # headings, - lists, **strong**, *emphasis*, `code`, [links](https://…).
// Everything else is text. No HTML comes through, nor what WordPress makes of text: [shortcodes], and addresses that embed pages.

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '[': '&#91;', ']': '&#93;' };

export const escapeHtml = (text: string) => text.replace(/[&<>"'[\]]/g, (char) => entities[char]!);
const escapeText = (text: string) => escapeHtml(text).replaceAll('://', '&#58;//');

const inline = /\[([^[\]\n]{1,500})\]\(((?:https?:\/\/|mailto:)[^\s()<>"]{1,2000})\)|\*\*([^*\n]{1,1000})\*\*|\*([^*\n]{1,1000})\*|`([^`\n]{1,1000})`/g;

export function renderText(text: string): string {
  return text.split(/\n[ \t]*\n\s*/).map((block) => block.trim()).filter((block) => block !== '').map(renderBlock).join('\n');
}

function renderBlock(block: string): string {
  const heading = /^(#{1,3}) +([^\n]+)$/.exec(block);
  // The title of the page is its h1.
  if (heading) return `<h${heading[1]!.length + 1}>${renderInline(heading[2]!)}</h${heading[1]!.length + 1}>`;
  const lines = block.split('\n');
  if (lines.every((line) => line.startsWith('- '))) return `<ul>\n${lines.map((line) => `<li>${renderInline(line.slice(2))}</li>`).join('\n')}\n</ul>`;
  return `<p>${renderInline(block)}</p>`;
}

function renderInline(text: string): string {
  let [html, at] = ['', 0];
  for (const match of text.matchAll(inline)) {
    const [whole, label, url, strong, emphasis, code] = match;
    html += escapeText(text.slice(at, match.index));
    at = match.index + whole.length;
    if (label !== undefined && url !== undefined) html += renderLink(label, url, whole);
    else if (strong !== undefined) html += `<strong>${escapeText(strong)}</strong>`;
    else if (emphasis !== undefined) html += `<em>${escapeText(emphasis)}</em>`;
    else html += `<code>${escapeText(code ?? '')}</code>`;
  }
  return html + escapeText(text.slice(at));
}

function renderLink(label: string, url: string, whole: string): string {
  const target = URL.canParse(url) ? new URL(url) : null;
  // A user in front of the host makes a link look as if it led elsewhere.
  if (!target || target.username !== '' || target.password !== '') return escapeText(whole);
  return `<a href="${escapeHtml(target.href)}">${escapeText(label)}</a>`;
}
