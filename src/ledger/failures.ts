/** What goes wrong between evo and its database, in evo's words. No message carries a password (invariant 11). */
import { EvoError, EXIT } from "../errors.js";
import type { Fault } from "./trail.js";

/** What the database driver and the socket below it put on an error. */
interface Failure {
  readonly message: string;
  readonly code?: string;
  readonly detail?: string;
}

/** SQLSTATEs that mean: this connection is gone or not to be had; the same call may succeed on another one. */
const LOST_STATES = /^(08...|57P0[1-5]|53300|40001|40P01)$/;
const LOST_SYSTEM =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)$/;
const LOST_MESSAGES =
  /Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|not queryable|Client was closed/;

/**
 * SQLSTATEs, and the socket's refusal, that mean: it is there and can't serve now. Out of disk or memory (53), broken disk
 * (58), a standby that does not write (25006). Source: PostgreSQL, Appendix A.
 */
const UNFIT = /^(53...|58...|25006|EACCES|EPERM)$/;

/** True when the reply, or the connection, was lost: a call that may be repeated safely is worth another try. */
export function isLost(error: unknown): boolean {
  const { code = "", message } = asFailure(error);
  return LOST_STATES.test(code) || LOST_SYSTEM.test(code) || LOST_MESSAGES.test(message);
}

/** SQLSTATEs of a server that is there and can't take one more now: too many connections, or still starting. */
const BUSY_STATES = /^(53300|57P03)$/;
const BUSY_MESSAGES = /timeout expired|timeout exceeded when trying to connect/;

/** True when a server, or this machine, had no room or no time to let somebody in: a later try may succeed. */
export function isBusy(error: unknown): boolean {
  const { code = "", message } = asFailure(error);
  return BUSY_STATES.test(code) || BUSY_MESSAGES.test(message);
}

/** The SQLSTATE or system code of an error, where it has one. */
export function codeOf(error: unknown): string | undefined {
  return asFailure(error).code;
}

function asFailure(error: unknown): Failure {
  if (error instanceof AggregateError && error.errors.length > 0) return asFailure(error.errors[0]);
  if (error instanceof Error) return error as Failure;
  return { message: String(error) };
}

/** Removes a password, as it is and as a URL writes it, from a text for people. */
export function withoutPassword(text: string, password: string | undefined): string {
  if (!password) return text;
  const forms = new Set([password, encodeURIComponent(password), encodeURI(password)]);
  return [...forms].reduce((clean, form) => clean.replaceAll(form, "***"), text);
}

/** The database can't be reached, or doesn't let evo in. `where` is role, host and database, never a password. */
export function unavailable(error: unknown, where: string, password?: string): EvoError {
  const message = withoutPassword(asFailure(error).message || String(codeOf(error)), password);
  return new EvoError("ledger.unavailable", `The ledger at ${where} is not available: ${message}`, {
    exit: EXIT.ledgerUnavailable,
    remedy: "Check that the database is up and that EVO_LEDGER_URL names it; nothing has been started meanwhile.",
  });
}

/** Translates an error of a ledger function; what evo did not foresee comes back as it was, without a password. */
export function translate(error: unknown, where: string, password?: string): Error {
  if (error instanceof EvoError) return error;
  const { code = "", message, detail } = asFailure(error);
  const clean = withoutPassword(message, password);
  if (isLost(error) || UNFIT.test(code) || code.startsWith("28") || code === "3D000")
    return unavailable(error, where, password);
  switch (code) {
    case "EV001":
      return new EvoError("ledger.conflict", `Somebody else wrote meanwhile: ${clean}.`, {
        exit: EXIT.locked,
        remedy: "Look at `evo status`, then run the command again.",
      });
    case "EV009":
      return new EvoError("ledger.changed", `More was recorded meanwhile: ${clean}.`, {
        exit: EXIT.locked,
        remedy: "Look at `evo drift show`, then run the command again.",
      });
    case "EV002":
      return new EvoError("ledger.fenced", `${capital(clean)}${heldBy(detail)}.`, {
        exit: EXIT.locked,
        remedy: "Another evo has taken over; follow it with `evo status`.",
      });
    case "EV006":
      return new EvoError("ledger.role", `${capital(clean)}.`, {
        exit: EXIT.usage,
        remedy: `Ask the ledger's owner to \`GRANT ${detail ?? "the role"} TO\` your role; nothing was recorded.`,
      });
    case "42501":
      return new EvoError("ledger.schema", `The ledger at ${where} refuses this role: ${clean}.`, {
        exit: EXIT.ledgerUnavailable,
        remedy: "Ask the database's owner to `GRANT evo_writer TO` the role in EVO_LEDGER_URL.",
      });
    default:
      return new Error(`the ledger at ${where} answered ${code}: ${clean}`);
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function heldBy(detail: string | undefined): string {
  return detail === undefined || detail === "{}" ? "" : `; its last holder: ${detail}`;
}

/** The record doesn't hold together. */
export function broken(message: string): EvoError {
  return new EvoError("ledger.broken", message, {
    exit: EXIT.ledgerBroken,
    remedy: "Run `evo ledger verify`, keep the database as it is, and restore the ledger from a copy that verifies.",
  });
}

/** The first entry that is wrong, for who asked. */
export function brokenAt({ number, to, reason }: Fault): EvoError {
  const where = to === undefined || to === number ? `entry ${number}` : `entries ${number} to ${to}, or some of them`;
  return new EvoError("ledger.broken", `${where}: ${reason}`, {
    source: "evo",
    exit: EXIT.ledgerBroken,
    remedy: "stop changes, and compare with a backup or an export: evo ledger verify --against <file>",
  });
}

/** The ledger is not, or no more, what this client has seen of it. */
export function wentBack(where: string, how: string): EvoError {
  return new EvoError("ledger.went-back", `The ledger at ${where} went back: ${how}.`, {
    exit: EXIT.ledgerBroken,
    remedy:
      'Nothing was written. Find out who put it back; if it was on purpose, sign for it: evo ledger accept-replaced --reason "..."',
  });
}
