// Policies as the console shows them: what is in force, how often each rule spoke, what the folder holds, and the money caps with what
// is used of them.
import { z } from 'zod';
import type { StorePort } from '#actors/store-port.ts';
import { capWindowMs, type Cap } from '#machines/caps.ts';
import type { Money } from '#machines/effects.ts';
import { plainError } from '#machines/errors.ts';
import { readPolicies } from '../knowledge.ts';
import type { PolicyAction } from '../policy-schema.ts';
import { compareSets, readSet, readStoredSet, sayChanges, writeSet } from '../policy-set.ts';
import type { PolicyFile } from '../policy-rules.ts';

const fileSchema = z.object({ id: z.string(), text: z.string() });

/** What a draft would have answered. `withoutRequest`: operations of which it is not known what policy was asked. */
export const testedSchema = z.object({
  operations: z.int(), withoutRequest: z.int(), version: z.string(), warnings: z.array(z.string()),
  changed: z.array(z.object({ id: z.string(), action: z.string(), before: z.string(), after: z.string(), rule: z.string() })),
});
export type Tested = z.output<typeof testedSchema>;

export const policyViewSchema = z.object({
  /** Null when nothing can be used; then everything is denied, and `problem` says why. */
  version: z.string().nullable(),
  problem: z.string().nullable(),
  warnings: z.array(z.string()),
  files: z.array(fileSchema),
  /** `fired`: among the newest decisions of policy, of which there are `counted`. */
  rules: z.array(z.object({ id: z.string(), file: z.string(), effect: z.string(), why: z.string(), expiresAfterMs: z.number().nullable(), text: z.string(), fired: z.int(), lastMs: z.number().nullable() })),
  counted: z.int(),
  /** What policies/ holds, where it is another thing than what is in force. */
  folder: z.object({ files: z.array(fileSchema), differs: z.string() }).nullable(),
  caps: z.array(z.object({ currency: z.string(), perDayMinor: z.int(), perPayeePerDayMinor: z.int(), usedMinor: z.int(), payees: z.array(z.object({ payee: z.string(), usedMinor: z.int() })) })),
});
export type PolicyView = z.output<typeof policyViewSchema>;

export interface PolicyViewParts {
  store: Pick<StorePort, 'query'>;
  actions: readonly PolicyAction[];
  caps: readonly Cap[];
  /** What policies/ holds now. Throws BAD_CONFIG. */
  folder(): PolicyFile[];
  now(): number;
}

interface Fired { rule: string; fired: number; lastMs: number }

export function createPolicyView({ store, actions, caps, folder, now }: PolicyViewParts): () => Promise<PolicyView> {
  const inForce = readPolicies(store, actions);
  return async () => {
    const set = await readStoredSet(store);
    const { version, problem, rules, warnings } = await inForce();
    const fired = (await store.query('firedRules', {})) as Fired[];
    const byRule = new Map(fired.map((one) => [one.rule, one]));
    return {
      version: problem === null ? version : null, problem, warnings: [...warnings], files: set ? readSet(set.text) : [],
      rules: rules.map((rule) => ({ ...rule, fired: byRule.get(rule.id)?.fired ?? 0, lastMs: byRule.get(rule.id)?.lastMs ?? null })),
      counted: fired.reduce((sum, one) => sum + one.fired, 0),
      folder: await folderBeside(set?.text ?? null), caps: await usedCaps(),
    };
  };

  async function folderBeside(text: string | null): Promise<PolicyView['folder']> {
    let files: PolicyFile[] = [];
    try {
      files = folder();
      const draft = writeSet(files);
      return draft === text ? null : { files, differs: sayChanges(await compareSets(text, draft)) };
    } catch (error) {
      if (plainError(error).code !== 'BAD_CONFIG') throw error;
      return { files, differs: plainError(error).message };
    }
  }

  async function usedCaps(): Promise<PolicyView['caps']> {
    const moved = (await store.query('payments', { sinceMs: now() - capWindowMs })) as Money[];
    return caps.map((cap) => {
      const payments = moved.filter(({ currency }) => currency === cap.currency);
      const sum = (list: readonly Money[]) => list.reduce((total, { amountMinor }) => total + amountMinor, 0);
      const payees = [...Map.groupBy(payments, ({ payee }) => payee)].map(([payee, list]) => ({ payee, usedMinor: sum(list) }));
      return { ...cap, usedMinor: sum(payments), payees: payees.toSorted((a, b) => b.usedMinor - a.usedMinor).slice(0, 10) };
    });
  }
}
