/** iproute/route-get.ts — `ip route get`: the route a packet would take, and why (cf. iproute2 ip/iproute.c iproute_get). */
import {
  allocSkb,
  CommandError,
  type CommandIo,
  consumeSkb,
  type Flow,
  getUnsigned,
  IP_DADDR,
  IP_HLEN,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_VERSION_IHL,
  IPPROTO_ICMP,
  invarg,
  iprouteJson,
  kfreeSkb,
  matches,
  type Net,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTCF_DOREDIRECT,
  RTCF_LOCAL,
  SKB_DROP_REASON_IP_RPFILTER,
  skbPut,
  toPrefix,
  type Words,
} from '@packetwalk/framework';
import { RTAX_LOCK, RTAX_MTU } from '../fib-info.ts';
import { EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH, ENODEV, type FibResult } from '../fib-table.ts';
import { IPSKB_DOREDIRECT } from '../ipcb.ts';
import type { Ipv4Route } from '../route.ts';
import type { RtEntry } from '../rtable.ts';
import { type RouteInUse, routeInUseJson, routeInUseText } from './cache-print.ts';
import { dsfieldNumber, type TableNames } from './route-types.ts';

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

function parse(words: Words, net: Net, warn: (text: string) => void): GetRequest {
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
      flow.saddr = toPrefix(words.next(), to ? 'inet' : 'unspec').address;
      from = true;
    } else if (word === 'ipproto') {
      const protocol = words.next();
      flow.protocol = { tcp: 6, udp: 17, icmp: 1 }[protocol] ?? invarg('Invalid "ipproto" value\n', protocol);
    } else if (word === 'sport') flow.sport = words.u32('invalid sport\n', 65535);
    else if (word === 'dport') flow.dport = words.u32('invalid dport\n', 65535);
    else {
      if (word === 'to') word = words.next();
      const p = toPrefix(word, to ? 'inet' : 'unspec');
      if (p.specified && p.length !== 32) warn(`Warning: /${p.length} as prefix is invalid, only /32 (or none) is supported.\n`);
      flow.daddr = p.address;
      to = true;
    }
  }
  if (!to) throw new CommandError('need at least a destination address', 1);
  return { flow, iif, from, fibmatch };
}

/** Runs `ip route get` and prints its answer. */
export function routeGet(words: Words, route: Ipv4Route, tables: TableNames, io: CommandIo, listed: (flow: Flow) => void): void {
  const request = parse(words, route.net, (text) => io.err(text));
  const { flow, iif, from } = request;
  const source = flow.saddr;
  const target = flow.daddr;
  if (request.fibmatch) {
    listed(flow);
    return;
  }
  const { rt, res, redirect } = iif === '' ? output(route, flow) : input(route, request);
  const details = io.flags.has('details');
  // As long as nobody has made rules, Linux keeps the local table inside the main one.
  const table = res.table === null ? 0 : route.fib.rules.unmerged || res.table.id !== RT_TABLE_LOCAL ? res.table.id : RT_TABLE_MAIN;
  const inUse: RouteInUse = {
    type: rt.rtType,
    dst: target,
    from: from ? source : undefined,
    tos: res.alias?.tos ?? 0,
    gateway: rt.rtUsesGateway ? rt.rtGateway : undefined,
    dev: rt.rtIsInput && (rt.rtFlags & RTCF_LOCAL) !== 0 ? route.loopback(rt.dev).name : rt.dev.name,
    table: table !== 0 && (table !== RT_TABLE_MAIN || details) ? tables.name(table) : undefined,
    prefsrc: iif === '' && !(from && source === flow.saddr) ? flow.saddr : undefined,
    mark: flow.mark,
    uid: iif === '' ? 0 : undefined,
    flags: rt.rtFlags | (redirect ? RTCF_DOREDIRECT : 0),
    expires: rt.expires === 0 ? undefined : Math.max(0, Math.floor((rt.expires - route.net.softirq.jiffies) / 1000)),
    metrics: metricsOf(rt),
    iif: iif === '' ? undefined : iif,
  };
  if (io.flags.has('json')) io.out(`${iprouteJson([routeInUseJson(inUse, io)], io.flags.has('pretty'))}\n`);
  else io.out(`${routeInUseText(inUse, io)}\n`);
}

/** Metrics of the route, with what was learned of the path's MTU. */
function metricsOf(rt: RtEntry): ReadonlyMap<number, number> {
  const metrics = new Map(rt.fi?.metrics ?? []);
  if (rt.pmtu !== 0) metrics.set(RTAX_MTU, rt.pmtu);
  if (rt.rtMtuLocked) metrics.set(RTAX_LOCK, (metrics.get(RTAX_LOCK) ?? 0) | (1 << RTAX_MTU));
  return metrics;
}

interface Answer {
  readonly rt: RtEntry;
  readonly res: FibResult;
  readonly redirect: boolean;
}

/** Asks as a packet made here; never the cache, which does not know the table. */
function output(route: Ipv4Route, flow: Flow): Answer {
  const rt = route.output.find(flow);
  if (typeof rt === 'number') throw refuse(rt);
  return { rt, res: route.output.res, redirect: false };
}

/** Asks as a packet that came in: one is made for it. */
function input(route: Ipv4Route, { flow, iif }: GetRequest): Answer {
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
  const reason = route.input.find(skb, flow.daddr, flow.saddr, flow.tos, dev);
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
  return { rt, res: route.input.res, redirect };
}
