// Where research reads in the store, and where its report is written. Implements `research.search` and `research.write`: the report is put
// together here, from the findings in the store, so that the agent that plans never sees a word of them.
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import type { Read } from '#machines/agents/research-shape.ts';
import type { Documents } from './documents.ts';

interface Hit { kind: string; id: string; text: string }
interface Found { id: string; value: { claim: string; quote: string; by: string; question: string }; source: string | null; confidence: number }
interface Report { key: string; entity: string; question: string; reads: (Read & { name: string })[]; left: string[] }

const rowsMax = 1_000;
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();
/** Quotes may hold anything: nothing of it is markup here. */
const plain = (text: string) => oneLine(text).replace(/[\\`*_{}[\]<>#|]/g, '\\$&');

export function researchActivities({ store, documents }: { store: Pick<StorePort, 'query'>; documents: Documents }): Record<string, Activity> {
  return {
    async 'research.search'({ input }) {
      const hits = (await store.query('search', { ...(input as object), except: '' })) as Hit[];
      return { passages: hits.map(({ id, text }) => ({ id, text })) };
    },
    async 'research.write'({ input }) {
      const report = input as Report;
      const facts = (await store.query('facts', { entity: report.entity, predicate: 'finding', limit: rowsMax })) as Found[];
      const text = compose(report, facts);
      const { artifact } = await documents.keep({ id: `research/${report.key}`, kind: 'document', name: `${report.key}.md`, mediaType: 'text/markdown', bytes: Buffer.from(text) });
      return { artifact, findings: facts.length };
    },
  };
}

const reasons: Record<Read['why'], string> = {
  '': '', refused: 'a policy denies it', rejected: 'you said no', expired: 'nobody answered in time', canceled: 'it was taken back', failed: 'it could not be reached or read; `keelson ops` says why', 'not-done': 'it was not read', 'dry-run': 'this server runs dry', 'no-text': 'there is no text in it',
};

function compose({ question, reads, left }: Report, facts: Found[]): string {
  const byRules = reads.some(({ tier }) => tier === 'rules' || tier === null);
  const lines = [`# ${plain(question)}`, '', facts.length === 0 ? 'No source says anything about it.' : `${facts.length} findings. Each is what its source says, and nobody has checked it.`];
  if (facts.length > 0 && byRules) lines.push('Where no model read, these are the sentences that have most words of the question: they may not answer it.');
  for (const by of new Set(facts.map(({ value }) => value.by))) {
    lines.push('', `## ${plain(by)} says`, '');
    for (const { id, value, source } of facts.filter(({ value: { by: one } }) => one === by)) lines.push(`- ${plain(value.claim)}${oneLine(value.claim) === oneLine(value.quote) ? '' : ` (“${plain(value.quote)}”)`} [${id}${source === null ? '' : `, ${plain(source)}`}]`);
  }
  const failed = reads.filter(({ outcome }) => outcome === 'failed');
  const silent = reads.filter(({ outcome }) => outcome === 'nothing');
  if (failed.length > 0) lines.push('', '## Not read', '', ...failed.map(({ name, why }) => `- ${plain(name)}: ${reasons[why]}`));
  if (silent.length > 0) lines.push('', '## Nothing about it', '', ...silent.map(({ name, chars }) => `- ${plain(name)} (${chars} characters)`));
  if (left.length > 0) lines.push('', '## Left out', '', ...left.map((name) => `- ${plain(name)}`));
  return `${lines.join('\n')}\n`;
}
