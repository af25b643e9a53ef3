/** iproute/route-get.ts — `ip route get`: the route a packet would take, and why (cf. iproute2 ip/iproute.c iproute_get). */
import {
  allocSkb,
  CommandError,
  type CommandIo,
  consumeSkb,
  type Flow,
  formatIpv4,
  getUnsigned,
  IP_DADDR,
  IP_HLEN,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_VERSION_IHL,
  IPPROTO_ICMP,
  invarg,
  kfreeSkb,
  matches,
  type Net,
  RT_TABLE_MAIN,
  RTCF_BROADCAST,
  RTCF_DOREDIRECT,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  RTN_UNICAST,
  SKB_DROP_REASON_IP_RPFILTER,
  skbPut,
  toAddress,
  type Words,
} from '@packetwalk/framework';
import { EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH, ENODEV } from '../fib-table.ts';
import { IPSKB_DOREDIRECT } from '../ipcb.ts';
import type { Ipv4Route } from '../route.ts';
import type { RtEntry } from '../rtable.ts';
import { dsfieldName, dsfieldNumber, type TableNames, typeName } from './route-types.ts';

const ERRNO_TEXT = new Map([
  [-EACCES, 'Permission denied'],
  [-EINVAL, 'Invalid argument'],
  [-ENODEV, 'No such device'],
  [-ENETUNREACH, 'Network is unreachable'],
  [-EHOSTUNREACH, 'No route to host'],
]);

const refuse = (error: number): CommandError => new CommandError(`RTNETLINK answers: ${ERRNO_TEXT.get(error) ?? `errno ${-error}`}`, 2);

interface GetRequest {
  readonly flow: Flow;
  readonly iif: string;
  readonly from: boolean;
  readonly fibmatch: boolean;
}

function parse(words: Words, net: Net): GetRequest {
  const flow: Flow = {
    daddr: 0,
    saddr: 0,
    tos: 0,
    iif: 0,
    oif: 0,
    mark: 0,
    protocol: IPPROTO_ICMP,
    scope: 0,
    sport: 0,
    dport: 0,
    flags: 0,
  };
  let iif = '';
  let from = false;
  let to = false;
  let fibmatch = false;
  while (!words.done) {
    let word = words.next();
    if (word === 'tos' || matches(word, 'dsfield')) flow.tos = dsfieldNumber(words.next());
    else if (matches(word, 'iif')) iif = net.needDevice(words.next()).name;
    else if (matches(word, 'mark')) {
      const mark = words.next();
      flow.mark = (getUnsigned(mark) ?? invarg('invalid mark\n', mark)) | 0;
    } else if (matches(word, 'oif') || word === 'dev') flow.oif = net.needDevice(words.next()).ifindex;
    else if (matches(word, 'fibmatch')) fibmatch = true;
    else if (word === 'from') {
      flow.saddr = toAddress(words.next()).address;
      from = true;
    } else if (word === 'ipproto') {
      const protocol = words.next();
      flow.protocol = { tcp: 6, udp: 17, icmp: 1 }[protocol] ?? invarg('Invalid "ipproto" value\n', protocol);
    } else if (word === 'sport') flow.sport = words.u32('invalid sport\n', 65535);
    else if (word === 'dport') flow.dport = words.u32('invalid dport\n', 65535);
    else {
      if (word === 'to') word = words.next();
      flow.daddr = toAddress(word.split('/')[0]).address;
      to = true;
    }
  }
  if (!to) throw new CommandError('need at least a destination address', 1);
  return { flow, iif, from, fibmatch };
}

