// SPDX-License-Identifier: Apache-2.0
// Values to bytes and back. The sidecar never looks inside.
import { InvalidArgument } from "./errors.js";
const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";
const NOTHING = { data: new Uint8Array(0), contentType: "" };
/** JSON; a Uint8Array goes through as it is, undefined as no bytes at all. */
export const jsonCodec = {
    encode(value) {
        if (value === undefined)
            return NOTHING;
        if (value instanceof Uint8Array)
            return { data: value, contentType: BYTES_TYPE };
        let text;
        try {
            text = JSON.stringify(value);
        }
        catch (cause) {
            throw new InvalidArgument(`cannot be written as JSON: ${cause.message}`, {
                cause,
            });
        }
        if (text === undefined)
            throw new InvalidArgument(`a ${typeof value} cannot be written as JSON`);
        return { data: Buffer.from(text, "utf8"), contentType: JSON_TYPE };
    },
    decode(data, contentType) {
        if (contentType === JSON_TYPE || contentType.startsWith(`${JSON_TYPE};`)) {
            return JSON.parse(asBuffer(data).toString("utf8"));
        }
        if (contentType === "" && data.length === 0)
            return undefined;
        return new Uint8Array(data); // a copy: the message it came in would stay in memory with it
    },
};
function asBuffer(data) {
    return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
