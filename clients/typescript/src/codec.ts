// SPDX-License-Identifier: Apache-2.0
// Values to bytes and back. The sidecar never looks inside.
import { InvalidArgument } from "./errors.js";

/** Bytes and their media type. */
export interface Encoded {
  readonly data: Uint8Array;
  /** At most 128 bytes. */
  readonly contentType: string;
}

/** Turns values into bytes and back. The same value must give the same bytes: divergence is found by their digest. */
export interface Codec {
  encode(value: unknown): Encoded;
  /** The bytes are only lent: copy what is kept. */
  decode(data: Uint8Array, contentType: string): unknown;
}

const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";
const NOTHING: Encoded = { data: new Uint8Array(0), contentType: "" };

/** JSON; a Uint8Array goes through as it is, undefined as no bytes at all. */
export const jsonCodec: Codec = {
  encode(value) {
    if (value === undefined) return NOTHING;
    if (value instanceof Uint8Array) return { data: value, contentType: BYTES_TYPE };
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch (cause) {
      throw new InvalidArgument(`cannot be written as JSON: ${(cause as Error).message}`, {
        cause,
      });
    }
    if (text === undefined)
      throw new InvalidArgument(`a ${typeof value} cannot be written as JSON`);
    return { data: Buffer.from(text, "utf8"), contentType: JSON_TYPE };
  },
  decode(data, contentType) {
    if (contentType === JSON_TYPE || contentType.startsWith(`${JSON_TYPE};`)) {
      return JSON.parse(asBuffer(data).toString("utf8")) as unknown;
    }
    if (contentType === "" && data.length === 0) return undefined;
    return new Uint8Array(data); // a copy: the message it came in would stay in memory with it
  },
};

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
