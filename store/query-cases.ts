// Named reads of what may be learnt from: verdicts on mails with the mails they are about. What was erased or is too old is not there.
import { partId } from '#machines/records.ts';
import type { Row } from './database.ts';
import { count, json, ofTask, text, type Query } from './query-args.ts';

const casesMax = 500;
/** Of the text of a mail. */
const textChars = 3_000;

/** An operator's word has no other sign in what version 1 of the agent recorded than that it is certain. */
const isOperator = "coalesce(d.detail ->> '$.tier' = 'operator', d.confidence = 1)";

export const caseQueries = {
  /**
   * Verdicts on mails after number `after`, oldest first. Of a long past only the newest `newest` are looked at. `epoch` changes when
   * something was taken out of the store: then what was learnt is to be learnt anew.
   */
  async triageCases(db, args) {
    const limit = Math.max(1, count(args, 'limit', 200, casesMax));
    const newest = Math.max(1, count(args, 'newest', 5_000, 20_000));
    const given = count(args, 'after', 0, Number.MAX_SAFE_INTEGER);
    // Only who begins is spared the long past: looking for its end takes a while, and who goes on is behind it.
    const [{ first } = { first: 0 }] = given > 0 ? [] : await db.all<{ first: number }>(`SELECT coalesce(min(n), 1) - 1 AS first FROM (SELECT n FROM decision WHERE ${ofTask} AND what = 'triage' ORDER BY n DESC LIMIT ?)`, newest);
    const after = Math.max(given, first);
    const [{ epoch } = { epoch: 0 }] = await db.all<{ epoch: number }>("SELECT coalesce(max(seq), 0) AS epoch FROM journal WHERE actor IN ('store/erase', 'store/retention')");
    const rows = await db.all<Row & { n: number }>(
      `SELECT d.n, d.at_ms AS atMs, d.outcome AS category, iif(${isOperator}, 'operator', iif(coalesce(d.detail ->> '$.tier', 'rules') = 'rules', 'rules', 'other')) AS "by", a.detail ->> '$.before' AS before, a.n AS correction,
         d.detail ->> '$.evidence[0].id' AS id, j.body -> '$.message.input.mail' AS mail
       FROM (SELECT n, at_ms, outcome, confidence, detail FROM decision WHERE ${ofTask} AND what = 'triage' AND n > ? ORDER BY n LIMIT ?) d
       LEFT JOIN annotation a ON a.n = d.n AND a.kind = 'correction' LEFT JOIN journal j ON j.id = 'start:' || (d.detail ->> '$.evidence[0].id') ORDER BY d.n`, after, limit);
    const cases = rows.flatMap(({ n, correction, mail, ...row }) => {
      const read = json(mail) as { text: string } | null;
      return read === null ? [] : [{ ...row, n, source: correction === null ? { kind: 'decision' as const, id: partId('d', n) } : { kind: 'annotation' as const, id: partId('a', n) }, mail: { ...read, text: read.text.slice(0, textChars) } }];
    });
    return { cases, next: rows.length < limit ? null : rows.at(-1)!.n, last: rows.at(-1)?.n ?? after, epoch };
  },

  /** What a mail was taken for, newest first: `{id, actor, category, tier, confidence, atMs}`. Of the operator's corrections and of the agent that sorted it. */
  async verdictsOf(db, args) {
    const mail = text(args, 'mail');
    const rows = await db.all<Row & { n: number }>(
      `SELECT n, actor, at_ms AS atMs, outcome AS category, confidence, detail ->> '$.tier' AS tier FROM decision WHERE what = 'triage'
         AND (actor IN (SELECT address FROM actor WHERE parent = ?1 AND address >= 'triage/' AND address < 'triage0') OR n IN (SELECT n FROM annotation WHERE target = ?2 AND kind = 'correction')) ORDER BY n DESC LIMIT 100`, `mail/${mail}`, mail);
    return rows.map(({ n, ...row }) => ({ id: partId('d', n), ...row }));
  },

  /** The message that started the run of a mail, `{mail, company}`; null when it is gone. */
  async mailInput(db, args) {
    const [row] = await db.all("SELECT body -> '$.message.input' AS input FROM journal WHERE id = ?", `start:${text(args, 'mail')}`);
    return row ? json(row['input']) : null;
  },

  /** Corrections of drafts made from a template, newest first: what it said and what you made of it. */
  async templateEdits(db, args) {
    const rows = await db.all<Row & { n: number }>("SELECT n, at_ms AS atMs, target, detail ->> '$.template' AS template, detail ->> '$.before' AS before, detail ->> '$.after' AS after FROM annotation WHERE kind = 'correction' AND detail ->> '$.template' IS NOT NULL ORDER BY n DESC LIMIT ?", count(args, 'limit', 300, 1_000));
    return rows.map(({ n, ...row }) => ({ id: partId('a', n), ...row }));
  },
} satisfies Record<string, Query>;
