// Who has the token of the company folder may come in.
import { useState } from 'preact/hooks';
import { signIn, type Failure } from '../state/api.ts';
import { Failed } from '../parts/frame.tsx';

export function SignIn() {
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    signIn(token).catch(setFailure);
  };
  return (
    <form class="sign-in" onSubmit={submit}>
      <h1>Keelson</h1>
      <p>The server printed a link that signs you in. Get another with <code>keelson console</code>, or give the token that stands in the file <code>token</code> of the company folder.</p>
      <label>Token<input type="password" autocomplete="current-password" value={token} onInput={(event) => setToken(event.currentTarget.value)} required /></label>
      {failure ? <Failed failure={failure} /> : null}
      <button type="submit" class="primary">Sign in</button>
    </form>
  );
}
