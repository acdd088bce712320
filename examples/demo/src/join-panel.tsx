import { type ReactElement, useState } from "react";
import { Panel } from "./panel.tsx";

export function JoinPanel({ project }: { readonly project: string }): ReactElement {
  const flags = "--conditions=source --import tsx";
  const forProject = project === "demo" ? "" : ` --project ${shellWord(project)}`;
  const command = `node ${flags} examples/demo/backend.ts ${location.origin}${forProject}`;
  return (
    <Panel
      title="Live cursors"
      code={`new PubSub({ project_id, name: "cursors" })`}
      note="kept nowhere"
    >
      <p className="muted">
        Every pointer is a message: whoever is here sees it, nobody stores it.
      </p>
      <p>
        <a className="button" href={location.href} target="_blank" rel="noopener">
          Open a second window
        </a>
      </p>
      <p className="muted">Or join from a terminal, in the folder of the source:</p>
      <Command text={command} />
    </Panel>
  );
}

function Command({ text }: { readonly text: string }): ReactElement {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    // Missing where the page was not loaded securely; the text can still be selected.
    void navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    });
  };
  return (
    <div className="command">
      <code>{text}</code>
      <button type="button" className="quiet" onClick={copy}>
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}

function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
