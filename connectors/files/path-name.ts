// Which paths may be named at all, judged by their letters alone: before anybody is asked, on every system alike.
// What the disk makes of a path that passes is judged again at each step by inside.ts.
import { z } from 'zod';

export const pathLimits = { chars: 400, nameBytes: 200, depth: 16 } as const;

/** Device names of Windows: a folder that is synchronised may meet one. */
const reserved = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** Begins with a letter, a digit, `_`, `(` or `[`: never hidden (`.git`, `.env`), never an option (`-rf`), never a home (`~`). */
const shape = /^[\p{L}\p{N}_([][\p{L}\p{N}\p{M} ._,()[\]+@#&='-]*$/u;

/** Why it is no path inside of a root, or null. Parts are joined by `/`. */
export function whyNotPath(path: string): string | null {
  if (path.length > pathLimits.chars) return `expected at most ${pathLimits.chars} characters`;
  const names = path.split('/');
  if (names.length > pathLimits.depth) return `expected at most ${pathLimits.depth} folders in each other`;
  for (const name of names) {
    const why = whyNotName(name);
    if (why !== null) return `${JSON.stringify(name.slice(0, 80))} ${why}`;
  }
  return null;
}

/** The same of one name of a folder. */
export function whyNotName(name: string): string | null {
  if (name === '') return 'is no name; expected a path inside of the root, such as letters/offer.txt';
  if (!shape.test(name)) return 'has a character that is not taken, or begins with a dot, a dash or another sign';
  // ﬁ and fi, １ and 1, e + ´ and é: two names that look alike must not be two files.
  if (name !== name.normalize('NFKC')) return 'is written with characters that only look like others';
  if (/[ .]$/.test(name)) return 'ends with a space or a dot, which some systems drop';
  if (reserved.test(name)) return 'is the name of a device on some systems';
  if (Buffer.byteLength(name) > pathLimits.nameBytes) return `is longer than ${pathLimits.nameBytes} bytes`;
  return null;
}

const refuse = (why: string | null, context: z.core.$RefinementCtx<string>) => {
  if (why !== null) context.addIssue({ code: 'custom', message: why });
};

export const filePathSchema = z.string().superRefine((path, context) => refuse(whyNotPath(path), context));
/** Empty for the root itself. */
export const folderPathSchema = z.string().superRefine((path, context) => refuse(path === '' ? null : whyNotPath(path), context));
