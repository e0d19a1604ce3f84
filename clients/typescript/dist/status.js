// SPDX-License-Identifier: Apache-2.0
// What the sidecar says about an error, from both of its forms.
import { status } from "@grpc/grpc-js";
import { errorOf } from "./errors.js";
import { ErrorInfo, RetryInfo, Status } from "./proto/google/rpc/status.js";
/** An answer of the session that is an error. */
export function errorOfSession(error) {
    const { code, reason, metadata, retryAfterMs } = error;
    return errorOf(error.message, { code, reason, metadata, retryAfterMs });
}
/** A call that ended with a gRPC status. */
export function errorOfStatus(error) {
    let reason = "";
    let metadata = {};
    let retryAfterMs = 0;
    const details = error.metadata?.get("grpc-status-details-bin")[0];
    if (details instanceof Buffer) {
        for (const { typeUrl, value } of detailsOf(details)) {
            if (typeUrl.endsWith("/google.rpc.ErrorInfo")) {
                const info = ErrorInfo.decode(value);
                reason = info.reason;
                metadata = info.metadata;
            }
            else if (typeUrl.endsWith("/google.rpc.RetryInfo")) {
                const delay = RetryInfo.decode(value).retryDelay;
                retryAfterMs = (delay?.seconds ?? 0) * 1000 + Math.ceil((delay?.nanos ?? 0) / 1e6);
            }
        }
    }
    const code = error.code ?? status.UNKNOWN;
    const message = error.details || error.message;
    return errorOf(message, { code, reason, metadata, retryAfterMs, cause: error });
}
/** A proxy may have mangled them: then there are none. */
function detailsOf(bytes) {
    try {
        return Status.decode(bytes).details;
    }
    catch {
        return [];
    }
}
const BROKEN_STREAM = new Set([
    status.CANCELLED,
    status.UNKNOWN,
    status.DEADLINE_EXCEEDED,
    status.ABORTED,
    status.INTERNAL,
    status.UNAVAILABLE,
]);
/** True when a stream that ended so may be opened again with the same calls. */
export function isBrokenStream(error) {
    return error === undefined || error.code === status.OK || BROKEN_STREAM.has(error.code);
}
