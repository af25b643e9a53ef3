/** xfrm-stat.ts — the counters of /proc/net/xfrm_stat, in the kernel's names and order (cf. Linux net/xfrm/xfrm_proc.c). */

export const XFRM_MIB: readonly string[] = [
  'XfrmInError',
  'XfrmInBufferError',
  'XfrmInHdrError',
  'XfrmInNoStates',
  'XfrmInStateProtoError',
  'XfrmInStateModeError',
  'XfrmInStateSeqError',
  'XfrmInStateExpired',
  'XfrmInStateMismatch',
  'XfrmInStateInvalid',
  'XfrmInTmplMismatch',
  'XfrmInNoPols',
  'XfrmInPolBlock',
  'XfrmInPolError',
  'XfrmOutError',
  'XfrmOutBundleGenError',
  'XfrmOutBundleCheckError',
  'XfrmOutNoStates',
  'XfrmOutStateProtoError',
  'XfrmOutStateModeError',
  'XfrmOutStateSeqError',
  'XfrmOutStateExpired',
  'XfrmOutPolBlock',
  'XfrmOutPolDead',
  'XfrmOutPolError',
  'XfrmFwdHdrError',
  'XfrmOutStateInvalid',
  'XfrmAcquireError',
];
export const XFRM_IN_ERROR = 0;
export const XFRM_IN_BUFFER_ERROR = 1;
export const XFRM_IN_HDR_ERROR = 2;
export const XFRM_IN_NO_STATES = 3;
export const XFRM_IN_STATE_PROTO_ERROR = 4;
export const XFRM_IN_STATE_MODE_ERROR = 5;
export const XFRM_IN_STATE_SEQ_ERROR = 6;
export const XFRM_IN_STATE_EXPIRED = 7;
export const XFRM_IN_STATE_MISMATCH = 8;
export const XFRM_IN_STATE_INVALID = 9;
export const XFRM_IN_TMPL_MISMATCH = 10;
export const XFRM_IN_NO_POLS = 11;
export const XFRM_IN_POL_BLOCK = 12;
export const XFRM_OUT_ERROR = 14;
export const XFRM_OUT_BUNDLE_GEN_ERROR = 15;
export const XFRM_OUT_NO_STATES = 17;
export const XFRM_OUT_STATE_PROTO_ERROR = 18;
export const XFRM_OUT_STATE_MODE_ERROR = 19;
export const XFRM_OUT_STATE_SEQ_ERROR = 20;
export const XFRM_OUT_STATE_EXPIRED = 21;
export const XFRM_OUT_POL_BLOCK = 22;
export const XFRM_OUT_POL_ERROR = 24;
export const XFRM_FWD_HDR_ERROR = 25;
export const XFRM_OUT_STATE_INVALID = 26;
export const XFRM_ACQUIRE_ERROR = 27;

/** The file, as the kernel writes it. */
export function xfrmStatText(values: Float64Array): string {
  return XFRM_MIB.map((name, i) => `${name.padEnd(24)}\t${values[i]}\n`).join('');
}
