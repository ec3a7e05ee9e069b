/** The public API: what a sequence author imports from "evo". */
export { type GateSituation, testGate } from "./authoring/test-gate.js";
export type { Json, Look, Matcher, OnFailure, Value, Verdict } from "./gates/model.js";
export * from "./sequence/authoring.js";
export type { AcknowledgedSpec, ApprovedSpec, GateSpec } from "./sequence/builders.js";
export type { Duration } from "./sequence/duration.js";
export type * from "./sequence/model.js";
export type { CustomSpec } from "./sequence/probes.js";
export { defineWorld } from "./world/define.js";
export type {
  Answer,
  EdgeView,
  Endpoint,
  EndpointRequest,
  Fault,
  Propagation,
  Resource,
  UsersTraffic,
  WorldDefinition,
  WorldSpec,
} from "./world/model.js";
