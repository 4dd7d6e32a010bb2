// Results of evals: for each thing that was scored a line of its scores over time, the newest at the right.
import type { KeptEval } from '../../eval-routes.ts';
import { get } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { Empty, Loaded } from './frame.tsx';
import { percent } from './percent.ts';
import { Revealed } from './text.tsx';
import { Time } from './time.tsx';

const [width, height, edge, pointsMax] = [160, 40, 5, 24];

export function Evals() {
  const live = useLive(() => get<KeptEval[]>('/api/evals'), [], ({ records }) => records.some(({ predicate }) => predicate === 'eval.result'));
  return (
    <Loaded live={live}>
      {(all) => all.length === 0 ? <Empty>Nothing was scored yet: <code>keelson eval triage --tier rules</code></Empty> : (
        <div class="tiers">{[...Map.groupBy(all, ({ entity, value }) => `${entity.slice(6)}${value.kind === 'prompt' ? ` by ${value.tier}` : ''}`)].map(([name, results]) => <Scored key={name} name={name} results={results} />)}</div>
      )}
    </Loaded>
  );
}

/** `results`: newest first. */
function Scored({ name, results }: { name: string; results: KeptEval[] }) {
  const points = results.slice(0, pointsMax).toReversed();
  const { value: { score, before, measure, cases }, recorded_ms: atMs } = results[0]!;
  const x = (i: number) => edge + (i * (width - 2 * edge)) / Math.max(1, points.length - 1);
  const y = (share: number) => edge + (1 - share) * (height - 2 * edge);
  return (
    <section class="card panel" aria-label={name}>
      <h3><Revealed text={name} /></h3>
      <svg class="plot" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={`${name}: ${points.map(({ value }) => percent(value.score)).join(', ')}`}>
        <polyline points={points.map(({ value }, i) => `${x(i)},${y(value.score)}`).join(' ')} fill="none" stroke="var(--faint)" />
        {points.map(({ id, value }, i) => <circle key={id} cx={x(i)} cy={y(value.score)} r="3" fill="var(--ink)" />)}
      </svg>
      <p>{percent(score)} {measure} on {cases} cases{before === null ? '' : `, in force: ${percent(before)}`}. <Time at={atMs} /></p>
    </section>
  );
}
