// Quality: how far each tier can be believed, what nobody looks after, and the report of the day or week.
import { useState } from 'preact/hooks';
import type { DebtView, ReportView } from '../../quality-routes.ts';
import type { TierView } from '../../quality-view.ts';
import { Debts } from '../parts/debts.tsx';
import { Evals } from '../parts/evals.tsx';
import { Badge, Empty, Loaded, Screen } from '../parts/frame.tsx';
import { percent } from '../parts/percent.ts';
import { Reliability } from '../parts/reliability.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { get } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import './govern.css';

export function Quality(_: { params: Record<string, string> }) {
  const tiers = useLive(() => get<TierView[]>('/api/quality'), [], ({ records }) => records.some(({ kind, predicate }) => kind === 'annotation' || predicate === 'tier.quality'));
  const debts = useLive(() => get<DebtView[]>('/api/debt'), [], () => false);
  return (
    <Screen title="Quality" cli="keelson quality" raw="/api/quality">
      <p class="faint">What rules, templates, what was learnt and models claim of their answers, against what became of them. On the broken line a tier is as good as it says; from the upright line on it is believed.</p>
      <Loaded live={tiers}>{(all) => (all.length === 0 ? <Empty>No tier has answered yet. Hand in a mail: <code>keelson mail import FILE</code></Empty> : <div class="tiers">{all.map((one) => <Tier key={`${one.task} ${one.tier}`} one={one} />)}</div>)}</Loaded>
      <h2>Evals</h2>
      <Evals />
      <h2>Debts</h2>
      <Loaded live={debts}>{(all) => (all.length === 0 ? <Empty>None: everything that is measured is in order.</Empty> : <Debts debts={all} />)}</Loaded>
      <ReportOf />
    </Screen>
  );
}

function Tier({ one }: { one: TierView }) {
  const { task, tier, threshold, measured, reason, demoted, sinceMs, why, outcomes, cases, right, error } = one;
  return (
    <section class="card panel" aria-label={`${task} by ${tier}`}>
      <div class="head-line"><h3><Revealed text={`${task} by ${tier}`} /></h3>{demoted ? <Badge tone="bad">passed over</Badge> : null}</div>
      <Reliability tier={one} />
      <p>{right === null ? 'Nothing is known yet.' : `${percent(right)} of ${cases} right${error === null ? '' : `, off by ${percent(error)}`}.`} {threshold === null ? 'Believed at no confidence.' : `Believed from ${threshold.toFixed(2)} on.`}</p>
      <p class="faint">{Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${count}`).join(' · ')}</p>
      {demoted && sinceMs !== null ? <p>Passed over <Time at={sinceMs} />: <Revealed text={why ?? ''} /></p> : measured === threshold ? null : <p class="faint">Measured now: {measured === null ? 'at no confidence' : measured.toFixed(2)}. <Revealed text={reason} /></p>}
    </section>
  );
}

function ReportOf() {
  const [isWeek, setWeek] = useState(false);
  const address = `/api/report?week=${isWeek}`;
  const live = useLive(() => get<ReportView>(address), [address], () => false);
  return (
    <>
      <div class="head-line"><h2>Report</h2><button type="button" onClick={() => setWeek(!isWeek)}>{isWeek ? 'Of today' : 'Of this week'}</button><a href="/store/document">Earlier ones</a></div>
      <Loaded live={live}>{({ text }) => <pre class="report" aria-label="Report"><Revealed text={text} /></pre>}</Loaded>
    </>
  );
}
