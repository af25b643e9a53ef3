/** xfrm-drop.ts — why packets end in a transform. The counters of /proc/net/xfrm_stat are coarser. */
import { dropReason } from '@packetwalk/framework';

export const XFRM_DROP_ESP_LENGTH: number = dropReason('XFRM_ESP_LENGTH', 'ESP packet too short, or not of whole blocks');
export const XFRM_DROP_ESP_ICV: number = dropReason('XFRM_ESP_ICV', 'ESP integrity check value is wrong');
export const XFRM_DROP_ESP_PADDING: number = dropReason('XFRM_ESP_PADDING', 'ESP padding is longer than the payload');
export const XFRM_DROP_DUMMY: number = dropReason('XFRM_DUMMY', 'ESP dummy packet (no next header)');
export const XFRM_DROP_AH_LENGTH: number = dropReason('XFRM_AH_LENGTH', 'AH header is not of the length that its state has');
export const XFRM_DROP_AH_ICV: number = dropReason('XFRM_AH_ICV', 'AH integrity check value is wrong');
export const XFRM_DROP_AH_OPTIONS: number = dropReason('XFRM_AH_OPTIONS', 'AH over malformed IP options');
export const XFRM_DROP_IPCOMP_LENGTH: number = dropReason('XFRM_IPCOMP_LENGTH', 'IPComp packet shorter than its header');
export const XFRM_DROP_IPCOMP_DATA: number = dropReason('XFRM_IPCOMP_DATA', 'IPComp payload does not decompress');

export const XFRM_DROP_IN_HDR: number = dropReason('XFRM_IN_HDR', 'IPsec packet without room for an SPI');
export const XFRM_DROP_IN_NO_STATE: number = dropReason('XFRM_IN_NO_STATE', 'no IPsec state for this SPI');
export const XFRM_DROP_IN_MISMATCH: number = dropReason('XFRM_IN_MISMATCH', 'UDP encapsulation is not as the IPsec state has it');
export const XFRM_DROP_IN_REPLAY: number = dropReason('XFRM_IN_REPLAY', 'sequence number was received before, or is too old');
export const XFRM_DROP_EXPIRED: number = dropReason('XFRM_EXPIRED', 'hard limit of the IPsec state is reached');
export const XFRM_DROP_IN_MODE: number = dropReason('XFRM_IN_MODE', 'what was inside a tunnel is no IPv4 packet');
export const XFRM_DROP_IN_DEPTH: number = dropReason('XFRM_IN_DEPTH', 'more than six transforms');
export const XFRM_DROP_INVALID: number = dropReason('XFRM_INVALID', 'IPsec state is not ready, or is gone');
export const XFRM_DROP_OUT_SEQ: number = dropReason('XFRM_OUT_SEQ', 'sequence numbers of the IPsec state are used up');
export const XFRM_DROP_OUT_SIZE: number = dropReason('XFRM_OUT_SIZE', 'larger than the tunnel takes and DF is set');
