// What changed between two texts, with three lines around each change. Signs say it as well as colours.
import { diffLines } from '#machines/diff.ts';
import { Revealed } from './text.tsx';

const around = 3;

export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = diffLines(before, after);
  const near = new Set(lines.flatMap(({ op }, i) => (op === ' ' ? [] : Array.from({ length: 2 * around + 1 }, (_, offset) => i + offset - around))));
  if (near.size === 0) return <p class="faint">The text is the same.</p>;
  return (
    <ol class="diff" aria-label={label}>
      {lines.map(({ op, line }, i) => {
        if (!near.has(i)) return near.has(i + 1) || (i === lines.length - 1 && near.has(i - 1)) ? <li key={i} class="faint">…</li> : null;
        const words = <><span aria-hidden="true">{op} </span><Revealed text={line} /></>;
        return <li key={i}>{op === '+' ? <ins><span class="visually-hidden">added: </span>{words}</ins> : op === '-' ? <del><span class="visually-hidden">removed: </span>{words}</del> : words}</li>;
      })}
    </ol>
  );
}
