// What a page holds and a browser does not show: the place where words for a machine are put that no person is meant to read. Seen are
// attributes, inline styles and the page's own style sheets; sheets that it would load, and letters in the colour of their ground, are not.
import type { DomDocument, DomElement } from './dom.ts';

/** Never shown as text. */
const silent = 'script, style, noscript, template, iframe, object, embed, svg, canvas, audio, video, select, input, textarea, [hidden], dialog:not([open])';
const sheetChars = 200_000;
const rulesMax = 500;

const away = /(^|;)(display:none|visibility:(hidden|collapse)|content-visibility:hidden|opacity:0?(\.0*\d?)?(;|$)|font-size:(0|0?\.\d+|1)[a-z%]*(;|$)|font:0|color:(transparent|rgba\([^)]*,0?\.?0*\))|clip:rect\((0|1px|auto)?|clip-path:(inset\((50|100)%|circle\(0)|transform:[^;]*(scale[xy]?\(0?(\.0\d*)?[),]|translate[^;]*-\d{3,})|(left|top|right|bottom|text-indent|margin(-left|-top)?):-\d{3,}|(max-)?(height|width):[01](px)?(;|$))/;

/** Takes it out of the document and says how many parts with words that were. */
export function takeOutHidden(document: DomDocument): number {
  const sheets = Array.from(document.querySelectorAll('style'), (style) => style.textContent ?? '').join('\n').slice(0, sheetChars);
  let parts = 0;
  const takeOut = (element: DomElement): void => {
    if (/^(HTML|BODY|HEAD)$/i.test(element.nodeName)) return;
    // A part whose ancestor is gone was counted with it.
    if ((element.textContent ?? '').trim() !== '' && document.contains(element)) parts += 1;
    element.remove();
  };
  for (const element of Array.from(document.querySelectorAll('[style]'))) if (isAway(element.getAttribute('style') ?? '')) takeOut(element);
  for (const selector of hidingSelectors(sheets)) for (const element of select(document, selector)) takeOut(element);
  for (const element of Array.from(document.querySelectorAll('[hidden], dialog:not([open])'))) takeOut(element);
  for (const element of Array.from(document.querySelectorAll(silent))) element.remove();
  return parts;
}

function isAway(style: string): boolean {
  const plain = style.toLowerCase().replace(/\/\*[^]*?\*\//g, '').replace(/\s+|!important/g, '');
  if (away.test(plain)) return true;
  const colour = /(?:^|;)color:([^;]+)/.exec(plain)?.[1];
  return colour !== undefined && colour === /(?:^|;)background(?:-color)?:([^;]+)/.exec(plain)?.[1];
}

/** Of rules outside of @media and the like, which hold for other screens. */
function hidingSelectors(sheets: string): string[] {
  const plain = sheets.replace(/\/\*[^]*?\*\//g, '');
  const selectors: string[] = [];
  let [depth, at] = [0, 0];
  let head = '';
  for (let n = 0; n < plain.length && selectors.length < rulesMax; n++) {
    if (plain[n] === ';' && depth === 0) at = n + 1;
    if (plain[n] === '{') {
      if (depth === 0) [head, at] = [plain.slice(at, n).trim(), n + 1];
      depth += 1;
    } else if (plain[n] === '}') {
      depth = Math.max(0, depth - 1);
      if (depth > 0) continue;
      if (!head.startsWith('@') && isAway(plain.slice(at, n))) selectors.push(...head.split(',').map((one) => one.trim()).filter((one) => one !== '' && one.length <= 200 && !one.includes(':')));
      at = n + 1;
    }
  }
  return selectors.slice(0, rulesMax);
}

function select(document: DomDocument, selector: string): DomElement[] {
  try {
    return Array.from(document.querySelectorAll(selector));
  } catch {
    return [];
  }
}
