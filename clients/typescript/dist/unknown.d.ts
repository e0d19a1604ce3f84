/**
 * True for what a broken or slow connection looks like in Node: the request may
 * have arrived. A refused connection or an unknown host is not among them: there
 * nothing happened.
 */
export declare function isConnectionLoss(error: unknown): boolean;
