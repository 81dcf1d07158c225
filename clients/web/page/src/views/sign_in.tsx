import { useState } from "preact/hooks";
import { mistakeOf } from "../app/use_answer";
import { change } from "../ask/client";

/** Asks for the token that `argosy web` printed or was given. */
export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [token, setToken] = useState("");
  const [wrong, setWrong] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await change("POST", "/api/session", { token: token.trim() });
      onSignedIn();
    } catch (problem) {
      setWrong(mistakeOf(problem).message);
    }
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1>Argosy</h1>
        <label>
          Token
          <input
            type="password"
            autocomplete="current-password"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {wrong && (
          <p class="mistake" role="alert">
            {wrong}
          </p>
        )}
        <button type="submit" class="primary">
          Sign in
        </button>
        <p class="small">The token is what `argosy web` was started with.</p>
      </form>
    </main>
  );
}
