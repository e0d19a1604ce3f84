import { BinaryReader } from "@bufbuild/protobuf/wire";
export declare class Reader extends BinaryReader {
    readonly source: Buffer;
    constructor(source: Buffer);
    /** A number, whatever the type says: generated code makes one of it, and it stays below 2^53. */
    uint64(): bigint;
}
