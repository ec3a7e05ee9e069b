/** The local roles' passwords: random, in a file that only evo's user may read; the server keeps SCRAM verifiers. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Passwords {
  /** Of evo_admin, who migrates. */
  readonly admin: string;
  /** Of evo, who does the daily work as a member of evo_writer. */
  readonly writer: string;
}

/** Reads the passwords, or makes new ones; `made` says that the server doesn't know them yet. */
export function readPasswords(folder: string): { readonly passwords: Passwords; readonly made: boolean } {
  const file = join(folder, "passwords.json");
  try {
    return { passwords: JSON.parse(readFileSync(file, "utf8")) as Passwords, made: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const passwords = { admin: randomBytes(24).toString("base64url"), writer: randomBytes(24).toString("base64url") };
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(passwords), { mode: 0o600 });
  renameSync(draft, file);
  return { passwords, made: true };
}

/** What Postgres stores of a password (RFC 5803 with Postgres' prefix), so that it never sees the password itself. */
export function scramVerifier(password: string, salt = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const key = (name: string) => createHmac("sha256", salted).update(name).digest();
  const stored = createHash("sha256").update(key("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${key("Server Key").toString("base64")}`;
}
