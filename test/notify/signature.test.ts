/** Webhooks are signed as Standard Webhooks has it; the first vector was made by its own JavaScript library (1.0.0). */
import { describe, expect, it } from "vitest";
import { checkSigned, type NamedSecret, parseSecret, signedHeaders, TOLERANCE } from "../../src/notify/signature.js";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const named = (name: string, secret: string): NamedSecret => ({ name, key: parseSecret(secret) ?? Buffer.alloc(0) });
const board = named("change-board", SECRET);
const other = named("pager", `whsec_${Buffer.alloc(32, 7).toString("base64")}`);
const MESSAGE = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: 1_614_265_330_000, body: '{"test": 2432232314}' };

it("signs as the standard's own library", () => {
  expect(signedHeaders(MESSAGE, board.key)).toEqual({
    "webhook-id": MESSAGE.id,
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

describe("a message", () => {
  const headers = signedHeaders(MESSAGE, board.key);
  const check = (given: object, body = MESSAGE.body, now = MESSAGE.at) =>
    checkSigned({ ...headers, ...given }, body, [other, board], now);

  it("is known by the secret that signed it, also among several signatures", () => {
    expect(check({})).toEqual({ ok: true, id: MESSAGE.id, from: "change-board" });
    const both = `v1,AAAA ${headers["webhook-signature"]}`;
    expect(check({ "webhook-signature": both })).toMatchObject({ ok: true });
  });

  it.each([
    ["another body", {}, '{"test": 1}', 0, "bad-signature"],
    ["another id", { "webhook-id": "msg_2" }, undefined, 0, "bad-signature"],
    ["another time", { "webhook-timestamp": "1614265331" }, undefined, 0, "bad-signature"],
    ["another version", { "webhook-signature": "v2,AAAA" }, undefined, 0, "bad-signature"],
    ["no signature", { "webhook-signature": undefined }, undefined, 0, "unsigned"],
    ["no time", { "webhook-timestamp": "soon" }, undefined, 0, "unsigned"],
    ["an old message", {}, undefined, TOLERANCE + 1, "expired"],
    ["one from the future", {}, undefined, -TOLERANCE - 1, "expired"],
  ])("with %s is refused", (_, given, body, later, reason) => {
    expect(check(given, body, MESSAGE.at + later)).toEqual({ ok: false, reason });
  });

  it("of an unknown secret is refused, and so is any where there are no secrets", () => {
    const strange = signedHeaders(MESSAGE, named("x", `whsec_${Buffer.alloc(24, 1).toString("base64")}`).key);
    expect(check(strange)).toEqual({ ok: false, reason: "bad-signature" });
    expect(checkSigned(headers, MESSAGE.body, [], MESSAGE.at)).toEqual({ ok: false, reason: "bad-signature" });
  });
});

it.each(["", "whsec_", "whsec_c2hvcnQ=", "not base64!", `whsec_${Buffer.alloc(65).toString("base64")}`])(
  "%j is no secret",
  (text) => {
    expect(parseSecret(text)).toBeUndefined();
  },
);
