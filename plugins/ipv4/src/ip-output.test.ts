import {
  allocSkb,
  dstDiscard,
  dstOutput,
  type Neighbour,
  NF_ACCEPT,
  NF_DROP,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  PF_INET,
  type Rtable,
  SKB_DROP_REASON_NEIGH_CREATEFAIL,
  skbPutData,
} from '@packetwalk/framework';
import { beforeEach, describe, expect, test } from 'vitest';
import { datagramFlow } from './datagram.ts';
import { ipBuildAndSendPkt } from './ip-output.ts';
import { Ipv4Lab, ip } from './testing/ipv4-lab.ts';

let lab: Ipv4Lab;
beforeEach(() => {
  lab = new Ipv4Lab();
});

function routeTo(daddr: string): Rtable {
  const rt = lab.ipv4.routing.routeOutput(datagramFlow(ip(daddr), 253, {}));
  if (typeof rt === 'number') throw new Error(`no route: ${rt}`);
  return rt;
}

/** A packet of protocol 253 made here, by the route to `daddr`. */
function sendLocal(daddr: string, options: { ttl?: number; df?: boolean } = {}): number {
  const rt = routeTo(daddr);
  const skb = allocSkb(lab.net, rt.dev, 16);
  skbPutData(skb, new TextEncoder().encode('made here'));
  const result = ipBuildAndSendPkt(skb, rt, { saddr: ip('10.1.0.1'), daddr: ip(daddr), protocol: 253, ...options });
  lab.softirq.runToCompletion();
  return result;
}

describe('packets made here', () => {
  test('get a whole header: default TTL, an id unless DF', () => {
    sendLocal('10.1.0.2');
    sendLocal('10.1.0.2', { ttl: 5, df: true });
    const [first, second] = lab.packets();
    const view = new DataView(first.buffer, first.byteOffset);
    expect([view.getUint8(0), view.getUint16(2), view.getUint16(6), view.getUint8(8)]).toEqual([0x45, 29, 0, 64]);
    expect(view.getUint16(4)).not.toBe(0);
    const other = new DataView(second.buffer, second.byteOffset);
    expect([other.getUint16(4), other.getUint16(6), other.getUint8(8)]).toEqual([0, 0x4000, 5]);
    expect(lab.counters('Ip')).toMatchObject({ OutRequests: 2, OutTransmits: 2 });
    expect(lab.counters('IpExt')).toMatchObject({ OutOctets: 58 });
  });

  test('take their TTL from the sysctl or the route', () => {
    lab.sysctl('ip_default_ttl=99');
    sendLocal('10.1.0.2');
    lab.command('ip route add 198.51.100.0/24 via 10.1.0.9 hoplimit 7');
    sendLocal('198.51.100.1');
    expect(lab.packets().map((p) => p[8])).toEqual([99, 7]);
  });

  test('pass LOCAL_OUT without an input device, then POST_ROUTING', () => {
    const seen: string[] = [];
    for (const hooknum of [NF_IP_LOCAL_OUT, NF_IP_POST_ROUTING]) {
      lab.net.nf.register({
        pf: PF_INET,
        hooknum,
        priority: 0,
        hook(_skb, state) {
          seen.push(`${hooknum} in ${state.in?.name ?? 'none'} out ${state.out?.name}`);
          return NF_ACCEPT;
        },
      });
    }
    sendLocal('10.1.0.2');
    lab.send('10.0.0.2 > 10.1.0.2 / udp 1 > 2');
    expect(seen).toEqual(['3 in none out p1', '4 in none out p1', '4 in p0 out p1']);
  });

  test('can be dropped at LOCAL_OUT, and nothing leaks', () => {
    lab.net.nf.register({ pf: PF_INET, hooknum: NF_IP_LOCAL_OUT, priority: 0, hook: () => NF_DROP });
    expect(sendLocal('10.1.0.2')).toBe(-1);
    expect(lab.out()).toEqual([]);
    expect(lab.inUse).toBe(0);
  });

  test('come back by loopback when they are for this router', () => {
    const got: number[] = [];
    lab.ipv4.protocols.add({
      protocol: 253,
      handler(skb) {
        got.push(skb.len, skb.dev.ifindex);
        dstDiscard('taken', SKB_DROP_REASON_NEIGH_CREATEFAIL)(skb);
        return 0;
      },
    });
    sendLocal('10.0.0.1');
    expect(got).toEqual([9, lab.dev('lo').ifindex]);
    expect(lab.out()).toEqual([]);
    expect(lab.inUse).toBe(0);
  });
});

