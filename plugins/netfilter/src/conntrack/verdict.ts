/** verdict.ts — what a protocol's tracker says of a packet; below 1, the packet is no part of the connection. */

export const CT_ACCEPT = 1;
/** It is dropped. */
export const CT_DROP = 0;
/** It goes on as INVALID. */
export const CT_INVALID = -1;
/** The connection it was found for is gone: look again. */
export const CT_REPEAT = -2;
