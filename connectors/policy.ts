// Pure: which rule speaks about an operation, and what it answers. The first rule that matches decides; no rule means no.
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';

/** Strict: a misspelt condition would be no condition, and its rule would speak about everything. */
export const policySchema = z.strictObject({
  id: z.string().min(1),
  version: z.number().int().positive(),
  rules: z.array(z.strictObject({
    id: z.string().min(1),
    action: z.string().min(1),
    when: z.strictObject({ recipientDomain: z.array(z.string()).optional() }).optional(),
    answer: z.enum(['allow', 'ask', 'deny']),
    why: z.string(),
  })),
});
export type Policy = z.output<typeof policySchema> & { hash: string };

export interface PolicyAnswer { answer: 'allow' | 'ask' | 'deny'; policy: { id: string; version: string; rule: string }; why: string }

export function parsePolicy(text: string, name: string, hash: string): Policy {
  try {
    return { ...policySchema.parse(JSON.parse(text)), hash };
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `policy ${name} is not readable: ${(cause as Error).message.slice(0, 300)}`, { cause });
  }
}

/** `1+3fa9c2d1`: the number its author gave and the hash of what it says. */
export const versionOf = (policy: Policy) => `${policy.version}+${policy.hash.slice(0, 8)}`;

export function evaluate(policies: Policy[], request: { action: string; recipientDomain: string }): PolicyAnswer {
  for (const policy of policies) {
    for (const rule of policy.rules) {
      if (rule.action !== request.action) continue;
      const domains = rule.when?.recipientDomain;
      if (domains && !domains.some((domain) => domain.toLowerCase() === request.recipientDomain.toLowerCase())) continue;
      return { answer: rule.answer, policy: { id: policy.id, version: versionOf(policy), rule: rule.id }, why: rule.why };
    }
  }
  return { answer: 'deny', policy: { id: 'none', version: '0', rule: 'no-rule' }, why: `no policy speaks about ${request.action}` };
}
