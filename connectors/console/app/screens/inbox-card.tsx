// One card: what will happen in a sentence, then everything that a yes is bound to, then why. Ten seconds are enough when nothing is odd.
import { useEffect, useRef } from 'preact/hooks';
import type { Card } from '../../inbox-card.ts';
import { exactJson } from '../../hidden.ts';
import { get } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { Diff } from '../parts/diff.tsx';
import { Badge, Copyable, Loaded } from '../parts/frame.tsx';
import { ActorLink, LinkTo } from '../parts/link.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { InboxAnswer } from './inbox-answer.tsx';
import { Risk } from './inbox-risk.tsx';

export function InboxCard({ id, onDecided, onNext }: { id: string; onDecided(text: string, options?: { stays: boolean }): void; onNext(): void }) {
  const live = useLive(() => get<Card>(`/api/inbox/${encodeURIComponent(id)}`), [id], ({ actor, records }) => records.some((record) => (record.kind === 'intent' && record.id === id) || (record.kind === 'decision' && actor === 'operator/desk')));
  return (
    <article class="inbox-card" aria-label="The item that is shown">
      <Loaded live={live}>{(card) => (
        <>
          <Top card={card} onNext={onNext} />
          {card.state === 'input-required'
            ? <InboxAnswer card={card} content={<Content card={card} />} reasons={<Reasons card={card} />} onDecided={onDecided} onStale={live.reload} />
            : <><Content card={card} /><Reasons card={card} /></>}
        </>
      )}</Loaded>
    </article>
  );
}

function Top({ card: { summary, does, amount, risk, reversible, expiresAt, onTimeout, decided, state, snoozedUntil, kind, bound, money }, onNext }: { card: Card; onNext(): void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  // Whoever decides with the keyboard goes on reading here; whoever writes in a field is not disturbed.
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus();
  }, []);
  return (
    <>
      {state === 'input-required' ? null : (
        <p class="inbox-decided" role="status">
          <strong>Already decided{decided ? <> by <Revealed text={decided.by} /> at {new Date(decided.at).toLocaleString()}: {decided.how}</> : <>: {state}</>}.</strong>{decided?.reason ? <> “<Revealed text={decided.reason} />”</> : null} <button type="button" onClick={onNext}>Next item</button>
        </p>
      )}
      <h2 ref={heading} tabIndex={-1}><Revealed text={does ?? summary} /></h2>
      <p class="facts">
        {amount === null ? null : <span class="amount">{amount}{money ? <> to <Revealed text={money.payee} /></> : null}</span>}
        <Risk risk={risk} />
        <Badge>{kind}</Badge>
        {summary.startsWith('Reminder: ') ? <Badge tone="waiting">reminder</Badge> : null}
        {bound?.['mode'] === 'dry-run' ? <Badge tone="waiting">dry run: nothing leaves</Badge> : null}
        {typeof reversible === 'boolean' ? <Badge tone={reversible ? 'good' : 'waiting'}>{reversible ? 'can be undone' : 'cannot be undone'}</Badge> : null}
        {snoozedUntil === null ? null : <Badge>put off until <Time at={snoozedUntil} /></Badge>}
      </p>
      {state === 'input-required' ? <p>{expiresAt === null ? null : <>Lapses <strong><Time at={expiresAt} /></strong>. </>}{onTimeout}</p> : null}
    </>
  );
}

