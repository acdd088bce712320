import { type ReactElement, useState } from "react";
import { createId } from "../model/create-id.ts";

/** First steps, where a board has nothing on it. */
export function Welcome({ onFill }: { readonly onFill: () => void }): ReactElement {
  const [guest] = useState(() => `guest-${createId()}`);
  return (
    <section className="welcome" aria-label="First steps">
      <div>
        <h2>One board, every window</h2>
        <p>
          What you add, move and rename here, everybody sees at once; what you do offline arrives
          when you are back.
        </p>
      </div>
      <div className="buttons">
        <button type="button" className="primary" onClick={onFill}>
          Fill it with an example
        </button>
        <a className="button" href={`?as=${guest}`} target="_blank" rel="noreferrer">
          Open it as somebody else
        </a>
      </div>
    </section>
  );
}
