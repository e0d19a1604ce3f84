/** Bytes and their media type. */
export interface Encoded {
    readonly data: Uint8Array;
    /** At most 128 bytes. */
    readonly contentType: string;
}
/** Turns values into bytes and back. */
export interface Codec {
    /** With `canonical`, equal values must give equal bytes: inputs are compared by their digest. */
    encode(value: unknown, canonical?: boolean): Encoded;
    /** The bytes are only lent: copy what is kept. */
    decode(data: Uint8Array, contentType: string): unknown;
}
/**
 * JSON; a Uint8Array goes through as it is, undefined as no bytes at all. Canonical
 * sorts the keys of objects; otherwise they keep their order.
 */
export declare const jsonCodec: Codec;
