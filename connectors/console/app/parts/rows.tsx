// A long list of which only the rows in sight are in the page: ten thousand cost as much as thirty.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const spare = 8;

/** All rows have one height, in pixels. The whole window scrolls, so that keys and phones do as they always do. */
export function Rows<T>({ rows, height, keyOf, label, children }: { rows: readonly T[]; height: number; keyOf(row: T): string; label: string; children: (row: T, index: number) => ComponentChildren }) {
  const ref = useRef<HTMLDivElement>(null);
  const [[from, to], setRange] = useState<[number, number]>([0, 50]);
  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      const top = ref.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / height) - spare);
      const last = Math.ceil((innerHeight - top) / height) + spare;
      setRange(([a, b]) => (a === first && b === last ? [a, b] : [first, last]));
    };
    const soon = () => (frame ||= requestAnimationFrame(look));
    look();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [height, rows.length]);
  return (
    <div ref={ref} class="rows" role="list" aria-label={label} style={{ height: `${rows.length * height}px` }}>
      {rows.slice(from, to).map((row, i) => (
        <div key={keyOf(row)} role="listitem" aria-setsize={rows.length} aria-posinset={from + i + 1} class="row" style={{ top: `${(from + i) * height}px`, height: `${height}px` }}>{children(row, from + i)}</div>
      ))}
    </div>
  );
}
