import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ciActor, claimedActor, subjectOf } from "../../src/evo/claim.js";

const token = (payload: object) => `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.none`;

it.each([
  [
    { GITHUB_ACTIONS: "true", GITHUB_ACTOR: "octocat", GITHUB_REPOSITORY: "acme/infra", GITHUB_RUN_ID: "1234" },
    "octocat@github:acme/infra#1234",
  ],
  [
    { GITLAB_CI: "true", GITLAB_USER_LOGIN: "maria", CI_PROJECT_PATH: "acme/web/infra", CI_JOB_ID: "9" },
    "maria@gitlab:acme/web/infra#9",
  ],
  [
    {
      PULUMI_CI_SYSTEM: "Pulumi Deployments",
      PULUMI_CI_ORGANIZATION: "acme",
      PULUMI_CI_PROJECT: "infra",
      PULUMI_CI_STACK: "prod",
      PULUMI_CI_BUILD_ID: "b-7",
    },
    "deployment@pulumi:acme/infra/prod#b-7",
  ],
  [{ GITHUB_ACTIONS: "true", GITHUB_ACTOR: "" }, "somebody@github"],
  [{ CI: "true" }, undefined],
])("a CI job of %j is started by %s", (env, actor) => {
  expect(ciActor(env)).toBe(actor);
});

it("a token says of itself who it is for, and nobody has checked it", () => {
  const claims = { sub: "repo:acme/infra:ref:refs/heads/main", iss: "https://token.actions.githubusercontent.com" };
  expect(subjectOf(token(claims))).toBe("repo:acme/infra:ref:refs/heads/main by token.actions.githubusercontent.com");
  expect(subjectOf("no token")).toBeUndefined();
  expect(claimedActor({ EVO_ACTOR: "ann@ops", EVO_OIDC_TOKEN: token({ sub: "s" }) }, "/")).toBe("ann@ops, oidc s");
  expect(claimedActor({ EVO_ACTOR: "ann@ops", EVO_OIDC_TOKEN: "x.y.z" }, "/")).toBe("ann@ops");
});

it("a person is known by the git identity of the folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "evo-claim-"));
  try {
    execFileSync("git", ["init", "--quiet", folder]);
    execFileSync("git", ["-C", folder, "config", "user.email", "maria@example.org"]);
    expect(claimedActor({}, folder)).toBe("maria@example.org");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
