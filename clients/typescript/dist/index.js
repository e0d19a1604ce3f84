// SPDX-License-Identifier: Apache-2.0
// Everything a program may use. What is not here is not public.
export { Client, connect } from "./client.js";
export { jsonCodec } from "./codec.js";
export { Control } from "./control.js";
export { Corrupt, Diverged, Fenced, InvalidArgument, Misconfigured, NonRetryable, NotFound, NotInDoubt, OutcomeConflict, OutcomeUnknown, ResourceExhausted, RunConflict, RunEnded, RunFailed, StepFailed, StepInDoubt, StepwellError, Unavailable, } from "./errors.js";
export { Run } from "./run.js";
export { currentStep, StepContext } from "./step.js";
export { Durability, didNotHappen, Effect, giveUp, happened, Kind, OnDivergence, } from "./types.js";
export { isConnectionLoss } from "./unknown.js";
