/**
 * Addresses that a probe never speaks to. Link-local ones serve machine credentials to whoever asks (cloud metadata
 * services); a URL that came from an output must not lead there. In a rehearsal only loopback is left (invariant 13).
 */
import { type LookupAddress, lookup as resolveName } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { cannotLook } from "./context.js";

/** Link-local (RFC 3927, RFC 4291), the metadata services beside it (AWS over IPv6, Alibaba), and NAT64 of link-local. */
const METADATA = new BlockList();
METADATA.addSubnet("169.254.0.0", 16, "ipv4");
METADATA.addSubnet("fe80::", 10, "ipv6");
METADATA.addAddress("fd00:ec2::254", "ipv6");
METADATA.addAddress("100.100.100.200", "ipv4");
METADATA.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Why an address may not be spoken to; undefined where it may. IPv4 addresses mapped into IPv6 count as themselves. */
export function refusal(address: string, loopbackOnly: boolean): string | undefined {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (METADATA.check(address, family)) return "link-local and metadata addresses are not probed";
  if (loopbackOnly && !LOOPBACK.check(address, family)) return NOT_LOOPBACK;
  return undefined;
}

const NOT_LOOPBACK = "a rehearsal speaks only to loopback addresses";

/**
 * Checks the host of a URL as far as that needs no name service. In a rehearsal no name but `localhost` is even asked
 * for: a query would leave the machine. Errors: cannot-look.
 */
export function checkHost(hostname: string, loopbackOnly: boolean): void {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 0) {
    if (loopbackOnly && host !== "localhost") throw cannotLook(NOT_LOOPBACK);
    return;
  }
  const reason = refusal(host, loopbackOnly);
  if (reason !== undefined) throw cannotLook(reason);
}

/** A name lookup for sockets that refuses a name which leads to a forbidden address, whatever else it leads to. */
export function guardedLookup(loopbackOnly: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) return callback(error ?? cannotLook("the name has no address"), "", 0);
      const reason = addresses.map(({ address }) => refusal(address, loopbackOnly)).find((why) => why !== undefined);
      if (reason !== undefined) return callback(cannotLook(reason), "", 0);
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}
