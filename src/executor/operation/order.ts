/** What an operation host is told, in memory only: over its standard input, never in a file (invariant 11). */
import type { StepOptions } from "../../plan/model.js";
import type { BackedStack } from "../stack/backend.js";
import type { Project } from "../stack/project.js";

export interface EngineSettings {
  /** Absolute path of the CLI. */
  readonly path: string;
  /** Without a leading `v`. */
  readonly version: string;
}

export interface HostOrder {
  /** `begin` starts the engine; `observe` takes up an operation whose host has died. */
  readonly kind: "begin" | "observe";
  readonly directory: string;
  readonly operation: string;
  readonly run: string;
  readonly verb: "up" | "destroy" | "refresh";
  readonly engine: EngineSettings;
  /** The engine's complete environment. */
  readonly env: { readonly [name: string]: string };
  readonly project: Project;
  readonly stackName: string;
  readonly stack: BackedStack;
  /**
   * A folder with copies of the project's settings files that stands in for the project's own (rehearsals): the engine
   * writes there what it would have written into the project.
   */
  readonly settingsHome?: string;
  readonly options: Omit<StepOptions, "config" | "secretConfig" | "env">;
  readonly config: { readonly [key: string]: string };
  readonly secretConfig: { readonly [key: string]: string };
  /** Values that must not be kept, beside what the environment's names give away. */
  readonly secrets: readonly string[];
  /** One engine process previews and then updates, and the language host holds the update in between. */
  readonly oneProcess: boolean;
}
