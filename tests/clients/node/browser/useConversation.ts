// A hook over the Q&A widget's routes, as people write it by hand: history on mount; a network read is decoded and cut into lines on its
// own, with no buffer between reads, so that a record split between two reads would be lost; the answer ends with its citations.
import { useCallback, useEffect, useRef, useState } from "react";

export interface Source {
  title: string;
  url: string;
}

export interface Entry {
  id: string;
  role?: string;
  content: string;
  citations?: Source[];
  open?: boolean;
}

type Told =
  | { type: "status"; message: string }
  | { type: "content"; data: string }
  | { type: "citations"; data: Source[] }
  | { type: "error"; message: string }
  | { type: "done" };

export function useConversation(apiUrl: string, site: string, session: string, language: string) {
  const [entries, setEntries] = useState<Entry[]>([]);
  const [loaded, setLoaded] = useState(false);
  const [busy, setBusy] = useState(false);
  const [statuses, setStatuses] = useState<string[]>([]);
  const counter = useRef(0);
  const historyUrl = `${apiUrl}/api/chat-history/${session}?tokenSlug=${site}`;

  useEffect(() => {
    fetch(historyUrl)
      .then((response) => (response.ok ? response.json() : { messages: [] }))
      .then((history) => setEntries(history.messages))
      .catch(() => setEntries([]))
      .finally(() => setLoaded(true));
  }, [historyUrl]);

  const change = useCallback((edit: (entry: Entry) => Entry) => {
    setEntries((known) => known.map((entry) => (entry.open ? edit(entry) : entry)));
  }, []);

  const take = useCallback(
    (told: Told) => {
      if (told.type === "status") setStatuses((known) => [...known, told.message]);
      if (told.type === "content") change((entry) => ({ ...entry, content: entry.content + told.data }));
      if (told.type === "citations") change((entry) => ({ ...entry, citations: told.data, open: false }));
      if (told.type === "error") change((entry) => ({ ...entry, content: `Error: ${told.message}`, open: false }));
      if (told.type === "done" || told.type === "error") setBusy(false);
    },
    [change],
  );

  const ask = useCallback(
    async (question: string) => {
      setBusy(true);
      const turn = (counter.current += 1);
      setEntries((known) => [...known, { id: `asked-${turn}`, content: question }, { id: `answer-${turn}`, content: "", open: true }]);
      try {
        const response = await fetch(`${apiUrl}/api/chat/stream`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ tokenSlug: site, question, language, sessionId: session }),
        });
        if (!response.ok) throw new Error(`status ${response.status}`);
        const reader = response.body!.getReader();
        for (let step = await reader.read(); !step.done; step = await reader.read()) {
          for (const line of new TextDecoder().decode(step.value).split("\n")) {
            if (line.startsWith("data: ")) take(JSON.parse(line.slice(6)));
          }
        }
      } catch (error) {
        take({ type: "error", message: (error as Error).message });
      }
    },
    [apiUrl, site, session, language, take],
  );

  const clear = useCallback(async () => {
    await fetch(historyUrl, { method: "DELETE" });
    setEntries([]);
  }, [historyUrl]);

  return { entries, loaded, busy, statuses, ask, clear };
}
