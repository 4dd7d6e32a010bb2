// What every way out has in common. A connector never decides whether it may run: the gate has asked before.
export interface DryRun {
  /** What the operator should know, in words. Throws KeelsonError when the payload cannot be performed at all. */
  reasons: string[];
  risk: 'low' | 'medium' | 'high';
}

export interface Performed {
  /** False when it was deliberately not sent (no server configured, dry run). */
  sent: boolean;
  /** What the provider calls it; leads back to the operation. */
  providerRef: string;
  note: string;
}

export interface Connector<P> {
  action: string;
  parse(payload: unknown): P;
  dryRun(payload: P, call: { operationId: string; trusted: string[] }): Promise<DryRun>;
  /** Performs it once. Throws SEND_REFUSED, SEND_DEFERRED (certainly not done) or SEND_UNKNOWN (nobody can tell). */
  perform(payload: P, call: { operationId: string; signal: AbortSignal }): Promise<Performed>;
}
