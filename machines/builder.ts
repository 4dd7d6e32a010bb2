// What a builder imports as `keelson`: how to write a machine, a pipeline and an activity, and how to ask the operator.
export { activity, protocol, records, type ActivitySpec, type Protocol, type RetryPolicy } from './define.ts';
export { KeelsonError, type Code } from './errors.ts';
export type { Supervision } from './hold.ts';
export { operatorEvents, operatorOnly, toItemData, type Item } from './inbox.ts';
export type { Permissions } from './permissions.ts';
export { alternative, pipeline, type PipelineMachine, type PipelineOptions, type PipelineOutput } from './pipeline.ts';
export type { Annotation, Artifact, Decision, Fact, Intent, Link } from './records.ts';
