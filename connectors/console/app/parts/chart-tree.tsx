// A chart as a tree: states in states, and what each does and where it leads. Arrow keys move, open and close, as in any tree.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chart } from '#machines/chart.ts';
import { Revealed } from './text.tsx';
import { visibleItems, type TreeItem } from './chart-items.ts';

export function ChartTree({ chart, active, taken, label }: { chart: Chart; active: readonly string[]; taken: readonly string[]; label: string }) {
  const list = useRef<HTMLUListElement>(null);
  /** What somebody opened or closed; the rest is open where it is active, or has states in it. */
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [current, setCurrent] = useState<string | null>(null);
  const items = visibleItems(chart, { active, taken, chosen });
  const here = items.find(({ id }) => id === current) ?? items[0];

  const goTo = (item: TreeItem | undefined) => {
    if (!item) return;
    setCurrent(item.id);
    list.current?.querySelector<HTMLElement>(`[data-item="${CSS.escape(item.id)}"]`)?.focus();
  };
  const open = ({ id }: TreeItem, isOpen: boolean) => setChosen(new Map(chosen).set(id, isOpen));

  const onKeyDown = (event: KeyboardEvent) => {
    const i = items.findIndex(({ id }) => id === here?.id);
    const item = items[i];
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const deeds: Record<string, () => void> = {
      ArrowDown: () => goTo(items[i + 1]), ArrowUp: () => goTo(items[i - 1]), Home: () => goTo(items[0]), End: () => goTo(items.at(-1)),
      ArrowRight: () => (item.isOpen === false ? open(item, true) : item.isOpen ? goTo(items[i + 1]) : undefined),
      ArrowLeft: () => (item.isOpen ? open(item, false) : goTo(items.slice(0, i).findLast(({ level }) => level < item.level))),
      Enter: () => (item.isOpen === undefined ? undefined : open(item, !item.isOpen)),
    };
    const deed = deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  };

  // What became active is in sight, without the page itself being moved.
  const last = active.at(-1);
  useEffect(() => {
    const box = list.current;
    const item = last === undefined ? null : box?.querySelector<HTMLElement>(`[data-item="${CSS.escape(last)}"]`);
    if (!box || !item) return;
    const [top, bottom] = [item.offsetTop - box.offsetTop, item.offsetTop - box.offsetTop + item.offsetHeight];
    if (top < box.scrollTop || bottom > box.scrollTop + box.clientHeight) box.scrollTop = top - box.clientHeight / 3;
  }, [last]);

  return (
    <ul ref={list} role="tree" aria-label={`${label}, states and transitions`} onKeyDown={onKeyDown}>
      {items.map((item) => (
        <li
          key={item.id} data-item={item.id} role="treeitem" class={item.isTaken ? 'taken' : ''} aria-level={item.level} aria-setsize={item.size} aria-posinset={item.place} aria-expanded={item.isOpen} aria-current={item.isActive ? 'true' : undefined}
          tabIndex={item.id === here?.id ? 0 : -1} style={{ paddingInlineStart: `${(item.level - 1) * 16 + 6}px` }} onFocus={() => setCurrent(item.id)} onClick={() => item.isOpen !== undefined && open(item, !item.isOpen)}
        >
          <span class="toggle" aria-hidden="true">{item.isOpen === undefined ? '' : item.isOpen ? '▾' : '▸'}</span>
          <span class="words">{item.isActive ? <span aria-hidden="true">● </span> : null}<Revealed text={item.text} />{item.isActive ? <em> active</em> : null}{item.isTaken ? <em> just taken</em> : null}</span>
        </li>
      ))}
    </ul>
  );
}
