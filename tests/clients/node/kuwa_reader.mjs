// A reader of Kuwa's stream as people write it by hand: it takes whatever ends in a brace and a line feed for a record, drops the six
// characters before the JSON, decodes each network read on its own, and knows nothing of events or comments.
const { BASE_URL, TOKEN, MODEL, QUESTION } = process.env;
const END = "}\n";

const response = await fetch(`${BASE_URL}/v1.0/chat/completions`, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: `Bearer ${TOKEN}` },
  body: JSON.stringify({ model: MODEL, messages: [{ role: "user", content: QUESTION }] }),
});
const seen = { status: response.status, text: "", records: 0, failures: [] };
let pending = "";
for await (const bytes of response.body) {
  pending += new TextDecoder().decode(bytes);
  for (let end = pending.indexOf(END); end >= 0; end = pending.indexOf(END)) {
    const record = pending.slice(6, end + END.length);
    pending = pending.slice(end + END.length);
    try {
      seen.text += JSON.parse(record).choices[0].delta.content;
      seen.records += 1;
    } catch (error) {
      seen.failures.push(`${error.message}: ${record}`);
    }
  }
}
console.log(JSON.stringify({ ...seen, rest: pending.trim() }));
