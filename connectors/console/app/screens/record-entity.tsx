// What is known of a person, an organisation, a project: as it is, and as it was on both axes of time, with the source of each statement.
import { useState } from 'preact/hooks';
import type { AnnouncedCommit } from '#machines/changes.ts';
import type { Json } from '#machines/predicates.ts';
import { LabelBadge, Moment, quote, Value } from '../parts/facts.tsx';
import { Badge, Empty, Failed, Loaded, Screen } from '../parts/frame.tsx';
import { LinkTo, SourceLink } from '../parts/link.tsx';
import { percent } from '../parts/percent.ts';
import { Json as JsonText, Revealed } from '../parts/text.tsx';
import { writePlace } from '../parts/place.ts';
import { query, queryPath } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { AsOf, readTimes, type Times } from './record-as-of.tsx';
import { Around } from './record-around.tsx';
import { FactForm, type Corrected, type Stated } from './record-fact-form.tsx';
import { Remarks } from './record-remarks.tsx';

export interface StoredFact { id: string; predicate: string; value: Json; label: string; confidence: number; source: string | null; supersedes: string | null; valid_from_ms: number; valid_to_ms: number | null; recorded_ms: number; actor: string }
interface Viewed { value: Json; label: string; confidence: number; source: string | null; since: string; factId: string; recordedAt: string; contradicted?: string[] }
interface View { id: string; kind: string; properties: Record<string, Viewed>; events: Record<string, { count: number; newest: Viewed[] }> }

const factsMax = 2_000;
/** The last moment a date can name: all that is recorded. */
const forever = 8_640_000_000_000_000;

export function EntityRecord({ id }: { id: string }) {
  const isOf = ({ records, more }: AnnouncedCommit) => more !== undefined || records.some((record) => record.kind === 'fact' && record.entity === id);
  const facts = useLive(() => query<StoredFact[]>('facts', { entity: id, newest: true, limit: factsMax }), [id], isOf);
  const [form, setForm] = useState<{ corrects?: Corrected; predicate?: string } | null>(null);
  const [question, setQuestion] = useState<string | null>(null);
  const times = readTimes();
  const options = [...(times.atMs === null ? [] : ['--as-of', writePlace(times.atMs)]), ...(times.knownMs === null ? [] : ['--known-at', writePlace(times.knownMs)])];
  const onDone = ({ contradiction }: Stated) => {
    setQuestion(contradiction);
    facts.reload();
  };
  return (
    <Screen title={nameOf(facts.data) ?? id} cli={['keelson get entity', quote(id), ...options].join(' ')} raw={queryPath('entityView', viewArgs(id, times, facts.data))} actions={<><a href={at.why('entity', id)}>Why do we know this?</a><button type="button" onClick={() => setForm({})}>Add a fact</button></>}>
      <p class="faint"><Revealed text={id} /></p>
      {question === null ? null : <p role="status" class="failure">Something else was known. <a href={at.item(question)}>Decide which is right</a>.</p>}
      <Loaded live={facts}>
        {(all) => all.length === 0 ? <Empty>Nothing is known of this. It was erased, or nothing was ever said. Add a fact in your own word.</Empty> : (
          <>
            <AsOf times={times} valid={all.flatMap((fact) => (fact.valid_to_ms === null ? [fact.valid_from_ms] : [fact.valid_from_ms, fact.valid_to_ms]))} known={all.map((fact) => fact.recorded_ms)} />
            {all.length === factsMax ? <p class="faint">The history shows the newest {factsMax} statements.</p> : null}
            <Known id={id} times={times} facts={all} onCorrect={(corrects) => setForm({ corrects })} />
          </>
        )}
      </Loaded>
      <Around id={id} />
      <Remarks kind="entity" id={id} />
      {form ? <FactForm entity={id} {...form} onClose={() => setForm(null)} onDone={onDone} /> : null}
    </Screen>
  );
}

const nameOf = (facts: StoredFact[] | undefined) => {
  const name = facts?.find(({ predicate, label, value }) => predicate.endsWith('.name') && label !== '' && typeof value === 'string' && value !== '')?.value;
  return typeof name === 'string' ? name : undefined;
};
/** Now is never before what was recorded last, whatever the clock of this browser says. */
const viewArgs = (id: string, { atMs, knownMs }: Times, facts: StoredFact[] = []) => ({ id, validAtMs: atMs ?? Math.max(Date.now(), facts[0]?.recorded_ms ?? 0), knownAtMs: knownMs ?? forever });

