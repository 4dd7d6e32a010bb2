// The page on which one item is decided: plain HTML, no script, nothing loaded. Everything in it may have been written by a stranger, so
// what could not be seen is made visible, and nothing is a link.
import { createHash } from 'node:crypto';
import type { StoredIntent } from '#machines/inbox.ts';
import { toMoney } from '#machines/money-text.ts';
import { confirmPhrase } from './confirm.ts';
import { codeOf, exactJson, hidden } from './hidden.ts';
import { otherSpelling } from './spellings.ts';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:1rem;color:#111;background:#fff}h1{font-size:1.2rem}h2{font-size:1rem;margin:1.2rem 0 .2rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:.6rem;border-radius:.3rem;margin:0;unicode-bidi:isolate;direction:ltr}mark{background:#fc3;font:.8em monospace;padding:0 .15em}
.high{color:#a00;font-weight:bold}dt{font-weight:bold}dd{margin:0 0 .4rem;overflow-wrap:anywhere}button{font:inherit;padding:.7rem 1.4rem;margin:.3rem 0}textarea,input{font:inherit;width:100%;box-sizing:border-box}label{display:block}`;

/** Goes with every answer: the page loads nothing, runs nothing, is framed nowhere, and its address is told to nobody. */
export const headers: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'referrer-policy': 'no-referrer', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'x-robots-tag': 'noindex', 'cross-origin-opener-policy': 'same-origin',
};

const page = (title: string, body: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${style}</style></head><body>${body}</body></html>`;

/** One sentence and nothing else. */
export const sentencePage = (sentence: string) => page('Keelson', `<h1>${visible(sentence)}</h1>`);

export function decisionPage({ kind, summary, data }: StoredIntent, expiresMs: number): string {
  const { risk = 'medium', reasons = [], does, preview, control = [], enclosures = [], money, reversible, payload = null, payloadHash = '', answers = '' } = data ?? {};
  const phrase = confirmPhrase({ risk, money, control });
  const part = (title: string, body: string) => (body === '' ? '' : `<h2>${title}</h2>${body}`);
  const list = (lines: readonly string[]) => (lines.length === 0 ? '' : `<ul>${lines.map((line) => `<li>${visible(line)}</li>`).join('')}</ul>`);
  return page('Decide', [
    `<h1>${visible(summary)}</h1>`,
    does && does !== summary ? `<p>${visible(does)}</p>` : '',
    `<p>Risk: <span class="${risk === 'high' ? 'high' : 'usual'}">${visible(risk)}</span>${reversible === undefined ? '' : reversible ? ', can be undone' : ', cannot be undone'}</p>`,
    part('Why you are asked', list(reasons)),
    part('Money', money ? `<p>${visible(toMoney(money.amountMinor, money.currency))} to ${visible(money.payee)}</p>` : ''),
    part('Where it goes', control.length === 0 ? '' : `<dl>${control.map(({ kind: what, field, value, vouchedBy }) => `<dt>${visible(what)} (${visible(field)})</dt><dd>${visible(shown(value))}${spellings(value)}<br>${vouchedBy === null ? 'not vouched for' : visible(vouchedBy)}</dd>`).join('')}</dl>`),
    part('Documents that go with it', list(enclosures.map(({ name, mediaType, sizeBytes, hash }) => `${name} (${mediaType}, ${sizeBytes} bytes) ${hash}`))),
    part('All of it, as it leaves', preview === undefined ? '' : `<pre id="preview">${visible(preview)}</pre>`),
    part('Exactly what is approved', `<pre id="payload">${escape(exactJson(payload))}</pre>`),
    `<h2>Hash</h2><pre id="hash">${visible(payloadHash)}</pre><p>This link works until ${new Date(expiresMs).toISOString().replace('T', ' ').slice(0, 16)} UTC.</p>`,
    answers === '' ? '' : `<p>${visible(answers)}</p>`,
    `<form method="post">${phrase === null ? '' : `<label>The risk is high. To approve, type <b>${visible(phrase)}</b><input name="confirm" autocomplete="off" required></label>`}<button name="decision" value="approve">Approve</button></form>`,
    '<form method="post"><label>Reason<textarea name="reason" rows="2" maxlength="2000" required></textarea></label><button name="decision" value="reject">Reject</button></form>',
    `<p>${visible(kind)}</p>`,
  ].join('\n'));
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
/** Escaped, and with what cannot be seen named in a mark; line ends and tabs stay. */
export const visible = (text: string) => escape(text).replace(hidden, (character) => (character === '\n' || character === '\t' ? character : `<mark>${codeOf(character)}</mark>`));

const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** An international domain is shown in both of its spellings. */
function spellings(value: unknown): string {
  const other = otherSpelling(value);
  return other === null ? '' : ` (also written ${visible(other)})`;
}
