/** packet-arp.ts — `arp` in the packet notation. */
import {
  ARP_HLN,
  ARP_HRD,
  ARP_LEN,
  ARP_OP,
  ARP_PLN,
  ARP_PRO,
  ARP_SHA,
  ARP_SIP,
  ARP_THA,
  ARP_TIP,
  ARPHRD_ETHER,
  ARPOP_REPLY,
  ARPOP_REQUEST,
} from '../wire/arp.ts';
import { ETH_ALEN, ETH_DST, ETH_P_ARP, ETH_P_IP, ETH_SRC } from '../wire/ethernet.ts';
import { formatIpv4 } from '../wire/ipv4.ts';
import { NO_MAC } from './packet-ethernet.ts';
import { headerBefore, hexNumber, type Layer, type PrintedLayer, type Stretch, unless } from './packet-layer.ts';
import type { WordReader } from './packet-words.ts';

/** Length of an IPv4 address in ARP. */
const PLN_IPV4 = 4;

interface ArpFields {
  op: number;
  senderIp: number;
  targetIp: number;
  sha: Uint8Array | null;
  tha: Uint8Array | null;
}

/**
 * `arp who-has TARGET tell SENDER`, `arp reply SENDER is-at MAC tell TARGET` or `arp op N SENDER > TARGET`, then
 * `[sha MAC] [tha MAC] [hrd N] [pro N] [hln N] [pln N]`.
 */
export function readArp(words: WordReader): Layer {
  const fields = readOperation(words);
  let [hrd, pro, hln, pln] = [ARPHRD_ETHER, ETH_P_IP, ETH_ALEN, PLN_IPV4];
  words.fields('arp', {
    sha: () => {
      fields.sha = words.mac('sha');
    },
    tha: () => {
      fields.tha = words.mac('tha');
    },
    hrd: () => {
      hrd = words.number('hrd', 0xffff);
    },
    pro: () => {
      pro = words.number('pro', 0xffff);
    },
    hln: () => {
      hln = words.number('hln', 0xff);
    },
    pln: () => {
      pln = words.number('pln', 0xff);
    },
  });
  return {
    etherType: ETH_P_ARP,
    build(payload, outer) {
      const { bytes, view } = headerBefore(payload, ARP_LEN);
      const macs = outer.findLast((layer) => layer.macs !== undefined)?.macs;
      view.setUint16(ARP_HRD, hrd);
      view.setUint16(ARP_PRO, pro);
      view.setUint8(ARP_HLN, hln);
      view.setUint8(ARP_PLN, pln);
      view.setUint16(ARP_OP, fields.op);
      bytes.set(fields.sha ?? macs?.source ?? NO_MAC, ARP_SHA);
      view.setInt32(ARP_SIP, fields.senderIp);
      bytes.set(fields.tha ?? (fields.op === ARPOP_REQUEST ? NO_MAC : (macs?.destination ?? NO_MAC)), ARP_THA);
      view.setInt32(ARP_TIP, fields.targetIp);
      return bytes;
    },
  };
}

function readOperation(words: WordReader): ArpFields {
  if (words.take('who-has')) {
    const targetIp = words.ip('the address asked for');
    words.need('tell');
    return { op: ARPOP_REQUEST, senderIp: words.ip('the sender'), targetIp, sha: null, tha: null };
  }
  if (words.take('reply')) {
    const senderIp = words.ip('the address');
    words.need('is-at');
    const sha = words.mac('its MAC address');
    words.need('tell');
    return { op: ARPOP_REPLY, senderIp, targetIp: words.ip('the target'), sha, tha: null };
  }
  if (!words.take('op')) words.fail('arp is followed by who-has, reply or op');
  const op = words.number('op', 0xffff);
  const senderIp = words.ip('the sender');
  words.need('>');
  return { op, senderIp, targetIp: words.ip('the target'), sha: null, tha: null };
}

export function printArp(s: Stretch): PrintedLayer | null {
  const { at, view, bytes, macNames } = s;
  const length = s.end - at;
  // Inside an IP packet (GRE) there is no padding: what is longer is not plain ARP.
  if (length < ARP_LEN || (s.ip >= 0 && length > ARP_LEN)) return null;
  const op = view.getUint16(at + ARP_OP);
  const mac = (offset: number): string => macNames.format(bytes, offset);
  const sha = mac(at + ARP_SHA);
  const sender = formatIpv4(view.getInt32(at + ARP_SIP));
  const target = formatIpv4(view.getInt32(at + ARP_TIP));
  const zero = macNames.format(NO_MAC, 0);
  const [from, to] = s.eth < 0 ? [zero, zero] : [mac(s.eth + ETH_SRC), mac(s.eth + ETH_DST)];
  const head =
    op === ARPOP_REQUEST
      ? `who-has ${target} tell ${sender}`
      : op === ARPOP_REPLY
        ? `reply ${sender} is-at ${sha} tell ${target}`
        : `op ${op} ${sender} > ${target}`;
  const words = [
    'arp',
    head,
    ...(op === ARPOP_REPLY ? [] : unless(sha, from, 'sha')),
    ...unless(mac(at + ARP_THA), op === ARPOP_REQUEST ? zero : to, 'tha'),
    ...unless(view.getUint16(at + ARP_HRD), ARPHRD_ETHER, 'hrd'),
    ...unless(view.getUint16(at + ARP_PRO), ETH_P_IP, 'pro', hexNumber),
    ...unless(view.getUint8(at + ARP_HLN), ETH_ALEN, 'hln'),
    ...unless(view.getUint8(at + ARP_PLN), PLN_IPV4, 'pln'),
  ];
  return { words, rest: { ...s, at: at + ARP_LEN, end: at + ARP_LEN }, announced: null, announcement: '' };
}
