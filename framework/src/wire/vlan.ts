/**
 * wire/vlan.ts — the 802.1Q tag (IEEE 802.1Q §9.6), as it stands between the source address and the type.
 *
 *      0               2                               4
 *      +---------------+-----+---+---------------------+-----------
 *      | TPID (0x8100) | PCP |DEI|       VLAN id       | type …
 *      +---------------+-----+---+---------------------+-----------
 */

export const VLAN_HLEN = 4;
export const VLAN_ETH_HLEN = 18;
/** Offsets from the start of the frame. */
export const VLAN_TPID = 12;
export const VLAN_TCI = 14;
export const VLAN_ENCAPSULATED_PROTO = 16;

export const VLAN_PRIO_SHIFT = 13;
export const VLAN_PRIO_MASK = 0xe000;
export const VLAN_CFI_MASK = 0x1000;
export const VLAN_VID_MASK = 0x0fff;
/** Number of VLAN ids; 0 is "priority only" and 4095 is reserved. */
export const VLAN_N_VID = 4096;
