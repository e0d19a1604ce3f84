import { type ServiceError } from "@grpc/grpc-js";
import { type StepwellError } from "./errors.js";
import type { SessionError } from "./proto/stepwell/v1/agent_service.js";
/** An answer of the session that is an error. */
export declare function errorOfSession(error: SessionError): StepwellError;
/** A call that ended with a gRPC status. */
export declare function errorOfStatus(error: ServiceError): StepwellError;
/** True when a stream that ended so may be opened again with the same calls. */
export declare function isBrokenStream(error: ServiceError | undefined): boolean;
