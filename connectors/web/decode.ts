// Bytes of a page as text, by the WHATWG's order: a byte order mark, then the header, then what the page says of itself, then UTF-8.

/** `text/html`, in small letters and without parameters; '' when there is none. */
export const mediaTypeOf = (contentType = ''): string => contentType.split(';')[0]!.trim().toLowerCase();

/** Bytes that are wrong in its encoding become U+FFFD. Never throws. */
export function decodePage(bytes: Uint8Array, contentType: string): string {
  const declared = /charset\s*=\s*"?([\w:.-]+)/i.exec(contentType)?.[1] ?? saidInside(bytes);
  return (decoderOf(markOf(bytes)) ?? decoderOf(declared) ?? new TextDecoder()).decode(bytes);
}

function markOf([a, b, c]: Uint8Array): string | undefined {
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0xff && b === 0xfe ? 'utf-16le' : undefined;
}

/** A page that can be read far enough to say that it is UTF-16 is not. */
function saidInside(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 2_048));
  const label = /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w:.-]+)/i.exec(head)?.[1];
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label;
}

function decoderOf(label: string | undefined): InstanceType<typeof TextDecoder> | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}
