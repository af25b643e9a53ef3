/**
 * frame-mutator.ts — frames that are nearly right: good ones of many kinds with bytes flipped, ends cut off, lengths that
 * lie. Half of them get their checksums made right again, or nothing would come past the first check.
 */
import { csumFold, csumPartial, csumTcpudpPseudo, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SeededRandom } from '@packetwalk/framework';
import { parsePacket } from '@packetwalk/framework/testing';

const ETH = 14;

/** Good frames for a router with 10.0.0.1 on p0 and 10.1.0.1 on p1. */
export const FRAMES: readonly Uint8Array[] = [
  'ip 10.0.0.2 > 10.1.0.2 / udp 1000 > 2000 / "forwarded"',
  'ip 10.0.0.2 > 10.1.0.2 df / udp 1000 > 2000 / "z"*1400',
  'ip 10.0.0.2 > 10.1.0.2 / udp 1000 > 2000 / "z"*1400',
  'ip 10.0.0.2 > 10.1.0.2 ttl 1 / udp 1000 > 2000 / "expires"',
  'ip 10.0.0.2 > 198.51.100.1 / udp 1 > 2 / "no route"',
  'ip 10.0.0.2 > 203.0.113.7 / tcp 1 > 2 S / "by a gateway"',
  'ip 10.0.0.2 > 10.0.0.9 / udp 1 > 2 / "redirect"',
  'ip 10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1 / "echo"*20',
  'ip 10.0.0.2 > 10.0.0.1 / udp 1 > 2 / "port unreachable"',
  'ip 10.0.0.2 > 10.0.0.1 / udp 1 > 5000 / "a socket"',
  'ip 10.0.0.2 > 10.0.0.1 / tcp 5 > 6 S',
  'ip 10.0.0.2 > 10.0.0.1 proto 253 / "protocol unreachable"',
  'ip 10.0.0.2 > 10.0.0.1 / icmp type 13 code 0 / 0x000000000000000000000000',
  'ip 10.0.0.2 > 10.0.0.1 / icmp frag-needed mtu 700 / ip 10.0.0.1 > 10.0.0.2 / icmp echo-reply id 1 seq 1 / "12345678"',
  'ip 10.0.0.9 > 10.0.0.1 / icmp redirect-host gw 10.0.0.8 / ip 10.0.0.1 > 203.0.113.5 / icmp echo-reply id 1 seq 1 / "12345678"',
  'ip 10.0.0.2 > 10.0.0.1 / icmp port-unreachable / ip 10.0.0.1 > 10.0.0.2 / udp 5000 > 9 / "12345678"',
  'ip 10.0.0.2 > 10.0.0.1 id 7 mf proto 1 / "f"*200',
  'ip 10.0.0.2 > 10.0.0.1 id 7 frag 200 proto 1 / "l"*99',
  'ip 10.0.0.2 > 10.0.0.1 id 8 mf frag 400 proto 17 / "m"*160',
  'ip 10.0.0.2 > 10.1.0.2 opts 0x070f04000000000000000000000000 / udp 1 > 2 / "record route"'.replace('0000 /', '000000 /'),
  'ip 10.0.0.2 > 10.1.0.2 opts 0x440c05010000000000000000 / udp 1 > 2 / "time stamps"',
  'ip 10.0.0.2 > 10.0.0.1 opts 0x830b040a0100020a01000300 / udp 1 > 2 / "source route"',
  'ip 10.0.0.2 > 10.0.0.1 opts 0x070704000000004408050000000000009404000000 / icmp echo id 1 seq 1 / "options"'.replace(
    '9404000000',
    '94040000'.padEnd(10, '0'),
  ),
  'ip 10.0.0.2 > 10.1.0.2 opts 0x1e04abcd9e04abcd / udp 1 > 2 / "c"*1400',
  'ip 10.0.0.2 > 10.0.0.255 / udp 1 > 67 / "broadcast"',
  'ip 10.0.0.2 > 224.0.0.1 / udp 1 > 2 / "multicast"',
  'ip 10.0.0.2 > 10.0.0.1 / ip 10.5.0.2 > 10.1.0.2 / udp 1 > 2 / "in a tunnel"',
  'ip 10.0.0.2 > 10.0.0.1 / gre sum key 7 seq 1 / ip 10.5.0.2 > 10.1.0.2 / udp 1 > 2 / "in another"',
  'ip 10.0.0.2 > 10.6.0.1 / udp 1 > 2 / "into a tunnel"',
  'ip 10.0.0.2 > 10.7.0.1 df / udp 1 > 2 / "g"*1440',
  'ip 10.0.0.9 > 10.0.0.1 / icmp host-unreachable / ip 10.0.0.1 > 10.0.0.2 df len 60 / ip 10.0.0.2 > 10.6.0.1 len 40 / udp 1 > 2 len 20 csum 0',
  'arp who-has 10.0.0.1 tell 10.0.0.2',
  'arp reply 10.0.0.2 is-at 02:00:00:00:0a:02 tell 10.0.0.1',
].map((packet) => parsePacket(`eth 02:00:00:00:0a:02 > 02:00:00:00:00:10 / ${packet}`));