function Known({ id, times, facts, onCorrect }: { id: string; times: Times; facts: StoredFact[]; onCorrect(fact: Corrected): void }) {
  const isPast = times.atMs !== null || times.knownMs !== null;
  const live = useLive(async () => {
    const view = await query<View | null>('entityView', viewArgs(id, times, facts));
    return { view, today: isPast ? await query<View | null>('entityView', viewArgs(id, { atMs: null, knownMs: null }, facts)) : view };
  }, [id, times.atMs, times.knownMs, facts[0]?.id]);
  if (live.failure) return <Failed failure={live.failure} />;
  const { view, today } = live.data ?? {};
  if (!view) return <p class="faint">Loading …</p>;
  const properties = Object.entries(view.properties);
  const events = Object.entries(view.events);
  const later = today ? Object.keys(today.properties).filter((name) => !(name in view.properties)) : [];
  return (
    <section aria-label="What is known">
      <h2>{isPast ? 'What was known' : 'What is known'}</h2>
      {properties.length + events.length === 0 ? <p class="empty">Nothing was known yet at that moment.</p> : null}
      {properties.map(([predicate, fact]) => (
        <div key={predicate} class="fact-row">
          <span>{predicate}</span>
          <div>
            <Said fact={fact} />
            {isPast ? <Today now={today?.properties[predicate]} then={fact} /> : null}
            {fact.contradicted ? <p><Badge tone="waiting">contradicted</Badge> by {fact.contradicted.map((other) => <><LinkTo kind="fact" id={other} /> </>)}</p> : null}
            <History facts={facts.filter((one) => one.predicate === predicate)} />
          </div>
          <Acts id={fact.factId} onCorrect={() => onCorrect({ id: fact.factId, predicate, value: fact.value })} isPast={isPast} />
        </div>
      ))}
      {later.length > 0 ? <p class="faint">Known today, not then: {later.join(', ')}.</p> : null}
      {events.map(([predicate, { count, newest }]) => (
        <div key={predicate} class="fact-row">
          <span>{predicate}<br />{count} {count === 1 ? 'time' : 'times'}</span>
          <ol class="timeline" reversed start={count}>{newest.map((fact) => <li key={fact.factId}><Said fact={fact} /></li>)}</ol>
          <span>{count > newest.length ? <a href={`/store/facts?${new URLSearchParams({ predicate }).toString()}`}>all facts of this kind</a> : null}</span>
        </div>
      ))}
    </section>
  );
}

function Said({ fact: { value, label, confidence, since, source, factId } }: { fact: Viewed }) {
  return (
    <>
      <div class="said"><Value value={value} /></div>
      <div class="faint"><LabelBadge label={label} /> {percent(confidence)} · since <Moment ms={Date.parse(since)} /> · <LinkTo kind="fact" id={factId} />{source === null ? null : <> · read in <SourceLink source={source} /></>} · <a href={at.why('fact', factId)}>why</a></div>
    </>
  );
}

function Today({ now, then }: { now: Viewed | undefined; then: Viewed }) {
  if (!now) return <p class="changed">≠ today nothing is said of this</p>;
  return JSON.stringify(now.value) === JSON.stringify(then.value) ? <p class="faint">= the same today</p> : <p class="changed">≠ today: <Value value={now.value} /></p>;
}

function Acts({ onCorrect, isPast, id }: { onCorrect(): void; isPast: boolean; id: string }) {
  return <span>{isPast ? null : <button type="button" class="quiet" aria-label={`Correct ${id}`} onClick={onCorrect}>correct</button>}</span>;
}

/** All that was ever said of one predicate, newest first. */
function History({ facts }: { facts: StoredFact[] }) {
  if (facts.length < 2) return null;
  const corrected = new Map(facts.map(({ id, supersedes }) => [supersedes, id]));
  return (
    <details><summary>{facts.length} statements over time</summary>
      <ol class="timeline" reversed>
        {facts.map(({ id, value, label, recorded_ms: recordedMs, valid_from_ms: from, valid_to_ms: to }) => (
          <li key={id} class={corrected.has(id) ? 'superseded' : ''}>
            <span class="said">{typeof value === 'object' ? <details><summary><Value value={value} /></summary><JsonText value={value} /></details> : <Value value={value} />}</span>{' '}
            <span class="faint"><LabelBadge label={label} /> <LinkTo kind="fact" id={id} /> · recorded <Moment ms={recordedMs} /> · true from <Moment ms={from} />{to === null ? null : <> until <Moment ms={to} /></>}{corrected.has(id) ? <> · corrected by <LinkTo kind="fact" id={corrected.get(id)!} /></> : null}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

