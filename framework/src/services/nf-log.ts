/** services/nf-log.ts — packets that rules log: who wants to hear of them (cf. Linux net/netfilter/nfnetlink_log.c, nf_log.c). */
import type { NetDevice } from '../netdevice.ts';
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** A packet that a rule logs: valid during the call only. */
export interface NfLogEntry {
  readonly skb: SkBuff;
  readonly hooknum: number;
  readonly in: NetDevice | null;
  readonly out: NetDevice | null;
  readonly prefix: string;
  /** Bytes of the packet that are wanted, from its network header on; 0: all. */
  readonly size: number;
}

export type NfLogListener = (entry: NfLogEntry) => void;

export interface NfLog {
  /** Hears the packets that `-j NFLOG --nflog-group GROUP` logs; returns the undo. Without listeners they go to the log. */
  listen(group: number, listener: NfLogListener): () => void;
  /** Hands a packet to those who listen to a group; false: nobody does. */
  deliver(group: number, entry: NfLogEntry): boolean;
}

export const NfLog: Token<NfLog> = token<NfLog>('NfLog');
