/** The public API: what a sequence author imports from "evo". */
export { z } from "zod";
export type { Json, Look, Matcher, OnFailure, Value, Verdict } from "./gates/model.js";
export * from "./sequence/builders.js";
export type { Duration } from "./sequence/duration.js";
export type * from "./sequence/model.js";
export type { CustomSpec } from "./sequence/probes.js";
export { command, custom, env, http, output, settled, stackOutput, text } from "./sequence/probes.js";
