/** match/802-3.ts — `--802_3-sap`, `--802_3-type`: frames that carry a length (cf. Linux ebt_802_3.c; IEEE 802.2 §3, SNAP in RFC 1042). */
import { defineEbtMatch, type EbtMatch, EbtProblem } from '@packetwalk/framework';
import { cNumber, hex, shown, words } from '../numbers.ts';

/** Offsets from the LLC header. */
const DSAP = 0;
const SSAP = 1;
const CTRL = 2;
/** An unnumbered frame's control field has one byte, others have two. */
const UNNUMBERED = 0x03;
const UI_TYPE = 6;
const NI_TYPE = 7;
const SAPS_LEN = 2;
const SNAP = 0xaa;

interface Llc {
  /** -1: not asked for. */
  sap: number;
  type: number;
  notSap: boolean;
  notType: boolean;
}

export const ieee8023: EbtMatch = defineEbtMatch<Llc>({
  name: '802_3',
  options: {
    '802_3-sap': {
      parse(d, text, invert) {
        d.sap = parseHex(text, 0xff, 'sap');
        d.notSap = invert;
      },
    },
    '802_3-type': {
      parse(d, text, invert) {
        d.type = parseHex(text, 0xffff, 'type');
        d.notType = invert;
      },
    },
  },
  create: () => ({ sap: -1, type: -1, notSap: false, notType: false }),
  finish(_d, { protocol, protocolInverted }) {
    if (protocol !== -1 || protocolInverted) throw new EbtProblem('For 802.3 DSAP/SSAP filtering the protocol must be LENGTH');
  },
  save: ({ sap, type, notSap, notType }) =>
    words(sap < 0 ? '' : shown('802_3-sap', notSap, hex(sap, 2)), type < 0 ? '' : shown('802_3-type', notType, hex(type, 4))),
  match(skb, _par, { sap, type, notSap, notType }) {
    if (skb.len < SAPS_LEN) return false;
    const { view } = skb.head;
    const { data } = skb;
    const ssap = view.getUint8(data + SSAP);
    const dsap = view.getUint8(data + DSAP);
    if (sap >= 0 && ((ssap !== sap) !== notSap || (dsap !== sap) !== notSap)) return false;
    if (type < 0) return true;
    if (dsap !== SNAP || ssap !== SNAP || skb.len <= CTRL) return false;
    const at = (view.getUint8(data + CTRL) & UNNUMBERED) !== 0 ? UI_TYPE : NI_TYPE;
    if (skb.len < at + 2) return false;
    return (view.getUint16(data + at) !== type) === notType;
  },
});

function parseHex(text: string, max: number, what: string): number {
  const value = cNumber(text, 16);
  if (value === null || value > max) throw new EbtProblem(`Problem with specified ${what} hex value, ${(value ?? 0).toString(16)}`);
  return value;
}
