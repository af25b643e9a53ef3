/** What is printed and refused here is what iproute2 6.1 prints and refuses on Linux 6.18. */
import { beforeEach, describe, expect, test } from 'vitest';
import { ArpLab } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
});
const ipNeigh = (words: string): string => lab.command(`ip neigh ${words}`);
const done = (words: string): void => expect(ipNeigh(words)).toBe('');
const LLADDR = 'lladdr 02:00:00:00:0b:02';

describe('show', () => {
  beforeEach(() => {
    lab.send('10.1.0.2', 'p1');
    lab.receive('p1', 'eth b > p1 / arp reply b is-at b tell p1');
    lab.send('10.1.0.99', 'p1');
    lab.advance(4000);
    done('add 10.0.0.20 lladdr 1:2:3:4:5:6 dev p0 nud stale router extern_learn protocol static');
    done('add 10.0.0.21 lladdr 1:2:3:4:5:6 dev p0 protocol 200');
    done('add 10.0.0.24 lladdr 1:2:3:4:5:6 dev p0 nud noarp');
    done('add 10.0.0.25 dev p0 nud none');
    done('add 10.0.0.23 dev p0 managed');
    done('add proxy 10.0.0.40 dev p0');
    done('add proxy 10.0.0.41 dev p0 router protocol 5');
  });

  test('in lines', () => {
    expect(ipNeigh('')).toBe(
      `10.1.0.2 dev p1 ${LLADDR} REACHABLE 
10.1.0.99 dev p1 FAILED 
10.0.0.20 dev p0 lladdr 01:02:03:04:05:06 router extern_learn STALE proto static 
10.0.0.21 dev p0 lladdr 01:02:03:04:05:06 PERMANENT proto 200 
10.0.0.23 dev p0 managed INCOMPLETE 
`,
    );
  });

  test('with counts and times', () => {
    expect(lab.command('ip -s neigh show dev p1')).toBe(
      `10.1.0.2 ${LLADDR}  ref 1 used 4/4/4probes 4 REACHABLE 
10.1.0.99  used 4/64/1probes 6 FAILED 
`,
    );
  });

  test('as JSON', () => {
    expect(lab.command('ip -j neigh show to 10.0.0.0/24 nud all')).toBe(
      '[{"dst":"10.0.0.20","dev":"p0","lladdr":"01:02:03:04:05:06","router":null,"extern_learn":null,"state":["STALE"],"protocol":"static"},' +
        '{"dst":"10.0.0.21","dev":"p0","lladdr":"01:02:03:04:05:06","state":["PERMANENT"],"protocol":"200"},' +
        '{"dst":"10.0.0.24","dev":"p0","lladdr":"01:02:03:04:05:06","state":["NOARP"]},{"dst":"10.0.0.25","dev":"p0"},' +
        '{"dst":"10.0.0.23","dev":"p0","managed":null,"state":["INCOMPLETE"]}]\n',
    );
    expect(JSON.parse(lab.command('ip -j -s neigh show 10.1.0.2'))).toEqual([
      {
        dst: '10.1.0.2',
        dev: 'p1',
        lladdr: '02:00:00:00:0b:02',
        refcnt: 1,
        used: 4,
        confirmed: 4,
        updated: 4,
        probes: 4,
        state: ['REACHABLE'],
      },
    ]);
    expect(lab.command('ip -j -p neigh show 1.2.3.4')).toBe('[ ]\n');
  });

  test('of what is answered for', () => {
    expect(ipNeigh('show proxy')).toBe('10.0.0.40 dev p0 proxy \n10.0.0.41 dev p0 router proxy proto 5 \n');
    expect(lab.command('ip -j neigh show proxy 10.0.0.41')).toBe(
      '[{"dst":"10.0.0.41","dev":"p0","router":null,"proxy":null,"protocol":"5"}]\n',
    );
  });

  const chosen = (words: string): string => [...ipNeigh(`show ${words}`).matchAll(/^10\.\d\.0\.(\d+) /gm)].map((m) => m[1]).join(' ');
  test.each([
    ['nud all', '2 99 20 21 24 25 23'],
    // Learned ones are always shown.
    ['nud permanent', '20 21'],
    ['nud noarp', '20 24'],
    ['nud none', '20 25'],
    ['nud reachable nud failed', '2 99 20'],
    ['nud 0x80', '20 21'],
    ['dev p1', '2 99'],
    ['10.0.0.20/30', '20 21 23'],
    ['to 10.0.0.20', '20'],
    ['unused', '99 20 21'],
    ['protocol static', '20'],
    ['protocol all', '2 99 20 21 23'],
    ['nomaster', '2 99 20 21 23'],
    ['master lo', ''],
    ['default', '2 99 20 21 23'],
  ])('%s: %s', (words, last) => {
    expect(chosen(words)).toBe(last);
  });

  test('of one entry', () => {
    expect(ipNeigh('get 10.1.0.2 dev p1')).toBe(`10.1.0.2 dev p1 ${LLADDR} REACHABLE \n`);
    expect(lab.command('ip -j neigh get 10.1.0.2 dev p1')).toBe(`10.1.0.2 dev p1 ${LLADDR} REACHABLE \n`);
    expect(ipNeigh('get proxy 10.0.0.40 dev p0')).toBe('10.0.0.40 dev p0 proxy \n');
  });

  test('flush takes all but what is permanent or needs no ARP', () => {
    expect(lab.command('ip -s neigh flush dev p0')).toBe(
      '\n*** Round 1, deleting 3 entries ***\n*** Flush is complete after 1 round ***\n',
    );
    expect(chosen('nud all')).toBe('2 99 21 24');
    expect(lab.command('ip -s neigh flush dev p0')).toBe('Nothing to flush.\n');
    done('flush all nud all');
    expect(chosen('nud all')).toBe('24');
    expect(lab.command('ip -s neigh flush proxy all')).toContain('deleting 2 entries');
    expect(ipNeigh('show proxy')).toBe('');
    done('flush 10.0.0.24 nud noarp');
    expect(lab.tbl.size).toBe(0);
  });
});

