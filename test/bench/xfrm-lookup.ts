/** xfrm-lookup.ts — what finding a policy and a state costs, with few and with many of them. */
import { SeededRandom, Softirq, silentLog, VirtualClock } from '@packetwalk/framework';
import { NO_LIMITS, NO_MARK } from '../../plugins/xfrm/src/xfrm-lifetime.ts';
import { Sad } from '../../plugins/xfrm/src/xfrm-sad.ts';
import { ANY_SELECTOR, XfrmFlow } from '../../plugins/xfrm/src/xfrm-selector.ts';
import { Spd } from '../../plugins/xfrm/src/xfrm-spd.ts';
import { XfrmState, type XfrmStateConfig } from '../../plugins/xfrm/src/xfrm-state.ts';

const GATEWAY = 0xc0000201 | 0;
const PROBES = 4096;

const peer = (i: number): number => (0xcb000000 + i) | 0;
const host = (i: number): number => (0x0a000000 + 256 * i + 5) | 0;

export interface LookupContest {
  readonly what: string;
  readonly size: number;
  run(count: number): void;
}

function template(i: number) {
  return { daddr: peer(i), saddr: GATEWAY, spi: 0, proto: 50, mode: 'tunnel' as const, reqid: i + 1, optional: false };
}

function stateConfig(i: number): XfrmStateConfig {
  return {
    daddr: peer(i),
    saddr: GATEWAY,
    spi: 0x1000 + i,
    proto: 50,
    mode: 'tunnel',
    reqid: i + 1,
    seq: 0,
    replayWindow: 32,
    replaySeq: 0,
    replayOseq: 0,
    replaySeqHi: 0,
    replayOseqHi: 0,
    flags: 0,
    extraFlags: 0,
    sel: ANY_SELECTOR,
    limits: NO_LIMITS,
    mark: NO_MARK,
    outputMark: NO_MARK,
    ifId: 0,
    tfcpad: 0,
    encap: null,
    aead: null,
    auth: null,
    enc: null,
    comp: null,
  };
}

/** A hub with `size` peers: a policy, /24 to /24, and a state for each; probes go round them in no order. */
export function lookupContests(size: number): LookupContest[] {
  const random = new SeededRandom(size);
  const spd = new Spd();
  const sad = new Sad(new Softirq(new VirtualClock(), random, silentLog));
  for (let i = 0; i < size; i++) {
    const sel = { ...ANY_SELECTOR, saddr: 0x0a630000, saddrLen: 24, daddr: host(i) & ~255, daddrLen: 24 };
    const shared = { dir: 1, priority: 0, index: 0, block: false, sub: false, flags: 0, ifId: 0, mark: NO_MARK, limits: NO_LIMITS };
    spd.insert({ ...shared, sel, templates: [template(i)] }, false);
    const state = new XfrmState(stateConfig(i), null);
    state.kmState = 'valid';
    sad.add(state);
  }
  const probes = Array.from({ length: PROBES }, () => random.below(size));
  // One for all probes: the templates of a real lookup came with their policies.
  const tmpl = template(0);
  const flow = new XfrmFlow();
  flow.saddr = 0x0a630007;
  flow.proto = 17;
  return [
    {
      what: 'policy',
      size,
      run(count) {
        for (let i = 0; i < count; i++) {
          flow.daddr = host(probes[i & (PROBES - 1)]);
          if (spd.lookup(1, flow, 0) === null) throw new Error('no policy');
        }
      },
    },
    {
      what: 'state by SPI',
      size,
      run(count) {
        for (let i = 0; i < count; i++) {
          const n = probes[i & (PROBES - 1)];
          if (sad.lookup(0, peer(n), 0x1000 + n, 50) === null) throw new Error('no state');
        }
      },
    },
    {
      what: 'state for a template',
      size,
      run(count) {
        for (let i = 0; i < count; i++) {
          const n = probes[i & (PROBES - 1)];
          tmpl.daddr = peer(n);
          tmpl.reqid = n + 1;
          if (sad.find(tmpl.daddr, tmpl.saddr, flow, tmpl, 0) === null) throw new Error('no state');
        }
      },
    },
  ];
}
