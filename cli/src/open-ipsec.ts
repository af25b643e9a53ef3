/**
 * open-ipsec.ts — looks into ESP and AH packets with the keys of a scenario, so that their insides can be compared
 * (RFC 4303 §2, RFC 4302 §3.3.3). It is for judging: sequence numbers are not checked, and nothing is kept.
 */
import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import {
  IP_CHECK,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_PROTOCOL,
  IP_TOS,
  IP_TOT_LEN,
  IP_TTL,
  IPOPT_CIPSO,
  IPOPT_END,
  IPOPT_NOOP,
  IPOPT_RA,
  IPOPT_SEC,
  IPPROTO_ESP,
  IPPROTO_IPIP,
  ipHdrLen,
  ipSendCheck,
} from '@packetwalk/framework';
import { fromHex, type OpenedPacket, type SecurityAssociation } from '@packetwalk/framework/testing';

const ESP_HLEN = 8;
const AH_NEXT = 0;
const AH_SPI = 4;
const AH_SEQUENCE = 8;
const AH_ICV = 12;

/** Algorithms by scapy's names. */
const INTEGRITY: Readonly<Record<string, { readonly hash: string; readonly bytes: number }>> = {
  'HMAC-MD5-96': { hash: 'md5', bytes: 12 },
  'HMAC-SHA1-96': { hash: 'sha1', bytes: 12 },
  'SHA2-256-128': { hash: 'sha256', bytes: 16 },
  'SHA2-384-192': { hash: 'sha384', bytes: 24 },
  'SHA2-512-256': { hash: 'sha512', bytes: 32 },
};

/** Salt at the end of the keys of counter modes (RFC 3686 §4, RFC 4106 §4). */
const SALT = 4;
const GCM_TAG = 16;

/** Options that no router changes: the others count as zeros in AH's check (RFC 4302 appendix A1). */
const IMMUTABLE_OPTIONS: ReadonlySet<number> = new Set([IPOPT_END, IPOPT_NOOP, IPOPT_SEC, 133, IPOPT_CIPSO, IPOPT_RA, 149]);

/** Opens the ESP or AH packet `ip`, which starts at its IPv4 header. Throws when no key fits or the check fails. */
export function openIpsec(ip: Uint8Array, keys: readonly SecurityAssociation[]): OpenedPacket {
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  const header = ipHdrLen(view, 0);
  if (ip.length !== view.getUint16(IP_TOT_LEN)) throw new Error('the packet is shorter or longer than it says');
  return view.getUint8(IP_PROTOCOL) === IPPROTO_ESP ? openEsp(ip, view, header, keys) : openAh(ip, view, header, keys);
}

function keyFor(spi: number, keys: readonly SecurityAssociation[]): SecurityAssociation {
  const key = keys.find((k) => k.spi === spi);
  if (key === undefined) throw new Error(`no key for SPI ${spi.toString(16)}`);
  return key;
}

function openEsp(packet: Uint8Array, view: DataView, header: number, keys: readonly SecurityAssociation[]): OpenedPacket {
  const spi = view.getUint32(header);
  const key = keyFor(spi, keys);
  const integrity = key.auth === undefined ? undefined : INTEGRITY[key.auth];
  const end = packet.length - (integrity?.bytes ?? 0);
  if (integrity !== undefined) checkIcv(packet.subarray(header, end), packet.subarray(end), key);
  const clear = decrypt(packet.subarray(header, end), key);
  const [padding, next] = clear.subarray(clear.length - 2);
  const payload = clear.subarray(0, clear.length - 2 - padding);
  return { spi, sequence: view.getUint32(header + 4), inner: inside(packet.subarray(0, header), payload, next, key) };
}

