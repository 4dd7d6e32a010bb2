// Today: what needs you, what runs, what was done, what it cost, and whether everything is well.
import { useRef } from 'preact/hooks';
import type { InboxLine } from '../../inbox-routes.ts';
import type { Line } from '../../health.ts';
import type { Done, Today as Known } from '../../today-routes.ts';
import type { DebtView } from '../../quality-routes.ts';
import { BudgetBar } from '../parts/budget-bar.tsx';
import { Debts } from '../parts/debts.tsx';
import { Badge, Empty, Loaded, Screen } from '../parts/frame.tsx';
import { micros, money } from '../parts/length.ts';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { get } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at, goWith, search } from '../state/router.ts';
import './today.css';

/** It asks much, and everything that happens touches it. */
const restMs = 2_000;

export function Today(_: { params: Record<string, string> }) {
  const span = search.value.get('span') === '24h' ? '24h' : 'day';
  const address = `/api/today?span=${span}`;
  const lastAt = useRef(0);
  const load = async () => {
    await new Promise((done) => setTimeout(done, lastAt.current + restMs - Date.now()));
    lastAt.current = Date.now();
    return get<Known>(address);
  };
  const live = useLive(load, [address], () => true);
  const other = span === 'day' ? 'Last 24 hours' : 'Since midnight';
  return (
    <Screen title="Today" cli="keelson status" raw={address} actions={<button type="button" onClick={() => {
    lastAt.current = 0;
    goWith({ span: span === 'day' ? '24h' : null });
  }}>{other}</button>}>
      <Loaded live={live}>{(today) => (
        <>
          {today.isFresh ? <FirstSteps /> : null}
          <NeedsYou needs={today.needsYou} />
          <div class="today">
            <Running running={today.running} />
            <WasDone done={today.done} since={span === 'day' ? 'Since midnight' : 'In the last 24 hours'} />
            <Spend done={today.done} caps={today.caps} budgets={today.budgets} />
          </div>
          <Neglected />
          <Health lines={today.health} />
        </>
      )}</Loaded>
    </Screen>
  );
}

function FirstSteps() {
  return (
    <section class="card" aria-label="First steps">
      <h2 style={{ marginTop: 0 }}>Nothing has come in yet. Three steps:</h2>
      <ol>
        <li>Say who you are in <code>company.json</code> of the company folder (name, mail address, signature), then start again.</li>
        <li>Hand in a mail: <code>keelson mail import FILE.eml</code>. Each mail becomes a run; what needs you appears in the <a href="/inbox">inbox</a>.</li>
        <li>Set up a way out: <code>KEELSON_SMTP_URL</code> for mail; the others are under <a href="/connectors">Connectors</a>. Until then approved mail is written to <code>outbox/</code>.</li>
      </ol>
    </section>
  );
}

