// A store with rows of every kind, made by real commits, for tests of its copies and of migrations.
import { sha256 } from '#actors/hash.ts';
import type { Commit } from '#machines/commit.ts';
import { commitOf, messageOf, stepOf, tempStore, type TempStore } from './temp-store.ts';

const labels = ['operator', 'policy', 'system', 'verified-connector', 'untrusted'] as const;
/** What a format may trip over. */
export const oddTexts = ['ä€😀', 'a\0b', '"\\/\n\r\t', '\u2028\ufeff', '', '{"__proto__":1}', ' ', "'; DROP TABLE fact; --"];

/** Makes `commits` commits: about six rows each. */
export async function richStore(commits: number, store?: TempStore): Promise<TempStore> {
  const made = store ?? await tempStore();
  const { db, committer } = made;
  const all = Array.from({ length: commits }, (_, i) => commitNumber(i));
  await Promise.all(all.map((commit) => committer.commit(commit)));
  // Somebody's data went: the bodies of rows 2 to 4, and a later row that says so.
  for (const seq of [2, 3, 4]) {
    const [row] = await db.all<{ body: string }>('SELECT body FROM journal WHERE seq = ?', seq);
    await db.run('UPDATE journal SET body = NULL, digest = ? WHERE seq = ?', sha256(row!.body), seq);
  }
  await committer.commit(commitOf('removal:1', { actor: 'store/erase', journal: JSON.stringify({ removed: { reason: 'erased', bodies: [[2, 4]], records: [] } }) }));
  await db.exec(`INSERT INTO setting VALUES ('k', '"v"'), ('odd', 'a'); INSERT INTO watch VALUES ('w', '{"name":"w"}', 3), ('forced', '{}', NULL);
    INSERT INTO erasure VALUES ('e1', '{"id":"e1"}', 5); INSERT INTO blob VALUES ('not-a-hash', x'00ff10'), ('empty', x'');
    UPDATE actor SET record = '', value = 'null', status = 'erased' WHERE address = 'order/7'`);
  return made;
}

function commitNumber(i: number): Commit {
  const odd = oddTexts[i % oddTexts.length]!;
  const text = `body of ${i} ${odd}`;
  const bytes = i === 3 ? '' : text;
  const hash = sha256(bytes);
  const id = `c${i}`;
  return commitOf(id, {
    actor: `order/${i}`,
    journal: JSON.stringify({ message: { kind: 'event', event: { type: 'PING', odd } }, n: i }),
    outcome: i % 50 === 9 ? 'parked' : 'applied',
    step: stepOf(0, JSON.stringify({ context: { odd } })),
    sends: i % 3 === 0 ? [messageOf(`m${i}`, i % 2 === 0 ? undefined : 1_800_000_000_000 + i)] : [],
    facts: [{ entity: `person/p${i % 500}@example.org`, predicate: `note.${i}`, value: { odd, i, half: i / 2 }, label: labels[i % labels.length]!, confidence: i % 4 === 0 ? 1 : 0.25, ...(i % 5 === 0 ? { source: `a${i}`, validToMs: 1_790_000_000_001 } : {}) }],
    intents: i % 4 === 0 ? [{ id: `i${i}`, kind: 'task', state: 'input-required', summary: odd, data: { odd } }] : i % 4 === 1 && i > 4 ? [{ id: `own${i}`, kind: 'question', state: 'completed', summary: odd }] : [],
    artifacts: [{ id: `a${i % 700}`, kind: 'draft', mediaType: 'text/plain', hash, sizeBytes: Buffer.byteLength(bytes), text: bytes, ...(i % 2 === 0 ? { name: odd } : {}) }],
    blobs: [{ hash, bytes }],
    decisions: [{ what: 'triage', outcome: odd || 'none', confidence: i % 2 === 0 ? null : 0.5, reasons: [odd], evidence: [], policy: null, model: null, costMicros: null }],
    annotations: i % 2 === 0 ? [{ kind: 'remark', target: { kind: 'artifact', id: `a${i % 700}` }, text: odd || 'x' }] : [],
    spends: i % 3 === 1 ? [{ state: 'reserved', id: `call-${i}`, micros: 100 + i, workflow: 'mail', run: `mail/m-${i}`, untilMs: 1_800_000_000_000, task: 'triage', tier: 'small', provider: 'p', model: odd, price: 'list' }]
      : i % 3 === 2 && i % 9 !== 5 && i > 2 ? [{ state: 'settled', id: `call-${i - 1}`, micros: i, outcome: 'answered', inputTokens: i, outputTokens: null, note: odd }] : [],
    answers: i % 4 === 2 ? [{ key: `${i}`, task: 'triage', model: odd, value: JSON.stringify({ odd }) }] : [],
    ...(i % 50 === 9 ? { parked: { subject: 'ks.x', reason: odd, bytes: Buffer.from([0, 255, i % 256]) } } : {}),
  });
}
