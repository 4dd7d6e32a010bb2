// A drawing larger than its window: it fits the width at first, is zoomed by buttons, keys or the wheel, moved by scrolling or dragging, and
// keeps what matters in sight.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Smaller text could not be read; the rest is reached by scrolling. */
const readable = 0.7;
const [smallest, largest, step] = [0.15, 3, 1.25];
const margin = 8;
/** As in chart.css. */
const heightShare = 0.72;

interface Target { id: string; x: number; y: number; width: number; height: number }

/** `target` is scrolled into sight whenever it is another one. */
export function ChartView({ width, height, target, label, children }: { width: number; height: number; target: Target | null; label: string; children: ComponentChildren }) {
  const view = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  /** null: as wide as there is room. */
  const [chosen, setChosen] = useState<number | null>(null);
  const fit = room === 0 ? 1 : Math.min(1, room / (width + 2 * margin));
  const scale = chosen ?? Math.max(fit, readable);
  const middle = useRef<{ x: number; y: number } | null>(null);

  const whole = () => Math.min(fit, (innerHeight * heightShare) / (height + 2 * margin));

  const zoom = (to: number) => {
    const box = view.current!;
    middle.current = { x: (box.scrollLeft + box.clientWidth / 2) / scale, y: (box.scrollTop + box.clientHeight / 2) / scale };
    setChosen(Math.min(largest, Math.max(smallest, to)));
  };

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setRoom(entry!.contentRect.width));
    watch.observe(view.current!);
    return () => watch.disconnect();
  }, []);

  // What was in the middle stays there.
  useLayoutEffect(() => {
    const box = view.current!;
    if (middle.current) box.scrollTo(middle.current.x * scale - box.clientWidth / 2, middle.current.y * scale - box.clientHeight / 2);
    middle.current = null;
  }, [scale]);

  useEffect(() => {
    const box = view.current!;
    if (!target || room === 0) return;
    const [left, top, right, bottom] = [target.x, target.y, target.x + target.width, target.y + target.height].map((place) => (place + margin) * scale) as [number, number, number, number];
    const isSeen = left >= box.scrollLeft && top >= box.scrollTop && right <= box.scrollLeft + box.clientWidth && bottom <= box.scrollTop + box.clientHeight;
    const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
    if (!isSeen) box.scrollTo({ left: (left + right - box.clientWidth) / 2, top: (top + bottom - box.clientHeight) / 2, behavior });
  }, [target?.id, room === 0, width, height]);

  const onKeyDown = (event: KeyboardEvent) => {
    const to = event.key === '+' || event.key === '=' ? scale * step : event.key === '-' ? scale / step : event.key === '0' ? whole() : undefined;
    if (to === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    zoom(to);
  };
  const onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(scale * (event.deltaY < 0 ? step : 1 / step));
  };
  return (
    <div>
      <div class="chart-bar" role="group" aria-label="Size of the drawing">
        <button type="button" aria-label="Smaller" onClick={() => zoom(scale / step)} disabled={scale <= smallest}>−</button>
        <button type="button" aria-label="Larger" onClick={() => zoom(scale * step)} disabled={scale >= largest}>+</button>
        <button type="button" onClick={() => zoom(whole())}>All</button>
        <span class="faint">{Math.round(scale * 100)} %</span>
      </div>
      <div ref={view} class="chart-view" role="group" aria-label={`${label}, drawing`} tabIndex={0} onKeyDown={onKeyDown} onWheel={onWheel} onPointerDown={drag}>
        <svg width={(width + 2 * margin) * scale} height={(height + 2 * margin) * scale} viewBox={`${-margin} ${-margin} ${width + 2 * margin} ${height + 2 * margin}`} aria-hidden="true">{children}</svg>
      </div>
    </div>
  );
}

/** With a mouse; a finger scrolls by itself. */
function drag(event: PointerEvent): void {
  if (event.pointerType !== 'mouse' || event.button !== 0) return;
  const box = event.currentTarget as HTMLElement;
  const [fromX, fromY] = [event.clientX + box.scrollLeft, event.clientY + box.scrollTop];
  const move = (moved: PointerEvent) => box.scrollTo(fromX - moved.clientX, fromY - moved.clientY);
  const end = () => {
    box.classList.remove('dragged');
    box.removeEventListener('pointermove', move);
    for (const over of ['pointerup', 'pointercancel']) box.removeEventListener(over, end);
  };
  box.classList.add('dragged');
  box.setPointerCapture(event.pointerId);
  box.addEventListener('pointermove', move);
  for (const over of ['pointerup', 'pointercancel']) box.addEventListener(over, end);
}
