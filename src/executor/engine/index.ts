/** Engine discovery, as the rest of evo uses it. */
export { type DoctorFact, doctorFacts } from "./doctor.js";
export { type Engine, type EngineSettings, findEngine } from "./find.js";
export { MIN_ENGINE, OWN_ENGINE } from "./version.js";
