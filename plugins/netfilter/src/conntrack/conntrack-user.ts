/** conntrack-user.ts — rules that need connections to be tracked: as long as one is in a table, packets are (nf_ct_netns_get). */
import type { NfConntrack } from './nf-conntrack.ts';

/** `attach` and `destroy` of a match or target that asks for connections. */
export interface ConntrackUser {
  attach(): void;
  destroy(): void;
}

export function conntrackUser(nct: NfConntrack): ConntrackUser {
  const undo: (() => void)[] = [];
  return {
    attach() {
      undo.push(nct.require());
    },
    destroy() {
      undo.pop()?.();
    },
  };
}
