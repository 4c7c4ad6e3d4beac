// Goes the ways that openid-client knows, against the provider it is told of, and says what it saw.
//
// A line that it reads names a way, who it is and what it wants. It writes {"open": address} for
// whoever started it to play the person, and reads where that led; in the end {"done": what it saw}
// or {"refused": what the client found wrong}, and reads the next way.
import { createInterface } from 'node:readline';
import { met } from './provider.mjs';
import { WAYS } from './ways.mjs';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

/** Where the person's browser arrived: an address, or a form that it posted there. */
async function opened(address) {
  say({ open: String(address) });
  const { url, form } = JSON.parse((await lines.next()).value);
  return form ? new Request(url, { method: 'POST', body: new URLSearchParams(form) }) : new URL(url);
}

/** What a client of others can say about an answer that it did not take. */
function refusal(error) {
  const { name, message, code: kind, status, error: word, error_description: why } = error;
  return { name, message, kind, status, word, why, cause: error.cause?.message };
}

for await (const line of lines) {
  const told = JSON.parse(line);
  try {
    say({ done: (await WAYS[told.way](await met(told), { ...told, opened })) ?? null });
  } catch (error) {
    say({ refused: refusal(error) });
  }
}
process.exit(0);
