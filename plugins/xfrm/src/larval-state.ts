/** larval-state.ts — states that wait for their keys, which a key daemon brings (RFC 2367 §3.1.6; Linux XFRM_STATE_ACQ). */
import { NO_LIMITS, NO_MARK } from './xfrm-lifetime.ts';
import { ANY_SELECTOR } from './xfrm-selector.ts';
import type { XfrmStateConfig } from './xfrm-state.ts';

/** Seconds that a larval state waits for its keys (net.core.xfrm_acq_expires). */
const ACQ_EXPIRES = 30;

/** What is known of a state before its keys are. */
export function larvalState(
  known: Pick<XfrmStateConfig, 'saddr' | 'daddr' | 'proto' | 'spi' | 'mode' | 'reqid' | 'seq' | 'mark'>,
): XfrmStateConfig {
  const sel = { ...ANY_SELECTOR, saddr: known.saddr, saddrLen: 32, daddr: known.daddr, daddrLen: 32 };
  return {
    ...known,
    replayWindow: 0,
    replaySeq: 0,
    replayOseq: 0,
    replaySeqHi: 0,
    replayOseqHi: 0,
    flags: 0,
    extraFlags: 0,
    sel,
    limits: { ...NO_LIMITS, hardAdd: ACQ_EXPIRES },
    outputMark: NO_MARK,
    ifId: 0,
    tfcpad: 0,
    encap: null,
    aead: null,
    auth: null,
    enc: null,
    comp: null,
  };
}
