/**
 * Who may pass: a Lambda authorizer (payload 2.0, simple responses). Users come with a Cognito token; the canary comes
 * with its secret, holds every role, and may ask for a policy version ahead of the flag.
 */
import { createPublicKey, timingSafeEqual, verify } from "node:crypto";
import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from "@aws-sdk/client-appconfigdata";

const policies = JSON.parse(process.env.POLICIES);
const FLAG_LIFETIME = 15_000;

export async function handler(event) {
  const caller = await callerOf(event.headers);
  if (caller === undefined) return { isAuthorized: false };
  const version = caller.policyVersion ?? (await flaggedVersion());
  const allowed = policies[version]?.[event.routeKey] ?? [];
  const isAuthorized =
    caller.roles === "all" ? allowed.length > 0 : caller.roles.some((role) => allowed.includes(role));
  return { isAuthorized, context: { policyVersion: String(version) } };
}

async function callerOf(headers) {
  if (headers["x-canary"] !== undefined) {
    if (!same(headers["x-canary"], process.env.CANARY_SECRET)) return undefined;
    return { roles: "all", policyVersion: headers["x-policy-version"] };
  }
  const claims = await claimsOf((headers.authorization ?? "").replace(/^Bearer /, ""));
  return claims && { roles: claims["cognito:groups"] ?? [] };
}

function same(given, expected) {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

// ---------------------------------------------------------------------------------------------------------- Tokens

let keys;

async function keyOf(id) {
  if (!keys?.has(id)) {
    const response = await fetch(`${process.env.ISSUER}/.well-known/jwks.json`);
    keys = new Map((await response.json()).keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: "jwk" })]));
  }
  return keys.get(id);
}

async function claimsOf(token) {
  const [head, body, signature] = token.split(".");
  if (signature === undefined) return undefined;
  const { kid, alg } = parsed(head);
  const key = alg === "RS256" ? await keyOf(kid) : undefined;
  const signed = Buffer.from(`${head}.${body}`);
  if (key === undefined || !verify("RSA-SHA256", signed, key, Buffer.from(signature, "base64url"))) return undefined;
  const claims = parsed(body);
  const audience = claims.aud ?? claims.client_id;
  const valid = claims.iss === process.env.ISSUER && audience === process.env.AUDIENCE;
  return valid && claims.exp * 1000 > Date.now() ? claims : undefined;
}

function parsed(part) {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}

// ------------------------------------------------------------------------------------------------------------ Flag

const client = new AppConfigDataClient({ region: process.env.FLAGS_REGION });
let flag = { version: 1, until: 0, token: undefined };

/** The policy version that users get. As long as nobody has said otherwise: the first. */
async function flaggedVersion() {
  if (Date.now() < flag.until) return flag.version;
  try {
    const token = flag.token ?? (await started());
    const answer = await client.send(new GetLatestConfigurationCommand({ ConfigurationToken: token }));
    const text = answer.Configuration?.transformToString() ?? "";
    const policy = text === "" ? undefined : JSON.parse(text)["access-policy"];
    const version = policy === undefined ? flag.version : policy.enabled ? policy.version : 1;
    flag = { version, until: Date.now() + FLAG_LIFETIME, token: answer.NextPollConfigurationToken };
  } catch (error) {
    console.error("the flag could not be read; the last known policy stays", error);
    flag = { ...flag, until: Date.now() + FLAG_LIFETIME, token: undefined };
  }
  return flag.version;
}

async function started() {
  const session = await client.send(
    new StartConfigurationSessionCommand({
      ApplicationIdentifier: "orders",
      EnvironmentIdentifier: process.env.FLAGS_ENVIRONMENT,
      ConfigurationProfileIdentifier: "features",
      RequiredMinimumPollIntervalInSeconds: 15,
    }),
  );
  return session.InitialConfigurationToken;
}
