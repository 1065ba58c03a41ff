// Questions to the service: the messages of AnalyticsService in JSON. Asks this origin alone.
// The key stays in this tab's session storage, and travels in a header; it is never part of a URL.

const KEY = "key";
let skewMs = 0;

export class Refusal extends Error {
  /** `status` is that of HTTP; 0 when nobody answered. */
  constructor(status, body) {
    super(body?.message || "The service does not answer.");
    this.status = status;
    this.reason = body?.details?.find((detail) => detail.reason)?.reason ?? "";
    this.requestId = body?.details?.find((detail) => detail.requestId)?.requestId ?? "";
    this.needsKey = status === 401;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  keep: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** The service's clock, in ms since 1970: this machine's may be wrong. */
export const now = () => Date.now() + skewMs;

/** Learns the service's clock. */
export async function meet() {
  await send("icon.svg", {});
}

/** The response of one method. Throws Refusal. */
export async function ask(method, request, signal) {
  return (await send(url(method, request), { signal })).json();
}

/** Hands each message of a stream to `tell`, until it ends. Throws Refusal. */
export async function watch(method, request, signal, tell) {
  const response = await send(url(method, request), { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error) => failed(error, signal));
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) hand(event, tell);
  }
}

function hand(event, tell) {
  const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
  if (name === "message") tell(JSON.parse(data));
  else if (name === "failure") throw new Refusal(503, JSON.parse(data));
}

function url(method, request) {
  return `api/${method}?${new URLSearchParams({ request: JSON.stringify(request) })}`;
}

async function send(path, { signal }) {
  const value = key.get();
  const headers = value ? { Authorization: `Bearer ${value}` } : {};
  const asked = Date.now();
  const response = await fetch(path, { headers, signal, cache: "no-cache" })
    .catch((error) => failed(error, signal));
  const date = Date.parse(response.headers.get("Date"));
  // It has whole seconds: only what is more than that is a wrong clock.
  const skew = date - (asked + Date.now()) / 2;
  if (Math.abs(skew) > 2000) skewMs = skew;
  if (!response.ok) throw new Refusal(response.status, await response.json().catch(() => null));
  return response;
}

function failed(error, signal) {
  if (signal?.aborted) throw error;
  throw new Refusal(0, null);
}
