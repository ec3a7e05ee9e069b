/** For whoever looks at a gate outside of a run: there, nobody can be asked. */
import { EvoError, EXIT } from "../errors.js";
import { isWordProbe, type LiveProbe, type ProbeSpec } from "../gates/model.js";

/** The probe, where it looks at the live system. Errors: `gate.asks-people` (exit 2). */
export function liveProbe(gate: string, probe: ProbeSpec): LiveProbe {
  if (!isWordProbe(probe)) return probe;
  throw new EvoError("gate.asks-people", `gate ${gate} asks ${probe.by.join(", ")}: there is nothing to look at`, {
    exit: EXIT.usage,
    remedy: "it is answered in a run: evo ack, evo approve, evo reject",
  });
}
