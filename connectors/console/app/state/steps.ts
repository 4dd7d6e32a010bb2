// The steps of one actor, oldest first: read once, then only what came since. And the eye that follows them: each new step is shown
// for a moment, faster when many wait, so that it is never more than a few seconds behind.
import { useEffect, useState } from 'preact/hooks';
import type { ShownStep } from '../../actor-routes.ts';
import { get, type Failure } from './api.ts';
import { onChange } from './stream.ts';

export interface Steps { steps: readonly ShownStep[]; isComplete: boolean; failure: Failure | null }

const none: Steps = { steps: [], isComplete: false, failure: null };

export function useSteps(address: string): Steps {
  const [state, setState] = useState<Steps>(none);
  useEffect(() => {
    const over = new AbortController();
    let isAsking = false;
    let isStale = true;
    let steps: ShownStep[] = [];
    const run = async () => {
      isStale = true;
      if (isAsking) return;
      isAsking = true;
      while (isStale && !over.signal.aborted) {
        isStale = false;
        try {
          let next: number | null = steps.at(-1)?.seq ?? 0;
          while (next !== null && !over.signal.aborted) {
            const page: { steps: ShownStep[]; next: number | null } = await get(`/api/actors/${encodeURIComponent(address)}/steps?after=${next}`);
            if (page.steps.length > 0) steps = [...steps, ...page.steps];
            next = page.next;
          }
          if (!over.signal.aborted) setState({ steps, isComplete: true, failure: null });
        } catch (error) {
          if (!over.signal.aborted) setState((before) => ({ ...before, failure: error as Failure }));
        }
      }
      isAsking = false;
    };
    setState(none);
    void run();
    const stop = onChange((change) => {
      if ('resync' in change || change.commits.some(({ actor }) => actor === address)) void run();
    });
    return () => {
      over.abort();
      stop();
    };
  }, [address]);
  return state;
}

const slowestMs = 700;
const behindMs = 3_000;
const behindMax = 40;

/** Which of `count` things is shown: the newest, after each of those before it has been shown for a moment. */
export function useFollowed(count: number, isReady: boolean, key: string): number {
  const [shown, setShown] = useState<number | null>(null);
  useEffect(() => setShown(null), [key]);
  useEffect(() => {
    if (!isReady) return;
    const last = count - 1;
    if (shown === null || shown > last) return setShown(last);
    if (shown === last) return;
    const behind = last - shown;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return setShown(last);
    if (behind > behindMax) return setShown(last - behindMax / 2);
    const timer = setTimeout(() => setShown(shown + 1), Math.min(slowestMs, behindMs / behind));
    return () => clearTimeout(timer);
  }, [count, isReady, shown, key]);
  return Math.min(shown ?? count - 1, count - 1);
}

/** A value that stands still for a moment before it counts: for what is asked of the server while a slider moves. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
