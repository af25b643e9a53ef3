/** conntrack-tool/flow-filter.ts — which connections a request is about (cf. conntrack-tools' nfct_filter, nfct_cmp). */
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPS_DST_NAT,
  IPS_SRC_NAT,
} from '@packetwalk/framework';
import { type NfConn, ZONE_DIR_BOTH, ZONE_DIR_ORIG, ZONE_DIR_REPLY } from '../conntrack/nf-conn.ts';
import type { NatEnd } from '../conntrack/nf-conntrack.ts';
import { SCTP_STATE } from '../conntrack/proto-sctp.ts';
import { TCP_STATE } from '../conntrack/tcp-window.ts';
import type { FlowField } from './protocol-options.ts';
import type { FlowRequest } from './request.ts';
import { wrongUse } from './tool-error.ts';

/** Throws when the request names a network without an address. */
export function checkNetworks({ given }: FlowRequest): void {
  for (const end of ['src', 'dst']) {
    if (given.has(`mask-${end}`) && !given.has(end)) throw wrongUse(`Can't use --mask-${end} without --${end}`);
  }
}

/** Is the connection one of those that are listed, deleted or told of? */
export function isWanted(request: FlowRequest, ct: NfConn): boolean {
  return (
    endsFit(request, ct) &&
    natFits(request, ct) &&
    (!request.given.has('mark') || (ct.mark & request.markMask) === request.mark) &&
    (!request.given.has('status') || (ct.status & request.statusMask) === request.status) &&
    zonesFit(request, ct)
  );
}

/** Is it one that is to be changed? Mark and status are what it is changed to. */
export function isToBeChanged(request: FlowRequest, ct: NfConn): boolean {
  return endsFit(request, ct) && natFits(request, ct);
}

function endsFit(request: FlowRequest, ct: NfConn): boolean {
  const { family, protocol, src, dst, replySrc, replyDst, srcMask, dstMask } = request;
  if (family === 6 || (protocol !== null && protocol !== ct.protocol)) return false;
  if (src !== null && ((ct.saddr(IP_CT_DIR_ORIGINAL) ^ src) & srcMask) !== 0) return false;
  if (dst !== null && ((ct.daddr(IP_CT_DIR_ORIGINAL) ^ dst) & dstMask) !== 0) return false;
  if (replySrc !== null && ct.saddr(IP_CT_DIR_REPLY) !== replySrc) return false;
  if (replyDst !== null && ct.daddr(IP_CT_DIR_REPLY) !== replyDst) return false;
  if (request.given.has('id') && ct.id !== request.id) return false;
  // The state is what a connection is changed to.
  for (const [field, value] of request.fields) {
    if (request.action === 'update' && field === 'state') continue;
    if (fieldOf(ct, field) !== value) return false;
  }
  return true;
}

/** NaN, which equals nothing, for what the connection has not got. */
function fieldOf(ct: NfConn, field: FlowField): number {
  switch (field) {
    case 'sport':
      return ct.sport(IP_CT_DIR_ORIGINAL);
    case 'dport':
      return ct.dport(IP_CT_DIR_ORIGINAL);
    case 'replySport':
      return ct.sport(IP_CT_DIR_REPLY);
    case 'replyDport':
      return ct.dport(IP_CT_DIR_REPLY);
    case 'icmpId':
      return ct.protocol === IPPROTO_ICMP ? ct.sport(IP_CT_DIR_ORIGINAL) : Number.NaN;
    case 'icmpType':
      return ct.dport(IP_CT_DIR_ORIGINAL) >>> 8;
    case 'icmpCode':
      return ct.dport(IP_CT_DIR_ORIGINAL) & 0xff;
    case 'state':
      return stateOf(ct);
    case 'origVtag':
    case 'replyVtag':
    case 'role':
      return Number.NaN;
  }
}

function stateOf(ct: NfConn): number {
  if (ct.protocol === IPPROTO_TCP) return ct.words[ct.base + TCP_STATE];
  return ct.protocol === IPPROTO_SCTP ? ct.words[ct.base + SCTP_STATE] : Number.NaN;
}

function natFits({ srcNat, dstNat, anyNat }: FlowRequest, ct: NfConn): boolean {
  if (anyNat !== null) return isSrcNat(anyNat, ct) || isDstNat(anyNat, ct);
  return (srcNat === null || isSrcNat(srcNat, ct)) && (dstNat === null || isDstNat(dstNat, ct));
}

/** An end is translated when address or port differ; `to` says where, as far as it does. */
function isTranslated(to: NatEnd, translated: boolean, address: number, portDiffers: boolean, port: number): boolean {
  if (to.address === null && to.port === null) return translated;
  if (to.address !== null && !(translated && to.address === address)) return false;
  return to.port === null || (portDiffers && to.port === port);
}

function isSrcNat(to: NatEnd, ct: NfConn): boolean {
  const portDiffers = ct.protocol !== IPPROTO_ICMP && ct.dport(IP_CT_DIR_REPLY) !== ct.sport(IP_CT_DIR_ORIGINAL);
  return isTranslated(to, (ct.status & IPS_SRC_NAT) !== 0, ct.daddr(IP_CT_DIR_REPLY), portDiffers, ct.dport(IP_CT_DIR_REPLY));
}

function isDstNat(to: NatEnd, ct: NfConn): boolean {
  const portDiffers = ct.protocol !== IPPROTO_ICMP && ct.sport(IP_CT_DIR_REPLY) !== ct.dport(IP_CT_DIR_ORIGINAL);
  return isTranslated(to, (ct.status & IPS_DST_NAT) !== 0, ct.saddr(IP_CT_DIR_REPLY), portDiffers, ct.sport(IP_CT_DIR_REPLY));
}

/** A zone that counts for other directions than asked for counts as zone 0 there. */
function zonesFit({ zone, origZone, replyZone }: FlowRequest, ct: NfConn): boolean {
  const fits = (wanted: number | null, dirs: number): boolean =>
    wanted === null || (ct.zone >>> 16 === dirs ? ct.zone & 0xffff : 0) === wanted;
  return fits(zone, ZONE_DIR_BOTH) && fits(origZone, ZONE_DIR_ORIG) && fits(replyZone, ZONE_DIR_REPLY);
}
