// The openai package, one scenario a run (argv[2]); prints what the scenario saw as one line of JSON.
import OpenAI from "openai";

const { BASE_URL, TOKEN, MODEL, QUESTION } = process.env;
const client = new OpenAI({ baseURL: `${BASE_URL}/v1`, apiKey: TOKEN, maxRetries: 0 });
const messages = [{ role: "user", content: QUESTION }];
const WEATHER = {
  type: "function",
  function: { name: "weather", description: "The weather of a place", parameters: { type: "object", properties: { place: { type: "string" } } } },
};

async function failure(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status ?? null, code: error.code ?? null, message: error.message };
  }
}

async function readAll(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

const scenarios = {
  async create() {
    const answer = await client.chat.completions.create({ model: MODEL, messages });
    return { text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason, usage: answer.usage };
  },

  async stream() {
    const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true, stream_options: { include_usage: true } });
    const seen = { text: "", finishes: [], usage: null, ids: [] };
    for await (const chunk of stream) {
      if (!seen.ids.includes(chunk.id)) seen.ids.push(chunk.id);
      if (chunk.usage) seen.usage = chunk.usage;
      for (const choice of chunk.choices) {
        seen.text += choice.delta.content ?? "";
        if (choice.finish_reason) seen.finishes.push(choice.finish_reason);
      }
    }
    return seen;
  },

  async helper() {
    const stream = client.chat.completions.stream({ model: MODEL, messages });
    let heard = "";
    stream.on("content", (delta) => (heard += delta));
    const whole = await stream.finalChatCompletion();
    return { text: whole.choices[0].message.content, heard, role: whole.choices[0].message.role, finish: whole.choices[0].finish_reason };
  },

  async tools() {
    const stream = client.chat.completions.stream({ model: MODEL, messages, tools: [WEATHER] });
    const { message, finish_reason: finish } = (await stream.finalChatCompletion()).choices[0];
    const results = message.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "sunny" }));
    const after = await client.chat.completions.create({ model: MODEL, messages: [...messages, message, ...results], tools: [WEATHER] });
    const calls = message.tool_calls.map((call) => ({ id: call.id, name: call.function.name, arguments: JSON.parse(call.function.arguments) }));
    return { finish, calls, text: after.choices[0].message.content };
  },

  async choices() {
    const whole = await client.chat.completions.stream({ model: MODEL, messages, n: 2 }).finalChatCompletion();
    return whole.choices.map((choice) => choice.message.content);
  },

  async errors() {
    const stranger = new OpenAI({ baseURL: `${BASE_URL}/v1`, apiKey: "sk-nobody", maxRetries: 0 });
    return {
      token: await failure(stranger.chat.completions.create({ model: MODEL, messages })),
      model: await failure(client.chat.completions.create({ model: "no-such-model", messages })),
      busy: await failure(client.chat.completions.create({ model: "rate-limited", messages, stream: true })),
      midway: await failure(client.chat.completions.create({ model: "error-event", messages, stream: true }).then(readAll)),
    };
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids, one: (await client.models.retrieve(MODEL)).id };
  },
};

console.log(JSON.stringify(await scenarios[process.argv[2]]()));
