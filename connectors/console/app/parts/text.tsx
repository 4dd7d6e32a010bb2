// Text that a stranger may have written: shown as text, with what cannot be seen named.
import { reveal } from '../../hidden.ts';

/** `block` keeps line ends. */
export function Revealed({ text, block = false }: { text: string; block?: boolean }) {
  const pieces = reveal(text).map(({ text: piece, isHidden }) => (isHidden ? <mark class="hidden-character" title="a character that cannot be seen">{piece}</mark> : piece));
  return block ? <pre class="text" tabIndex={0}>{pieces}</pre> : <bdi>{pieces}</bdi>;
}

export function Json({ value }: { value: unknown }) {
  return <Revealed block text={JSON.stringify(value, null, 2) ?? ''} />;
}
