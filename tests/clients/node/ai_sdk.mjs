// The AI SDK with its openai-compatible provider, one scenario a run (argv[2]); prints what the scenario saw as one line of JSON.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { BASE_URL, TOKEN, MODEL, QUESTION } = process.env;
const server = createOpenAICompatible({ name: "antiphon", baseURL: `${BASE_URL}/v1`, apiKey: TOKEN, includeUsage: true });
const asked = [];
const weather = tool({
  description: "The weather of a place",
  inputSchema: z.object({ place: z.string() }),
  execute: async ({ place }) => {
    asked.push(place);
    return "sunny";
  },
});

const scenarios = {
  async generate() {
    const { text, finishReason, usage } = await generateText({ model: server(MODEL), prompt: QUESTION, maxRetries: 0 });
    return { text, finish: finishReason, usage: [usage.inputTokens, usage.outputTokens] };
  },

  async stream() {
    const result = streamText({ model: server(MODEL), prompt: QUESTION, maxRetries: 0 });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    const usage = await result.usage;
    return { text, finish: await result.finishReason, usage: [usage.inputTokens, usage.outputTokens] };
  },

  async tools() {
    const result = streamText({ model: server(MODEL), prompt: QUESTION, tools: { weather }, stopWhen: isStepCount(3), maxRetries: 0 });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    return { text, asked, steps: (await result.steps).length };
  },

  async midway() {
    const failures = [];
    const onError = ({ error }) => failures.push(error?.message ?? String(error));
    const result = streamText({ model: server("error-event"), prompt: QUESTION, maxRetries: 0, onError });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    return { text, failures };
  },

  async refused() {
    try {
      await generateText({ model: server("no-such-model"), prompt: QUESTION, maxRetries: 0 });
      return null;
    } catch (error) {
      return { status: error.statusCode, message: error.message };
    }
  },
};

console.log(JSON.stringify(await scenarios[process.argv[2]]()));
