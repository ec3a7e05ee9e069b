/** What the engine gave the plugin that it started: a program is to find just that, whichever process starts it. */
export interface Surroundings {
  /** Flags, and as the last one the engine's address. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The plugin's process, whose output the engine reads. */
  readonly pid: number;
  /** Descriptors, in this process, of the plugin's standard output and error. */
  readonly output: readonly [number, number];
}
