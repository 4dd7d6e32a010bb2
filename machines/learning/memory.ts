// What was learnt from past mails: what the operator said outright (an answer, a correction) counts most, what stood without a
// correction counts a little, and what was learnt itself teaches nothing: it would only believe itself more. How far a verdict can be
// believed is measured on the cases that came after it, before they were learnt from. Pure: the same cases give the same memory.
import { categorySchema, type Category } from '../mail.ts';
import type { Triage } from '../agents/triage-rules.ts';
import { featuresOf, sayFeature, type Features, type Seen } from './features.ts';
import { createLearner } from './learner.ts';

export interface Case {
  /** The mail. */
  id: string;
  category: Category;
  /** `operator`: an answer or a correction · `rules`: ours, and it stood so far · `other`: of a tier that teaches nothing. */
  by: 'operator' | 'rules' | 'other';
  /** What it was held for before the operator said so; null when nobody had said anything. */
  before: Category | null;
  /** The annotation or decision that says so. */
  source: { kind: 'annotation' | 'decision'; id: string };
  mail: Seen;
}

export interface Judgement {
  category: Category;
  /** 0 to 1, as often as such verdicts were right. */
  confidence: number;
  /** In short sentences. */
  reasons: string[];
  /** The taught cases it rests on. */
  like: { id: string; source: Case['source']; category: Category; similarity: number }[];
}

export interface Memory {
  add(one: Case): void;
  /** Null as long as the operator taught nothing. */
  judge(mail: Seen, rules?: Pick<Triage, 'category' | 'confidence'>): Judgement | null;
  readonly taught: number;
}

const categories = categorySchema.options;
const taughtMax = 2_000;
/** A verdict has stood when so many mails came after it and it was not corrected. */
const standsAfter = 60;
const stoodWeight = 0.25;
/** How often an old case is gone over again with each new one, so that it is not forgotten. */
const rehearsed = 10;
/** From this similarity on a taught case counts as like. */
const likeFrom = 0.25;
/** With fewer cases it cannot tell which words matter, so only what is much alike counts. */
const experienced = 25;
/** Only a case that is so much alike may overrule rules that are sure: at first, and with experience. */
const overrulesFrom = { first: 0.55, later: 0.3 } as const;
const neighbours = 7;
const bins = 12;
/** Older cases say less about how good it is now. */
const fading = 0.99;

interface Taught { one: Case; features: Features; length: number }