function Content({ card: { id, places, preview, previews, payload, payloadHash, bound, difference, why, can } }: { card: Card }) {
  return (
    <>
      {places.length === 0 ? null : (
        <>
          <h3>Where it goes</h3>
          <dl class="pairs">{places.map(({ kind, field, value, alsoWritten, vouchedBy, saidBy }) => (
            <>
              <dt>{kind} <span class="faint">(<Revealed text={field} />)</span></dt>
              <dd>
                <strong><Revealed text={value} /></strong>{alsoWritten === null ? null : <> <Badge tone="bad">also written <Revealed text={alsoWritten} /></Badge></>}
                {' '}{vouchedBy === null ? <Badge tone="waiting">nobody vouches for it</Badge> : <Badge tone="good">vouched for: <Revealed text={vouchedBy} /></Badge>}
                {saidBy === null ? null : <> It stands in the <LinkTo kind="artifact" id={saidBy}><Revealed text={why.find((one) => one.id === saidBy)?.title ?? saidBy} /></LinkTo>.</>}
              </dd>
            </>
          ))}</dl>
        </>
      )}
      {preview ? <><h3>All of it, as it leaves</h3><Revealed block text={preview} /></> : null}
      {previews.length === 0 ? null : (
        <>
          <h3>Documents that go with it</h3>
          {previews.map(({ name, mediaType, sizeBytes, hash, text }) => (
            <div key={hash}>
              <p><a href={`/api/inbox/${encodeURIComponent(id)}/enclosures/${hash}`} download={name}><Revealed text={name} /></a> <span class="faint">{mediaType}, {sizeBytes.toLocaleString()} bytes, sha256 <Revealed text={hash} /></span></p>
              {text === null ? null : <details><summary>Read it</summary><Revealed block text={text} /></details>}
            </div>
          ))}
        </>
      )}
      {preview ? null : <Fields payload={payload} except={can.suggestion === '' ? '' : 'suggestion'} />}
      {difference === null ? null : <><h3>What is different</h3><p class="faint">Compared with <LinkTo kind="artifact" id={difference.id}>{difference.said}</LinkTo>:</p><Diff before={difference.before} after={difference.after} label={`Difference to ${difference.said}`} /></>}
      <details><summary>Exactly what is approved</summary><Revealed block text={exactJson(bound ? { ...bound, payload } : payload)} />{payloadHash === '' ? null : <p>Its hash: <Copyable text={payloadHash} /></p>}</details>
    </>
  );
}

/** Of what is no effect: its fields, long ones as text; without the one that stands in the answer already. */
function Fields({ payload, except }: { payload: unknown; except: string }) {
  const fields = payload !== null && typeof payload === 'object' && !Array.isArray(payload) ? Object.entries(payload) : [];
  const known = fields.filter(([name, value]) => name !== except && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0));
  const long = known.filter(([, value]) => typeof value === 'string' && value.includes('\n'));
  const short = known.filter((field) => !long.includes(field));
  return (
    <>
      {known.length === 0 ? null : <h3>What it is about</h3>}
      {short.length === 0 ? null : <dl class="pairs">{short.map(([name, value]) => <><dt><Revealed text={name} /></dt><dd><Revealed text={typeof value === 'string' ? value : JSON.stringify(value)} /></dd></>)}</dl>}
      {long.map(([name, value]) => <div key={name}><h4><Revealed text={name} /></h4><Revealed block text={String(value)} /></div>)}
    </>
  );
}

function Reasons({ card: { id, actor, reasons, why, policy, confidence, costMicros, category, createdAt } }: { card: Card }) {
  return (
    <>
      {reasons.length === 0 ? null : <><h3>Why you are asked</h3><ul>{reasons.map((reason, i) => <li key={i}><Revealed text={reason} /></li>)}</ul></>}
      {why.length === 0 ? null : (
        <>
          <h3>What it rests on</h3>
          {why.map(({ kind, id: about, title, text }, i) => (
            <details key={`${kind} ${about}`} open={i === 0 && text !== null}>
              <summary><Revealed text={title} /></summary>
              {text === null ? <p class="faint">It has no words to show, or they are gone.</p> : <Revealed block text={text} />}
              <p><LinkTo kind={kind} id={about}>Open this {kind}</LinkTo></p>
            </details>
          ))}
        </>
      )}
      <h3>Behind it</h3>
      <dl class="pairs">
        <dt>asked</dt><dd><Time at={createdAt} /> by <ActorLink address={actor} /></dd>
        {policy === null ? null : <><dt>policy</dt><dd>rule <a href="/policies"><Revealed text={policy.rule} /></a> of <Revealed text={policy.id} />, version <Revealed text={policy.version} /></dd></>}
        {confidence === null ? null : <><dt>confidence</dt><dd>{confidence.toFixed(2)}</dd></>}
        {category === null ? null : <><dt>category</dt><dd><Revealed text={category} /></dd></>}
        <dt>cost so far</dt><dd>{costMicros === 0 ? 'nothing' : `${(costMicros / 1_000_000).toFixed(4)} (units of your model's prices)`}</dd>
        <dt>how it came to this</dt><dd><a href={at.why('intent', id)}>Every step back to the raw input</a></dd>
      </dl>
    </>
  );
}
