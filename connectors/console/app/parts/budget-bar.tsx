// One budget as a bar: spent, reserved, and a line where the day or month will end at this pace; all of it in words too.
import type { Outlook } from '#machines/budget-outlook.ts';
import { usd } from './length.ts';

export function BudgetBar({ budget: { period, settledMicros, reservedMicros, limitMicros, forecastMicros } }: { budget: Outlook }) {
  const whole = Math.max(limitMicros ?? 0, settledMicros + reservedMicros, forecastMicros, 1);
  const x = (micros: number) => (micros / whole) * 100;
  return (
    <div class="budget">
      <p>{period.startsWith('day') ? 'Today' : 'This month'}: {usd(settledMicros)} spent{reservedMicros > 0 ? `, ${usd(reservedMicros)} reserved` : ''}{limitMicros === null ? ', no limit' : ` of ${usd(limitMicros)}`}; forecast {usd(forecastMicros)}{limitMicros !== null && forecastMicros > limitMicros ? ', over the limit' : ''}</p>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" width="100%" height="10" aria-hidden="true">
        <rect width={limitMicros === null ? 100 : x(limitMicros)} height="8" fill="var(--line)" />
        <rect width={x(settledMicros)} height="8" fill={limitMicros !== null && settledMicros + reservedMicros > limitMicros * 0.8 ? 'var(--bad)' : 'var(--busy)'} />
        <rect x={x(settledMicros)} width={x(reservedMicros)} height="8" fill="var(--waiting)" />
        <rect x={Math.min(99.5, x(forecastMicros))} width="0.5" height="8" fill="var(--ink)" />
      </svg>
    </div>
  );
}
