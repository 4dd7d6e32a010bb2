// A draft of the policies: its files, what is wrong in them, what they would have answered in the past, and the publication with all that
// would change.
import { useState } from 'preact/hooks';
import type { Published } from '../../desk-policy.ts';
import type { Tested } from '../../policy-view.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Diff } from '../parts/diff.tsx';
import { Badge, Failed } from '../parts/frame.tsx';
import { Revealed } from '../parts/text.tsx';
import { newCommandId, post, type Failure } from '../state/api.ts';
import { at } from '../state/router.ts';
import './record.css';

/** Texts by the file's name without `.cedar`. */
export type Files = Record<string, string>;

const fileName = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const newRule = '@id("name-of-the-rule")\n@why("Why it is there.")\npermit (principal, action in Action::"writes", resource)\nwhen { context.approvals >= 1 };\n';

export function Draft({ inForce, start, onPublished, onClose }: { inForce: Files; start: Files; onPublished(): void; onClose(): void }) {
  const [files, setFiles] = useState(start);
  const [name, setName] = useState('');
  const [tested, setTested] = useState<{ answer?: Tested; failure?: Failure } | 'running' | null>(null);
  const [isPublishing, setPublishing] = useState(false);
  const change = (next: Files) => {
    setFiles(next);
    setTested(null);
  };
  const test = () => {
    setTested('running');
    post<Tested>('/api/policies/test', { files }).then((answer) => setTested({ answer }), (reason: Failure) => setTested({ failure: reason }));
  };
  const isNameFree = fileName.test(name) && !(name in files);
  const [answer, failure] = tested === null || tested === 'running' ? [] : [tested.answer, tested.failure];
  return (
    <section class="card panel draft" aria-label="Draft">
      <div class="head-line"><h2>Draft</h2><span class="faint">Nothing changes until it is published.</span></div>
      {Object.entries(files).map(([id, text]) => (
        <div key={id}>
          <label>{id}.cedar<textarea spellcheck={false} value={text} onInput={(event) => change({ ...files, [id]: event.currentTarget.value })} /></label>
          <button type="button" class="quiet" onClick={() => change(Object.fromEntries(Object.entries(files).filter(([other]) => other !== id)))}>Take {id}.cedar out of the draft</button>
        </div>
      ))}
      <form class="toolbar" onSubmit={(event) => {
        event.preventDefault();
        change({ ...files, [name]: newRule });
        setName('');
      }}>
        <label>New file<input value={name} placeholder="name" aria-invalid={name !== '' && !isNameFree} aria-describedby="file-name" onInput={(event) => setName(event.currentTarget.value)} /></label>
        <button type="submit" disabled={!isNameFree}>Add</button>
        <span id="file-name" class="faint">Small letters, digits, dots and dashes; <code>.cedar</code> is added.</span>
      </form>
      <p class="toolbar">
        <button type="button" disabled={tested === 'running'} onClick={test}>Test against the past</button>
        <button type="button" class="primary" disabled={!answer} onClick={() => setPublishing(true)}>Publish …</button>
        <button type="button" onClick={onClose}>Drop the draft</button>
        {answer ? null : <span class="faint">Test it first; then it can be published.</span>}
      </p>
      <div role="status">{tested === 'running' ? <p><progress aria-label="Testing" /> Asking it about every past operation …</p> : answer ? <Answer tested={answer} /> : null}</div>
      {failure ? <Failed failure={failure} /> : null}
      {isPublishing && answer ? <Publish files={files} inForce={inForce} tested={answer} onClose={() => setPublishing(false)} onDone={() => {
        onPublished();
        onClose();
      }} /> : null}
    </section>
  );
}

function Answer({ tested: { operations, withoutRequest, changed, version, warnings } }: { tested: Tested }) {
  return (
    <>
      <p>It can be read. Of {operations.toLocaleString()} past operations {changed.length === 0 ? 'none' : changed.length.toLocaleString()} would be answered otherwise by version <code>{version}</code>{withoutRequest > 0 ? `; of ${withoutRequest} it is not known what was asked` : ''}.</p>
      {changed.length > 0 ? (
        <div class="scroll roomy" tabIndex={0} role="region" aria-label="What would change">
          <table>
            <thead><tr><th scope="col">Operation</th><th scope="col">Action</th><th scope="col">Now</th><th scope="col">Then</th><th scope="col">Rule</th></tr></thead>
            <tbody>{changed.slice(0, shownMax).map(({ id, action, before, after, rule }) => <tr key={id}><td><a href={at.why('operation', id)}><Revealed text={id} /></a></td><td><Revealed text={action} /></td><td><Said answer={before} /></td><td><Said answer={after} /></td><td><Revealed text={rule} /></td></tr>)}</tbody>
          </table>
        </div>
      ) : null}
      {changed.length > shownMax ? <p class="faint">The first {shownMax} are shown; all of them: <code>keelson policy test DIR --json</code>.</p> : null}
      {warnings.length > 0 ? <ul>{warnings.map((warning) => <li key={warning}><Revealed text={warning} /></li>)}</ul> : null}
    </>
  );
}

const shownMax = 200;
const Said = ({ answer }: { answer: string }) => <Badge tone={answer === 'allow' ? 'good' : answer === 'deny' ? 'bad' : 'waiting'}>{answer}</Badge>;

function Publish({ files, inForce, tested: { changed, version }, onClose, onDone }: { files: Files; inForce: Files; tested: Tested; onClose(): void; onDone(): void }) {
  const [commandId] = useState(newCommandId);
  const [isSure, setSure] = useState(false);
  const names = [...new Set([...Object.keys(inForce), ...Object.keys(files)])].filter((id) => inForce[id] !== files[id]).toSorted();
  const publish = async () => {
    await post<Published>('/api/policies/publish', { files, commandId });
    onDone();
  };
  return (
    <Dialog title="Publish the draft?" act="Publish" isDangerous isReady={isSure} onDone={publish} onClose={onClose}>
      <p>Version {version} is in force from the next question on. {changed.length > 0 ? `${changed.length} past operations would be answered otherwise.` : 'No past operation would be answered otherwise.'} A yes that was given under other policies counts no more.</p>
      {names.length === 0 ? <p>The draft is what is in force already.</p> : names.map((id) => (
        <div key={id}><h3>{id}.cedar{files[id] === undefined ? ' goes out of force' : inForce[id] === undefined ? ' is new' : ''}</h3><Diff before={inForce[id] ?? ''} after={files[id] ?? ''} label={`Changes in ${id}.cedar`} /></div>
      ))}
      <label><input type="checkbox" checked={isSure} onChange={(event) => setSure(event.currentTarget.checked)} /> I have read what changes</label>
      <p class="faint">The files in <code>policies/</code> stay as they are: change them too, or the next <code>keelson policy publish</code> takes this back.</p>
    </Dialog>
  );
}
