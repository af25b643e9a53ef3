/**
 * ip-options-echo.ts — options of answers: what a packet recorded goes back with the reply, a source route reversed
 * (RFC 1122 §3.2.1.8, RFC 1812 §5.2.4.1; cf. Linux net/ipv4/ip_options.c __ip_options_echo, ip_options_build).
 */
import { IP_HLEN, IP_SADDR, IPOPT_END, RTN_UNICAST, type Rtable, type SkBuff } from '@packetwalk/framework';
import { IPOPT_TS_PRESPEC, inetCurrentTimestamp } from './ip-options.ts';
import { IPOPT_RR_NEEDADDR, IPOPT_TS_NEEDADDR, IPOPT_TS_NEEDTIME, ipcbCipso, ipcbRr, ipcbSrr, ipcbTs } from './ipcb.ts';
import { type Ipv4, ipv4Of } from './ipv4.ts';
import { ipRtGetSource } from './source-address.ts';

/** Longest options of a header: 15 words less the 5 fixed ones. */
const MAX_IPOPTLEN = 40;

/** Options to be put into a header (ip_options). Offsets count from the start of the header; 0: not there. */
export class IpOptions {
  readonly data: Uint8Array = new Uint8Array(MAX_IPOPTLEN);
  readonly view: DataView = new DataView(this.data.buffer);
  optlen = 0;
  srr = 0;
  rr = 0;
  ts = 0;
  /** First hop of the source route. */
  faddr = 0;
  rrNeedaddr = false;
  tsNeedaddr = false;
  tsNeedtime = false;

  clear(): void {
    this.optlen = 0;
    this.srr = 0;
    this.rr = 0;
    this.ts = 0;
    this.faddr = 0;
    this.rrNeedaddr = false;
    this.tsNeedaddr = false;
    this.tsNeedtime = false;
  }

  /** Appends `length` bytes of `from`; returns the offset in `data`. */
  append(from: Uint8Array, offset: number, length: number): number {
    const at = this.optlen;
    for (let i = 0; i < length; i++) this.data[at + i] = from[offset + i];
    this.optlen += length;
    return at;
  }
}

/** Filled anew for each answer: an answer is built before the next one begins. */
const echoed: IpOptions = new IpOptions();

/** The options for an answer to `skb`, good until the next call; null when what it recorded cannot be answered. */
export function ipOptionsEcho(ipv4: Ipv4, skb: SkBuff): IpOptions | null {
  echoed.clear();
  if (skb.cb1 === 0) return echoed;
  if (ipcbRr(skb) !== 0 && !echoRecordRoute(skb)) return null;
  if (ipcbTs(skb) !== 0 && !echoTimestamp(ipv4, skb)) return null;
  if (ipcbSrr(skb) !== 0) echoSourceRoute(skb);
  const cipso = ipcbCipso(skb);
  const { buf } = skb.head;
  if (cipso !== 0) echoed.append(buf, skb.networkHeader + cipso, buf[skb.networkHeader + cipso + 1]);
  while ((echoed.optlen & 3) !== 0) echoed.data[echoed.optlen++] = IPOPT_END;
  return echoed;
}

function echoRecordRoute(skb: SkBuff): boolean {
  const { buf } = skb.head;
  const option = skb.networkHeader + ipcbRr(skb);
  const length = buf[option + 1];
  const pointer = buf[option + 2];
  echoed.rr = echoed.optlen + IP_HLEN;
  const at = echoed.append(buf, option, length);
  if ((skb.cb2 & IPOPT_RR_NEEDADDR) !== 0 && pointer <= length) {
    if (pointer + 3 > length) return false;
    echoed.data[at + 2] = pointer + 4;
    echoed.rrNeedaddr = true;
  }
  return true;
}

function echoTimestamp(ipv4: Ipv4, skb: SkBuff): boolean {
  const { buf } = skb.head;
  const option = skb.networkHeader + ipcbTs(skb);
  const length = buf[option + 1];
  let pointer = buf[option + 2];
  echoed.ts = echoed.optlen + IP_HLEN;
  const at = echoed.append(buf, option, length);
  if (pointer > length) return true;
  if ((skb.cb2 & IPOPT_TS_NEEDADDR) !== 0) {
    if (pointer + 3 > length) return false;
    echoed.tsNeedaddr = true;
    pointer += 4;
  }
  if ((skb.cb2 & IPOPT_TS_NEEDTIME) !== 0) {
    if (pointer + 3 > length) return false;
    if ((echoed.data[at + 3] & 15) !== IPOPT_TS_PRESPEC) {
      echoed.tsNeedtime = true;
      pointer += 4;
    } else if (pointer + 7 <= length && ipv4.routing.addrType(echoed.view.getInt32(at + pointer - 1)) !== RTN_UNICAST) {
      // The next of the named routers is this one.
      echoed.tsNeedtime = true;
      pointer += 8;
    }
  }
  echoed.data[at + 2] = pointer;
  return true;
}

/** The hops so far, last first; the sender is left out where it put itself on the list. */
function echoSourceRoute(skb: SkBuff): void {
  const { buf, view } = skb.head;
  const option = skb.networkHeader + ipcbSrr(skb);
  const length = buf[option + 1];
  const pointer = Math.min(buf[option + 2], length + 1);
  const at = echoed.optlen;
  let from = pointer - 4;
  if (from <= 3) return;
  const faddr = view.getInt32(option + from - 1);
  let to = 4;
  for (from -= 4; from > 3; from -= 4, to += 4) echoed.view.setInt32(at + to - 1, view.getInt32(option + from - 1));
  if (view.getInt32(skb.networkHeader + IP_SADDR) === view.getInt32(option + from + 3)) to -= 4;
  if (to <= 3) return;
  echoed.faddr = faddr;
  echoed.data[at] = buf[option];
  echoed.data[at + 1] = to + 3;
  echoed.data[at + 2] = 4;
  echoed.srr = at + IP_HLEN;
  echoed.optlen += to + 3;
}

/**
 * Writes options behind the fixed header of a packet that is being made, and fills in what this router has to: the last
 * hop of a source route is `daddr`, the final destination (ip_options_build).
 */
export function ipOptionsBuild(skb: SkBuff, options: IpOptions, daddr: number, rt: Rtable): void {
  const { buf, view } = skb.head;
  const ip = skb.networkHeader;
  for (let i = 0; i < options.optlen; i++) buf[ip + IP_HLEN + i] = options.data[i];
  const { srr, rr, ts } = options;
  if (srr !== 0) view.setInt32(ip + srr + buf[ip + srr + 1] - 4, daddr);
  if (options.rrNeedaddr) view.setInt32(ip + rr + buf[ip + rr + 2] - 5, ipRtGetSource(skb, rt));
  if (options.tsNeedaddr) view.setInt32(ip + ts + buf[ip + ts + 2] - 9, ipRtGetSource(skb, rt));
  if (options.tsNeedtime) view.setInt32(ip + ts + buf[ip + ts + 2] - 5, inetCurrentTimestamp(ipv4Of(skb).net));
}
