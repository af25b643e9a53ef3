/** helper-tftp.ts — expects the answer to a TFTP request, which comes from another port (RFC 1350 §4; cf. Linux net/netfilter/nf_conntrack_tftp.c). */
import { IP_CT_DIR_REPLY, IPPROTO_UDP, IPS_DST_NAT, IPS_SRC_NAT, NF_ACCEPT, NF_DROP, UDP_HLEN } from '@packetwalk/framework';
import { Expectation } from './expectation.ts';
import { type Helper, helperDrops } from './nf-conntrack-helper.ts';

const TFTP_PORT = 69;
const EXPECT_LIFE = 300_000;
const TFTP_READ = 1;
const TFTP_WRITE = 2;

export const tftpHelper: Helper = {
  name: 'tftp',
  protocol: IPPROTO_UDP,
  port: TFTP_PORT,
  maxExpected: 1,
  timeout: EXPECT_LIFE,
  help(nct, skb, ct, _dir, uh) {
    const { view } = skb.head;
    if (uh + UDP_HLEN + 2 > skb.data + skb.len) return NF_ACCEPT;
    const opcode = view.getUint16(uh + UDP_HLEN);
    if (opcode !== TFTP_READ && opcode !== TFTP_WRITE) return NF_ACCEPT;
    const expectation = new Expectation(nct, ct);
    expectation.init(ct.saddr(IP_CT_DIR_REPLY), ct.daddr(IP_CT_DIR_REPLY), IPPROTO_UDP, null, ct.dport(IP_CT_DIR_REPLY));
    if (nct.nat !== null && (ct.status & (IPS_SRC_NAT | IPS_DST_NAT)) !== 0) nct.nat.tftp(expectation);
    if (nct.expectations.add(expectation) === 0) return NF_ACCEPT;
    helperDrops(nct, skb, 'tftp', 'cannot expect the answer');
    return NF_DROP;
  },
};
