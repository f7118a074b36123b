// An agent that uses Node's own fetch: fetch.mjs DOING URL KEY.
import { createInterface } from "node:readline";

const [doing, url, key] = process.argv.slice(2);
const headers = { authorization: `Bearer ${key}`, "x-api-key": key };

const say = (...words) => process.stdout.write(words.join(" ") + "\n");

// Every line of standard input is one piece of the body.
async function* pieces() {
  const encoder = new TextEncoder();
  for await (const line of createInterface({ input: process.stdin })) {
    yield encoder.encode(line);
  }
}

async function events(response) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of response.body) {
    text += decoder.decode(piece, { stream: true });
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      say("event", text.slice(0, end));
    }
  }
  say("end", text.length);
}

if (doing === "get") {
  // Twice on purpose: the connection is kept between them.
  for (let turn = 0; turn < 2; turn++) {
    const response = await fetch(url, { headers });
    say(response.status, await response.text());
  }
} else if (doing === "post") {
  const options = { method: "POST", headers, body: pieces(), duplex: "half" };
  const response = await fetch(url, options);
  say(response.status, await response.text());
} else if (doing === "events") {
  const response = await fetch(url, { headers });
  say("open", response.headers.get("content-type"));
  await events(response);
} else if (doing === "leave") {
  const controller = new AbortController();
  const response = await fetch(url, { headers, signal: controller.signal });
  const { value } = await response.body.getReader().read();
  say(new TextDecoder().decode(value));
  controller.abort();
  // Stays until it is told to go: leaving one stream is not ending the process.
  process.stdin.resume();
}
