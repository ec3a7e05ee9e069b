/**
 * A terminal for tests: a real tmux of its own, with a command in it. What it shows is what a person would see; what it
 * has kept is what a person would scroll back to. Closing it ends everything in it.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** Milliseconds in which a terminal must show what a test waits for. */
const PATIENCE = 120_000;

/** What stands below a command that has ended. */
const EXIT = /^\[exit \d+\]$/;

/** A status line would take a row; the rest of what a user may have set is left out with `-f`. */
const SETTINGS = "set -g status off\nset -g history-limit 10000\nset -g default-terminal screen-256color\n";

export interface Terminal {
  /** The rows of the screen, without what is empty at the end. */
  screen(): Promise<readonly string[]>;
  /** All that was ever shown and not taken back; rows that were broken at the right edge as they are. */
  scrollback(): Promise<readonly string[]>;
  /** Waits until the screen satisfies `there`; `always` looks at each screen on the way. Throws with what it shows after two minutes. */
  until(
    there: (rows: readonly string[]) => boolean,
    always?: (rows: readonly string[]) => void,
  ): Promise<readonly string[]>;
  /** Types keys by their tmux names (`C-c`). */
  press(...keys: readonly string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  showsCursor(): Promise<boolean>;
  close(): Promise<void>;
}

export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
}

/** Whether this machine has a tmux. */
export function hasTmux(): boolean {
  try {
    execFileSync("tmux", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Runs a command in a terminal; when it has ended, `[exit <code>]` stands below what it has shown. */
export async function openTerminal(command: readonly string[], options: TerminalOptions): Promise<Terminal> {
  const directory = mkdtempSync(join(tmpdir(), "evo-tmux-"));
  const settings = join(directory, "tmux.conf");
  writeFileSync(settings, SETTINGS);
  const env = { ...options.env, LANG: "C.UTF-8", LC_ALL: "C.UTF-8", TERM: "xterm-256color" };
  const tmux = async (...args: readonly string[]): Promise<string> => {
    const server = ["-u", "-S", join(directory, "socket"), "-f", settings];
    return (await promisify(execFile)("tmux", [...server, ...args], { env })).stdout;
  };
  const size = ["-x", String(options.columns), "-y", String(options.rows)];
  // Ctrl-C is for the command: the shell lives on.
  const shell = `trap : INT; ${command.map((word) => `'${word}'`).join(" ")}; printf '[exit %s]\\n' $?; exec cat`;
  await tmux("new-session", "-d", ...size, "-c", options.cwd, "sh", "-c", shell);

  const rowsOf = (text: string): readonly string[] =>
    text
      .trimEnd()
      .split("\n")
      .map((row) => row.trimEnd());
  const screen = async (): Promise<readonly string[]> => rowsOf(await tmux("capture-pane", "-p"));
  return {
    screen,
    scrollback: async () => rowsOf(await tmux("capture-pane", "-p", "-S", "-")),
    async until(there, always = () => undefined) {
      for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await sleep(100)) {
        const rows = await screen();
        always(rows);
        if (there(rows)) return rows;
        if (rows.some((row) => EXIT.test(row))) break;
      }
      throw new Error(`waited in vain in front of:\n${(await screen()).join("\n")}`);
    },
    press: async (...keys) => void (await tmux("send-keys", ...keys)),
    resize: async (columns, rows) => void (await tmux("resize-window", "-x", String(columns), "-y", String(rows))),
    showsCursor: async () => (await tmux("display-message", "-p", "#{cursor_flag}")).trim() === "1",
    async close() {
      await tmux("kill-server").catch(() => undefined);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
