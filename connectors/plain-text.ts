// Text as a person may approve it: what is shown is what is there. No control characters, no line breaks that only some programs see,
// nothing that turns the reading direction around, no broken Unicode.
import { z } from 'zod';

const hidden = /[\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;
const reads = (text: string) => text.isWellFormed() && !hidden.test(text);

/** One line, not blank unless `min` is 0. */
export const oneLine = (max: number, min: 0 | 1 = 1) => z.string().min(min).max(max).refine((text) => reads(text) && !/\p{Cc}/u.test(text) && (min === 0 || text.trim() !== ''), 'expected one line without control characters');
/** Lines that end in \n. */
export const manyLines = (max: number) => z.string().max(max).refine((text) => reads(text) && !/[^\P{Cc}\n\t]/u.test(text), 'expected text without control characters; lines end in \\n');
