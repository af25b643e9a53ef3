/**
 * compiled/rule-block.ts — up to 1,024 rules that stand one behind the other, and which of them a packet has to be asked
 * against: each field of the packet has a row of rules that may match it (Lakshman and Stiliadis 1998, "bit vectors";
 * the summaries are Baboescu and Varghese's "aggregated" ones, 2001), and only rules that are in all rows are asked.
 *
 * Most packets fall into few combinations of rows, which are remembered when no rule is in all of them: such a packet costs
 * the same whether there are a hundred rules or a thousand.
 */
import { IP_DADDR, IP_PROTOCOL, IP_SADDR, type SkBuff, XT_CONTINUE } from '@packetwalk/framework';
import { IPT_INV_VIA_IN, IPT_INV_VIA_OUT } from '../ip-entry.ts';
import type { Rule } from '../rule.ts';
import { applyRule, hotdrop, ruleMatches, type Walk } from '../walk.ts';
import { DeviceClasses } from './device-classes.ts';
import { ProtocolClasses } from './protocol-classes.ts';
import { ordered, ruleBounds } from './rule-bounds.ts';
import { ValueClasses } from './value-classes.ts';

/** Combinations that are remembered, a power of two; two words each. */
const MEMO = 1024;
/** Bits of a combination that each field has; one with more rows is not remembered. */
const VALUE_BITS = 12;
const PROTOCOL_BITS = 8;
const DEVICE_BITS = 4;
const MEMO_SHIFT: number = 1 + Math.clz32(MEMO);

/** Both ports. */
const PORTS = 4;

export class RuleBlock {
  readonly rules: readonly Rule[];
  private readonly saddr: ValueClasses;
  private readonly daddr: ValueClasses;
  private readonly sport: ValueClasses;
  private readonly dport: ValueClasses;
  private readonly protocol: ProtocolClasses;
  private readonly indev: DeviceClasses;
  private readonly outdev: DeviceClasses;
  /** Are the rows so few that their numbers fit a combination? Devices come later. */
  private readonly few: boolean;
  /** Combinations of rows that have no rule in common; 0 where there is none yet. */
  private readonly memo = new Int32Array(2 * MEMO);

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    const bounds = rules.map(ruleBounds);
    this.saddr = new ValueClasses(bounds.map((b) => b.saddr));
    this.daddr = new ValueClasses(bounds.map((b) => b.daddr));
    this.sport = new ValueClasses(bounds.map((b) => b.sport));
    this.dport = new ValueClasses(bounds.map((b) => b.dport));
    this.protocol = new ProtocolClasses(rules);
    const device = (name: 'iniface' | 'outiface', bit: number): DeviceClasses =>
      new DeviceClasses(rules.map(({ entry }) => ({ pattern: entry[name], inverted: (entry.invert & bit) !== 0 })));
    this.indev = device('iniface', IPT_INV_VIA_IN);
    this.outdev = device('outiface', IPT_INV_VIA_OUT);
    const values = [this.saddr, this.daddr, this.sport, this.dport];
    this.few = values.every(({ rows }) => rows.count < 2 ** VALUE_BITS) && this.protocol.rows.count <= 2 ** PROTOCOL_BITS;
  }

  /** Asks the rules that may match, in their order; the first verdict, or XT_CONTINUE when none decides. */
  run(skb: SkBuff, walk: Walk): number {
    const { rules, saddr, daddr, sport, dport, protocol, indev, outdev, memo } = this;
    const { width } = saddr.rows;
    let from = 0;
    classify: for (;;) {
      const { rewritten } = walk;
      const { view } = skb.head;
      const ip = skb.networkHeader;
      const th = ip + walk.thoff;
      const ports = walk.fragoff === 0 && th + PORTS <= skb.data + skb.len;
      // From the field that usually tells most to the one that tells least: the summary is often 0 after the first.
      const d = dport.trivial || !ports ? dport.unknown : dport.find(view.getUint16(th + 2));
      let words = dport.rows.summaries[d];
      const a = saddr.trivial ? saddr.unknown : saddr.find(ordered(view.getInt32(ip + IP_SADDR)));
      words &= saddr.rows.summaries[a];
      if (words === 0) return XT_CONTINUE;
      const b = daddr.trivial ? daddr.unknown : daddr.find(ordered(view.getInt32(ip + IP_DADDR)));
      words &= daddr.rows.summaries[b];
      if (words === 0) return XT_CONTINUE;
      const s = sport.trivial || !ports ? sport.unknown : sport.find(view.getUint16(th));
      const p = protocol.find(view.getUint8(ip + IP_PROTOCOL));
      const i = indev.find(walk.state.in);
      const o = outdev.find(walk.state.out);
      const one = (d << (VALUE_BITS + PROTOCOL_BITS)) | (a << PROTOCOL_BITS) | p;
      const two = (b << (VALUE_BITS + 2 * DEVICE_BITS)) | (s << (2 * DEVICE_BITS)) | (i << DEVICE_BITS) | o;
      const place = (Math.imul(one, 0x9e3779b1) ^ Math.imul(two, 0x85ebca6b)) >>> MEMO_SHIFT;
      // Complements: an empty place is no combination, though the first row of everything is 0.
      const fits = this.few && (i | o) >>> DEVICE_BITS === 0;
      if (fits && memo[2 * place] === ~one && memo[2 * place + 1] === ~two) return XT_CONTINUE;
      words &= sport.rows.summaries[s] & protocol.rows.summaries[p] & indev.rows.summaries[i] & outdev.rows.summaries[o];
      if (from !== 0) words &= -1 << (from >>> 5);
      let asked = false;
      while (words !== 0) {
        const w = 31 - Math.clz32(words & -words);
        words &= words - 1;
        let bits =
          dport.rows.words[d * width + w] &
          saddr.rows.words[a * width + w] &
          daddr.rows.words[b * width + w] &
          sport.rows.words[s * width + w] &
          protocol.rows.words[p * width + w] &
          indev.rows.words[i * width + w] &
          outdev.rows.words[o * width + w];
        if (w === from >>> 5) bits &= -1 << (from & 31);
        while (bits !== 0) {
          asked = true;
          const n = (w << 5) + 31 - Math.clz32(bits & -bits);
          bits &= bits - 1;
          const rule = rules[n];
          if (!ruleMatches(rule, skb, walk)) {
            if (walk.hotdrop) return hotdrop(rule, walk);
            continue;
          }
          const verdict = applyRule(rule, skb, walk);
          if (verdict !== XT_CONTINUE) return verdict;
          if (walk.rewritten !== rewritten) {
            // A target has changed the packet and goes on: the rows are another packet's now.
            from = n + 1;
            if (from === rules.length) return XT_CONTINUE;
            continue classify;
          }
        }
      }
      if (!asked && from === 0 && fits) {
        memo[2 * place] = ~one;
        memo[2 * place + 1] = ~two;
      }
      return XT_CONTINUE;
    }
  }
}
