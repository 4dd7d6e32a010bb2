import { learnMails } from '#test/bench/learn-mails.ts';
import { parseMail } from '#connectors/mail/parse.ts';
import { triageMail } from '#machines/agents/triage-rules.ts';
import { createMemory, type Case } from '#machines/learning/memory.ts';
import { learntVerdict } from '#machines/agents/triage-tiers.ts';
import { proposeRules } from '#machines/learning/propose-rules.ts';
import { ruleMatches, sayRule, type Rule } from '#machines/learning/rule.ts';
const sum = { first: 0, last: 0, with: 0, without: 0, rules: 0, good: 0, base1: 0, base6: 0 };
for (const seed of process.argv.slice(2).map(Number)) {
  const mails = learnMails(800, seed);
  const go = async (consolidating: boolean) => {
    const memory = createMemory(); const per: number[] = []; const cases: Case[] = []; let rules: Rule[] = []; const truth: any[] = [];
    const day: any[] = []; const known: string[] = [];
    for (const [n, m] of mails.entries()) {
      const { mail } = await parseMail(m.raw);
      truth.push({ mail, category: m.category });
      if (consolidating && n >= 300 && n % 20 === 0) {
        for (let round = 0; round < 1; round++) {
          const ps = proposeRules(cases, { inForce: rules, known, names: rules.map((r) => r.name), limit: 3 });
          if (ps.length === 0) break;
          for (const p of ps) { known.push(p.fingerprint); const ok = truth.every((t) => !ruleMatches(p.rule, t.mail) || t.category === p.rule.category); sum.rules++; if (ok) { sum.good++; rules.push(p.rule); } if (process.env.V) console.log(ok, sayRule(p.rule), JSON.stringify(p.replay)); }
        }
      }
      const r = triageMail(mail); const b = Math.floor(n / 100);
      const bad = (v: any) => v.confidence < 0.7 || v.suspicious.length > 0 || v.category !== m.category;
      const ask = (answer: any) => learntVerdict({ verdict: { ...r, by: 'rules' as const }, threshold: 0.7 }, { outcome: 'answered', answer, confidence: answer.confidence, model: null, costMicros: 0, reason: '', prompt: null, evidence: [], againAtMs: null } as any).verdict!;
      const hits = rules.filter((one) => ruleMatches(one, mail));
      const j = memory.judge(mail, r);
      const v = new Set(hits.map((h) => h.category)).size === 1 ? ask({ category: hits[0]!.category, reason: '', confidence: 0.97 }) : j ? ask({ category: j.category, reason: '', confidence: j.confidence }) : { ...r, by: 'rules' };
      if (process.env.D && consolidating && n >= 300 && bad(v)) console.log(seed, n, m.category, m.sender, '=>', v.category, v.confidence, 'rules', r.category, r.confidence, r.suspicious.length, 'like', j?.like.map((l) => l.similarity).join(','), 'seen', mails.slice(0, n).filter((o) => o.sender === m.sender).length, mail.subject);
      per[b] = (per[b] ?? 0) + (bad(v) ? 1 : 0);
      if (!consolidating && bad(r)) { if (b === 0) sum.base1++; if (b === 5) sum.base6++; }
      day.push({ id: mail.id, category: bad(v) ? m.category : v.category, by: bad(v) ? 'operator' : v.by === 'rules' ? 'rules' : 'other', before: v.category, source: { kind: 'decision', id: 'd-1-1' }, mail });
      if (day.length === 20) for (const one of day.splice(0)) { memory.add(one); cases.push(one); }
    }
    return per;
  };
  const a = await go(false), b = await go(true);
  sum.first += a[0]!; sum.last += a[5]!; sum.without += a[5]! + a[6]! + a[7]!; sum.with += b[5]! + b[6]! + b[7]!;
  console.log(seed, a.join(' '), '|', b.slice(5).join(' '));
}
console.log(sum);
