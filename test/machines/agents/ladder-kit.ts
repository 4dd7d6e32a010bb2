// A ladder in the simulator over tiers that answer as a script says.
import type { Activity } from '#actors/worker.ts';
import { ladderMachine } from '#machines/agents/ladder.ts';
import type { Climbed } from '#machines/agents/ladder-shape.ts';
import type { Tiers, Tried } from '#machines/agents/activities.ts';
import { createSim, type Sim, type SimOptions } from '#test/kit/sim.ts';
import { modelsAddress } from '#machines/agents/standing.ts';

export const tried = (fields: Partial<Tried> = {}): Tried => ({ outcome: 'answered', answer: { confidence: 0.9 }, confidence: 0.9, model: 'm', costMicros: 100, reason: 'as the script says', prompt: null, evidence: [], againAtMs: null, ...fields });
/** An answer that says who gave it. */
export const says = (who: string, confidence: number, costMicros: number | null = 100): Tried => tried({ answer: { who, confidence }, confidence, costMicros, model: who });
export const fails = (outcome: Tried['outcome'], fields: Partial<Tried> = {}): Tried => tried({ outcome, answer: null, confidence: null, model: null, costMicros: null, reason: `it is ${outcome}`, ...fields });

export const tiersOf = (tiers: Record<string, number>, fields: Partial<Tiers> = {}): Tiers => ({ tiers: Object.entries(tiers).map(([name, threshold]) => ({ name, threshold })), skipped: [], latency: 'now', otherwise: 'go-on', ...fields });

export interface Ladder {
  sim: Sim;
  address: string;
  /** Tiers that were asked, in order. */
  asked: string[];
  plans: () => number;
  output(): Climbed;
  status(): string;
  goOn(without?: boolean, from?: string): Promise<void>;
}

/** `answers`: by tier, one after the other; the last one stays. A text is thrown. */
export async function climb({ plan, answers = {}, floor = null, task = 'scripted', options = {} }: { plan: Tiers | (() => Tiers) | string; answers?: Record<string, (Tried | string)[]>; floor?: { answer: { who: string }; confidence: number; tier: string } | null; task?: string; options?: Partial<SimOptions> }): Promise<Ladder> {
  const asked: string[] = [];
  let plans = 0;
  const planned: Activity = async () => {
    plans += 1;
    if (typeof plan === 'string') throw new Error(plan);
    return typeof plan === 'function' ? plan() : plan;
  };
  const ask: Activity = async ({ input }) => {
    const { tier } = input as { tier: string };
    const list = answers[tier] ?? [`nobody said what ${tier} says`];
    const answer = list[Math.min(asked.filter((one) => one === tier).length, list.length - 1)]!;
    asked.push(tier);
    if (typeof answer === 'string') throw new Error(answer);
    return answer;
  };
  const sim = createSim({ machines: [ladderMachine], activities: { 'model.plan': planned, 'model.ask': ask }, permissions: true, ...options });
  const address = 'ladder/1';
  await sim.start(address, ladderMachine, { task, input: { text: 'x' }, floor }).idle();
  await sim.advance(3_600_000); // the tries of a job that fails
  return {
    sim, address, asked,
    plans: () => plans,
    output: () => sim.record(address)!.snapshot.output as Climbed,
    status: () => sim.record(address)!.status === 'active' ? String(sim.value(address)) : sim.record(address)!.status,
    goOn: (without = false, from = modelsAddress) => sim.event(address, { type: 'GO_ON', without }, from).idle(),
  };
}
