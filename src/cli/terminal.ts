/** What the terminal at hand can show. The environment comes as an argument; colours are Node's own judgement of it. */
import type { WriteStream } from "node:tty";

/** A terminal on which a tree can stand: one that moves its cursor and has a person before it. */
export function showsTree(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): stream is WriteStream & { fd: 1 | 2 } {
  return stream.isTTY === true && stream.columns > 0 && isCapable(env);
}

/** `TERM=dumb` moves no cursor; in CI a terminal is a log. */
function isCapable({ TERM, CI, GITHUB_ACTIONS }: NodeJS.ProcessEnv): boolean {
  return TERM !== undefined && TERM !== "" && TERM !== "dumb" && !isSet(CI) && !isSet(GITHUB_ACTIONS);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value.toLowerCase() !== "false";
}

/** FORCE_COLOR, NO_COLOR, NODE_DISABLE_COLORS and TERM, as `tty.WriteStream.hasColors` reads them. */
export function showsColour(stream: WriteStream, env: NodeJS.ProcessEnv): boolean {
  return stream.hasColors(env);
}

/** By the locale, as the C library reads it (LC_ALL, LC_CTYPE, LANG); the Linux console's font lacks the signs. */
export function showsUnicode(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (env.TERM === "linux") return false;
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== "");
  return locale === undefined ? platform === "darwin" || platform === "win32" : /utf-?8/i.test(locale);
}
