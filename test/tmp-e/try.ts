import { learnMails } from '#test/bench/learn-mails.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { triageMail } from '#machines/agents/triage-rules.ts';
import { createMemory } from '#machines/learning/memory.ts';
import { learntVerdict } from '#machines/agents/triage-tiers.ts';
for (const seed of process.argv.slice(2).map(Number)) {
  const mails = learnMails(700, seed);
  const memory = createMemory();
  const base: number[] = [], learnt: number[] = [];
  let ms = 0; const day: any[] = []; let wrongs = 0;
  for (const [n, m] of mails.entries()) {
    const { mail } = await parseMail(m.raw);
    const rules = triageMail(mail);
    const b = Math.floor(n / 100);
    const bad = (v: any) => v.confidence < 0.7 || v.suspicious.length > 0 || v.category !== m.category;
    base[b] = (base[b] ?? 0) + (bad(rules) ? 1 : 0);
    const t = performance.now();
    const j = memory.judge(mail, rules);
    ms += performance.now() - t;
    const v = { ...rules, by: 'rules' as const };
    const { verdict } = j === null ? { verdict: v } : learntVerdict({ verdict: v, threshold: 0.7 }, { outcome: 'answered', answer: { category: j.category, reason: j.reasons[0] ?? '', confidence: j.confidence }, confidence: j.confidence, model: null, costMicros: 0, reason: '', prompt: null, evidence: [], againAtMs: null } as any);
    learnt[b] = (learnt[b] ?? 0) + (bad(verdict) ? 1 : 0);
    if (verdict!.confidence >= .7 && verdict!.category !== m.category) wrongs++;
    day.push({ id: mail.id, category: bad(verdict) ? m.category : verdict!.category, by: bad(verdict) ? 'operator' : verdict!.by === 'rules' ? 'rules' : 'other', before: verdict!.category, source: { kind: 'decision', id: 'd-1-1' }, mail });
    if (day.length === 8) for (const one of day.splice(0)) memory.add(one);
  }
  console.log(seed, 'base', base.join(' '), 'learnt', learnt.join(' '), 'wrong&sure', wrongs, `judge ${(ms / 700).toFixed(2)} ms`, memory.taught);
}
