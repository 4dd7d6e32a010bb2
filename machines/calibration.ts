// How far what a tier says of itself can be believed: confidence against what became of it. Bins for a plot, one number for how far off it
// is, the confidence from which it is believed, and whether it has become worse. Pure; no figure comes from few cases alone, because
// every bin begins with a few imagined ones that say what the settings say.

/** One answer of a tier whose worth is known. `weight`: 1 when the operator looked at it, less when he only let it stand. */
export interface Case { atMs: number; confidence: number; right: boolean; weight: number }

export interface Bin { from: number; to: number; cases: number; right: number; /** Mean of what was claimed and share that was right; null without cases. */ claimed: number | null; share: number | null }

const binWidth = 0.05;
const bins = 20;
/** Imagined cases in each bin: so many real ones outweigh the settings. */
const imagined = 3;
const epsilon = 1e-9;

const binOf = (confidence: number) => Math.min(bins - 1, Math.max(0, Math.floor(confidence / binWidth + epsilon)));
const edge = (bin: number) => Math.round(bin * binWidth * 100) / 100;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const weightOf = (cases: readonly Case[]) => sum(cases.map(({ weight }) => weight));
const rightOf = (cases: readonly Case[]) => sum(cases.map(({ weight, right }) => (right ? weight : 0)));

/** By what was claimed, lowest first; `width` in bins of 0.05. */
export function reliability(cases: readonly Case[], width = 2): Bin[] {
  const groups = Map.groupBy(cases, ({ confidence }) => Math.floor(binOf(confidence) / width));
  return Array.from({ length: Math.ceil(bins / width) }, (_, i) => {
    const own = groups.get(i) ?? [];
    const weight = weightOf(own);
    return { from: edge(i * width), to: Math.min(1, edge((i + 1) * width)), cases: weight, right: rightOf(own), claimed: weight === 0 ? null : sum(own.map((one) => one.weight * one.confidence)) / weight, share: weight === 0 ? null : rightOf(own) / weight };
  });
}

/** Expected calibration error: how far claim and truth lie apart, weighed by cases; null without any. */
export function calibrationError(list: readonly Bin[]): number | null {
  const all = sum(list.map(({ cases }) => cases));
  return all === 0 ? null : sum(list.map(({ cases, claimed, share }) => (cases === 0 ? 0 : (cases / all) * Math.abs(claimed! - share!))));
}

/** `target`: the share that must be right. `usual`: the threshold of the settings, which stands as long as there is nothing to say against it. */
export interface Demand { target: number; usual: number; minimum: number }

export interface Threshold { /** Null: at no confidence is enough of it right. */ threshold: number | null; reason: string }

/**
 * The lowest confidence from which on enough is right. Shares are fitted so that they never fall with confidence (pooled adjacent
 * violators), each bin beside `imagined` cases that are right as often as the settings suppose: without cases the answer is `usual`.
 */
export function findThreshold(cases: readonly Case[], { target, usual, minimum }: Demand): Threshold {
  const groups = Map.groupBy(cases, ({ confidence }) => binOf(confidence));
  const supposed = (bin: number) => Math.min(1, Math.max(0, target + (bin - binOf(usual)) * binWidth));
  const blocks: { first: number; weight: number; right: number }[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const own = groups.get(bin) ?? [];
    blocks.push({ first: bin, weight: weightOf(own) + imagined, right: rightOf(own) + imagined * supposed(bin) });
    for (let last = blocks.length - 1; last > 0 && blocks[last]!.right / blocks[last]!.weight < blocks[last - 1]!.right / blocks[last - 1]!.weight; last--) {
      const { weight, right } = blocks.pop()!;
      blocks[last - 1]!.weight += weight;
      blocks[last - 1]!.right += right;
    }
  }
  const good = blocks.find(({ weight, right }) => right / weight >= target - epsilon);
  const seen = `${round(rightOf(cases))} of ${round(weightOf(cases))} were right`;
  if (!good) return { threshold: null, reason: `at no confidence ${percent(target)} are right: ${seen}` };
  const found = edge(good.first);
  // Within the bin of the usual one nothing was learnt.
  const threshold = Math.max(minimum, binOf(usual) === good.first ? usual : found);
  if (threshold === usual) return { threshold, reason: `as the settings say: ${seen}` };
  const floor = threshold > found ? `, and never below ${minimum}` : '';
  return { threshold, reason: `${seen}; from ${found} on at least ${percent(target)} are${floor}` };
}

export const driftRules = { recent: 50, before: 400, recentMin: 20, beforeMin: 30, z: 3.1, points: 0.1 } as const;

export interface Drift { drifts: boolean; recent: { cases: number; share: number } | null; before: { cases: number; share: number } | null; z: number; reason: string }

/**
 * Has it become worse? The newest cases against those before them: a one-sided test of two shares, with the correction for small numbers,
 * at about one false alarm in a thousand looks. And worse must matter: below what is demanded, or ten points less than before.
 */
export function findDrift(cases: readonly Case[], { target }: Pick<Demand, 'target'>): Drift {
  const ordered = cases.toSorted((a, b) => b.atMs - a.atMs);
  const [recent, older] = [ordered.slice(0, driftRules.recent), ordered.slice(driftRules.recent, driftRules.recent + driftRules.before)];
  const shareOf = (list: readonly Case[]) => (list.length === 0 ? null : { cases: weightOf(list), share: rightOf(list) / weightOf(list) });
  const [now, then] = [shareOf(recent), shareOf(older)];
  if (!now || !then || now.cases < driftRules.recentMin || then.cases < driftRules.beforeMin) return { drifts: false, recent: now, before: then, z: 0, reason: 'too few cases to tell' };
  const pooled = (now.share * now.cases + then.share * then.cases) / (now.cases + then.cases);
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / now.cases + 1 / then.cases));
  const correction = 0.5 * (1 / now.cases + 1 / then.cases);
  const z = spread === 0 ? 0 : Math.max(0, then.share - now.share - correction) / spread;
  const matters = now.share < target || then.share - now.share > driftRules.points;
  return { drifts: z > driftRules.z && matters, recent: now, before: then, z, reason: `${percent(now.share)} of the last ${round(now.cases)} were right, ${percent(then.share)} of the ${round(then.cases)} before` };
}

export const percent = (share: number) => `${Math.round(share * 100)} %`;
const round = (cases: number) => String(Math.round(cases * 10) / 10);
