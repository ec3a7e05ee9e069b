/** The engine's environment: what the composition root gave, the step's own variables, our identity, our plugins. */
import { delimiter } from "node:path";

export interface EnvironmentParts {
  /** Complete and curated. */
  readonly base: { readonly [name: string]: string };
  readonly step: { readonly [name: string]: string };
  readonly run: string;
  readonly operation: string;
  readonly directory: string;
  /** Folder with evo's own plugins, where evo's language host serves the program. */
  readonly plugins?: string;
  /** The language host holds the update until evo has judged its preview. */
  readonly hold: boolean;
  readonly transpileOnly: boolean;
}

/**
 * Pure. The identity is how an update is found again in the engine's history: `ci.build.number` carries the operation.
 * Attached providers (PULUMI_DEBUG_PROVIDERS) are all there is: without acquisition nothing is downloaded past them.
 */
export function engineEnvironment(parts: EnvironmentParts): { readonly [name: string]: string } {
  const { base, step } = parts;
  const path = step["PATH"] ?? base["PATH"] ?? "";
  const attached = step["PULUMI_DEBUG_PROVIDERS"] ?? base["PULUMI_DEBUG_PROVIDERS"];
  return {
    ...base,
    ...step,
    PATH: parts.plugins === undefined ? path : `${parts.plugins}${delimiter}${path}`,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_AUTOMATION_API: "true",
    PULUMI_CI_SYSTEM: "evo",
    PULUMI_CI_BUILD_ID: parts.run,
    PULUMI_CI_BUILD_NUMBER: parts.operation,
    EVO_OPERATION_DIR: parts.directory,
    ...(parts.hold ? { EVO_HOLD: "update" } : {}),
    ...(parts.transpileOnly ? { PULUMI_NODEJS_TRANSPILE_ONLY: "true" } : {}),
    ...(attached === undefined ? {} : { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" }),
  };
}
