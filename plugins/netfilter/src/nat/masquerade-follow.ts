/**
 * masquerade-follow.ts — masqueraded connections end with the device or the address that they use (cf. Linux
 * nf_nat_masquerade.c): their next packets begin anew, with the address that is there then.
 */
import { IP_CT_DIR_REPLY, type PluginContext } from '@packetwalk/framework';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';

export function followDevices(ctx: PluginContext, nct: NfConntrack): void {
  ctx.on('netdev:down', ({ ifindex }) => {
    nct.deleteWhere((ct) => ct.masqIndex === ifindex);
  });
  ctx.on('inetaddr:down', ({ address, inDev }) => {
    nct.deleteWhere((ct) => ct.masqIndex === inDev.dev.ifindex && ct.daddr(IP_CT_DIR_REPLY) === address);
  });
}
