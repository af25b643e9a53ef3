/** account.ts — what the plugin counts, all its devices together, and why it drops packets. */
import type { PluginContext } from '@packetwalk/framework';

export const COUNTERS: readonly string[] = ['read', 'tooLong', 'cut', 'written', 'lost'];

/** Frames taken from captures, and those among them that no wire would have carried, or that were not captured whole. */
export const READ = 0;
export const TOO_LONG = 1;
export const CUT = 2;
/** Frames that the system has taken for a capture: counted after the write call, not before. */
export const WRITTEN = 3;
/** Frames that it refused: the disk is full, say. */
export const LOST = 4;

export interface Account {
  readonly counters: Float64Array;
  /** Drop reasons. */
  readonly pcapSnaplen: number;
  readonly pcapWrite: number;
}

export function openAccount(ctx: PluginContext): Account {
  return {
    counters: ctx.counters,
    pcapSnaplen: ctx.dropReason('PCAP_SNAPLEN', 'the capture holds only the start of the frame'),
    pcapWrite: ctx.dropReason('PCAP_WRITE', 'the capture could not be written'),
  };
}
