// The arrows of the why-chain, drawn behind its boxes from where the page put them. The list says the same without them.
import { useLayoutEffect, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

/** `down` to the next box, `side` to evidence, `left` and `right` around what lies between. */
export interface Arrow { from: string; to: string; way: 'down' | 'side' | 'left' | 'right'; lane: number }

interface Place { left: number; top: number; right: number; bottom: number }
const laneWidth = 7;
const lanesMax = 3;

export function Arrows({ frame, arrows }: { frame: RefObject<HTMLDivElement | null>; arrows: readonly Arrow[] }) {
  const [paths, setPaths] = useState<{ d: string; isAside: boolean }[]>([]);
  useLayoutEffect(() => {
    const draw = () => {
      const around = frame.current!.getBoundingClientRect();
      const places = new Map<string, Place>();
      for (const box of frame.current!.querySelectorAll<HTMLElement>('[data-node]')) {
        const { left, top, right, bottom } = box.getBoundingClientRect();
        places.set(box.dataset['node']!, { left: left - around.left, top: top - around.top, right: right - around.left, bottom: bottom - around.top });
      }
      setPaths(arrows.flatMap((arrow) => {
        const [from, to] = [places.get(arrow.from), places.get(arrow.to)];
        return from && to ? [{ d: pathOf(arrow, from, to), isAside: arrow.way === 'left' || arrow.way === 'right' }] : [];
      }));
    };
    const watcher = new ResizeObserver(draw);
    watcher.observe(frame.current!);
    return () => watcher.disconnect();
  }, [arrows]);
  return (
    <svg aria-hidden="true" role="presentation">
      <defs><marker id="why-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" /></marker></defs>
      {paths.map(({ d, isAside }) => <path key={d} d={d} class={isAside ? 'aside' : undefined} marker-end="url(#why-tip)" />)}
    </svg>
  );
}

function pathOf({ way, lane }: Arrow, from: Place, to: Place): string {
  const [fromY, toY] = [(from.top + from.bottom) / 2, (to.top + to.bottom) / 2];
  const aside = 8 + (lane % lanesMax) * laneWidth;
  if (way === 'down') return `M${Math.min(from.left, to.left) + 24} ${from.bottom} V${to.top}`;
  if (way === 'side') {
    const startY = Math.min(from.bottom - 12, Math.max(from.top + 12, toY));
    return `M${from.right} ${startY} C${from.right + 28} ${startY} ${to.left - 28} ${toY} ${to.left} ${toY}`;
  }
  const edge = way === 'left' ? Math.min(from.left, to.left) - aside : Math.max(from.right, to.right) + aside;
  return `M${way === 'left' ? from.left : from.right} ${fromY} H${edge} V${toY} H${way === 'left' ? to.left : to.right}`;
}
