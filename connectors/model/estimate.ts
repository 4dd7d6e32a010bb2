// The most tokens that a question can be. No tokenizer of any provider makes more than one token of a byte, so the bytes of all that is
// sent are a bound that holds, whoever counts; what the frame around it takes is added.
import type { Asked } from './provider.ts';

/** Roles, separators, what a server puts around messages and schema. */
const frameTokens = 512;
const turnTokens = 32;

const bytes = (value: unknown) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));

export function tokensAtMost({ system, turns, schema, outputTokensMax }: Pick<Asked, 'system' | 'turns' | 'schema' | 'outputTokensMax'>): { input: number; output: number } {
  const said = bytes(system) + turns.reduce((sum, { content }) => sum + bytes(content) + turnTokens, 0);
  return { input: said + (schema === null ? 0 : bytes(schema)) + frameTokens, output: outputTokensMax };
}
