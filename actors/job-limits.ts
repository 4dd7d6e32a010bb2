// One try of a job, within its limits. What comes first counts: its answer, the end of its time, its silence, or that nobody waits
// for it any more. Then its signal fires. A try that does not listen runs on, and nothing it says is heard.
import type { ActivitySpec } from '#machines/define.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Clock } from './clock.ts';

/** What a running try is given to live with its limits. */
export interface Lifeline {
  /** Fires when its time is over, when it was silent for too long, and when nobody waits for the result any more. */
  signal: AbortSignal;
  /** Says that it goes on, and how far it is; with `heartbeatMs` it must. The last note stands in the error of a try that was cut off. */
  heartbeat(note?: string): void;
}

type Limits = Pick<ActivitySpec, 'name' | 'timeoutMs' | 'heartbeatMs' | 'once'>;

const noteCharsMax = 200;

/** Rejects with TIMEOUT, for a `once` job with SEND_UNKNOWN, or with the reason of `withdrawn`. */
export async function runWithin({ name, timeoutMs, heartbeatMs, once }: Limits, withdrawn: AbortSignal, clock: Clock, run: (lifeline: Lifeline) => Promise<unknown>): Promise<unknown> {
  const abort = new AbortController();
  const cut = Promise.withResolvers<never>();
  let note = '';
  let over = false;
  let stopBeat = () => {};

  const cutOff = (reason: unknown) => {
    abort.abort(reason);
    cut.reject(reason);
  };
  const giveUp = (why: string) => cutOff(new KeelsonError(once ? 'SEND_UNKNOWN' : 'TIMEOUT', `${name} ${why}${note && `; it last said: ${note}`}`));
  const heartbeat = (said?: string) => {
    if (over) return;
    if (said !== undefined) note = said.slice(0, noteCharsMax);
    if (heartbeatMs === undefined) return;
    stopBeat();
    stopBeat = clock.after(heartbeatMs, () => giveUp(`said nothing for ${heartbeatMs} ms`));
  };
  const leave = () => cutOff(withdrawn.reason);

  withdrawn.throwIfAborted();
  withdrawn.addEventListener('abort', leave);
  const stopTime = clock.after(timeoutMs, () => giveUp(`did not end within ${timeoutMs} ms`));
  heartbeat();
  try {
    return await Promise.race([run({ signal: abort.signal, heartbeat }), cut.promise]);
  } finally {
    over = true;
    stopTime();
    stopBeat();
    withdrawn.removeEventListener('abort', leave);
  }
}
