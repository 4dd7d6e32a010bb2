// The console: who is signed in sees the frame with the menu and one screen in it.
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { openSession, session } from './state/api.ts';
import { startKeys } from './state/keys.ts';
import { match, path, startRouter } from './state/router.ts';
import { openStream } from './state/stream.ts';
import { Empty, Screen } from './parts/frame.tsx';
import { Head } from './parts/head.tsx';
import { screens } from './screens.tsx';
import { SignIn } from './screens/sign-in.tsx';
import './style.css';

function Current() {
  const found = screens.map((entry) => ({ entry, params: match(entry.path, path.value) })).find(({ params }) => params !== null);
  if (!found) return <Screen title="Nothing is here"><Empty>This address shows nothing. Go to <a href="/">Today</a>.</Empty></Screen>;
  return <found.entry.Component params={found.params!} />;
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
