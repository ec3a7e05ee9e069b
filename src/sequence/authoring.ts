/** What `import ... from "evo"` gives a sequence. */
export { z } from "zod";
export {
  acknowledged,
  approved,
  defineSequence,
  destroy,
  gate,
  independent,
  lockstep,
  refresh,
  serial,
  up,
} from "./builders.js";
export { command, custom, env, http, output, settled, stackOutput, text } from "./probes.js";
