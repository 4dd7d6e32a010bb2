// What a machine says with `emit` and `log`. It stands in the journal row of the step and in nobody's mailbox, so it must always
// be writable: bounded, and readable even when it is no JSON.
export interface Notice {
  kind: 'emit' | 'log';
  /** What `log` was given as its second argument. */
  label?: string;
  /** As it was said; a text when it was no JSON or too long. */
  value: unknown;
}

/** Of one step; what comes after is dropped. */
export const noticesMax = 50;
const charsMax = 4_000;

export function toNotice(kind: Notice['kind'], value: unknown, label?: string): Notice {
  return { kind, ...(label === undefined ? {} : { label: label.slice(0, charsMax) }), value: readable(value) };
}

function readable(value: unknown): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`.slice(0, charsMax);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // A cycle or a bigint.
  }
  if (text === undefined) return `(${typeof value})`;
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : (JSON.parse(text) as unknown);
}
