/** What is printed and refused here is what net-tools 2.10 prints and refuses on Linux 6.18. */
import { beforeEach, describe, expect, test } from 'vitest';
import { ArpLab } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
});
const arp = (words: string): string => lab.command(`arp ${words}`);
const done = (words: string): void => expect(arp(words)).toBe('');

describe('show', () => {
  beforeEach(() => {
    lab.send('10.1.0.99', 'p1');
    lab.send('10.1.0.2', 'p1');
    lab.receive('p1', 'eth b > p1 / arp reply b is-at b tell p1');
    done('-s 10.0.0.50 02:00:00:00:00:50');
    done('-Ds 10.0.0.57 p0 pub');
    lab.command('ip neigh add 10.0.0.60 dev p0 lladdr 1:2:3:4:5:6 nud noarp');
  });

  test('in columns', () => {
    const columns = `Address                  HWtype  HWaddress           Flags Mask            Iface
10.1.0.99                        (incomplete)                              p1
10.1.0.2                 ether   02:00:00:00:0b:02   C                     p1
10.0.0.50                ether   02:00:00:00:00:50   CM                    p0
10.0.0.57                *       <from_interface>    MP                    p0
`;
    for (const words of ['', '-n', '-e', '-ne', '--numeric', '-H ether', '-t ether -A inet']) expect(arp(words)).toBe(columns);
    expect(arp('-vn')).toBe(`${columns}Entries: 4\tSkipped: 0\tFound: 4\n`);
  });

  test('in sentences', () => {
    const sentences = `? (10.1.0.99) at <incomplete> on p1
? (10.1.0.2) at 02:00:00:00:0b:02 [ether] on p1
? (10.0.0.50) at 02:00:00:00:00:50 [ether] PERM on p0
? (10.0.0.57) at <from_interface> PERM PUB on p0
`;
    for (const words of ['-a', '-an', '-n -a']) expect(arp(words)).toBe(sentences);
    expect(arp('-an 10.1.0.2')).toBe('? (10.1.0.2) at 02:00:00:00:0b:02 [ether] on p1\n');
    expect(arp('-a -i p0')).toBe(sentences.split('\n').slice(2).join('\n'));
  });

  test('of nothing', () => {
    expect(arp('10.0.0.77')).toBe('10.0.0.77 (10.0.0.77) -- no entry\n');
    expect(arp('-an 10.0.0.77')).toBe('arp: in 4 entries no match found.\n');
    expect(arp('-n -i nope')).toBe('arp: in 4 entries no match found.\n');
    expect(arp('-nv -i lo')).toBe('Entries: 4\tSkipped: 4\tFound: 0\narp: in 4 entries no match found.\n');
    expect(new ArpLab().command('arp -n')).toBe('');
  });

  test('as a file', () => {
    expect(lab.command('cat /proc/net/arp')).toBe(`IP address       HW type     Flags       HW address            Mask     Device
10.1.0.99        0x1         0x0         00:00:00:00:00:00     *        p1
10.1.0.2         0x1         0x2         02:00:00:00:0b:02     *        p1
10.0.0.50        0x1         0x6         02:00:00:00:00:50     *        p0
10.0.0.57        0x1         0xc         00:00:00:00:00:00     *        p0
`);
  });

  test('counters as a file', () => {
    const [heading, values] = lab.command('cat /proc/net/stat/arp_cache').split('\n');
    expect(heading).toBe(
      'entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast rcv_probes_ucast periodic_gc_runs forced_gc_runs unresolved_discards table_fulls',
    );
    expect(values).toBe(
      '00000004 00000004 00000000 00000000   00000000 00000000 00000000   00000000         00000000         00000000         00000000       00000000            00000000',
    );
  });
});

