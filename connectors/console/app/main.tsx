// The console: who is signed in sees the frame with the menu and one screen in it.
import { render, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { openSession, session } from './state/api.ts';
import { startKeys } from './state/keys.ts';
import { match, path, startRouter } from './state/router.ts';
import { openStream } from './state/stream.ts';
import { Empty, Failed, Screen } from './parts/frame.tsx';
import { Head } from './parts/head.tsx';
import { screens } from './screens.tsx';
import { SignIn } from './screens/sign-in.tsx';
import './style.css';

type Shown = { Component: ComponentType<{ params: Record<string, string> }>; params: Record<string, string> };

function Current() {
  const [shown, setShown] = useState<Shown | null>(null);
  const [isBroken, setBroken] = useState(false);
  const here = path.value;
  const found = screens.map((entry) => ({ entry, params: match(entry.path, here) })).find(({ params }) => params !== null);
  useEffect(() => {
    let isOver = false;
    void found?.entry.load().then((Component) => !isOver && setShown({ Component, params: found.params! }), () => setBroken(true));
    return () => (isOver = true);
  }, [here]);
  if (isBroken) return <Failed failure={{ message: 'The console was built anew since this page was opened', hint: 'Load the page again.' }} />;
  if (!found) return <Screen title="Nothing is here"><Empty>This address shows nothing. Go to <a href="/">Today</a>.</Empty></Screen>;
  return shown ? <shown.Component params={shown.params} /> : <p class="faint">Loading …</p>;
}

function App() {
  const known = session.value;
  useEffect(() => {
    if (known) openStreamOnce();
  }, [known]);
  if (known === undefined) return <p class="faint">Looking for the server …</p>;
  if (known === null) return <main><SignIn /></main>;
  return (
    <>
      <a class="skip" href="#screen">Skip to the screen</a>
      <Head />
      <main id="screen"><Current /></main>
    </>
  );
}

let isOpen = false;
function openStreamOnce(): void {
  if (!isOpen) openStream();
  isOpen = true;
}

startRouter();
startKeys();
void openSession();
render(<App />, document.getElementById('app')!);