describe('change', () => {
  test('add makes a permanent entry, once', () => {
    done(`add 10.0.0.9 ${LLADDR} dev p0`);
    expect(ipNeigh('')).toBe(`10.0.0.9 dev p0 ${LLADDR} PERMANENT \n`);
    expect(ipNeigh(`add 10.0.0.9 ${LLADDR} dev p0`)).toBe('RTNETLINK answers: File exists\n-> 2\n');
  });

  test('change needs an entry, replace does not', () => {
    expect(ipNeigh(`change 10.0.0.9 ${LLADDR} dev p0`)).toBe('RTNETLINK answers: No such file or directory\n-> 2\n');
    done(`replace 10.0.0.9 ${LLADDR} dev p0 nud stale router`);
    done('chg 10.0.0.9 dev p0 lladdr 02:00:00:00:00:99 nud stale');
    expect(ipNeigh('')).toBe('10.0.0.9 dev p0 lladdr 02:00:00:00:00:99 STALE \n');
    done('re 10.0.0.9 dev p0 nud reach');
    expect(ipNeigh('')).toBe('10.0.0.9 dev p0 lladdr 02:00:00:00:00:99 REACHABLE \n');
  });

  test('an order counts for what waits', () => {
    const id = lab.send('10.1.0.2', 'p1');
    lab.clear();
    done(`replace 10.1.0.2 ${LLADDR} dev p1`);
    expect(lab.out()).toEqual([`0 p1 eth p1 > b / ip 10.0.0.2 > 10.1.0.2 id ${id}`]);
  });

  test('use asks for the address', () => {
    done('add 10.1.0.2 dev p1 use');
    expect(ipNeigh('')).toBe('10.1.0.2 dev p1 INCOMPLETE \n');
    expect(lab.out()).toHaveLength(1);
  });

  test('delete', () => {
    done(`add 10.0.0.9 ${LLADDR} dev p0`);
    done('del 10.0.0.9 dev p0');
    expect(lab.tbl.size).toBe(0);
    expect(ipNeigh('del 10.0.0.9 dev p0')).toBe('RTNETLINK answers: No such file or directory\n-> 2\n');
    expect(ipNeigh('d proxy 10.0.0.9 dev p0')).toBe('RTNETLINK answers: No such file or directory\n-> 2\n');
  });

  test('addresses may be cut short, and written in other bases', () => {
    done(`add 10.1 ${LLADDR} dev p0`);
    done(`add 012.0x10.1.9 ${LLADDR} dev p0`);
    done(`add dev p0 to 10.0.0.92 ${LLADDR}`);
    expect([...lab.tbl.entries()].map(({ key }) => key)).toEqual([0x0a010000, 0x0a100109, 0x0a00005c]);
  });

  test('a group has its own address', () => {
    done('add 224.1.2.3 dev p0');
    expect(ipNeigh('')).toBe('224.1.2.3 dev p0 lladdr 01:00:5e:01:02:03 PERMANENT \n');
  });
});

