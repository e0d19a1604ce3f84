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
/** JSON; a Uint8Array goes through as it is, undefined as no bytes at all. */
export declare const jsonCodec: Codec;
