/**
 * The world of a sequence that names none: one region where everything arrives at once and every request is answered. It
 * shows whether programs, order and gates work at all; what propagates, and how slowly, only its author knows.
 */
import { defineWorld } from "./define.js";

export default defineWorld({
  name: "default",
  regions: { local: { edges: 5 } },
  propagation: [],
  endpoint: () => ({ status: 200, body: {} }),
});
