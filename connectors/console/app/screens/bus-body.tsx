// The body of a message as it can be read.
import { Revealed } from '../parts/text.tsx';

/** JSON is laid out; what is cut or no JSON stands as it came. */
export function Body({ text, isHex, isCut, bytes }: { text: string; isHex: boolean; isCut: boolean; bytes: number }) {
  if (bytes === 0) return <p class="faint">It has no body.</p>;
  return (
    <>
      {isHex ? <p class="faint">This is no text; here are its bytes.</p> : null}
      <Revealed block text={isHex || isCut ? text : layOut(text)} />
      {isCut ? <p class="faint">Only the beginning is shown, of {sizeOf(bytes)}.</p> : null}
    </>
  );
}

function layOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export const sizeOf = (bytes: number) => (bytes < 1_000 ? `${bytes} B` : bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);
