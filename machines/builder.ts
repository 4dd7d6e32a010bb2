// What a builder imports as `keelson`: how to write a machine, a pipeline and an activity, how to ask the operator, and the agents of
// this build that others may start.
export { hitSchema, searchKnowledge } from './agents/activities.ts';
export { copyMachine } from './agents/copy.ts';
export { operationMachine } from './agents/operation.ts';
export { retrievalMachine } from './agents/retrieval.ts';
export { triageMachine } from './agents/triage.ts';
export { activity, protocol, records, type ActivitySpec, type Protocol, type RetryPolicy } from './define.ts';
export { KeelsonError, type Code } from './errors.ts';
export type { Supervision } from './hold.ts';
export { operatorEvents, operatorOnly, toItemData, type Item } from './inbox.ts';
export type { Permissions } from './permissions.ts';
export { alternative, pipeline, type PipelineMachine, type PipelineOptions, type PipelineOutput } from './pipeline.ts';
export type { Annotation, Artifact, Decision, Fact, Intent, Link } from './records.ts';