export function createMemory(): Memory {
  const learner = createLearner();
  const taught: Taught[] = [];
  const standing = new Map<string, { one: Case; features: Features }>();
  const seenIn = new Map<string, number>();
  const right = Array.from({ length: bins }, () => ({ right: 0, all: 0 }));
  let turn = 0;

  /** What is rare says most, but what was never seen, or once, can be like nothing and says little. */
  const rare = (name: string) => {
    const seen = seenIn.get(name) ?? 0;
    return Math.log(1 + (taught.length + 1) / (1 + seen)) * (seen === 0 ? 0.3 : seen === 1 ? 0.7 : 1);
  };
  const weigh = (features: Features, name: string) => (name.startsWith('rules:') || name.startsWith('shape:') ? 0.3 : 1) * (features.get(name) ?? 0) * rare(name);
  const lengthOf = (features: Features) => Math.sqrt([...features.keys()].reduce((sum, name) => sum + weigh(features, name) ** 2, 0));

  const nearest = (features: Features) => {
    const length = lengthOf(features) || 1;
    const found: { at: Taught; similarity: number }[] = [];
    for (const at of taught) {
      let dot = 0;
      for (const name of features.keys()) if (at.features.has(name)) dot += weigh(features, name) * weigh(at.features, name);
      const similarity = dot / (length * (at.length || 1));
      if (similarity >= likeFrom) found.push({ at, similarity });
    }
    return found.toSorted((a, b) => b.similarity - a.similarity).slice(0, neighbours);
  };
  // Rarity changes slowly; the length is renewed when the number of cases has grown by a tenth.
  let lengthsOf = 0;
  const renewLengths = () => {
    if (taught.length < lengthsOf * 1.1) return;
    lengthsOf = taught.length;
    for (const at of taught) at.length = lengthOf(at.features);
  };

  const raw = (features: Features) => {
    const shares = learner.judge(features);
    const like = nearest(features);
    const best = like[0]?.similarity ?? 0;
    const trust = Math.min(0.9, best ** 1.2);
    const votes = like.reduce((sum, { similarity }) => sum + similarity ** 3, 0);
    const mixed = Object.fromEntries(categories.map((category) => {
      const vote = votes === 0 ? 0 : like.filter(({ at }) => at.one.category === category).reduce((sum, { similarity }) => sum + similarity ** 3, 0) / votes;
      return [category, (1 - trust) * shares[category] + trust * vote];
    })) as Record<Category, number>;
    const category = categories.reduce((a, b) => (mixed[b] > mixed[a] ? b : a));
    return { category, share: mixed[category], like };
  };

  const binOf = (share: number) => Math.min(bins - 1, Math.floor(share * bins));
  /** As often as such verdicts were right, drawn towards what they say of themselves as long as there are few. */
  const believed = (share: number) => {
    const at = binOf(share);
    const near = [at - 1, at, at + 1].filter((i) => i >= 0 && i < bins).map((i) => ({ ...right[i]!, weight: i === at ? 1 : 0.35 }));
    const all = near.reduce((sum, bin) => sum + bin.all * bin.weight, 0);
    return (near.reduce((sum, bin) => sum + bin.right * bin.weight, 0) + 4 * share) / (all + 4);
  };
  const measure = (features: Features, category: Category, weight: number) => {
    if (taught.length === 0) return;
    const said = raw(features);
    const bin = right[binOf(said.share)]!;
    bin.right = bin.right * fading + (said.category === category ? weight : 0);
    bin.all = bin.all * fading + weight;
  };

  const ceilingOf = (alike: number, overrules: boolean) => {
    if (taught.length < experienced) return alike < (overrules ? overrulesFrom.first : likeFrom) ? 0.35 : 0.97;
    return overrules && alike < overrulesFrom.later ? 0.6 : 0.97;
  };

  const teach = (one: Case, features: Features) => {
    measure(features, one.category, 1);
    const old = taught.findIndex((other) => other.one.id === one.id);
    if (old >= 0) taught.splice(old, 1);
    if (taught.length >= taughtMax) taught.shift();
    for (const name of features.keys()) seenIn.set(name, (seenIn.get(name) ?? 0) + 1);
    taught.push({ one, features, length: lengthOf(features) });
    renewLengths();
    for (let i = 0; i < 3; i++) learner.learn(features, one.category, 1);
    for (let i = 0; i < Math.min(rehearsed, taught.length - 1); i++) {
      const again = taught[(turn += 7) % taught.length]!;
      learner.learn(again.features, again.one.category, 0.5);
    }
  };

  return {
    add(one) {
      const features = standing.get(one.id)?.features ?? featuresOf(one.mail);
      standing.delete(one.id);
      if (one.by === 'operator') return teach(one, features);
      if (taught.some((other) => other.one.id === one.id)) return;
      standing.set(one.id, { one, features });
      if (standing.size <= standsAfter) return;
      const [id, stood] = standing.entries().next().value!;
      standing.delete(id);
      measure(stood.features, stood.one.category, 0.5);
      if (stood.one.by === 'rules') learner.learn(stood.features, stood.one.category, stoodWeight);
    },
    judge(mail, rules) {
      if (taught.length === 0) return null;
      const features = featuresOf(mail, rules);
      const { category, share, like } = raw(features);
      const same = like.filter(({ at }) => at.one.category === category).slice(0, 3);
      const words = learner.because(features, category, 4).filter((name) => !name.startsWith('rules:'));
      const nearby = same[0];
      return {
        category, confidence: Math.round(Math.min(ceilingOf(same[0]?.similarity ?? 0, rules !== undefined && rules.confidence >= 0.7 && rules.category !== category), believed(share)) * 100) / 100,
        reasons: [
          ...(nearby ? [`It is like ${nearby.at.one.id}, which you ${nearby.at.one.before === null || nearby.at.one.before === category ? 'called' : 'corrected to'} ${category} (${Math.round(nearby.similarity * 100)} % alike).`] : []),
          ...(words.length > 0 ? [`What you taught says ${category}: ${words.map(sayFeature).join(', ')}.`] : []),
        ],
        like: same.map(({ at, similarity }) => ({ id: at.one.id, source: at.one.source, category: at.one.category, similarity: Math.round(similarity * 100) / 100 })),
      };
    },
    get taught() { return taught.length; },
  };
}