describe('broadcasts made here', () => {
  test('leave, and come back in for our own listeners', () => {
    const got: string[] = [];
    lab.ipv4.raw.add({ protocol: 253, address: 0, receive: (skb) => got.push(`${skb.dev.name} ${skb.len}`) });
    sendLocal('10.1.0.255');
    expect(lab.out()).toEqual(['p1 ip 10.1.0.1 > 10.1.0.255 proto 253 / "made here"']);
    expect(got).toEqual(['p1 9']);
    expect(lab.counters('IpExt')).toMatchObject({ OutBcastPkts: 1, OutBcastOctets: 29, InBcastPkts: 1 });
    expect(lab.inUse).toBe(0);
  });

  test('hold no error: the copy is not answered', () => {
    sendLocal('10.1.0.255');
    expect(lab.out()).toHaveLength(1);
    expect(lab.drops()).toMatchObject({ IP_NOPROTO: 1 });
  });
});

describe('neighbours', () => {
  test('are asked for once per gateway, and for each destination on the link', () => {
    for (const to of ['203.0.113.1', '203.0.113.2', '10.1.0.2', '10.1.0.3', '10.1.0.3']) lab.send(`10.0.0.2 > ${to} / udp 1 > 2`);
    expect(lab.resolved).toEqual(['02:00:0a:01:00:09 p1', '02:00:0a:01:00:02 p1', '02:00:0a:01:00:03 p1']);
    expect(lab.left).toHaveLength(5);
  });

  test('that are dead are asked for again', () => {
    lab.send('10.0.0.2 > 203.0.113.1 / udp 1 > 2');
    const { neighbours } = lab.ipv4;
    const old = neighbours.value?.lookup(ip('10.1.0.9'), lab.dev('p1'));
    if (old == null) throw new Error('no neighbour');
    old.dead = true;
    let asked = 0;
    const table = neighbours.value as NonNullable<typeof neighbours.value>;
    const resolve = (): Neighbour => {
      asked++;
      return { ...old, dead: false };
    };
    neighbours.value = { ...table, resolve };
    lab.send('10.0.0.2 > 203.0.113.1 / udp 1 > 2');
    lab.send('10.0.0.2 > 203.0.113.1 / udp 1 > 2');
    expect(asked).toBe(1);
  });

  test('may be refused when their table is full, or nobody resolves', () => {
    const { neighbours } = lab.ipv4;
    const table = neighbours.value as NonNullable<typeof neighbours.value>;
    neighbours.value = { ...table, resolve: () => null };
    lab.send('10.0.0.2 > 10.1.0.2 / udp 1 > 2');
    neighbours.value = null;
    lab.send('10.0.0.2 > 10.1.0.2 / udp 1 > 2');
    expect(lab.drops()).toEqual({ NEIGH_CREATEFAIL: 2 });
    expect(lab.inUse).toBe(0);
  });
});

test('a route that got a transform at POST_ROUTING starts again behind that hook', () => {
  let hooks = 0;
  lab.net.nf.register({
    pf: PF_INET,
    hooknum: NF_IP_POST_ROUTING,
    priority: 0,
    hook(skb) {
      hooks++;
      const rt = skb.dst as Rtable;
      // As a policy lookup behind SNAT would: a bundle on top of the route.
      const bundle = Object.assign(Object.create(Object.getPrototypeOf(rt)), rt, {
        xfrm: {},
        child: rt,
        output(packet: typeof skb) {
          packet.dst = rt;
          return dstOutput(packet);
        },
      });
      skb.dst = bundle;
      return NF_ACCEPT;
    },
  });
  lab.send('10.0.0.2 > 10.1.0.2 ttl 9 id 7 / udp 1 > 2');
  expect(lab.out()).toEqual(['p1 ip 10.0.0.2 > 10.1.0.2 ttl 8 id 7 / udp 1 > 2']);
  expect(hooks).toBe(1);
});
