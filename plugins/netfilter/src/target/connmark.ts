/** target/connmark.ts — `-j CONNMARK`: the mark of the packet's connection, from or to the packet's (cf. Linux net/netfilter/xt_connmark.c). */
import { defineTarget, type SkBuff, XT_CONTINUE, XtProblem, type XtTarget, xtMarkMask, xtUint } from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import { IPCT_MARK } from '../conntrack/events.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';

const ALL = 0xffffffff;
const MODES = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark', 'save-mark', 'restore-mark'];
/** One mode stands alone. */
const only = (mode: string): { readonly excludes: readonly string[] } => ({ excludes: MODES.filter((other) => other !== mode) });

interface Data {
  readonly mode: 'set' | 'save' | 'restore';
  readonly mark: number;
  readonly ctmask: number;
  readonly nfmask: number;
  /** Bits that what is written is shifted by, to the left; to the right when negative. */
  readonly shift: number;
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;

export function connmarkTarget(nct: NfConntrack): XtTarget {
  const word = xtUint(ALL);
  return defineTarget({
    name: 'CONNMARK',
    options: {
      'set-xmark': { value: xtMarkMask, ...only('set-xmark') },
      'set-mark': { value: xtMarkMask, ...only('set-mark') },
      'and-mark': { value: word, ...only('and-mark') },
      'or-mark': { value: word, ...only('or-mark') },
      'xor-mark': { value: word, ...only('xor-mark') },
      'save-mark': only('save-mark'),
      'restore-mark': only('restore-mark'),
      'left-shift-mark': { value: xtUint(32) },
      'right-shift-mark': { value: xtUint(32) },
      ctmask: { value: word },
      nfmask: { value: word, excludes: ['mask'] },
      mask: { value: word, excludes: ['nfmask'] },
    },
    init(o): Data {
      const ctmask = o.mask?.value ?? o.ctmask?.value;
      const right = o['right-shift-mark']?.value;
      const shift = right === undefined ? (o['left-shift-mark']?.value ?? 0) : -right;
      const set = (mark: number, mask: number): Data => ({ mode: 'set', mark, ctmask: ctmask ?? mask, nfmask: ALL, shift });
      if (o['set-xmark'] !== undefined) return set(o['set-xmark'].value.value, o['set-xmark'].value.mask);
      if (o['set-mark'] !== undefined) {
        const { value, mask } = o['set-mark'].value;
        return set(value, (value | mask) >>> 0);
      }
      if (o['and-mark'] !== undefined) return set(0, ~o['and-mark'].value >>> 0);
      if (o['or-mark'] !== undefined) return set(o['or-mark'].value, o['or-mark'].value);
      if (o['xor-mark'] !== undefined) return set(o['xor-mark'].value, 0);
      const mode = o['save-mark'] !== undefined ? 'save' : o['restore-mark'] !== undefined ? 'restore' : null;
      if (mode === null) throw new XtProblem('CONNMARK target: No operation specified');
      return { mode, mark: 0, ctmask: ctmask ?? ALL, nfmask: o.mask?.value ?? o.nfmask?.value ?? ALL, shift };
    },
    save(data) {
      const { mode, mark, ctmask, nfmask } = data;
      const what =
        mode === 'set' ? `--set-xmark ${hex(mark)}/${hex(ctmask)}` : `--${mode}-mark --nfmask ${hex(nfmask)} --ctmask ${hex(ctmask)}`;
      return `${what}${shiftText(data, '--')}`;
    },
    print: (data) => `CONNMARK ${data.mode === 'set' ? setText(data) : moveText(data)}${shiftText(data, '')}`,
    target(skb, _par, data) {
      const ct = skb.nfct as NfConn | null;
      if (ct !== null) apply(nct, skb, ct, data);
      return XT_CONTINUE;
    },
    ...conntrackUser(nct),
  });
}

function shiftText({ shift }: Data, hyphens: string): string {
  if (shift === 0) return '';
  return ` ${hyphens}${shift > 0 ? 'left' : 'right'}-shift-mark ${Math.abs(shift)}`;
}

function setText({ mark, ctmask }: Data): string {
  if (mark === 0) return `and ${hex(~ctmask)}`;
  if (mark === ctmask) return `or ${hex(mark)}`;
  if (ctmask === 0) return `xor ${hex(mark)}`;
  if (ctmask === ALL) return `set ${hex(mark)}`;
  return `xset ${hex(mark)}/${hex(ctmask)}`;
}

function moveText({ mode, ctmask, nfmask }: Data): string {
  if (ctmask !== nfmask) {
    return mode === 'save' ? `save nfmask ${hex(nfmask)} ctmask ~${hex(ctmask)}` : `restore ctmask ${hex(ctmask)} nfmask ~${hex(nfmask)}`;
  }
  return ctmask === ALL ? mode : `${mode} mask ${hex(ctmask)}`;
}

function shifted(mark: number, shift: number): number {
  // A shift by all 32 bits leaves nothing; JavaScript's operators would leave everything.
  if (Math.abs(shift) === 32) return 0;
  return shift >= 0 ? mark << shift : mark >>> -shift;
}

function apply(nct: NfConntrack, skb: SkBuff, ct: NfConn, { mode, mark, ctmask, nfmask, shift }: Data): void {
  if (mode === 'restore') {
    skb.mark = (skb.mark & ~nfmask) ^ shifted(ct.mark & ctmask, shift);
    return;
  }
  const written = mode === 'set' ? shifted((ct.mark & ~ctmask) ^ mark, shift) : (ct.mark & ~ctmask) ^ shifted(skb.mark & nfmask, shift);
  if ((written | 0) === ct.mark) return;
  ct.mark = written;
  nct.eventCache(ct, IPCT_MARK);
}
