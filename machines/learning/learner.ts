// Learns one case at a time which features speak for which category: multinomial logistic regression, with steps that get smaller for
// features it has seen often (AdaGrad). It begins with the rules' own opinion, so that without any case it says what they say. The same
// cases in the same order give the same weights.
import { categorySchema, type Category } from '../mail.ts';
import type { Features } from './features.ts';

export interface Learner {
  learn(features: Features, category: Category, weight: number): void;
  /** The share of each category; they sum to 1. */
  judge(features: Features): Record<Category, number>;
  /** What speaks for this category against the others, strongest first. */
  because(features: Features, category: Category, limit: number): string[];
  readonly known: number;
}

const categories = categorySchema.options;
const places = new Map(categories.map((category, i) => [category, i]));
const rate = 0.6;
/** How much the rules' word is worth before anything was learnt, and how fast that changes: one case says little about all others. */
const rulesWord = 3;
const rulesRate = 0.25;
const featuresMax = 60_000;

interface Weights { values: Float64Array; steps: Float64Array }

export function createLearner(): Learner {
  const weights = new Map<string, Weights>();
  const fresh = (name: string): Weights => {
    const values = new Float64Array(categories.length);
    if (name.startsWith('rules:')) values[places.get(name.slice(6) as Category) ?? 0] = rulesWord;
    return { values, steps: new Float64Array(categories.length) };
  };
  for (const category of categories) weights.set(`rules:${category}`, fresh(`rules:${category}`));

  const scores = (features: Features): Float64Array => {
    const sum = new Float64Array(categories.length);
    for (const [name, x] of features) {
      const found = weights.get(name);
      if (found) for (let c = 0; c < sum.length; c++) sum[c]! += found.values[c]! * x;
    }
    const top = Math.max(...sum);
    let total = 0;
    for (let c = 0; c < sum.length; c++) total += sum[c] = Math.exp(sum[c]! - top);
    return sum.map((value) => value / total);
  };

  return {
    learn(features, category, weight) {
      const shares = scores(features);
      const right = places.get(category)!;
      for (const [name, x] of features) {
        let found = weights.get(name);
        if (!found) {
          // What was learnt first about words that never came again goes first.
          if (weights.size >= featuresMax) weights.delete(weights.keys().find((key) => !key.startsWith('rules:'))!);
          weights.set(name, (found = fresh(name)));
        }
        for (let c = 0; c < shares.length; c++) {
          const slope = weight * x * ((c === right ? 1 : 0) - shares[c]!);
          found.steps[c]! += slope * slope;
          if (slope !== 0) found.values[c]! += (rate * (name.startsWith('rules:') ? rulesRate : 1) * slope) / Math.sqrt(0.05 + found.steps[c]!);
        }
      }
    },
    judge(features) {
      const shares = scores(features);
      return Object.fromEntries(categories.map((category, i) => [category, shares[i]!])) as Record<Category, number>;
    },
    because(features, category, limit) {
      const at = places.get(category)!;
      const speaks = (name: string, x: number) => {
        const { values } = weights.get(name) ?? { values: null };
        return values === null ? 0 : x * (values[at]! - values.reduce((sum, value) => sum + value, 0) / values.length);
      };
      return [...features].map(([name, x]) => ({ name, says: speaks(name, x) })).filter(({ says }) => says > 0.05).toSorted((a, b) => b.says - a.says).slice(0, limit).map(({ name }) => name);
    },
    get known() { return weights.size; },
  };
}
