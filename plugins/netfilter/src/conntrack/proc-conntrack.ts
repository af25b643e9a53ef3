/**
 * proc-conntrack.ts — /proc/net/nf_conntrack, nf_conntrack_expect and stat/nf_conntrack (cf. Linux nf_conntrack_standalone.c
 * ct_seq_show, nf_conntrack_expect.c exp_seq_show).
 */
import { formatIpv4, IPPROTO_DCCP, IPPROTO_GRE, IPS_ASSURED, IPS_SEEN_REPLY } from '@packetwalk/framework';
import { secondsLeft } from '../conntrack-tool/expect-text.ts';
import { type Flow, flowOf } from '../conntrack-tool/flow.ts';
import { flowProtocolName } from '../conntrack-tool/flow-protocols.ts';
import { countersText, directionText, portsText } from '../conntrack-tool/flow-text.ts';
import { EXPECT_INACTIVE, EXPECT_PERMANENT } from './expectation.ts';
import { ZONE_DIR_BOTH } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { TIMEOUT_REPLIED, TIMEOUT_UNREPLIED } from './settings.ts';

/** Protocols that the command knows and the kernel does not. */
const nameOf = (protocol: number): string => (protocol === IPPROTO_DCCP ? 'unknown' : flowProtocolName(protocol));

function greText({ settings }: NfConntrack): string {
  return `timeout=${settings.gre[TIMEOUT_UNREPLIED] / 1000}, stream_timeout=${settings.gre[TIMEOUT_REPLIED] / 1000}`;
}

function line(nct: NfConntrack, flow: Flow, zone: number | null): string {
  const { protocol, original, reply, status, start, now } = flow;
  // Without ports, as the kernel sees it.
  const shown = protocol === IPPROTO_DCCP ? 0xff : protocol;
  return [
    `ipv4     2 ${nameOf(protocol).padEnd(8)} ${protocol}`,
    String(flow.timeout),
    ...(flow.state === null ? [] : [flow.state]),
    ...(protocol === IPPROTO_GRE ? [greText(nct)] : []),
    ...directionText(shown, original),
    ...(original.zone === null ? [] : [`zone-orig=${original.zone}`]),
    ...countersText(original),
    ...((status & IPS_SEEN_REPLY) === 0 ? ['[UNREPLIED]'] : []),
    ...directionText(shown, reply),
    ...(reply.zone === null ? [] : [`zone-reply=${reply.zone}`]),
    ...countersText(reply),
    ...((status & IPS_ASSURED) !== 0 ? ['[ASSURED]'] : []),
    `mark=${(flow.mark ?? 0) >>> 0}`,
    ...(zone === null ? [] : [`zone=${zone}`]),
    ...(start === null ? [] : [`delta-time=${Math.max(0, Math.floor((now - start) / 1000))}`]),
    `use=${flow.use}`,
  ].join(' ');
}

export function procNetNfConntrack(nct: NfConntrack): string {
  let text = '';
  nct.forEach((ct) => {
    // Whoever reads holds it too.
    text += `${line(nct, flowOf(nct, ct, 1), ct.zone >>> 16 === ZONE_DIR_BOTH ? ct.zone & 0xffff : null)}\n`;
  });
  return text;
}

export function procNetNfConntrackExpect(nct: NfConntrack): string {
  const { jiffies } = nct.net.softirq;
  let text = '';
  for (const expectation of nct.expectations.all()) {
    const { tuple, master, flags } = expectation;
    const words = [
      expectation.timer.pending ? String(secondsLeft(expectation, jiffies)) : '-',
      `l3proto = 2 proto=${tuple.protocol}`,
      `src=${formatIpv4(tuple.src)} dst=${formatIpv4(tuple.dst)}`,
      ...portsText(tuple.protocol, tuple.ports),
      ...((flags & EXPECT_PERMANENT) !== 0 ? ['PERMANENT'] : []),
      ...((flags & EXPECT_INACTIVE) !== 0 ? ['INACTIVE'] : []),
      ...(master.ext?.helper == null ? [] : [master.ext.helper.name]),
    ];
    text += `${words.join(' ')}\n`;
  }
  return text;
}

/** Columns, and the counter of stat.ts in each; null: nothing is counted any more. */
const COLUMNS: readonly (readonly [string, number | null])[] = [
  ['clashres', 8],
  ['found', 0],
  ['new', null],
  ['invalid', 1],
  ['ignore', null],
  ['delete', null],
  ['chainlength', 9],
  ['insert', 2],
  ['insert_failed', 3],
  ['drop', 4],
  ['early_drop', 5],
  ['icmp_error', 6],
  // Two blanks in front, as there.
  [' expect_new', 10],
  ['expect_create', 11],
  ['expect_delete', 12],
  ['search_restart', 7],
];

export function procNetStatNfConntrack(nct: NfConntrack): string {
  const hex = (n: number): string => (n % 2 ** 32).toString(16).padStart(8, '0');
  const values = COLUMNS.map(([name, i]) => (name.startsWith(' ') ? ' ' : '') + hex(i === null ? 0 : nct.stat[i]));
  return `entries  ${COLUMNS.map(([name]) => name).join(' ')}\n${hex(nct.count)}  ${values.join(' ')}\n`;
}
