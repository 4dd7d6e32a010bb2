// Addresses of screens. Every object has one, so that it can be kept, shared and opened again.
import { computed, signal } from '@preact/signals';

const read = () => location.pathname + location.search;
const here = signal(read());

/** Path and query of the screen that is shown. */
export const path = computed(() => here.value.split('?')[0]!);
export const search = computed(() => new URLSearchParams(here.value.split('?')[1] ?? ''));

/** `replace` for what is no step of its own, such as the place of a slider. */
export function go(to: string, { replace = false } = {}): void {
  if (to === here.value) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  here.value = read();
  if (!replace) scrollTo(0, 0);
}

/** The same screen with other words in its query; null takes one away. */
export function goWith(changes: Record<string, string | null>, options = { replace: true }): void {
  const params = new URLSearchParams(search.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString();
  go(`${path.value}${text === '' ? '' : `?${text}`}`, options);
}

/** `/actors/:address` against `/actors/mail%2F1`; null when it is another screen. */
export function match(pattern: string, given: string): Record<string, string> | null {
  const [wanted, found] = [pattern.split('/'), given.replace(/(.)\/$/, '$1').split('/')];
  if (wanted.length !== found.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decode(found[i]!);
    else if (part !== found[i]) return null;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Follows links of this page without loading it again, and the browser's back and forward. */
export function startRouter(): void {
  addEventListener('popstate', () => (here.value = read()));
  addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest('a');
    const isOurs = link && link.origin === location.origin && !link.target && !link.hasAttribute('download') && !link.pathname.startsWith('/api/');
    if (!isOurs || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

/** Where things are shown. */
export const at = {
  item: (id: string) => `/inbox/${encodeURIComponent(id)}`,
  actor: (address: string) => `/actors/${encodeURIComponent(address)}`,
  machine: (key: string) => `/machines/${encodeURIComponent(key)}`,
  run: (address: string) => `/runs/${encodeURIComponent(address)}`,
  entity: (id: string) => `/store/entity/${encodeURIComponent(id)}`,
  artifact: (id: string) => `/store/artifact/${encodeURIComponent(id)}`,
  intent: (id: string) => `/store/intent/${encodeURIComponent(id)}`,
  fact: (id: string) => `/store/fact/${encodeURIComponent(id)}`,
  why: (kind: string, id: string) => `/why/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`,
};
