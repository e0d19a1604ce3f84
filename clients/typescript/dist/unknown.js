// SPDX-License-Identifier: Apache-2.0
// Which errors leave open whether the effect took place.
const NAMES = new Set(["AbortError", "TimeoutError"]);
const CODES = new Set([
    "ABORT_ERR",
    "ECONNABORTED",
    "ECONNRESET",
    "EPIPE",
    "ERR_STREAM_PREMATURE_CLOSE",
    "ETIMEDOUT",
]);
const CAUSES_MAX = 8;
/**
 * True for what a broken or slow connection looks like in Node: the request may
 * have arrived. A refused connection or an unknown host is not among them: there
 * nothing happened.
 */
export function isConnectionLoss(error) {
    let at = error;
    for (let i = 0; i < CAUSES_MAX && typeof at === "object" && at !== null; i++) {
        const { name, code, cause } = at;
        if (typeof name === "string" && NAMES.has(name))
            return true;
        if (typeof code === "string" && (CODES.has(code) || code.startsWith("UND_ERR_")))
            return true;
        at = cause;
    }
    return false;
}
