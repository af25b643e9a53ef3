/** packet-ethernet.ts — `eth` and `vlan` in the packet notation. */
import { ETH_ALEN, ETH_DST, ETH_HLEN, ETH_P_802_3_MIN, ETH_P_8021Q, ETH_SRC, ETH_TYPE } from '../wire/ethernet.ts';
import { VLAN_CFI_MASK, VLAN_HLEN, VLAN_PRIO_SHIFT, VLAN_VID_MASK } from '../wire/vlan.ts';
import { headerBefore, hexNumber, type Layer, type PrintedLayer, type Stretch, unless } from './packet-layer.ts';
import type { WordReader } from './packet-words.ts';

/** `eth SOURCE > DESTINATION [type N | 802.3]` */
export function readEth(words: WordReader): Layer {
  const source = words.mac('the source');
  words.need('>');
  const destination = words.mac('the destination');
  let type: number | undefined;
  let isLength = false;
  words.fields('eth', {
    type: () => {
      type = words.number('type', 0xffff);
    },
    '802.3': () => {
      isLength = true;
    },
  });
  const { column } = words;
  return {
    macs: { source, destination },
    build(payload, _outer, inner) {
      const { bytes, view } = headerBefore(payload, ETH_HLEN);
      bytes.set(destination, ETH_DST);
      bytes.set(source, ETH_SRC);
      const value = type ?? (isLength ? payload.length : inner?.etherType);
      if (value === undefined) words.fail('eth needs a type (or 802.3): what follows does not tell', column);
      view.setUint16(ETH_TYPE, value);
      return bytes;
    },
  };
}

export function printEth(s: Stretch): PrintedLayer | null {
  if (s.end - s.at < ETH_HLEN) return null;
  const { at, view, bytes, macNames } = s;
  const type = view.getUint16(at + ETH_TYPE);
  const payload = at + ETH_HLEN;
  const isLength = type < ETH_P_802_3_MIN && payload + type <= s.end;
  const words = ['eth', macNames.format(bytes, at + ETH_SRC), '>', macNames.format(bytes, at + ETH_DST), ...(isLength ? ['802.3'] : [])];
  return {
    words,
    rest: { ...s, at: payload, end: isLength ? payload + type : s.end, eth: at },
    announced: isLength ? null : { etherType: type },
    announcement: isLength ? '' : `type ${hexNumber(type, 4)}`,
  };
}

/** `vlan ID [prio N] [dei] [tpid N] [type N]` */
export function readVlan(words: WordReader): Layer {
  const id = words.number('the VLAN id', VLAN_VID_MASK);
  let [priority, dei, tpid] = [0, 0, ETH_P_8021Q];
  let type: number | undefined;
  words.fields('vlan', {
    prio: () => {
      priority = words.number('prio', 7);
    },
    dei: () => {
      dei = VLAN_CFI_MASK;
    },
    tpid: () => {
      tpid = words.number('tpid', 0xffff);
    },
    type: () => {
      type = words.number('type', 0xffff);
    },
  });
  const { column } = words;
  return {
    etherType: tpid,
    build(payload, _outer, inner) {
      const { bytes, view } = headerBefore(payload, VLAN_HLEN);
      view.setUint16(0, (priority << VLAN_PRIO_SHIFT) | dei | id);
      const value = type ?? inner?.etherType;
      if (value === undefined) words.fail('vlan needs a type: what follows does not tell', column);
      view.setUint16(2, value);
      return bytes;
    },
  };
}

export function printVlan(s: Stretch): PrintedLayer | null {
  if (s.end - s.at < VLAN_HLEN) return null;
  const tci = s.view.getUint16(s.at);
  const type = s.view.getUint16(s.at + 2);
  const words = [
    `vlan ${tci & VLAN_VID_MASK}`,
    ...unless(tci >>> VLAN_PRIO_SHIFT, 0, 'prio'),
    ...((tci & VLAN_CFI_MASK) === 0 ? [] : ['dei']),
    ...unless(s.view.getUint16(s.at - 2), ETH_P_8021Q, 'tpid', hexNumber),
  ];
  return {
    words,
    rest: { ...s, at: s.at + VLAN_HLEN },
    announced: { etherType: type },
    announcement: `type ${hexNumber(type, 4)}`,
  };
}

/** An address of all zeros: what a request does not know yet. */
export const NO_MAC: Uint8Array = new Uint8Array(ETH_ALEN);
