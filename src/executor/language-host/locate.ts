/** Finding what a program would load: its own copy of the SDK, and the `node` that the CLI would start. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/**
 * Absolute path of a module as a program in `directory` would load it, undefined if there is none. With NODE_OPTIONS
 * (which may bring a loader, as Yarn's PnP does) the program's node is asked; otherwise this process can tell.
 */
export async function locateModule(
  name: string,
  directory: string,
  node: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const options = env.NODE_OPTIONS;
  if (options !== undefined && options !== "") return askNode(name, directory, node, env);
  try {
    return createRequire(join(directory, "index.js")).resolve(name);
  } catch {
    return undefined;
  }
}

async function askNode(name: string, directory: string, node: string, env: NodeJS.ProcessEnv) {
  try {
    const code = "console.log(require.resolve(process.argv[1]))";
    const { stdout } = await promisify(execFile)(node, ["-e", code, name], { cwd: directory, env });
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** The first executable of that name on a PATH. */
export async function onPath(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    if (directory === "") continue;
    const file = join(directory, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

/** `node` as the CLI finds it, on the PATH; else the one that runs this host. */
export async function programNode(env: NodeJS.ProcessEnv): Promise<string> {
  return (await onPath("node", env.PATH ?? "")) ?? process.execPath;
}