/** Runs `ip route get` and prints its answer. */
export function routeGet(words: Words, route: Ipv4Route, tables: TableNames, io: CommandIo, listed: (flow: Flow) => void): void {
  const request = parse(words, route.net);
  const { flow } = request;
  const source = flow.saddr;
  if (request.fibmatch) {
    listed(flow);
    return;
  }
  const { rt, redirect } = request.iif === '' ? { rt: output(route, flow), redirect: false } : input(route, request);
  const json: Record<string, unknown> = {};
  const text: string[] = [];
  const add = (key: string, word: string, value: string | number): void => {
    text.push(...(word === '' ? [] : [word]), String(value));
    json[key] = value;
  };
  if (rt.rtType !== RTN_UNICAST || io.flags.has('details')) add('type', '', typeName(rt.rtType));
  add('dst', '', formatIpv4(flow.daddr));
  if (request.from) add('from', 'from', formatIpv4(source));
  if (flow.tos !== 0) add('tos', 'tos', dsfieldName(flow.tos));
  if (rt.rtUsesGateway && rt.rtGateway !== flow.daddr) add('gateway', 'via', formatIpv4(rt.rtGateway));
  add('dev', 'dev', rt.dev.name);
  if (io.flags.has('details') && rt.fi !== null) add('table', 'table', tables.name(RT_TABLE_MAIN));
  if (request.iif === '' && flow.saddr !== 0 && !(request.from && source === flow.saddr)) add('prefsrc', 'src', formatIpv4(flow.saddr));
  if (flow.mark !== 0) add('mark', 'mark', `0x${(flow.mark >>> 0).toString(16)}`.replace(/^0x(\d)$/, '$1'));
  json.flags = [];
  add('uid', 'uid', 0);
  const flags = [
    [RTCF_LOCAL, 'local'],
    [RTCF_BROADCAST, 'brd'],
    [RTCF_MULTICAST, 'mcast'],
  ] as const;
  const names = flags.filter(([bit]) => (rt.rtFlags & bit) !== 0).map(([, name]) => name as string);
  if (redirect || (rt.rtFlags & RTCF_DOREDIRECT) !== 0) names.unshift('redirect');
  json.cache = names;
  const cache = ['cache', ...(names.length > 0 ? [`<${names.join(',')}>`] : [])];
  if (rt.expires !== 0) {
    const seconds = Math.max(0, Math.floor((rt.expires - route.net.softirq.jiffies) / 1000));
    cache.push('expires', `${seconds}sec`);
    json.expires = seconds;
  }
  const mtu = rt.pmtu !== 0 ? rt.pmtu : rt.mtu;
  if (mtu !== 0) {
    cache.push('mtu', ...(rt.rtMtuLocked ? ['lock'] : []), String(mtu));
    json.metrics = [{ mtu }];
  }
  if (rt.hoplimit !== 0) cache.push('hoplimit', String(rt.hoplimit));
  if (request.iif !== '') cache.push('iif', request.iif);
  io.out(io.flags.has('json') ? `${JSON.stringify([json])}\n` : `${text.join(' ')} \n    ${cache.join(' ')} \n`);
}

function output(route: Ipv4Route, flow: Flow): RtEntry {
  const rt = route.routeOutput(flow);
  if (typeof rt === 'number') throw refuse(rt);
  return rt;
}

/** Asks as a packet that came in: one is made for it. */
function input(route: Ipv4Route, { flow, iif }: GetRequest): { rt: RtEntry; redirect: boolean } {
  const dev = route.net.needDevice(iif);
  const skb = allocSkb(route.net, dev, IP_HLEN);
  const ip = skbPut(skb, IP_HLEN);
  const { view } = skb.head;
  skb.networkHeader = ip;
  skb.protocol = 0x0800;
  skb.mark = flow.mark;
  view.setUint8(ip + IP_VERSION_IHL, 0x45);
  view.setUint8(ip + IP_TOS, flow.tos);
  view.setUint8(ip + IP_PROTOCOL, flow.protocol);
  view.setInt32(ip + IP_SADDR, flow.saddr);
  view.setInt32(ip + IP_DADDR, flow.daddr);
  const reason = route.routeInput(skb, flow.daddr, flow.saddr, flow.tos, dev);
  if (reason !== 0) {
    kfreeSkb(skb, reason);
    throw new CommandError(
      `RTNETLINK answers: ${reason === SKB_DROP_REASON_IP_RPFILTER ? 'Invalid cross-device link' : 'Invalid argument'}`,
      2,
    );
  }
  const rt = skb.dst as RtEntry;
  const redirect = (skb.cb0 & IPSKB_DOREDIRECT) !== 0;
  consumeSkb(skb);
  if (rt.error !== 0) throw refuse(rt.error);
  return { rt, redirect };
}
