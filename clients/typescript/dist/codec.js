// SPDX-License-Identifier: Apache-2.0
// Values to bytes and back. The sidecar never looks inside.
import { InvalidArgument } from "./errors.js";
const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";
const SURROGATE = /[\ud800-\udfff]/;
const NOTHING = { data: new Uint8Array(0), contentType: "" };
/**
 * JSON; a Uint8Array goes through as it is, undefined as no bytes at all. Canonical
 * sorts the keys of objects; otherwise they keep their order.
 */
export const jsonCodec = {
    encode(value, canonical = false) {
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
        if (canonical && text.includes("{"))
            text = sorted(JSON.parse(text));
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
/** What JSON.parse gave, with keys by code point, as in other languages. */
function sorted(value) {
    if (typeof value !== "object" || value === null)
        return JSON.stringify(value);
    if (Array.isArray(value))
        return `[${value.map(sorted).join(",")}]`;
    const fields = value;
    const keys = Object.keys(fields).sort(byCodePoint);
    return `{${keys.map((key) => `${JSON.stringify(key)}:${sorted(fields[key])}`).join(",")}}`;
}
/** UTF-8 sorts by code point; the `<` of strings does not, beyond 16 bits. */
function byCodePoint(a, b) {
    const simple = a < b ? -1 : 1;
    return SURROGATE.test(a) || SURROGATE.test(b)
        ? Buffer.compare(Buffer.from(a), Buffer.from(b))
        : simple;
}
function asBuffer(data) {
    return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