describe('set and delete', () => {
  test("permanent unless temporary; the device is the route's", () => {
    done('-s 10.0.0.50 02:00:00:00:00:50');
    done('-s 10.0.0.51 02:00:00:00:00:51 temp');
    done('-s 10.0.0.52 -i p1 020000000052');
    done('-s 10.0.0.53 2:0:0:0:0:9 dev p1 trail');
    done('-Ds 10.0.0.58 p1');
    done('--set 10.0.0.59 02:00:00:00:00:59 netmask 255.255.255.255 priv');
    expect(lab.command('ip neigh')).toBe(
      `10.0.0.50 dev p0 lladdr 02:00:00:00:00:50 PERMANENT 
10.0.0.51 dev p0 lladdr 02:00:00:00:00:51 STALE 
10.0.0.52 dev p1 lladdr 02:00:00:00:00:52 PERMANENT 
10.0.0.53 dev p1 lladdr 02:00:00:00:00:09 PERMANENT 
10.0.0.58 dev p0 lladdr 02:00:00:00:00:11 PERMANENT 
10.0.0.59 dev p0 lladdr 02:00:00:00:00:59 PERMANENT 
`,
    );
    done('-d 10.0.0.50');
    expect(arp('-d 10.0.0.50')).toBe('No ARP entry for 10.0.0.50\n-> 255\n');
    done('-d 10.0.0.52 -i p1');
    done('-d 10.0.0.53 dev p1');
    expect(arp('-v -d 10.0.0.51')).toBe('arp: SIOCDARP(dontpub)\n');
    expect(lab.tbl.size).toBe(2);
  });

  test('answers for others', () => {
    done('-i p0 -Ds 10.1.0.57 p1 pub');
    done('-Ds 10.1.0.58 p1 pub');
    expect(lab.command('ip neigh show proxy')).toBe('10.1.0.57 dev p0 proxy \n10.1.0.58 dev p1 proxy \n');
    done('-i p0 -d 10.1.0.57');
    expect(arp('-d 10.1.0.58 pub')).toBe('No ARP entry for 10.1.0.58\n-> 255\n');
    done('-d 10.1.0.58 dev p1 pub');
    expect(lab.command('ip neigh show proxy')).toBe('');
  });

  test('answers for all with netmask 0.0.0.0', () => {
    const proxyArp = (where: string): string => lab.command(`sysctl -n net.ipv4.conf.${where}.proxy_arp`).trim();
    done('-Ds 0.0.0.0 p0 netmask 0.0.0.0 pub');
    expect([proxyArp('p0'), proxyArp('all')]).toEqual(['1', '0']);
    done('-i p0 -d 0.0.0.0 netmask 0.0.0.0 pub');
    expect(proxyArp('p0')).toBe('0');
  });

  test.each([
    ['-s', 'arp: need host name', 255],
    ['-s foo 02:00:00:00:00:50', 'foo: Host name lookup failure', 255],
    ['-s 10.0.0.59', 'arp: need hardware address', 255],
    ['-s 10.0.0.59 zz', 'arp: invalid hardware address', 255],
    ['-s 10.0.0.4 2-0-0-0-0-9', 'arp: invalid hardware address', 255],
    ['-s 192.0.2.1 02:00:00:00:00:50', 'SIOCSARP: Network is unreachable', 255],
    ['-s 10.0.0.1 02:00:00:00:00:50', 'SIOCSARP: Invalid argument', 255],
    ['-s 10.0.0.60 02:00:00:00:00:60 dontpub', 'SIOCSARP: Invalid argument', 255],
    ['-s 10.0.0.60 02:00:00:00:00:60 netmask 255.255.255.0 pub', 'SIOCSARP: Invalid argument', 255],
    ['-s 10.0.0.52 02:00:00:00:00:52 pub', 'SIOCSARP: No such device', 255],
    ['-i nope -s 10.0.0.51 02:00:00:00:00:51', 'SIOCSARP: No such device', 255],
    ['-Ds 10.0.0.57 nope pub', "arp: cant get HW-Address for `nope': No such device.", 255],
    ['-d', 'arp: need host name', 255],
    ['-d foo', 'foo: Host name lookup failure', 255],
    ['-d 192.0.2.1', 'SIOCDARP(dontpub): Network is unreachable', 255],
    ['-i nope -d 10.0.0.51', 'SIOCDARP(dontpub): No such device', 255],
    ['-H foo -n', 'arp: foo: unknown hardware type.', 255],
    ['-A foo', 'arp: foo: unknown address family.', 255],
    ['foo', 'foo: Host name lookup failure', 255],
    ['-z', "arp: invalid option -- 'z'\nUsage: arp", 3],
    ['-i', "arp: option requires an argument -- 'i'\nUsage: arp", 3],
    ['--bogus', "arp: unrecognized option '--bogus'\nUsage: arp", 3],
    ['-s 10.0.0.59 02:00:00:00:00:50 bogus', 'Usage: arp', 3],
    ['-s 10.0.0.3 2:0:0:0:0:9 netmask', 'Usage: arp', 3],
    ['-s 10.0.0.3 2:0:0:0:0:9 dev', 'Usage: arp', 3],
  ])('arp %s', (words, message, status) => {
    const text = arp(words);
    if (status === 3) expect(text.startsWith(message)).toBe(true);
    else expect(text).toBe(`${message}\n-> ${status}\n`);
    expect(text.endsWith(`-> ${status}\n`)).toBe(true);
    expect(lab.tbl.size).toBe(0);
  });

  test('help', () => {
    expect(arp('-h')).toMatch(/^Usage: arp/);
  });
});
