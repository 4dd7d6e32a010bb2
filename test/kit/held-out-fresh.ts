// The last labelled set: written after all tuning and never tuned on; see held-out.ts.
import type { ShortMail } from './held-out.ts';

export const heldOutFresh: readonly ShortMail[] = [];
