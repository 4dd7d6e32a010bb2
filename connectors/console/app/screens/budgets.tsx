// Budgets: what models cost, what they may cost, what it will come to, where it went; and setting a limit.
import { useState } from 'preact/hooks';
import type { BudgetView, LimitsRequest } from '../../budget-routes.ts';
import { BudgetBar } from '../parts/budget-bar.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Badge, Empty, Loaded, Screen } from '../parts/frame.tsx';
import { usd } from '../parts/length.ts';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { get, newCommandId, post } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import './govern.css';

export function Budgets(_: { params: Record<string, string> }) {
  const live = useLive(() => get<BudgetView>('/api/budgets'), [], ({ actor, records }) => actor === 'connector/model' || records.some(({ predicate }) => predicate === 'budget.limits'));
  const [asked, setAsked] = useState<string | null>(null);
  return (
    <Screen title="Budgets" cli="keelson budget" raw="/api/budgets">
      <p class="faint">What calls of models cost. The most that a call can cost is reserved before it; a call that would pass a limit is not made. Forecast: what is taken, and for the rest of the day or month the pace of the last seven days. Days and months are those of UTC.</p>
      <Loaded live={live}>{(view) => (
        <>
          {[...Map.groupBy(view.budgets, ({ workflow }) => workflow)].map(([workflow, budgets]) => (
            <section key={workflow} class="card panel" aria-label={workflow ?? 'company'}>
              <div class="head-line"><h2><Revealed text={workflow ?? 'The company'} /></h2><button type="button" onClick={() => setAsked(workflow ?? 'company')}>Set limits of {workflow ?? 'the company'}</button></div>
              {budgets.map((budget) => <BudgetBar key={budget.period} budget={budget} />)}
              {view.perRun.filter((run) => run.workflow === workflow).map(({ limitMicros }) => <p key="run" class="faint">One run may cost {limitMicros === null ? 'any amount' : `at most ${usd(limitMicros)}`}.</p>)}
            </section>
          ))}
          <Spent view={view} />
        </>
      )}</Loaded>
      {asked === null ? null : <SetLimits key={asked} workflow={asked} onDone={live.reload} onClose={() => setAsked(null)} />}
    </Screen>
  );
}

function Spent({ view: { tiers, runs, calls } }: { view: BudgetView }) {
  if (tiers.length === 0) return <Empty>No model was asked this month. What can be done by rules, templates and what was learnt costs nothing.</Empty>;
  return (
    <>
      <Table title="This month by tier" head={['Tier', 'Model', 'Workflow', 'Calls', 'Cost']} rows={tiers.map(({ tier, provider, model, workflow, calls: times, micros, assumed, overrun }) => [
        tier, <><Revealed text={`${provider}: ${model}`} />{assumed > 0 ? <> <Badge tone="waiting">price not known</Badge></> : null}{overrun > 0 ? <> <Badge tone="bad">price too low</Badge></> : null}</>, workflow, times, usd(micros)])} />
      <Table title="Dearest runs this month" head={['Run', 'Calls', 'Cost', 'Last call']} rows={runs.map(({ run, calls: times, micros, atMs }) => [<a href={at.run(run)}><Revealed text={run} /></a>, times, usd(micros), <Time at={atMs} />])} />
      <Table title="Last calls" head={['When', 'Run', 'Task', 'Tier', 'Ended', 'Cost']} rows={calls.map(({ run, task, tier, outcome, micros, reservedMicros, atMs }) => [<Time at={atMs} />, <a href={at.run(run)}><Revealed text={run} /></a>, task, tier, outcome ?? 'under way', micros === null ? `at most ${usd(reservedMicros)}` : usd(micros)])} />
    </>
  );
}

function Table({ title, head, rows }: { title: string; head: string[]; rows: preact.ComponentChildren[][] }) {
  return (
    <>
      <h2>{title}</h2>
      <div class="scroll roomy" tabIndex={0} role="region" aria-label={title}>
        <table><thead><tr>{head.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead><tbody>{rows.map((cells, i) => <tr key={i}>{cells.map((cell, j) => <td key={j}>{typeof cell === 'string' ? <Revealed text={cell} /> : cell}</td>)}</tr>)}</tbody></table>
      </div>
    </>
  );
}

const fields = [['perRunMicros', 'For one run'], ['perDayMicros', 'For a day'], ['perMonthMicros', 'For a month']] as const;
const isLimit = (text: string) => text === '' || text === 'none' || text === 'settings' || (/^\d+(\.\d{1,6})?$/.test(text) && Number(text) <= 1e6);

function SetLimits({ workflow, onDone, onClose }: { workflow: string; onDone(): void; onClose(): void }) {
  const [texts, setTexts] = useState(['', '', '']);
  const [commandId] = useState(newCommandId);
  const given = texts.map((text) => text.trim());
  const send = async () => {
    const limits = Object.fromEntries(fields.flatMap(([name], i) => (given[i] === '' ? [] : [[name, given[i] === 'none' ? null : given[i] === 'settings' ? 'settings' : Math.round(Number(given[i]) * 1e6)]]))) as LimitsRequest;
    await post(`/api/budgets/${encodeURIComponent(workflow)}`, { ...limits, commandId });
    onDone();
  };
  return (
    <Dialog title={`Limits of ${workflow}`} act="Set" isReady={given.every(isLimit) && given.some((text) => text !== '')} onDone={send} onClose={onClose}>
      <p>In US dollars. <code>none</code>: no limit. <code>settings</code>: what <code>company.json</code> says. Empty: stays as it is. It holds from the next call on.</p>
      {fields.map(([name, title], i) => <label key={name}>{title}<input value={texts[i]} inputMode="decimal" autocomplete="off" onInput={({ currentTarget: { value } }) => setTexts(texts.with(i, value))} /></label>)}
    </Dialog>
  );
}
