// How hard a provider is knocked at: so many calls a minute, and a pause after it failed several times in a row. What does not go
// through now certainly did not happen; it comes back when its time has come.
import type { CircuitBreakerPolicy } from 'cockatiel';
import type { Clock } from '#actors/clock.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from './connector.ts';

export interface Throttle { run<T>(connector: Connector, work: () => Promise<T>): Promise<T> }
/** How the provider of a connector fares in this process: `resting` is left alone for a while, `trying` gets one call to show that it is back. */
export interface Circuit { connector: string; state: 'closed' | 'resting' | 'trying' }

const minuteMs = 60_000;
const failuresMax = 5;
const restMs = 30_000;
/** Of these the provider itself is to blame. */
const outages = new Set(['SEND_DEFERRED', 'SEND_UNKNOWN', 'TIMEOUT']);
const isOutage = (error: unknown) => !(error instanceof KeelsonError) || outages.has(error.code);

export function createThrottle({ clock }: { clock: Clock }): Throttle & { circuits(): Promise<Circuit[]> } {
  const starts = new Map<string, number[]>();
  const circuits = new Map<string, Promise<CircuitBreakerPolicy>>();

  const makeCircuit = async () => {
    const { circuitBreaker, ConsecutiveBreaker, handleWhen } = await import('cockatiel');
    return circuitBreaker(handleWhen(isOutage), { halfOpenAfter: restMs, breaker: new ConsecutiveBreaker(failuresMax) });
  };
  const circuitOf = (name: string) => {
    const known = circuits.get(name) ?? makeCircuit();
    circuits.set(name, known);
    return known;
  };

  const takeTurn = ({ name, perMinute }: Connector) => {
    if (perMinute === undefined) return;
    const now = clock.now();
    const recent = (starts.get(name) ?? []).filter((at) => now - at < minuteMs);
    if (recent.length >= perMinute) throw new KeelsonError('SEND_DEFERRED', `${name} takes ${perMinute} calls a minute`, { retryAfterMs: recent[0]! + minuteMs - now });
    starts.set(name, [...recent, now]);
  };

  return {
    async circuits() {
      if (circuits.size === 0) return [];
      const { CircuitState } = await import('cockatiel');
      const word = (state: CircuitBreakerPolicy['state']) => (state === CircuitState.Closed ? 'closed' : state === CircuitState.HalfOpen ? 'trying' : 'resting');
      return Promise.all([...circuits].map(async ([connector, circuit]): Promise<Circuit> => ({ connector, state: word((await circuit).state) })));
    },
    async run(connector, work) {
      const circuit = await circuitOf(connector.name);
      takeTurn(connector);
      try {
        return await circuit.execute(work);
      } catch (error) {
        if ((error as { isBrokenCircuitError?: boolean }).isBrokenCircuitError === true) throw new KeelsonError('SEND_DEFERRED', `${connector.name} failed ${failuresMax} times in a row and is left alone for a while`, { retryAfterMs: restMs, cause: error });
        throw error;
      }
    },
  };
}
