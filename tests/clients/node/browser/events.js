// GET /events by the browser's own means.

// window.listen(url, patient): an EventSource until it has been told that all is done; a patient one goes on until it has failed for good.
// Resolves to how often it connected and what it got.
window.listen = (url, patient) =>
  new Promise((resolve) => {
    const seen = { opened: 0, records: [], failures: 0, named: 0 };
    const source = new EventSource(url);
    const finish = () => {
      source.close();
      resolve(seen);
    };
    source.onopen = () => (seen.opened += 1);
    source.addEventListener("data", () => (seen.named += 1));
    source.onmessage = (message) => {
      const { event, data } = JSON.parse(message.data);
      seen.records.push({ event, data, id: message.lastEventId });
      if (event === "done" && !patient) finish();
    };
    source.onerror = () => {
      seen.failures += 1;
      if (source.readyState === EventSource.CLOSED) finish();
    };
  });

// window.read(url, options): fetch and a reader, decoding each network read on its own; the chunks as they came.
window.read = async (url, options) => {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`status ${response.status}`);
  const reader = response.body.getReader();
  const chunks = [];
  for (let step = await reader.read(); !step.done; step = await reader.read()) chunks.push(new TextDecoder().decode(step.value));
  return { type: response.headers.get("content-type"), chunks };
};

// window.readCompletion(url, options): the same, taking OpenAI's chunks apart: text where there is no finish reason yet.
window.readCompletion = async (url, options) => {
  const { chunks } = await window.read(url, options);
  const seen = { text: "", finish: null, done: false };
  for (const record of chunks.join("").split("\n\n")) {
    const data = record.replace(/^data: /, "");
    if (data === "[DONE]") seen.done = true;
    if (!data || data === "[DONE]") continue;
    const choice = JSON.parse(data).choices[0];
    if (choice.finish_reason) seen.finish = choice.finish_reason;
    else seen.text += choice.delta.content ?? "";
  }
  return seen;
};
