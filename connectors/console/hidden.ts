// Characters that take no room or look like a blank: control and format characters, fillers, odd spaces, variation selectors, private ones,
// lone halves. A person who decides must see that they are there.

export const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{DI}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}/gu;
export const codeOf = (character: string) => `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

/** Text in pieces: what can be seen, and the code of each character that cannot. Line ends and tabs stay. */
export function reveal(text: string): { text: string; isHidden: boolean }[] {
  const pieces: { text: string; isHidden: boolean }[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(hidden)) {
    if (character === '\n' || character === '\t') continue;
    if (index > from) pieces.push({ text: text.slice(from, index), isHidden: false });
    pieces.push({ text: codeOf(character), isHidden: true });
    from = index + character.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isHidden: false });
  return pieces;
}

/** JSON that reads back as the value it was made from, in which nothing is invisible. */
export function exactJson(value: unknown): string {
  const escaped = (character: string) => Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
  return JSON.stringify(value, null, 2).replace(hidden, (character) => (character === '\n' ? character : escaped(character)));
}
