// The contract's words in plain ones, each with its tone.

const STATUS = {
  HEALTHY: ["healthy", "good"],
  DEGRADED: ["degraded", "warn"],
  UNHEALTHY: ["unhealthy", "bad"],
  DISABLED: ["disabled", "quiet"],
  UNKNOWN: ["not known", "quiet"],
};
const CIRCUIT = { CLOSED: ["closed", "good"], HALF_OPEN: ["half-open", "warn"], OPEN: ["open", "bad"] };
const SEVERITY = { CRITICAL: ["critical", "bad"], WARNING: ["warning", "warn"] };
const ALERT = { FIRING: ["firing", "bad"], PENDING: ["pending", "warn"] };
const OWNER = { CALLER: "caller", PROVIDER: "provider", SERVICE: "operators" };
const SHARED = { none: ["not configured", "quiet"], ok: ["ok", "good"], trying: ["trying again", "warn"], slow: ["slow", "warn"], failing: ["failing", "bad"] };

export const status = (text) => STATUS[text?.replace("PROVIDER_STATUS_", "")] ?? ["not known", "quiet"];
export const circuit = (text) => CIRCUIT[text?.replace("CIRCUIT_STATE_", "")] ?? ["–", "quiet"];
export const severity = (text) => SEVERITY[text?.replace("ALERT_SEVERITY_", "")] ?? ["not known", "quiet"];
export const alertState = (text) => ALERT[text?.replace("ALERT_STATE_", "")] ?? ["not known", "quiet"];
export const ending = (text) => plain(text.replace("ALERT_END_", ""));
export const owner = (text) => OWNER[text?.replace("FAULT_OWNER_", "")] ?? "nobody";
export const shared = (text) => SHARED[text] ?? [text, "quiet"];
/** `RATE_LIMITED` as "rate limited". */
export const plain = (reason) => reason.toLowerCase().replaceAll("_", " ");
/** `/aiprovider.v1.CompletionService/Complete` as "Complete". */
export const method = (name) => name.split("/").at(-1);
