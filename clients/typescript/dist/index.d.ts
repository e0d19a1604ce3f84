export { Client, type ConnectOptions, connect } from "./client.js";
export { type Codec, type Encoded, jsonCodec } from "./codec.js";
export { Control, type RunFilter, type SidecarStatus, type StoreStatus } from "./control.js";
export { Corrupt, Diverged, type Doubt, type ErrorFacts, Fenced, InvalidArgument, Misconfigured, NonRetryable, NotFound, NotInDoubt, OutcomeConflict, OutcomeUnknown, ResourceExhausted, RunConflict, RunEnded, RunFailed, StepFailed, StepInDoubt, StepwellError, Unavailable, } from "./errors.js";
export { Run } from "./run.js";
export { currentStep, type Note, StepContext } from "./step.js";
export { type BeginOptions, type ChainStep, type Completion, Durability, didNotHappen, Effect, type ExecuteVerdict, type Failure, giveUp, happened, Kind, OnDivergence, type Outcome, type Reconcile, type Resolution, type RetryPolicy, type RunInfo, type RunOptions, type StepFunction, type StepOptions, type StepState, type Usage, type Verdict, } from "./types.js";
export { isConnectionLoss } from "./unknown.js";
