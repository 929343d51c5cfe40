// LangChain's two Google packages against the service at EMULATOR_URL, the one that the first argument names.
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatGoogle } from "@langchain/google/node";
import { ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings } from "@langchain/google-genai";
import { NEW, TEXTS, WEATHER, nearest, refusal, report } from "./common.mjs";

const url = process.env.EMULATOR_URL;
const both = { apiKey: "test", maxRetries: 0 };
const code = { codeExecution: {} };
const weather = { type: "function", function: { ...WEATHER, parameters: WEATHER.schema } };
const MODES = {
  google: {
    chat: (model) => new ChatGoogle({ ...both, model, endpoint: url }),
    together: [code, weather],
    failed: (error) => error.data.error,
  },
  "google-genai": {
    chat: (model) => new ChatGoogleGenerativeAI({ ...both, model, baseUrl: url }),
    together: [weather],
    failed: ({ status, message }) => ({ code: status, message }),
  },
};
const { chat, together, failed } = MODES[process.argv[2]];
const ask = (messages, tools, model = NEW) => (tools.length ? chat(model).bindTools(tools) : chat(model)).invoke(messages);

function seen(content) {
  const of = (type) => content.find((block) => block.type === type)?.[type];
  return {
    text: content.map((block) => block.text ?? "").join(""),
    code: of("executableCode")?.code,
    outcome: of("codeExecutionResult")?.outcome,
    output: of("codeExecutionResult")?.output,
  };
}

async function codeExecution() {
  const answer = await ask("Sum to ten", [code]);
  const { finishReason: finish, tokenUsage } = answer.response_metadata;
  return { ...seen(answer.content), finish, counted: tokenUsage.totalTokens > 0 };
}

async function codeAndFunction() {
  const question = new HumanMessage("Sum to ten, and the weather?");
  const first = await ask([question], together);
  const [call] = first.tool_calls;
  const reply = new ToolMessage({ content: "drizzle", tool_call_id: call.id, name: call.name });
  const second = await ask([question, first, reply], together);
  const { name, args } = call;
  return { output: seen(first.content).output, call: { name, args }, then: second.text };
}

async function streaming() {
  const chunks = [];
  for await (const chunk of await chat(NEW).bindTools([code]).stream("Sum to ten")) chunks.push(chunk);
  const whole = chunks.reduce((sum, chunk) => sum.concat(chunk));
  return { ...seen(whole.content), several: chunks.length > 2, finish: whole.response_metadata.finishReason };
}

async function conversation() {
  const question = new HumanMessage("Sum to ten");
  const first = await ask([question], [code]);
  return { text: (await ask([question, first, new HumanMessage("Thanks")], [code])).text };
}

async function files() {
  const data = Buffer.from("n = 41\n").toString("base64");
  const file = { type: "media", mimeType: "text/x-python", data };
  const answer = await ask([new HumanMessage({ content: [{ type: "text", text: "Read the file" }, file] })], [code]);
  return { output: seen(answer.content).output };
}

async function embeddings() {
  const model = new GoogleGenerativeAIEmbeddings({ apiKey: "test", model: "gemini-embedding-001", baseUrl: url });
  return nearest(await model.embedDocuments(TEXTS));
}

const errors = async () => ({
  request: await refusal(() => ask([new HumanMessage("Sum to ten")], [code, weather], "gemini-2.5-flash"), failed),
  model: await refusal(() => ask("Sum to ten", [], "gemmini-0-flash"), failed),
  quota: await refusal(() => ask("Use up the quota", []), failed),
});

await report({ codeExecution, codeAndFunction, streaming, conversation, files, embeddings, errors });
