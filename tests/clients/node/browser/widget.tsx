// The widget itself and its place on a page: window.mount({apiUrl, site, session, language}) renders it afresh.
import { type FormEvent, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { useConversation } from "./useConversation";

interface Place {
  apiUrl: string;
  site: string;
  session: string;
  language: string;
}

function Widget({ apiUrl, site, session, language }: Place) {
  const [question, setQuestion] = useState("");
  const { entries, loaded, busy, statuses, ask, clear } = useConversation(apiUrl, site, session, language);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setQuestion("");
    await ask(question);
  };

  return (
    <section data-loaded={loaded} data-busy={busy}>
      <ol className="statuses">
        {statuses.map((status, index) => (
          <li key={index}>{status}</li>
        ))}
      </ol>
      <ol className="entries">
        {entries.map((entry) => (
          <li key={entry.id} data-role={entry.role} className={entry.open ? "open" : "complete"}>
            <p>{entry.content}</p>
            {entry.citations?.map((source, index) => (
              <a key={index} href={source.url}>
                {source.title}
              </a>
            ))}
          </li>
        ))}
      </ol>
      <form onSubmit={submit}>
        <input value={question} onChange={(event) => setQuestion(event.target.value)} />
        <button type="submit" disabled={busy}>
          Ask
        </button>
        <button type="button" onClick={clear}>
          Clear
        </button>
      </form>
    </section>
  );
}

let root: Root | null = null;

declare global {
  interface Window {
    mount(place: Place): void;
  }
}

window.mount = (place) => {
  root?.unmount();
  root = createRoot(document.getElementById("place")!);
  root.render(<Widget {...place} />);
};
