/**
 * iproute/cache-print.ts — routes in use, as `ip route get` and `ip route show cache` print them: two lines each (cf.
 * iproute2 ip/iproute.c print_route, for routes with RTM_F_CLONED).
 */
import {
  type CommandIo,
  dsfieldN2a,
  formatIpv4,
  RTCF_BROADCAST,
  RTCF_DIRECTSRC,
  RTCF_DOREDIRECT,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  RTCF_NOTIFY,
  RTCF_REDIRECTED,
  RTN_UNICAST,
} from '@packetwalk/framework';
import { metricJson, metricTexts } from './route-print.ts';
import { typeName } from './route-types.ts';

/** A route in use; what is 0, empty or undefined is not printed. */
export interface RouteInUse {
  /** RTN_* */
  readonly type: number;
  readonly dst: number;
  readonly from?: number | undefined;
  readonly tos?: number;
  readonly gateway?: number | undefined;
  readonly dev?: string | undefined;
  /** Name of the table that it came from, when that is worth a word. */
  readonly table?: string | undefined;
  readonly prefsrc?: number | undefined;
  readonly mark?: number;
  readonly uid?: number | undefined;
  /** RTCF_* */
  readonly flags: number;
  /** Seconds until it is forgotten; undefined: not by time. */
  readonly expires?: number | undefined;
  /** With -s: who holds it, how often it was used, and how long ago, in seconds. */
  readonly users?: number;
  readonly used?: number;
  readonly age?: number;
  readonly mtu?: number;
  readonly mtuLocked?: boolean;
  readonly advmss?: number;
  readonly hoplimit?: number;
  /** All metrics of the route, when they are known: in place of the four above. */
  readonly metrics?: ReadonlyMap<number, number>;
  readonly iif?: string | undefined;
}

/** Names of flags in the order of printing. */
const FLAGS: readonly (readonly [number, string])[] = [
  [RTCF_LOCAL, 'local'],
  [RTCF_MULTICAST, 'mc'],
  [RTCF_BROADCAST, 'brd'],
  [RTCF_DIRECTSRC, 'src-direct'],
  [RTCF_REDIRECTED, 'redirected'],
  [RTCF_DOREDIRECT, 'redirect'],
  [RTCF_NOTIFY, 'notify'],
];

const flagNames = (flags: number): string[] => FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);

/** iproute2 takes the bit of multicasts for RTM_F_OFFLOAD_FAILED, which has the same value. */
const routeFlags = (flags: number): string[] => ((flags & RTCF_MULTICAST) !== 0 ? ['rt_offload_failed'] : []);

function markText(mark: number): string {
  return mark >>> 0 >= 16 ? `0x${(mark >>> 0).toString(16)}` : String(mark);
}

/** Both lines, without the last newline; `cache` stands on the second. */
export function routeInUseText(rt: RouteInUse, io: CommandIo): string {
  const line: string[] = [];
  if (rt.type !== RTN_UNICAST || io.flags.has('details')) line.push(typeName(rt.type));
  line.push(formatIpv4(rt.dst));
  if (rt.from !== undefined) line.push('from', formatIpv4(rt.from));
  if (rt.tos) line.push('tos', dsfieldN2a(rt.tos));
  if (rt.gateway) line.push('via', formatIpv4(rt.gateway));
  if (rt.dev !== undefined) line.push('dev', rt.dev);
  if (rt.table !== undefined) line.push('table', rt.table);
  if (rt.prefsrc) line.push('src', formatIpv4(rt.prefsrc));
  line.push(...routeFlags(rt.flags));
  if (rt.mark) line.push('mark', markText(rt.mark));
  if (rt.uid !== undefined) line.push('uid', String(rt.uid));
  return `${line.join(' ')} ${io.flags.has('oneline') ? '\\' : '\n'}    ${cacheWords(rt, io).join(' ')} `;
}

function cacheWords(rt: RouteInUse, io: CommandIo): string[] {
  const names = flagNames(rt.flags);
  const words = ['cache'];
  if (names.length > 0) words.push(`<${names.join(',')}>`);
  if (rt.expires !== undefined) words.push('expires', `${rt.expires}sec`);
  if (io.flags.has('stats')) {
    if (rt.users) words.push('users', String(rt.users));
    if (rt.used) words.push('used', String(rt.used));
    if (rt.age) words.push('age', `${rt.age}sec`);
  }
  if (rt.metrics !== undefined) words.push(...metricTexts(rt.metrics));
  else words.push(...knownMetrics(rt));
  if (rt.iif !== undefined) words.push('iif', rt.iif);
  return words;
}

function knownMetrics(rt: RouteInUse): string[] {
  const words: string[] = [];
  if (rt.mtu) words.push('mtu', ...(rt.mtuLocked ? ['lock'] : []), String(rt.mtu));
  if (rt.advmss) words.push('advmss', String(rt.advmss));
  if (rt.hoplimit) words.push('hoplimit', String(rt.hoplimit));
  return words;
}

/** The same as iproute2's JSON has it. */
export function routeInUseJson(rt: RouteInUse, io: CommandIo): object {
  const stats = io.flags.has('stats');
  const known = { mtu: rt.mtu || undefined, advmss: rt.advmss || undefined, hoplimit: rt.hoplimit || undefined };
  const listed = rt.metrics === undefined ? null : metricJson(rt.metrics);
  const metrics = rt.metrics !== undefined ? listed : Object.values(known).some((value) => value !== undefined) ? known : null;
  return {
    type: rt.type !== RTN_UNICAST || io.flags.has('details') ? typeName(rt.type) : undefined,
    dst: formatIpv4(rt.dst),
    from: rt.from === undefined ? undefined : formatIpv4(rt.from),
    tos: rt.tos ? dsfieldN2a(rt.tos) : undefined,
    gateway: rt.gateway ? formatIpv4(rt.gateway) : undefined,
    dev: rt.dev,
    table: rt.table,
    prefsrc: rt.prefsrc ? formatIpv4(rt.prefsrc) : undefined,
    flags: routeFlags(rt.flags),
    mark: rt.mark ? markText(rt.mark) : undefined,
    uid: rt.uid,
    cache: flagNames(rt.flags),
    expires: rt.expires,
    users: stats && rt.users ? rt.users : undefined,
    used: stats && rt.used ? rt.used : undefined,
    age: stats && rt.age ? rt.age : undefined,
    metrics: metrics === null ? undefined : [metrics],
    iif: rt.iif,
  };
}
