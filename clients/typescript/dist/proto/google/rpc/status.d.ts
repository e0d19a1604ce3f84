import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
export declare const protobufPackage = "google.rpc";
export declare const protobufFileName = "google/rpc/status.proto";
/**
 * The well-known error model of gRPC, as far as this project sends it: same
 * package, names and numbers, so that every client library reads it.
 */
/** The trailer grpc-status-details-bin. */
export interface Status {
    /** Canonical gRPC status code. */
    code: number;
    /** For developers. */
    message: string;
    /** Typed details, below. */
    details: Detail[];
}
/** google.protobuf.Any, spelled out to need no other file: wire-identical. */
export interface Detail {
    /** "type.googleapis.com/" and the full name of a message. */
    typeUrl: string;
    /** That message, serialised. */
    value: Uint8Array;
}
/** Why, in a form to branch on. */
export interface ErrorInfo {
    /** One of stepwell/v1/reasons.md. */
    reason: string;
    /** "stepwell". */
    domain: string;
    /** Facts, such as the field and its limit. */
    metadata: {
        [key: string]: string;
    };
}
export interface ErrorInfo_MetadataEntry {
    key: string;
    value: string;
}
/** When to ask again. */
export interface RetryInfo {
    /** Wait this long. */
    retryDelay: RetryInfo_Delay | undefined;
}
/** google.protobuf.Duration, spelled out: wire-identical. */
export interface RetryInfo_Delay {
    /** Whole seconds. */
    seconds: number;
    /** The rest, in nanoseconds. */
    nanos: number;
}
/** Which fields were wrong. */
export interface BadRequest {
    /** One entry per field. */
    fieldViolations: BadRequest_FieldViolation[];
}
/** One field and what is wrong with it. */
export interface BadRequest_FieldViolation {
    /** Path of the field in the request. */
    field: string;
    /** What is wrong with it. */
    description: string;
}
export declare const Status: MessageFns<Status>;
export declare const Detail: MessageFns<Detail>;
export declare const ErrorInfo: MessageFns<ErrorInfo>;
export declare const ErrorInfo_MetadataEntry: MessageFns<ErrorInfo_MetadataEntry>;
export declare const RetryInfo: MessageFns<RetryInfo>;
export declare const RetryInfo_Delay: MessageFns<RetryInfo_Delay>;
export declare const BadRequest: MessageFns<BadRequest>;
export declare const BadRequest_FieldViolation: MessageFns<BadRequest_FieldViolation>;
export interface MessageFns<T> {
    encode(message: T, writer?: BinaryWriter): BinaryWriter;
    decode(input: BinaryReader | Uint8Array, length?: number): T;
}