/** A frame made from one of the good ones, in `into`; returns its length. */
export function mutate(random: SeededRandom, into: Uint8Array): number {
  const good = FRAMES[random.below(FRAMES.length)];
  into.set(good);
  let length = good.length;
  const view = new DataView(into.buffer, into.byteOffset);
  for (let n = random.below(4); n > 0; n--) {
    const at = random.below(2) === 0 ? ETH + random.below(Math.min(60, length - ETH)) : random.below(length);
    switch (random.below(6)) {
      case 0:
        into[at] ^= 1 << random.below(8);
        break;
      case 1:
        into[at] = random.below(256);
        break;
      case 2:
        length = random.below(length + 1);
        if (length <= ETH) return length;
        break;
      case 3:
        view.setUint16(ETH + 2, random.below(2) === 0 ? random.below(0x10000) : random.below(length));
        break;
      case 4:
        // Header length, fragment word, protocol: the fields that lead elsewhere.
        into[ETH + [0, 6, 7, 9][random.below(4)]] = random.below(256);
        break;
      default:
        // Options of any content.
        into[ETH] = 0x45 + random.below(11);
        for (let i = 0; i < 12 && ETH + 20 + i < length; i++)
          into[ETH + 20 + i] = [7, 68, 131, 137, 148, 134, 0, 1, 3, 4, 8, 40][random.below(12)];
    }
  }
  if (random.below(2) === 0) repair(view, length);
  return length;
}

/** Makes the checksums right, as far as the lengths allow. */
function repair(view: DataView, length: number): void {
  if (view.getUint16(12) !== 0x0800 || length < ETH + 20) return;
  const hlen = (view.getUint8(ETH) & 15) * 4;
  const total = view.getUint16(ETH + 2);
  if (hlen < 20 || ETH + hlen > length) return;
  view.setUint16(ETH + 10, 0);
  const end = Math.min(ETH + Math.max(total, hlen), length);
  const at = ETH + hlen;
  const protocol = view.getUint8(ETH + 9);
  const field = { [IPPROTO_ICMP]: 2, [IPPROTO_TCP]: 16, [IPPROTO_UDP]: 6 }[protocol];
  if (field !== undefined && at + field + 2 <= end) {
    view.setUint16(at + field, 0);
    const pseudo = protocol === IPPROTO_ICMP ? 0 : csumTcpudpPseudo(view.getInt32(ETH + 12), view.getInt32(ETH + 16), protocol, end - at);
    view.setUint16(at + field, csumFold(csumPartial(view, at, end - at, pseudo)));
  }
  view.setUint16(ETH + 10, csumFold(csumPartial(view, ETH, hlen)));
}
