import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { encryptedPaths, rehearsalConfig, rehearsalEnvironment } from "../../src/world/environment.js";

const REAL = {
  PATH: "/usr/bin",
  LANG: "de_DE.UTF-8",
  LC_ALL: "C",
  TZ: "UTC",
  TMPDIR: "/var/tmp",
  HOME: "/home/somebody",
  AWS_ACCESS_KEY_ID: "AKIA-real",
  AWS_SECRET_ACCESS_KEY: "canary-1",
  AWS_SESSION_TOKEN: "canary-2",
  AWS_PROFILE: "production",
  AWS_CONFIG_FILE: "/home/somebody/.aws/config",
  GOOGLE_APPLICATION_CREDENTIALS: "/home/somebody/gcp.json",
  ARM_CLIENT_SECRET: "canary-3",
  KUBECONFIG: "/home/somebody/.kube/config",
  PULUMI_ACCESS_TOKEN: "pul-canary",
  PULUMI_BACKEND_URL: "s3://production",
  PULUMI_CONFIG_PASSPHRASE: "canary-4",
  PULUMI_HOME: "/home/somebody/.pulumi",
  GITHUB_TOKEN: "canary-5",
  EVO_LEDGER_URL: "postgres://evo:canary-6@db/evo",
  SSH_AUTH_SOCK: "/run/agent",
  NODE_OPTIONS: "--require /home/somebody/hook.js",
  HTTPS_PROXY: "http://user:canary-7@proxy",
  VENDOR_NOBODY_HEARD_OF_KEY: "canary-8",
};

describe("invariant 13: a rehearsal's environment", () => {
  const env = rehearsalEnvironment(REAL);

  test("passes on nothing that was not allowed by name", () => {
    const text = JSON.stringify(env);
    expect(text).not.toMatch(/canary|real|somebody|production/);
    expect(Object.keys(env)).not.toContain("NODE_OPTIONS");
    expect(Object.keys(env)).not.toContain("HOME");
  });

  test("keeps what programs need to run", () => {
    expect(env).toMatchObject({ PATH: "/usr/bin", LANG: "de_DE.UTF-8", LC_ALL: "C", TZ: "UTC", TMPDIR: "/var/tmp" });
  });

  test("points clients at nothing, and lets only loopback past the proxy", () => {
    expect(env.AWS_SHARED_CREDENTIALS_FILE).toBe("/dev/null");
    expect(env.KUBECONFIG).toBe("/dev/null");
    expect(env.AWS_EC2_METADATA_DISABLED).toBe("true");
    expect(env.https_proxy).toBe("http://127.0.0.1:9");
    expect(env.NO_PROXY).toBe("127.0.0.1,localhost,::1");
  });
});

describe("a stack's config in a rehearsal", () => {
  test("loses the keys of its secrets provider and stands in for what only that could decrypt", () => {
    const real = [
      "secretsprovider: awskms://alias/prod?region=us-east-1",
      "encryptedkey: AQEBAHi=",
      "encryptionsalt: v1:abc:def",
      "config:",
      "  app:replicas: 3",
      "  app:password:",
      "    secure: AAABAKzq",
      "  app:inline: {secure: AAABAKzq}",
      "  app:nested:",
      "    list:",
      "      - secure: v1:x:y",
      "      - plain",
      "    key:",
      "      secure: v1:x:y",
      "",
    ].join("\n");
    const config = (standIns?: { readonly [path: string]: string }) => load(rehearsalConfig(real, standIns));
    expect(config()).toEqual({
      config: {
        "app:replicas": 3,
        "app:password": "rehearsal",
        "app:inline": "rehearsal",
        "app:nested": { list: ["rehearsal", "plain"], key: "rehearsal" },
      },
    });
    expect(encryptedPaths(real)).toEqual(["app:password", "app:inline", "app:nested.list[0]", "app:nested.key"]);
    expect(config({ "app:inline": "a", "app:nested.list[0]": "b", "app:nested.key": "c" })).toEqual({
      config: {
        "app:replicas": 3,
        "app:password": "rehearsal",
        "app:inline": "a",
        "app:nested": { list: ["b", "plain"], key: "c" },
      },
    });
  });

  test("leaves a config without secrets as it is", () => {
    const text = "config:\n  identity:region: us-east-1\n  aws:tags:\n    - secured: no\n";
    expect(rehearsalConfig(text)).toBe(text);
  });
});
