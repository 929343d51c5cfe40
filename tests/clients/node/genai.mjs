// @google/genai against the service at EMULATOR_URL, in the mode the first argument names.
import { GoogleGenAI } from "@google/genai";
import { NEW, OLD, TEXTS, WEATHER, credentials, nearest, refusal, report } from "./common.mjs";

const MODES = {
  developer: { apiKey: "test" },
  vertex: { vertexai: true, project: "p", location: "us-central1", googleAuthOptions: credentials },
  express: { vertexai: true, apiKey: "test" },
};
const mode = process.argv[2];
const client = new GoogleGenAI({ ...MODES[mode], httpOptions: { baseUrl: process.env.EMULATOR_URL } });

const code = { codeExecution: {} };
const { schema: parametersJsonSchema, ...named } = WEATHER;
const weather = { functionDeclarations: [{ ...named, parametersJsonSchema }] };
const combined =
  mode === "developer" ? { toolConfig: { includeServerSideToolInvocations: true } } : {};

const ask = (contents, tools, model = NEW, settings = {}) =>
  client.models.generateContent({ model, contents, config: { tools, ...settings } });

function seen(parts) {
  const run = parts.find((part) => part.codeExecutionResult)?.codeExecutionResult;
  return {
    text: parts.map((part) => part.text ?? "").join(""),
    code: parts.find((part) => part.executableCode)?.executableCode.code,
    outcome: run?.outcome,
    output: run?.output,
  };
}

const partsOf = (answer) => answer.candidates[0].content.parts;

async function codeExecution() {
  const answer = await ask("Sum to ten", [code]);
  return { ...seen(partsOf(answer)), finish: answer.candidates[0].finishReason, counted: answer.usageMetadata.totalTokenCount > 0 };
}

async function codeAndFunction() {
  const first = await ask("Sum to ten, and the weather?", [code, weather], NEW, combined);
  const [call] = first.functionCalls;
  const reply = { functionResponse: { id: call.id, name: call.name, response: { weather: "drizzle" } } };
  const history = [
    { role: "user", parts: [{ text: "Sum to ten, and the weather?" }] },
    first.candidates[0].content,
    { role: "user", parts: [reply] },
  ];
  const second = await ask(history, [code, weather], NEW, combined);
  return { output: seen(partsOf(first)).output, call: { name: call.name, args: call.args }, then: second.text };
}

async function streaming() {
  const chunks = [];
  const stream = await client.models.generateContentStream({
    model: NEW,
    contents: "Sum to ten",
    config: { tools: [code] },
  });
  for await (const chunk of stream) chunks.push(chunk);
  const parts = chunks.flatMap((chunk) => partsOf(chunk) ?? []);
  return { ...seen(parts), several: chunks.length > 2, finish: chunks.at(-1).candidates[0].finishReason };
}

async function conversation() {
  const chat = client.chats.create({ model: NEW, config: { tools: [code] } });
  await chat.sendMessage({ message: "Sum to ten" });
  return { text: (await chat.sendMessage({ message: "Thanks" })).text };
}

async function embeddings() {
  const { embeddings } = await client.models.embedContent({ model: "gemini-embedding-001", contents: TEXTS });
  return nearest(embeddings.map((embedding) => embedding.values));
}

// Vertex has no files.
async function files() {
  if (mode !== "developer") return { output: "n = 41\n", size: "8388610" };
  const config = { mimeType: "text/x-python" };
  const file = await client.files.upload({ file: new Blob(["n = 41\n"]), config });
  const part = { fileData: { fileUri: file.uri, mimeType: file.mimeType } };
  const answer = await ask([{ role: "user", parts: [{ text: "Read the file" }, part] }], [code]);
  await client.files.delete({ name: file.name });
  const big = new Blob(["#".repeat(8 * 1024 * 1024 + 2)]); // in two pieces
  await client.files.upload({ file: big, config });
  const sizes = [];
  for await (const { sizeBytes } of await client.files.list()) sizes.push(sizeBytes);
  return { output: seen(partsOf(answer)).output, size: sizes.join() };
}

const failed = (error) => ({ status: error.status, ...JSON.parse(error.message).error });
const errors = async () => ({
  request: await refusal(() => ask("Sum to ten", [code, weather], OLD), failed),
  model: await refusal(() => ask("Sum to ten", [], "gemmini-0-flash"), failed),
  quota: await refusal(() => ask("Use up the quota", []), failed),
});

await report({ codeExecution, codeAndFunction, streaming, conversation, embeddings, files, errors });
