/** What the composition root and tests use of the world. Authors get `defineWorld` from the package itself. */
export type { WorldChange } from "./change.js";
export { encryptedPaths, rehearsalConfig, rehearsalEnvironment } from "./environment.js";
export { describeFault, parseFault } from "./fault.js";
export { KNOWN_INVOKES } from "./invokes.js";
export type { WorldEntry } from "./log.js";
export type { Fault, StandIns } from "./model.js";
export { type OpenWorld, openWorld, type World } from "./open.js";
export { type Answered, startTraffic, type Traffic, type TrafficSpec } from "./traffic.js";
export { describeWorldEntry } from "./words.js";
