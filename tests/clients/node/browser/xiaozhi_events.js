// XiaoZhi's stream through fetch-event-source: window.ask(token, question) -> every event's name and data, in order.
import { fetchEventSource } from "@microsoft/fetch-event-source";

window.ask = async (token, question) => {
  const seen = { status: 0, events: [], closed: false, error: null };
  try {
    await fetchEventSource("/chatCompletionStream", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify([{ role: "user", Content: question }]),
      async onopen(response) {
        seen.status = response.status;
        if (!response.ok) throw new Error(await response.text());
      },
      onmessage: ({ event, data }) => seen.events.push({ event, data }),
      onclose: () => (seen.closed = true),
      onerror(error) {
        throw error; // anything else would try again for ever
      },
    });
  } catch (error) {
    seen.error = error.message;
  }
  return seen;
};
