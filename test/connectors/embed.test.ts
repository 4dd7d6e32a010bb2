// Goal: every embedder gives vectors in the order of the texts under a name that tells models apart, or says why not; the thread of the
// hashed one comes and goes. Method: the real thread; in place of a provider a function that answers what the test says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashedDims, hashedModel, hashText } from '#machines/hashed-vector.ts';
import { askByVector, createHashedEmbedder, createModelEmbedder, knownModel, toBase64, type Buy } from '#connectors/embed.ts';

const signal = new AbortController().signal;
const cosine = (a: Int8Array, b: Int8Array) => {
  const sum = (x: Int8Array, y: Int8Array) => x.reduce((all, value, i) => all + value * y[i]!, 0);
  return sum(a, b) / Math.sqrt(sum(a, a) * sum(b, b));
};

test('texts that share stems, compounds or typing errors lie nearer than others, with and without accents', () => {
  const near = (a: string, b: string) => cosine(hashText(a), hashText(b));
  for (const [a, b, other] of [['Druckerpatrone', 'Patronen für den Drucker', 'Mietvertrag des Lagers'], ['refunding', 'refund', 'parking'], ['custom clearence', 'customs clearance', 'student discount'], ['Kündigung', 'kundigung', 'Lieferung']] as const) {
    assert.ok(near(a, b) > near(a, other) + 0.15, `${a} / ${b}: ${near(a, b)}, ${other}: ${near(a, other)}`);
  }
  assert.equal(near('CAFÉ', 'cafe'), 1);
  assert.deepEqual([...hashText(' !? ')], Array.from({ length: hashedDims }, () => 0));
});

test('the hashed vector of a text is the same for ever: who changes it gives the model another name', () => {
  assert.equal(hashedModel, 'hashed-1@512');
  assert.deepEqual([...hashText('Wartungsvertrag 2027')].slice(0, 24), [0, 0, 47, 0, 0, 0, 0, 24, -24, 0, 109, 18, 0, 0, 0, 0, 0, 0, 0, 0, -41, 0, 0, 0]);
});

test('few texts and many give the same vectors, from the thread or without it, also when several ask at once', async () => {
  const embedder = createHashedEmbedder();
  const texts = Array.from({ length: 40 }, (_, i) => `text number ${i} about ${['oak', 'elm', 'ash'][i % 3]}`);
  const wanted = texts.map((text) => toBase64(hashText(text)));
  const [few, many, others] = await Promise.all([embedder.embed(texts.slice(0, 3), { id: 'a', signal }), embedder.embed(texts, { id: 'b', signal }), embedder.embed(texts.toReversed(), { id: 'c', signal })]);
  assert.deepEqual(few, { model: hashedModel, vectors: wanted.slice(0, 3) });
  assert.deepEqual(many, { model: hashedModel, vectors: wanted });
  assert.deepEqual(others, { model: hashedModel, vectors: wanted.toReversed() });
  embedder.rest();
  assert.deepEqual(await embedder.embed(texts, { id: 'd', signal }), { model: hashedModel, vectors: wanted }, 'after a rest it begins again');
  embedder.rest();
});

const answering = (...answers: Awaited<ReturnType<Buy>>[]) => {
  const asked: { texts: string[]; workflow: string; run: string; id: string }[] = [];
  const buy: Buy = async (texts, { workflow, run, id }) => {
    asked.push({ texts, workflow, run, id });
    return answers[Math.min(asked.length, answers.length) - 1]!;
  };
  return { asked, buy };
};
const over = (buy: Buy, known: string | null = null) => createModelEmbedder({ id: 'lab:small', buy, known, now: () => Date.UTC(2026, 10, 24, 1) });

test('a model is named by its provider, its id and its dimensions, once it has answered; its money is counted by the day', async () => {
  const { asked, buy } = answering({ vectors: [[1, 0, 0], [0, 1, 0]] });
  const embedder = over(buy);
  assert.equal(embedder.model(), null);
  const found = await embedder.embed(['a', 'b'], { id: 'embed:1', signal });
  assert.deepEqual(found, { model: 'lab:small@3', vectors: [toBase64(Float32Array.of(1, 0, 0)), toBase64(Float32Array.of(0, 1, 0))] });
  assert.equal(embedder.model(), 'lab:small@3');
  assert.deepEqual(asked, [{ texts: ['a', 'b'], workflow: 'memory', run: 'memory/2026-11-24', id: 'embed:1' }]);
  assert.equal(knownModel('lab:small', [hashedModel, 'lab:small@2', 'lab:small@3', 'lab:smaller@9']), 'lab:small@3');
  assert.equal(knownModel('lab:other', ['lab:small@3']), null);
});

test('too few vectors, of different lengths, empty or not finite: there are none', async () => {
  for (const vectors of [[[1, 2]], [[1, 2], [1]], [[], []], [[1, Number.NaN], [1, 2]]]) {
    const found = await over(answering({ vectors }).buy).embed(['a', 'b'], { id: 'x', signal });
    assert.ok('reason' in found && /vectors for 2 texts/.test(found.reason));
  }
});

test('why a provider gives none is handed on, with when to ask again', async () => {
  const { buy } = answering({ reason: 'the budget of the day is used up', againAtMs: 5 });
  assert.deepEqual(await over(buy).embed(['a'], { id: 'x', signal }), { reason: 'the budget of the day is used up', againAtMs: 5 });
});

test('the same question is asked once; without an answer there is no vector, and next time it is asked again', async () => {
  const { asked, buy } = answering({ reason: 'down', againAtMs: null }, { vectors: [[1, 2]] });
  const ask = askByVector(over(buy, 'lab:small@2'), { makeId: () => 'id' });
  assert.equal(await ask('how much?'), null);
  const found = await ask('how much?');
  assert.deepEqual(found, { model: 'lab:small@2', vector: toBase64(Float32Array.of(1, 2)) });
  assert.equal(await ask('how much?'), found);
  assert.equal(asked.length, 2);
  const failing = askByVector(over(() => Promise.reject(new Error('no way'))), { makeId: () => 'id' });
  assert.equal(await failing('how much?'), null, 'nor before the model has a name');
});
