/** sysctl-conntrack.ts — net.netfilter.nf_conntrack_* (cf. Linux net/netfilter/nf_conntrack_standalone.c; Documentation/networking/nf_conntrack-sysctl.rst). */
import { intSysctl, type PluginContext } from '@packetwalk/framework';
import type { NfConntrack } from './nf-conntrack.ts';
import { type ConntrackSettings, TCP_TIMEOUT_RETRANS, TCP_TIMEOUT_UNACK, TIMEOUT_REPLIED, TIMEOUT_UNREPLIED } from './settings.ts';
import {
  TCP_CT_CLOSE,
  TCP_CT_CLOSE_WAIT,
  TCP_CT_ESTABLISHED,
  TCP_CT_FIN_WAIT,
  TCP_CT_LAST_ACK,
  TCP_CT_SYN_RECV,
  TCP_CT_SYN_SENT,
  TCP_CT_TIME_WAIT,
} from './tcp-state.ts';

const PREFIX = 'net.netfilter.nf_conntrack_';
const INT_MAX = 0x7fffffff;
/** Time-outs are seconds there and ms here; the longest fits 31 bits. */
const TIMEOUT_MAX: number = Math.floor(INT_MAX / 1000);

type NumberKey = { [K in keyof ConntrackSettings]: ConntrackSettings[K] extends number ? K : never }[keyof ConntrackSettings];

/** Name, setting, largest value. */
const NUMBERS: readonly (readonly [string, NumberKey, number])[] = [
  ['max', 'max', INT_MAX],
  ['checksum', 'checksum', 1],
  ['log_invalid', 'logInvalid', 255],
  ['acct', 'acct', 1],
  ['events', 'events', 2],
  ['timestamp', 'timestamp', 1],
  ['tcp_loose', 'tcpLoose', 1],
  ['tcp_be_liberal', 'tcpBeLiberal', 1],
  ['tcp_ignore_invalid_rst', 'tcpIgnoreInvalidRst', 1],
  ['tcp_max_retrans', 'tcpMaxRetrans', 255],
];

/** Name, array of the protocol, index in it. SCTP's states are in the order of proto-sctp.ts. */
const TIMEOUTS: readonly (readonly [string, 'tcp' | 'udp' | 'icmp' | 'generic' | 'gre' | 'sctp', number])[] = [
  ['generic_timeout', 'generic', 0],
  ['tcp_timeout_syn_sent', 'tcp', TCP_CT_SYN_SENT],
  ['tcp_timeout_syn_recv', 'tcp', TCP_CT_SYN_RECV],
  ['tcp_timeout_established', 'tcp', TCP_CT_ESTABLISHED],
  ['tcp_timeout_fin_wait', 'tcp', TCP_CT_FIN_WAIT],
  ['tcp_timeout_close_wait', 'tcp', TCP_CT_CLOSE_WAIT],
  ['tcp_timeout_last_ack', 'tcp', TCP_CT_LAST_ACK],
  ['tcp_timeout_time_wait', 'tcp', TCP_CT_TIME_WAIT],
  ['tcp_timeout_close', 'tcp', TCP_CT_CLOSE],
  ['tcp_timeout_max_retrans', 'tcp', TCP_TIMEOUT_RETRANS],
  ['tcp_timeout_unacknowledged', 'tcp', TCP_TIMEOUT_UNACK],
  ['udp_timeout', 'udp', TIMEOUT_UNREPLIED],
  ['udp_timeout_stream', 'udp', TIMEOUT_REPLIED],
  ['icmp_timeout', 'icmp', 0],
  ['gre_timeout', 'gre', TIMEOUT_UNREPLIED],
  ['gre_timeout_stream', 'gre', TIMEOUT_REPLIED],
  ['sctp_timeout_closed', 'sctp', 1],
  ['sctp_timeout_cookie_wait', 'sctp', 2],
  ['sctp_timeout_cookie_echoed', 'sctp', 3],
  ['sctp_timeout_established', 'sctp', 4],
  ['sctp_timeout_shutdown_sent', 'sctp', 5],
  ['sctp_timeout_shutdown_recd', 'sctp', 6],
  ['sctp_timeout_shutdown_ack_sent', 'sctp', 7],
  ['sctp_timeout_heartbeat_sent', 'sctp', 8],
];

/** The kernel rounds the number of buckets up to whole pages of them. */
const BUCKETS_OF_A_PAGE = 512;

export function conntrackSysctls(ctx: PluginContext, nct: NfConntrack): void {
  const { settings } = nct;
  const number = (name: string, key: NumberKey, max: number): void => {
    ctx.sysctl(
      intSysctl(
        name,
        () => settings[key],
        (value) => {
          settings[key] = value;
        },
        0,
        max,
      ),
    );
  };
  for (const [name, key, max] of NUMBERS) number(PREFIX + name, key, max);
  number('net.nf_conntrack_max', 'max', INT_MAX);
  number(`${PREFIX}expect_max`, 'expectMax', INT_MAX);
  for (const [name, protocol, i] of TIMEOUTS) {
    const timeouts = settings[protocol];
    ctx.sysctl(
      intSysctl(
        PREFIX + name,
        () => timeouts[i] / 1000,
        (value) => {
          timeouts[i] = value * 1000;
        },
        0,
        TIMEOUT_MAX,
      ),
    );
  }
  ctx.sysctl({ name: `${PREFIX}count`, get: () => nct.count });
  ctx.sysctl(
    intSysctl(
      `${PREFIX}buckets`,
      () => settings.buckets,
      (value) => {
        settings.buckets = Math.ceil(value / BUCKETS_OF_A_PAGE) * BUCKETS_OF_A_PAGE;
      },
      1,
      INT_MAX - BUCKETS_OF_A_PAGE,
    ),
  );
}
