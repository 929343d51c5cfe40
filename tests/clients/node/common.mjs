// What the scripts share: what they ask for, and how they tell what came of it.
import { OAuth2Client } from "google-auth-library";

export const NEW = "gemini-3-flash-preview";
export const OLD = "gemini-2.5-flash";
export const WEATHER = {
  name: "get_weather",
  description: "The current weather in a city.",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

export const TEXTS = ["rivers of Europe", "the longest river in Europe", "a tax on income"];
const product = (one, other) => one.reduce((sum, value, index) => sum + value * other[index], 0);

// Which of the other texts' vectors is nearest to the first.
export const nearest = ([first, ...others]) => {
  const likeness = others.map((other) => product(first, other));
  return { nearest: TEXTS[1 + likeness.indexOf(Math.max(...likeness))], size: first.length };
};

// Google's clients take a ready client for authentication; this one has a token that never expires.
const authClient = new OAuth2Client();
authClient.setCredentials({ access_token: "token" });
export const credentials = { authClient };

export async function refusal(request, failed) {
  try {
    await request();
  } catch (error) {
    return failed(error);
  }
  return "not refused";
}

export async function report(scenes) {
  const results = {};
  for (const [name, play] of Object.entries(scenes)) results[name] = await play();
  console.log(JSON.stringify(results));
}
