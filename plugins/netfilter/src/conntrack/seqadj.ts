/**
 * seqadj.ts — TCP sequence numbers behind text that a helper has made longer or shorter (cf. Linux
 * net/netfilter/nf_conntrack_seqadj.c). Each direction has a place up to which one difference counts, and another behind it.
 */
import {
  csumReplace4,
  IPS_SEQ_ADJUST,
  type SkBuff,
  skbMakeWritable,
  TCP_ACK,
  TCP_ACK_SEQ,
  TCP_CHECK,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_SEQ,
  TCPOPT_SACK,
  tcpHdrLen,
} from '@packetwalk/framework';
import type { NfConn } from './nf-conn.ts';
import { nextOption, tcpOption } from './tcp-options.ts';

/** One direction: what is added to its sequence numbers up to `position`, and behind it. */
class SeqOffset {
  position = 0;
  before = 0;
  after = 0;

  /** What is added to the sequence number `seq` as its sender counts. */
  at(seq: number): number {
    return ((this.position - seq) | 0) < 0 ? this.after : this.before;
  }

  /** What was added to `seq`, which counts it already. */
  within(seq: number): number {
    return this.at((seq - this.before) | 0);
  }
}

/** Both directions of a connection, by IP_CT_DIR_*. */
export class SeqAdjust {
  readonly offsets: readonly [SeqOffset, SeqOffset] = [new SeqOffset(), new SeqOffset()];
}

/** A segment in direction `dir` that starts at `seq` has grown by `by` bytes (nf_ct_seqadj_set). */
export function seqadjSet(ct: NfConn, dir: number, seq: number, by: number): void {
  if (by === 0) return;
  const ext = ct.needExt();
  ext.seqadj ??= new SeqAdjust();
  ct.setStatus(IPS_SEQ_ADJUST);
  const offset = ext.seqadj.offsets[dir];
  // A segment that is sent again has been counted.
  if (offset.before !== offset.after && ((offset.position - seq) | 0) >= 0) return;
  offset.position = seq;
  offset.before = offset.after;
  offset.after += by;
}

/** What is added to sequence numbers around `seq` of direction `dir` (nf_ct_seq_offset). */
export function seqOffset(ct: NfConn, dir: number, seq: number): number {
  if ((ct.status & IPS_SEQ_ADJUST) === 0) return 0;
  return ct.ext?.seqadj?.offsets[dir].at(seq) ?? 0;
}

/** Writes the segment's numbers as the receiver counts: its own, what it acknowledges, and the blocks of SACK (nf_ct_seq_adjust). */
export function seqAdjust(skb: SkBuff, ct: NfConn, dir: number, th: number): boolean {
  const seqadj = ct.ext?.seqadj;
  if (seqadj === null || seqadj === undefined || th + TCP_HLEN > skb.data + skb.len) return false;
  const distance = th - skb.networkHeader;
  skbMakeWritable(skb);
  const at = skb.networkHeader + distance;
  const own = seqadj.offsets[dir];
  const other = seqadj.offsets[1 - dir];
  const { view } = skb.head;
  const seq = view.getInt32(at + TCP_SEQ);
  replace(view, at, at + TCP_SEQ, (seq + own.at(seq)) | 0);
  if ((view.getUint8(at + TCP_FLAGS) & TCP_ACK) === 0) return true;
  const ack = view.getInt32(at + TCP_ACK_SEQ);
  replace(view, at, at + TCP_ACK_SEQ, (ack - other.within(ack)) | 0);
  return adjustSack(view, at, skb.data + skb.len, other);
}

function replace(view: DataView, th: number, at: number, value: number): void {
  const old = view.getInt32(at);
  if (old === value) return;
  view.setInt32(at, value);
  view.setUint16(th + TCP_CHECK, replaced(view, th, at, old, value));
}

/** A word at an odd distance from the header counts with its bytes swapped (RFC 1071 §2). */
function replaced(view: DataView, th: number, at: number, old: number, value: number): number {
  const check = view.getUint16(th + TCP_CHECK);
  if (((at - th) & 1) === 0) return csumReplace4(check, old, value);
  const swap16 = (n: number): number => ((n & 0xff) << 8) | (n >>> 8);
  const swap = (n: number): number => (swap16(n >>> 16) << 16) | swap16(n & 0xffff);
  return csumReplace4(check, swap(old), swap(value));
}

function adjustSack(view: DataView, th: number, packetEnd: number, other: SeqOffset): boolean {
  const end = th + tcpHdrLen(view, th);
  if (end > packetEnd) return false;
  for (let o = tcpOption(view, th + TCP_HLEN, end, TCPOPT_SACK); o >= 0; o = nextOption(view, o, end, TCPOPT_SACK)) {
    const blocks = view.getUint8(o + 1) - 2;
    if (blocks < 8 || blocks % 8 !== 0) continue;
    for (let edge = o + 2; edge < o + 2 + blocks; edge += 4) {
      const seq = view.getInt32(edge);
      replace(view, th, edge, (seq - other.within(seq)) | 0);
    }
  }
  return true;
}
