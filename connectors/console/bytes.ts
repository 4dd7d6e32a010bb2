// Bytes that may be anything, as something to look at: text where they are UTF-8, else hex, and of a long one the beginning.

export interface Shown { text: string; isHex: boolean; isCut: boolean }

export const shownBytesMax = 4_096;

/** `size`: of the whole, when only its beginning is at hand. */
export function showBytes(bytes: Uint8Array, size = bytes.length): Shown {
  const isCut = size > shownBytesMax;
  const head = bytes.subarray(0, shownBytesMax);
  try {
    // The cut may go through a character; what is left of it is not shown.
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(head, { stream: isCut }), isHex: false, isCut };
  } catch {
    const hex = Array.from(head, (byte, i) => byte.toString(16).padStart(2, '0') + (i % 16 === 15 ? '\n' : ' '));
    return { text: hex.join('').trimEnd(), isHex: true, isCut };
  }
}
