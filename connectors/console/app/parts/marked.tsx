// Text in which the words that were searched for are marked.
import { Revealed } from './text.tsx';

/** Lower case without accents, as the index of the store folds; each character stays one, so that places stay. */
const fold = (text: string) => Array.from(text, (character) => character.normalize('NFD').charAt(0).toLowerCase().padEnd(character.length)).join('');

export const wordsOf = (text: string) => text.normalize('NFC').toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];

/** At most `chars` of the text, from shortly before the first of the words. */
export function Marked({ text, words, chars = 240 }: { text: string; words: readonly string[]; chars?: number }) {
  const wanted = words.map(fold);
  const pattern = wanted.length > 0 ? new RegExp(`(?<![\\p{L}\\p{N}])(?:${wanted.join('|')})(?![\\p{L}\\p{N}])`, 'gu') : /(?!)/gu;
  const first = Math.max(0, fold(text).search(pattern) - 60);
  const shown = text.slice(first, first + chars);
  const pieces: { text: string; isHit: boolean }[] = [];
  let from = 0;
  for (const { 0: hit, index } of fold(shown).matchAll(pattern)) {
    pieces.push({ text: shown.slice(from, index), isHit: false }, { text: shown.slice(index, index + hit.length), isHit: true });
    from = index + hit.length;
  }
  pieces.push({ text: shown.slice(from), isHit: false });
  return <>{first > 0 ? '… ' : ''}{pieces.map((piece) => (piece.isHit ? <mark><Revealed text={piece.text} /></mark> : <Revealed text={piece.text} />))}{text.length > first + chars ? ' …' : ''}</>;
}
