// How the state of an actor is said in a few words.

/** `{"awaiting-approval": "asked"}` is `awaiting-approval › asked`; regions side by side are joined by `+`. Null has no words. */
export function stateWords(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value).map(([key, inner]) => (typeof inner === 'object' && inner !== null && Object.keys(inner).length === 0 ? key : `${key} › ${typeof inner === 'object' && Object.keys(inner as object).length > 1 ? `(${stateWords(inner)})` : stateWords(inner)}`)).join(' + ');
}

/** Only its outermost state, as `keelson ps` shows it. */
export function outerState(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.keys(value).join('+') : typeof value === 'string' ? value : '';
}
