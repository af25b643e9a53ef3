/** sysctl-net-ipv4.ts — net.ipv4.* settings that are not a device's (cf. Linux net/ipv4/sysctl_net_ipv4.c). */
import { intSysctl, type SysctlDef } from '@packetwalk/framework';
import type { Devinet } from './devinet.ts';
import type { Ipv4 } from './ipv4.ts';
import type { Ipv4Route } from './route.ts';

/** Numeric fields of Ipv4 that are settings as they are: name, field, lowest and highest value. */
const FIELDS: readonly [string, NumericField, number, number][] = [
  ['ip_default_ttl', 'ipDefaultTtl', 1, 255],
  ['ip_no_pmtu_disc', 'ipNoPmtuDisc', 0, 255],
  ['ip_forward_use_pmtu', 'ipForwardUsePmtu', 0, 255],
  ['ip_forward_update_priority', 'ipForwardUpdatePriority', 0, 1],
  ['fwmark_reflect', 'fwmarkReflect', 0, 255],
  ['icmp_echo_ignore_all', 'icmpEchoIgnoreAll', 0, 1],
  ['icmp_echo_ignore_broadcasts', 'icmpEchoIgnoreBroadcasts', 0, 1],
  ['icmp_ignore_bogus_error_responses', 'icmpIgnoreBogusErrorResponses', 0, 1],
  ['icmp_errors_use_inbound_ifaddr', 'icmpErrorsUseInboundIfaddr', 0, 1],
  ['icmp_ratelimit', 'icmpRatelimit', 0, 0x7fffffff],
  ['icmp_ratemask', 'icmpRatemask', -0x80000000, 0x7fffffff],
  ['icmp_msgs_per_sec', 'icmpMsgsPerSec', 0, 0x7fffffff],
  ['icmp_msgs_burst', 'icmpMsgsBurst', 0, 0x7fffffff],
  ['ipfrag_high_thresh', 'ipfragHighThresh', 0, 0x7fffffff],
  ['ipfrag_low_thresh', 'ipfragLowThresh', 0, 0x7fffffff],
  ['ipfrag_time', 'ipfragTime', 0, 0x7fffffff],
  ['ipfrag_max_dist', 'ipfragMaxDist', 0, 0x7fffffff],
  // The kernel counts these in jiffies; here, as with USER_HZ 1000, they are milliseconds.
  ['route.error_cost', 'routeErrorCost', 0, 0x7fffffff],
  ['route.error_burst', 'routeErrorBurst', 0, 0x7fffffff],
  ['route.redirect_load', 'routeRedirectLoad', 0, 0x7fffffff],
  ['route.redirect_number', 'routeRedirectNumber', 0, 0x7fffffff],
  ['route.redirect_silence', 'routeRedirectSilence', 0, 0x7fffffff],
];

type NumericField = { [K in keyof Ipv4]: Ipv4[K] extends number ? K : never }[keyof Ipv4];

/** All of them, for `ctx.sysctl`. */
export function netIpv4Sysctls(ipv4: Ipv4, inet: Devinet, route: Ipv4Route): SysctlDef[] {
  const defs = FIELDS.map(([name, field, min, max]) =>
    intSysctl(
      `net.ipv4.${name}`,
      () => ipv4[field],
      (value) => {
        ipv4[field] = value;
      },
      min,
      max,
    ),
  );
  return [
    ...defs,
    intSysctl(
      'net.ipv4.ip_forward',
      () => inet.all.forwarding,
      (on) => inet.setForwarding(on),
    ),
    intSysctl(
      'net.ipv4.fib_multipath_hash_policy',
      () => route.multipathHashPolicy,
      (v) => {
        route.multipathHashPolicy = v;
        route.flush();
      },
      0,
      1,
    ),
    intSysctl(
      'net.ipv4.inet_peer_threshold',
      () => ipv4.peers.threshold,
      (v) => {
        ipv4.peers.threshold = v;
      },
      1,
    ),
  ];
}
