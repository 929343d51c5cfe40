// Interactions with the service at EMULATOR_URL, through the package that the first argument names.
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { GoogleGenAI } from "@google/genai";
import { generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";
import { NEW, WEATHER, refusal, report } from "./common.mjs";

const url = process.env.EMULATOR_URL;

function vercel() {
  const provider = createGoogleGenerativeAI({ apiKey: "test", baseURL: `${url}/v1beta` });
  const code = { code_execution: provider.tools.codeExecution({}) };
  const execute = async () => ({ weather: "drizzle" });
  const weather = tool({ description: WEATHER.description, inputSchema: z.object({ city: z.string() }), execute });
  const settings = (model = NEW) => ({ model: provider.interactions(model), maxRetries: 0 });
  const seen = (content) => ({
    text: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    code: content.find((part) => part.type === "tool-call").input.code,
    output: content.find((part) => part.type === "tool-result").output,
  });
  return {
    whole: async () => seen((await generateText({ ...settings(), tools: code, prompt: "Sum to ten" })).content),
    streamed: async () => {
      const stream = streamText({ ...settings(), tools: code, prompt: "Sum to ten" });
      await stream.consumeStream();
      return seen(await stream.content);
    },
    called: async () => {
      const tools = { [WEATHER.name]: weather };
      return (await generateText({ ...settings(), tools, prompt: "The weather?", stopWhen: isStepCount(3) })).text;
    },
    followed: async () => {
      const first = await generateText({ ...settings(), tools: code, prompt: "Sum to ten" });
      const google = { previousInteractionId: first.finalStep.providerMetadata.google.interactionId };
      return (await generateText({ ...settings(), tools: code, prompt: "Thanks", providerOptions: { google } })).text;
    },
    refused: () =>
      refusal(
        () => generateText({ ...settings("gemmini-0-flash"), prompt: "Sum to ten" }),
        (error) => error.statusCode,
      ),
  };
}

function genai() {
  const { interactions } = new GoogleGenAI({ apiKey: "test", httpOptions: { baseUrl: url } });
  const tools = [{ type: "code_execution" }];
  const ask = (settings) => interactions.create({ model: NEW, ...settings });
  const seen = (steps) => ({
    text: steps.flatMap((step) => (step.type === "model_output" ? step.content : [])).map((one) => one.text).join(""),
    code: steps.find((step) => step.type === "code_execution_call").arguments.code,
    output: steps.find((step) => step.type === "code_execution_result").result,
  });
  return {
    whole: async () => seen((await ask({ input: "Sum to ten", tools })).steps),
    streamed: async () => {
      const deltas = [];
      for await (const event of await ask({ input: "Sum to ten", tools, stream: true }))
        if (event.event_type === "step.delta") deltas.push(event.delta);
      return {
        text: deltas.map((delta) => (delta.type === "text" ? delta.text : "")).join(""),
        code: deltas.find((delta) => delta.type === "code_execution_call").arguments.code,
        output: deltas.find((delta) => delta.type === "code_execution_result").result,
      };
    },
    called: async () => {
      const functions = [{ ...WEATHER, schema: undefined, type: "function", parameters: WEATHER.schema }];
      const { id, steps } = await ask({ input: "The weather?", tools: functions });
      const result = { type: "function_result", call_id: steps.at(-1).id, result: { weather: "drizzle" } };
      const told = await ask({ input: [result], tools: functions, previous_interaction_id: id });
      return told.steps.at(-1).content[0].text;
    },
    followed: async () => {
      const { id } = await ask({ input: "Sum to ten", tools });
      return (await ask({ input: "Thanks", tools, previous_interaction_id: id })).steps.at(-1).content[0].text;
    },
    refused: () =>
      refusal(
        () => ask({ model: "gemmini-0-flash", input: "Sum to ten" }),
        (error) => error.status ?? error.statusCode,
      ),
  };
}

await report({ vercel, genai }[process.argv[2]]());
