// Documents that go with a mail: read from the store by id and hash, named so that no header and no path can be made of the name.
import { sha256 } from '#actors/hash.ts';
import type { Enclosure } from '#machines/effects.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { MailEnclosure } from '#machines/mail.ts';
import type { Documents } from '../documents.ts';

export type Enclosed = Enclosure & { bytes: Uint8Array };

/** Of all enclosures of a mail; most servers refuse more. */
export const enclosedBytesMax = 20 * 1024 * 1024;
const nameChars = 100;

/** In the order of the payload. Throws NOT_FOUND for a document that is not there, REFUSED when one is not what its hash says or all are too large. */
export async function readEnclosures(wanted: readonly MailEnclosure[], documents: Documents): Promise<Enclosed[]> {
  const found: Enclosed[] = [];
  let total = 0;
  for (const { artifact, hash, name } of wanted) {
    const document = await documents.read(artifact, hash);
    if (sha256(document.bytes) !== hash) throw new KeelsonError('REFUSED', `the document '${artifact}' is not the one with hash ${hash.slice(0, 12)}`, { hint: 'Enclose it anew and decide again.' });
    total += document.bytes.length;
    if (total > enclosedBytesMax) throw new KeelsonError('REFUSED', `the enclosures are larger than ${enclosedBytesMax} bytes together`, { hint: 'Send a link, or several mails.' });
    found.push({ artifact, hash, name: fileName(name ?? document.name), mediaType: enclosedType(document.mediaType), sizeBytes: document.bytes.length, bytes: document.bytes });
  }
  return found;
}

/** The last part of a path, without what is invisible, what turns the direction of reading, and what a file system or a header takes for its own. */
export function fileName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const clean = last.toWellFormed().normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu, '')
    // `=?`: a name must not decode into another one.
    .replace(/[<>:"|?*;%]/g, '_')
    .replace(/\s+/g, ' ').trim().replace(/^\.+/, '').replace(/\.+$/, '');
  const [, stem = clean, ending = ''] = /^(.+?)(\.[A-Za-z0-9]{1,8})?$/su.exec(clean) ?? [];
  return Array.from(stem).slice(0, nameChars - ending.length).join('') + ending || 'document';
}

/** What a mail program opens as a mail or as parts of one (`message/…`, `multipart/…`) travels as plain bytes. */
function enclosedType(mediaType: string): string {
  const plain = mediaType.toLowerCase();
  return /^(?!message\/|multipart\/)[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(plain) ? plain : 'application/octet-stream';
}
