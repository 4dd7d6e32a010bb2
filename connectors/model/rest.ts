// A provider that failed is left alone for a while: for as long as it asked, else longer each time. Then one call may try, and the others
// wait for what becomes of it. The breaker of connectors/throttle.ts knows neither the clock it is given nor how long a provider asks for.
import type { Clock } from '#actors/clock.ts';

export interface Resting { outcome: 'down' | 'throttled'; reason: string; againAtMs: number }
export interface Rest {
  /** Why this provider is not asked now, or null: then `note` should follow, and until it does nobody else tries. */
  whyNot(provider: string): Resting | null;
  /** How it went: null, or what the provider itself is to blame for. */
  note(provider: string, failed: Outage | null): void;
  /** Those that rest, without taking anybody's turn. */
  resting(): (Resting & { provider: string })[];
  /** It was seen to be there again: who could not be reached may be asked at once. One that answered and failed still rests, because each try may cost. */
  wake(provider: string): void;
}
export interface Outage { outcome: 'down' | 'throttled' | 'timeout'; reason: string; charged: 'nothing' | 'unknown'; againAtMs: number | null }

interface State { failures: number; untilMs: number; why: Omit<Resting, 'againAtMs'>; reached: boolean }

const failuresMax = 3;
const firstMs = 30_000;
const longestMs = 600_000;
const patienceMs = 5_000;
const trialMs = 30_000;

export function createRest(clock: Pick<Clock, 'now'>): Rest {
  const states = new Map<string, State>();
  return {
    whyNot(provider) {
      const state = states.get(provider);
      if (!state || state.untilMs === 0) return null;
      if (clock.now() < state.untilMs) return { ...state.why, againAtMs: state.untilMs };
      state.untilMs = clock.now() + trialMs;
      return null;
    },
    note(provider, failed) {
      if (failed === null) return void states.delete(provider);
      const failures = (states.get(provider)?.failures ?? 0) + 1;
      const waitMs = Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - failuresMax));
      const throttled = failed.outcome === 'throttled';
      const untilMs = failed.againAtMs ?? (throttled ? clock.now() + patienceMs : failures >= failuresMax ? clock.now() + waitMs : 0);
      states.set(provider, { failures, untilMs, why: { outcome: throttled ? 'throttled' : 'down', reason: failed.reason }, reached: throttled || failed.charged !== 'nothing' });
    },
    resting: () => [...states].flatMap(([provider, { untilMs, why }]) => (untilMs > clock.now() ? [{ provider, ...why, againAtMs: untilMs }] : [])),
    wake: (provider) => {
      if (states.get(provider)?.reached === false) states.delete(provider);
    },
  };
}
