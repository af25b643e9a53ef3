/** target/arpreply.ts — `-j arpreply`: answers an ARP request in another's name (RFC 826; cf. Linux ebt_arpreply.c). */
import {
  ARP_HLN,
  ARP_LEN,
  ARP_OP,
  ARP_PLN,
  ARP_PRO,
  ARP_SHA,
  ARP_SIP,
  ARP_TIP,
  ARPHRD_ETHER,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  allocSkb,
  defineEbtTarget,
  devQueueXmit,
  EBT_CONTINUE,
  EBT_DROP,
  type EbtTarget,
  ETH_ALEN,
  ETH_HLEN,
  ETH_P_ARP,
  ETH_P_IP,
  type NetDevice,
  NF_ARP_OUT,
  nfHook,
  PF_ARP,
  type SkBuff,
  skbPut,
} from '@packetwalk/framework';
import { verdictName, verdictOption } from '../standard-target.ts';
import { type Ether, etherArgument, etherText, NAT_PREROUTING, natPlace } from './nat.ts';

interface Arpreply {
  mac: Ether;
  verdict: number;
}

export const arpreply: EbtTarget = defineEbtTarget<Arpreply>({
  name: 'arpreply',
  options: {
    'arpreply-mac': {
      parse(d, text) {
        d.mac = etherArgument(text, 'arpreply-mac');
      },
    },
    'arpreply-target': verdictOption('arpreply-target'),
  },
  create: () => ({ mac: { hi: 0, lo: 0 }, verdict: EBT_DROP }),
  check: (_d, place) => place.protocol === ETH_P_ARP && !place.protocolInverted && natPlace(place, NAT_PREROUTING, false),
  save: ({ mac, verdict }) => `--arpreply-mac ${etherText(mac)}${verdict === EBT_DROP ? '' : ` --arpreply-target ${verdictName(verdict)}`}`,
  target(skb, { state }, { mac, verdict }) {
    const { view } = skb.head;
    const arp = skb.data;
    if (skb.len < ARP_LEN) return EBT_DROP;
    const asked = view.getUint16(arp + ARP_OP) === ARPOP_REQUEST && view.getUint16(arp + ARP_PRO) === ETH_P_IP;
    if (!asked || view.getUint8(arp + ARP_HLN) !== ETH_ALEN || view.getUint8(arp + ARP_PLN) !== 4) return EBT_CONTINUE;
    if (state.in !== null) sendReply(skb, state.in, mac);
    return verdict;
  },
});

function sendReply(request: SkBuff, dev: NetDevice, mac: Ether): void {
  const { view } = request.head;
  const arp = request.data;
  const reply = allocSkb(request.net, dev, ETH_HLEN + ARP_LEN);
  reply.macHeader = reply.data;
  reply.networkHeader = reply.data + ETH_HLEN;
  reply.protocol = ETH_P_ARP;
  reply.trace = request.trace;
  const at = skbPut(reply, ETH_HLEN + ARP_LEN);
  const out = reply.head.view;
  const asker = { hi: view.getUint16(arp + ARP_SHA), lo: view.getInt32(arp + ARP_SHA + 2) };
  put(out, at, asker);
  put(out, at + 6, mac);
  out.setUint16(at + 12, ETH_P_ARP);
  const body = at + ETH_HLEN;
  out.setUint16(body, ARPHRD_ETHER);
  out.setUint16(body + ARP_PRO, ETH_P_IP);
  out.setUint16(body + ARP_HLN, (ETH_ALEN << 8) | 4);
  out.setUint16(body + ARP_OP, ARPOP_REPLY);
  put(out, body + ARP_SHA, mac);
  out.setInt32(body + ARP_SIP, view.getInt32(arp + ARP_TIP));
  put(out, body + ARP_SIP + 4, asker);
  out.setInt32(body + ARP_TIP, view.getInt32(arp + ARP_SIP));
  nfHook(PF_ARP, NF_ARP_OUT, reply, null, dev, devQueueXmit);
}

function put(view: DataView, at: number, { hi, lo }: Ether): void {
  view.setUint16(at, hi);
  view.setInt32(at + 2, lo);
}
