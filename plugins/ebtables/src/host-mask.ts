/** host-mask.ts — IPv4 addresses under a mask, with the words of ebtables for what is wrong with them. */
import { EbtProblem, formatIpv4, XtProblem, xtFormatMask, xtParseHostMask } from '@packetwalk/framework';

/** Both int32; the address has no bits outside the mask. */
export interface HostMask {
  readonly address: number;
  readonly mask: number;
}

export function parseHostMask(text: string): HostMask {
  return asEbt(() => xtParseHostMask(text));
}

/** What iptables has the same words for. */
export function asEbt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof XtProblem) throw new EbtProblem(error.message);
    throw error;
  }
}

export function hostMaskText({ address, mask }: HostMask): string {
  return formatIpv4(address) + xtFormatMask(mask);
}