function NeedsYou({ needs: { waiting, snoozed, byKind, first } }: { needs: Known['needsYou'] }) {
  return (
    <section class="card needs">
      <h2><a href="/inbox">Needs you</a> <span class="big">{waiting}</span></h2>
      {waiting === 0 ? <Empty>Nothing waits for you.</Empty> : (
        <>
          <p class="faint">{byKind.map(({ kind, count }) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(' · ')}{snoozed > 0 ? ` · ${snoozed} put off` : ''}</p>
          <ol class="plain">{first.map((item) => <Item key={item.id} item={item} />)}</ol>
          {waiting > first.length ? <p><a href="/inbox">All {waiting}</a></p> : null}
        </>
      )}
    </section>
  );
}

function Item({ item: { id, does, summary, amount, reversible, expiresAt, risk } }: { item: InboxLine }) {
  return (
    <li>
      <a href={at.item(id)}><Revealed text={does ?? summary} /></a>
      <span class="faint"> {amount ? `${amount} · ` : ''}{risk} risk{reversible === false ? ' · cannot be undone' : ''}{expiresAt === null ? '' : <> · lapses <Time at={expiresAt} /></>}</span>
    </li>
  );
}

function Running({ running: { runs, waitForYou, byMachine, isAll } }: { running: Known['running'] }) {
  return (
    <section class="card">
      <h2><a href="/runs?status=active">Runs</a> <span class="big">{runs}{isAll ? '' : ' or more'}</span></h2>
      {runs === 0 ? <p class="faint">Nothing is under way.</p> : (
        <ul class="plain">{byMachine.map((one) => <li key={one.machine}><a href={`/runs?status=active&machine=${encodeURIComponent(one.machine)}`}>{one.machine}</a>: {one.runs} under way{one.waitForYou > 0 ? `, ${one.waitForYou} of them wait for you` : ''}</li>)}</ul>
      )}
      {waitForYou === 0 && runs > 0 ? <p class="faint">None of them waits for you.</p> : null}
    </section>
  );
}

const sums = (list: Done['moneyIn']) => list.map(({ currency, amountMinor, count }) => `${count} over ${amountMinor === null ? 'an unclear amount' : money(amountMinor, currency)}`).join(', ');
const total = (list: readonly { count: number }[]) => list.reduce((sum, { count }) => sum + count, 0);

function WasDone({ done, since }: { done: Done; since: string }) {
  const replies = done.operations.filter(({ action }) => action === 'mail.send');
  const [sent, written] = [replies.filter((one) => one.done === 1), replies.filter((one) => one.done === 0 && one.outcome === 'done')];
  const others = done.operations.filter(({ action }) => action !== 'mail.send');
  const agents = [...Map.groupBy(done.decisions, ({ agent }) => agent)].map(([agent, list]) => ({ agent, count: total(list) })).toSorted((a, b) => b.count - a.count);
  return (
    <section class="card">
      <h2>{since}</h2>
      <dl class="pairs">
        <dt>Mails read</dt><dd>{done.mails}</dd>
        <dt>Replies sent</dt><dd>{total(sent)}{written.length > 0 ? `, and ${total(written)} written to outbox/` : ''}</dd>
        {done.invoicesIn.length > 0 ? <><dt>Invoices came</dt><dd>{sums(done.invoicesIn)}</dd></> : null}
        {done.invoicesOut.length > 0 ? <><dt>Invoices went</dt><dd>{sums(done.invoicesOut)}</dd></> : null}
        <dt>Money in</dt><dd>{done.moneyIn.length > 0 ? sums(done.moneyIn) : 'none'}</dd>
        <dt>Money out</dt><dd>{done.moneyOut.length > 0 ? sums(done.moneyOut) : 'none'}</dd>
        {others.map(({ action, outcome, count }) => <><dt><Revealed text={action} /></dt><dd>{count} <Revealed text={outcome} /></dd></>)}
        <dt>Escalations</dt><dd>{done.escalations}</dd>
        <dt><a href="/audit">Decisions</a></dt><dd>{agents.length === 0 ? 'none' : agents.map(({ agent, count }) => `${agent} ${count}`).join(' · ')}</dd>
      </dl>
    </section>
  );
}

function Spend({ done: { spend }, caps, budgets }: { done: Done; caps: Known['caps']; budgets: Known['budgets'] }) {
  return (
    <section class="card">
      <h2><a href="/budgets">Spend</a></h2>
      <p>{spend.modelCalls === 0 ? 'No model was asked.' : `${micros(spend.costMicros)} for ${spend.modelCalls} answers of models.`}{spend.unknownPrices > 0 ? ` The price of ${spend.unknownPrices} is not known, so it is not in that sum.` : ''}</p>
      {budgets.map((budget) => <BudgetBar key={budget.period} budget={budget} />)}
      {caps.length === 0 ? <p class="faint">No money may leave: no cap is set. To allow some, set <code>caps</code> in <code>company.json</code>.</p> : caps.map(({ currency, perDayMinor, usedMinor }) => (
        <label key={currency}>Used within 24 hours: {money(usedMinor, currency)} of at most {money(perDayMinor, currency)}<meter min={0} max={Math.max(1, perDayMinor)} high={perDayMinor * 0.8} value={usedMinor} /></label>
      ))}
    </section>
  );
}

/** Looked at once: nothing of it changes within minutes. */
function Neglected() {
  const live = useLive(() => get<DebtView[]>('/api/debt'), [], () => false);
  return (
    <section class="card" aria-label="Debts and report">
      <h2><a href="/quality">Debts</a> <span class="big">{live.data?.length ?? ''}</span></h2>
      <Loaded live={live}>{(debts) => (debts.length === 0 ? <p class="faint">Nothing is neglected.</p> : <Debts debts={debts.slice(0, shownDebts)} />)}</Loaded>
      <p><a href="/quality">Report of the day</a></p>
    </section>
  );
}
const shownDebts = 3;

const words = { good: 'well', waiting: 'look at it', bad: 'trouble' } as const;

function Health({ lines }: { lines: readonly Line[] }) {
  const wrong = lines.filter(({ tone }) => tone !== 'good').length;
  return (
    <section class="health">
      <h2>Health {wrong === 0 ? <Badge tone="good">all is well</Badge> : <Badge tone={lines.some(({ tone }) => tone === 'bad') ? 'bad' : 'waiting'}>{wrong} to look at</Badge>}</h2>
      <ul class="plain">{lines.toSorted((a, b) => order.indexOf(a.tone) - order.indexOf(b.tone)).map((line) => (
        <li key={line.name}>
          <Badge tone={line.tone}>{words[line.tone]}</Badge>
          <strong>{line.to ? <a href={line.to}>{line.name}</a> : line.name}</strong>
          <span><Revealed text={line.says} />{line.todo ? <span class="faint"> <Revealed text={line.todo} /></span> : null}</span>
        </li>
      ))}</ul>
    </section>
  );
}

const order: Line['tone'][] = ['bad', 'waiting', 'good'];
