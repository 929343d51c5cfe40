// The Vercel AI SDK against the service at EMULATOR_URL, with the provider and mode the first argument names.
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createVertex } from "@ai-sdk/google-vertex";
import { embedMany, generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";
import { NEW, TEXTS, WEATHER, credentials, nearest, refusal, report } from "./common.mjs";

const url = process.env.EMULATOR_URL;
const where = { project: "p", location: "us-central1" };
const MODES = {
  google: () => createGoogleGenerativeAI({ apiKey: "test", baseURL: `${url}/v1beta` }),
  vertex: () =>
    createVertex({
      ...where,
      baseURL: `${url}/v1beta1/projects/${where.project}/locations/${where.location}/publishers/google`,
      googleAuthOptions: credentials,
    }),
  express: () => createVertex({ apiKey: "test", baseURL: `${url}/v1/publishers/google` }),
};
const provider = MODES[process.argv[2]]();

const code = { code_execution: provider.tools.codeExecution({}) };
const weather = {
  [WEATHER.name]: tool({
    description: WEATHER.description,
    inputSchema: z.object({ city: z.string() }),
    execute: async () => ({ weather: "drizzle" }),
  }),
};

const ask = (settings, model = NEW) => generateText({ model: provider(model), maxRetries: 0, ...settings });

function seen(content) {
  const call = content.find((part) => part.type === "tool-call" && part.toolName === "code_execution");
  const result = content.find((part) => part.type === "tool-result" && part.toolName === "code_execution");
  return {
    text: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    code: call?.input.code,
    outcome: result?.output.outcome,
    output: result?.output.output,
  };
}

async function codeExecution() {
  const answer = await ask({ tools: code, prompt: "Sum to ten" });
  return { ...seen(answer.content), finish: answer.rawFinishReason, counted: answer.usage.totalTokens > 0 };
}

async function codeAndFunction() {
  const answer = await ask({
    tools: { ...code, ...weather },
    prompt: "Sum to ten, and the weather?",
    stopWhen: isStepCount(3),
  });
  const [first] = answer.steps;
  const call = first.toolCalls.find((one) => one.toolName === WEATHER.name);
  return { output: seen(first.content).output, call: { name: call.toolName, args: call.input }, then: answer.text };
}

async function streaming() {
  const stream = streamText({ model: provider(NEW), maxRetries: 0, tools: code, prompt: "Sum to ten" });
  let pieces = 0;
  for await (const _ of stream.textStream) pieces += 1;
  return { ...seen(await stream.content), several: pieces > 1, finish: await stream.rawFinishReason };
}

async function conversation() {
  const question = { role: "user", content: "Sum to ten" };
  const first = await ask({ tools: code, messages: [question] });
  const messages = [question, ...first.response.messages, { role: "user", content: "Thanks" }];
  return { text: (await ask({ tools: code, messages })).text };
}

async function embeddings() {
  const model = provider.embeddingModel("gemini-embedding-001");
  return nearest((await embedMany({ model, values: TEXTS })).embeddings);
}

const failed = (error) => ({ status: error.statusCode, ...JSON.parse(error.responseBody).error });
const errors = async () => ({
  request: await refusal(() => ask({ tools: { "1": weather[WEATHER.name] }, prompt: "Sum to ten" }), failed),
  model: await refusal(() => ask({ prompt: "Sum to ten" }, "gemmini-0-flash"), failed),
  quota: await refusal(() => ask({ prompt: "Use up the quota" }), failed),
});

await report({ codeExecution, codeAndFunction, streaming, conversation, embeddings, errors });
