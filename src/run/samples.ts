/** Digests over raw looks: a chain per target, so that a gate that is watched for a week needs no memory for it. */
import { recordable, sha256 } from "../canonical.js";
import type { Measurement } from "../gates/model.js";
import type { SampleDigest } from "./events.js";

/** Adds one look to a target's chain: sha256 over the previous digest and the look's canonical JSON as it is recorded. */
export function chainSample(previous: SampleDigest | undefined, target: string, look: Measurement): SampleDigest {
  return {
    target,
    from: previous?.from ?? look.number,
    to: look.number,
    sha256: sha256(`${previous?.sha256 ?? ""}${recordable(look)}`),
  };
}