/** The clear text of an ESP packet from its header on: payload, padding, its length, next header. */
function decrypt(esp: Uint8Array, key: SecurityAssociation): Uint8Array {
  const secret = fromHex(key.ckey ?? '') ?? new Uint8Array(0);
  const body = esp.subarray(ESP_HLEN);
  switch (key.crypt) {
    case undefined:
    case 'NULL':
      return body;
    case 'AES-CBC': {
      const cipher = createDecipheriv(`aes-${secret.length * 8}-cbc`, secret, body.subarray(0, 16)).setAutoPadding(false);
      return Buffer.concat([cipher.update(body.subarray(16)), cipher.final()]);
    }
    case 'AES-CTR': {
      const counter = Buffer.concat([secret.subarray(-SALT), body.subarray(0, 8), Buffer.from([0, 0, 0, 1])]);
      const aes = secret.subarray(0, -SALT);
      return createDecipheriv(`aes-${aes.length * 8}-ctr`, aes, counter).update(body.subarray(8));
    }
    case 'AES-GCM': {
      const aes = secret.subarray(0, -SALT);
      const nonce = Buffer.concat([secret.subarray(-SALT), body.subarray(0, 8)]);
      const cipher = createDecipheriv(aes.length === 32 ? 'aes-256-gcm' : aes.length === 24 ? 'aes-192-gcm' : 'aes-128-gcm', aes, nonce);
      cipher.setAAD(esp.subarray(0, ESP_HLEN)).setAuthTag(body.subarray(-GCM_TAG));
      return Buffer.concat([cipher.update(body.subarray(8, -GCM_TAG)), cipher.final()]);
    }
    default:
      throw new Error(`cannot open ${key.crypt}`);
  }
}

function openAh(packet: Uint8Array, view: DataView, header: number, keys: readonly SecurityAssociation[]): OpenedPacket {
  const spi = view.getUint32(header + AH_SPI);
  const key = keyFor(spi, keys);
  const bytes = (key.auth === undefined ? undefined : INTEGRITY[key.auth])?.bytes;
  if (bytes === undefined) throw new Error(`cannot check ${key.auth ?? 'AH without an algorithm'}`);
  const icv = header + AH_ICV;
  const covered = packet.slice();
  clearMutable(covered, header);
  covered.fill(0, icv, icv + bytes);
  checkIcv(covered, packet.subarray(icv, icv + bytes), key);
  const length = (packet[header + 1] + 2) * 4;
  const inner = inside(packet.subarray(0, header), packet.subarray(header + length), packet[header + AH_NEXT], key);
  return { spi, sequence: view.getUint32(header + AH_SEQUENCE), inner };
}

/** Zeroes what routers may change on the way. */
function clearMutable(ip: Uint8Array, header: number): void {
  ip[IP_TOS] = 0;
  ip.fill(0, IP_FRAG_OFF, IP_FRAG_OFF + 2);
  ip[IP_TTL] = 0;
  ip.fill(0, IP_CHECK, IP_CHECK + 2);
  for (let at = IP_HLEN; at < header; ) {
    const length = ip[at] === IPOPT_END || ip[at] === IPOPT_NOOP ? 1 : Math.max(2, ip[at + 1]);
    if (!IMMUTABLE_OPTIONS.has(ip[at])) ip.fill(0, at, Math.min(at + length, header));
    at += length;
  }
}

function checkIcv(covered: Uint8Array, icv: Uint8Array, key: SecurityAssociation): void {
  const integrity = INTEGRITY[key.auth ?? ''];
  if (integrity === undefined) throw new Error(`cannot check ${key.auth}`);
  const digest = createHmac(integrity.hash, fromHex(key.akey ?? '') ?? new Uint8Array(0))
    .update(covered)
    .digest();
  if (icv.length !== integrity.bytes || !timingSafeEqual(digest.subarray(0, integrity.bytes), icv)) {
    throw new Error('the integrity check value is wrong');
  }
}

/** The packet inside: a tunnel's own, or the outer header in front of what it carries. */
function inside(outer: Uint8Array, payload: Uint8Array, next: number, key: SecurityAssociation): Uint8Array {
  if ((key.mode ?? 'tunnel') === 'tunnel') {
    if (next !== IPPROTO_IPIP) throw new Error(`a tunnel carries IPv4, not protocol ${next}`);
    return payload.slice();
  }
  const inner = new Uint8Array(outer.length + payload.length);
  inner.set(outer);
  inner.set(payload, outer.length);
  const view = new DataView(inner.buffer);
  view.setUint8(IP_PROTOCOL, next);
  view.setUint16(IP_TOT_LEN, inner.length);
  ipSendCheck(view, 0);
  return inner;
}
