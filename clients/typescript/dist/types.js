/** What repeating a step would do to the outside world. */
export const Effect = {
    /** Pure or read-only: may be repeated freely. */
    NONE: "none",
    /** Safe to repeat when the same idempotency key is handed to the effect. */
    IDEMPOTENT: "idempotent",
    /** Must not be repeated without a decision. The default. */
    ONCE: "once",
};
/** What a step is, for people and policies. */
export const Kind = { LLM: "llm", TOOL: "tool", CODE: "code", WAIT: "wait" };
/** Where the intent must be before the step may act. */
export const Durability = { LOCAL: "local", REMOTE: "remote" };
/** What a step meets that was recorded with another input or name. */
export const OnDivergence = { FAIL: "fail", ACCEPT: "accept" };
/** The effect took place; the step completes with this value. */
export function happened(value) {
    return { kind: "happened", value };
}
/** The effect did not take place; the step may be attempted again. */
export function didNotHappen() {
    return { kind: "did not happen" };
}
/** Nobody will find out; the step fails with this. */
export function giveUp(message, type = "GaveUp") {
    return { kind: "give up", failure: { type, message, nonRetryable: true } };
}
