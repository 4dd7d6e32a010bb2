// Keys of a screen. One letter, or `g` and then one; never while something is being written.
import { useEffect } from 'preact/hooks';
import { signal } from '@preact/signals';

export interface Key { keys: string; does: string; run(): void }

/** Of the screen that is shown, for the help. */
export const activeKeys = signal<readonly Key[]>([]);
const screens: (readonly Key[])[] = [];
let before = '';

/** While the component is there. A later one goes before an earlier one. */
export function useKeys(keys: readonly Key[], deps: readonly unknown[]): void {
  useEffect(() => {
    screens.push(keys);
    activeKeys.value = screens.flat();
    return () => {
      screens.splice(screens.indexOf(keys), 1);
      activeKeys.value = screens.flat();
    };
  }, deps);
}

export function startKeys(): void {
  addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) || document.querySelector('dialog[open]')) return;
    const pressed = before === 'g' ? `g ${event.key}` : event.key;
    before = before === '' && event.key === 'g' ? 'g' : '';
    const found = screens.flat().findLast(({ keys }) => keys === pressed);
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}
