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