describe('a line that is refused changes nothing', () => {
  test.each([
    ['add', 'Device and destination are required arguments.', 255],
    ['add 10.0.0.1', 'Device and destination are required arguments.', 255],
    ['add any dev p0', 'Device and destination are required arguments.', 255],
    ['add x dev p0', 'Error: any valid address is expected rather than "x".', 1],
    ['add 10.0.0.256 dev p0', 'Error: any valid address is expected rather than "10.0.0.256".', 1],
    ['add 10.0.0.3/24 dev p0', 'Error: any valid address is expected rather than "10.0.0.3/24".', 1],
    ['add 10.0.0.1 dev', 'Command line is not complete. Try option "help"', 255],
    ['add help', 'Usage: ip neigh', 255],
    ['add 10.0.0.1 dev nope', 'Cannot find device "nope"', 1],
    ['add 10.0.0.1 lladdr zz dev nope', '"zz" is invalid lladdr.', 1],
    ['add 10.0.0.1 lladdr 1:2:3 dev p0', 'Error: Invalid link address.', 2],
    ['add 10.0.0.1 lladdr 1:2:3:4:5:100 dev p0', '"100" is invalid lladdr.', 1],
    ['add 10.0.0.1 10.0.0.2 dev p0', 'Error: either "to" is duplicate, or "10.0.0.2" is a garbage.', 255],
    ['add 10.0.0.1 dev p0 nud stale permanent', 'Error: either "to" is duplicate, or "permanent" is a garbage.', 255],
    ['add 10.0.0.1 dev p0 lladdr 1:2:3:4:5:6 lladdr 2:2:2:2:2:2', 'Error: duplicate "lladdr": "2:2:2:2:2:2" is the second value.', 255],
    ['add 10.0.0.1 proxy 10.0.0.2 dev p0', 'Error: duplicate "address": "10.0.0.2" is the second value.', 255],
    ['add 10.0.0.1 dev p0 nud foo', 'Error: argument "foo" is wrong: nud state is bad', 255],
    ['add 10.0.0.1 dev p0 nud 0x81', 'Error: argument "0x81" is wrong: nud state is bad', 255],
    ['add 10.0.0.1 dev p0 nud sta', 'Error: argument "sta" is wrong: nud state is bad', 255],
    ['add 10.0.0.1 dev p0 protocol foo', 'Error: argument "foo" is wrong: "protocol" value is invalid\n', 255],
    ['add 10.0.0.1 dev p0 nud permanent managed nud permanent', 'Error: Invalid NTF_* flag for permanent entry.', 2],
    ['add proxy 10.0.0.1 dev p0 managed', 'Error: Invalid NTF_* flag combination.', 2],
    ['add ::1 dev p0', 'RTNETLINK answers: Address family not supported by protocol', 2],
    ['foo', 'Command "foo" is unknown, try "ip neigh help".', 255],
    ['append 10.0.0.1 dev p0', 'Command "append" is unknown, try "ip neigh help".', 255],
    ['help', 'Usage: ip neigh', 255],
    ['get', 'Device and address are required arguments.', 1],
    ['get dev p0', 'Device and address are required arguments.', 1],
    ['get 10.0.0.1 dev p0', 'Error: Neighbour entry not found.', 2],
    ['get proxy 10.0.0.1 dev p0', 'Error: Proxy neighbour entry not found.', 2],
    ['get 10.0.0.1 bla', 'Error: either "to" is duplicate, or "bla" is a garbage.', 255],
    ['show foo', 'Error: any valid prefix is expected rather than "foo".', 1],
    ['show 10.0.0.3/44', 'Error: any valid prefix is expected rather than "10.0.0.3/44".', 1],
    ['show dev nope', 'Cannot find device "nope"', 1],
    ['show dev p0 dev p0', 'Error: duplicate "dev": "p0" is the second value.', 255],
    ['show nud foo', 'Error: argument "foo" is wrong: nud state is bad', 255],
    ['show nud', 'Command line is not complete. Try option "help"', 255],
    ['show vrf foo', 'Error: argument "foo" is wrong: Not a valid VRF name\n', 255],
    ['show master foo', 'Error: argument "foo" is wrong: Device does not exist\n', 255],
    ['show protocol foo', 'Error: argument "foo" is wrong: invalid "protocol"\n', 255],
    ['flush', 'Flush requires arguments.', 1],
  ])('ip neigh %s', (words, message, status) => {
    const text = ipNeigh(words);
    if (message.startsWith('Usage')) expect(text).toMatch(new RegExp(`^${message}.*-> ${status}\n$`, 's'));
    else expect(text).toBe(`${message}\n-> ${status}\n`);
    expect(lab.tbl.size).toBe(0);
  });

  test('no address: an entry of which nothing is known is there from then on', () => {
    for (const lladdr of ['', 'lladdr null'])
      expect(ipNeigh(`replace 10.0.0.1 dev p0 ${lladdr}`)).toBe('Error: No link layer address given.\n-> 2\n');
    expect(ipNeigh('')).toBe('');
    expect(ipNeigh('show nud none')).toBe('10.0.0.1 dev p0 \n');
    expect(ipNeigh('add 10.0.0.1 dev p0 lladdr 1:2:3:4:5:6')).toBe('RTNETLINK answers: File exists\n-> 2\n');
  });

  test('a full table', () => {
    lab.command('sysctl -w net.ipv4.neigh.default.gc_thresh3=0');
    expect(ipNeigh(`add 10.0.0.1 ${LLADDR} dev p0 nud stale`)).toBe('RTNETLINK answers: No buffer space available\n-> 2\n');
    done(`add 10.0.0.1 ${LLADDR} dev p0 nud permanent`);
  });
});
