/** conntrack-tool/expect-text.ts — an expectation as listings and events tell it (cf. libnetfilter_conntrack's expect/snprintf*.c). */
import { formatIpv4 } from '@packetwalk/framework';
import type { Expectation } from '../conntrack/expectation.ts';
import { flowProtocolName } from './flow-protocols.ts';

export function secondsLeft({ timer }: Expectation, jiffies: number): number {
  return timer.pending ? Math.floor((timer.expires - jiffies) / 1000) : 0;
}

export function expectText(expectation: Expectation, jiffies: number): string {
  const { tuple, master } = expectation;
  return [
    secondsLeft(expectation, jiffies),
    `proto=${tuple.protocol}`,
    `src=${formatIpv4(tuple.src)} dst=${formatIpv4(tuple.dst)} sport=${tuple.sport} dport=${tuple.dport}`,
    `mask-src=${formatIpv4(expectation.srcMask)} mask-dst=255.255.255.255 sport=${expectation.sportMask} dport=65535`,
    `master-src=${formatIpv4(master.saddr(0))} master-dst=${formatIpv4(master.daddr(0))} sport=${master.sport(0)} dport=${master.dport(0)}`,
    `class=0 helper=${master.ext?.helper?.name ?? ''}`,
  ].join(' ');
}

export function expectXml(expectation: Expectation, jiffies: number, type: string): string {
  const { tuple, master, srcMask, sportMask } = expectation;
  const addresses = (name: string, src: number, dst: number): string =>
    `<${name}><src>${formatIpv4(src)}</src><dst>${formatIpv4(dst)}</dst></${name}>`;
  const ports = (name: string, sport: number, dport: number): string => `<${name}><sport>${sport}</sport><dport>${dport}</dport></${name}>`;
  const layer3 =
    addresses('expected', tuple.src, tuple.dst) + addresses('mask', srcMask, -1) + addresses('master', master.saddr(0), master.daddr(0));
  const layer4 =
    ports('expected', tuple.sport, tuple.dport) + ports('mask', sportMask, 0xffff) + ports('master', master.sport(0), master.dport(0));
  const name = master.ext?.helper?.name ?? '';
  const meta = `<helper-name>${name}</helper-name><timeout>${secondsLeft(expectation, jiffies)}</timeout><class>0</class>`;
  return (
    `<flow${type === '' ? '' : ` type="${type}"`}><layer3 protonum="2" protoname="ipv4">${layer3}</layer3>` +
    `<layer4 protonum="${tuple.protocol}" protoname="${flowProtocolName(tuple.protocol)}">${layer4}</layer4><meta>${meta}</meta></flow>`
  );
}
