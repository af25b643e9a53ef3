import { describe, expect, it } from 'vitest';
import { marked } from '../testing/marked.ts';
import { checkConsistency } from './consistency.ts';
import { parseConfig } from './yaml.ts';

/** Checks a config; what does not fit must be said at each mark, in order. */
function expectIssues(source: string, ...messages: string[]): void {
  const { text, marks } = marked(source);
  const doc = parseConfig(text, 'r');
  expect(doc.issues).toEqual([]);
  const issues = doc.sort(checkConsistency(doc.value));
  expect(issues.map((issue) => doc.format(issue))).toEqual(messages.map((message, i) => `r:${marks[i]}: ${message}`));
}

describe('a router', () => {
  it('has each MAC address once, however it is written', () => {
    expectIssues(
      'devices:\n  a: {mac: 02:00:00:00:00:0A}\n  b: {mac: ▲2-0-0-0-0-a}\n  c: {mac: 02:00:00:00:00:0b}\n',
      'devices.b.mac is the MAC address of a already',
    );
  });

  it('has each address once', () => {
    expectIssues(
      'devices:\n  a: {addresses: [10.0.0.1/24, ▲10.0.0.1/32]}\n  b:\n    addresses:\n      - ▲10.0.0.1/24\n      - 10.0.0.2/24\n',
      'devices.a.addresses[1] is an address of a already: 10.0.0.1',
      'devices.b.addresses[0] is an address of a already: 10.0.0.1',
    );
  });

  it('may have one subnet on two devices', () => {
    expectIssues('devices: {a: {addresses: [10.0.0.1/24]}, b: {addresses: [10.0.0.2/24]}}\n');
  });

  it('has addresses of hosts', () => {
    expectIssues(
      'devices: {a: {addresses: [▲10.0.0.0/24, ▲10.0.1.255/24, ▲10.0.2.0/30, ▲10.0.2.3/30, ▲0.0.0.0/0, ▲255.255.255.255/1]}}\n',
      "devices.a.addresses[0] must be a host's address, and 10.0.0.0/24 is the network itself",
      "devices.a.addresses[1] must be a host's address, and 10.0.1.255/24 is the broadcast address of its network",
      "devices.a.addresses[2] must be a host's address, and 10.0.2.0/30 is the network itself",
      "devices.a.addresses[3] must be a host's address, and 10.0.2.3/30 is the broadcast address of its network",
      "devices.a.addresses[4] must be a host's address, and 0.0.0.0/0 is the network itself",
      "devices.a.addresses[5] must be a host's address, and 255.255.255.255/1 is the broadcast address of its network",
    );
  });

  it('may use every address of point-to-point links and of a single host', () => {
    expectIssues('devices: {a: {addresses: [10.0.0.0/31, 10.0.0.3/31, 10.0.1.0/32, 10.0.1.255/32, 10.0.2.1/30]}}\n');
  });

  it('has each plugin once, or under different names', () => {
    expectIssues(
      'plugins:\n  - {use: a}\n  - ▲{use: a}\n  - {use: a, as: b}\n  - ▲use: c\n    as: b\n',
      'plugins[1] is a second "a", after plugins[0]: give it a name of its own with "as"',
      'plugins[3] is a second "b", after plugins[2]: give it a name of its own with "as"',
    );
  });

  it('has no cables, since they would lead nowhere', () => {
    expectIssues(
      'devices:\n  ▲a:\n    driver: nic-pair\n',
      'devices.a is a cable that leads nowhere: the "links" of a lab must name it once, or "peer" a device of the same router',
    );
  });

  it('may be of any wrong shape: that is for the schema to tell', () => {
    for (const text of [
      'devices: 5',
      'devices: [a]',
      'devices: {a: 5}',
      'devices: {a: {mac: 5, addresses: x}}',
      'devices: {a: {addresses: [5, x, null]}}',
    ]) {
      expectIssues(`${text}\n`);
    }
    for (const text of ['plugins: 5', 'plugins: [5, {use: 5}, null]', 'devices: {a: {mac: x}, b: {mac: x}}']) expectIssues(`${text}\n`);
    for (const text of ['routers: 5', 'routers: {a: 5}', 'routers: {}\nlinks: 5', 'links: [5, [5, x]]\nscript: [5, {router: 5}]'])
      expectIssues(`${text}\n`);
  });
});

describe('a lab', () => {
  const routers = `routers:
  a:
    devices:
      eth0: {driver: nic-pair}
      eth0.10: {driver: nic-pair}
      tap: {driver: nic-tap}
  bob:
    devices:
      eth0: {driver: nic-pair}
      eth1: {driver: nic-pair}
`;

  it('joins devices by links', () => {
    expectIssues(`${routers}links: [[a.eth0, bob.eth0], [a.eth0.10, bob.eth1]]\n`);
  });

  it('may join two devices of one router', () => {
    expectIssues(`${routers}links: [[a.eth0, a.eth0.10], [bob.eth1, bob.eth0]]\n`);
  });

  it('links devices that exist', () => {
    expectIssues(
      `${routers}links:\n- [▲a.eht0, ▲bbo.eth0]\n- [▲a.wan, ▲carol.eth0]\n- [▲a.tap, bob.eth1]\n`,
      'links[0][0] names the unknown device "eht0" in router "a", did you mean "eth0"?',
      'links[0][1] names the unknown router "bbo", did you mean "bob"?',
      'links[1][0] names the unknown device "wan" in router "a"',
      'links[1][1] names the unknown router "carol"',
      'links[2][0] must be a device of driver nic-pair, and its driver is nic-tap',
    );
  });

  it('links each device once', () => {
    expectIssues(
      `${routers}links: [[a.eth0, ▲a.eth0], [▲a.eth0, bob.eth0], [a.eth0.10, bob.eth1]]\n`,
      'links[0][1] is an end of links[0] already: a device has one cable',
      'links[1][0] is an end of links[0] already: a device has one cable',
    );
  });

  it('leaves no cable loose', () => {
    expectIssues(
      'routers: {a: {devices: {x: {driver: nic-pair}, y: ▲{driver: nic-pair}}}, b: {devices: {x: {driver: nic-pair}, z: {driver: nic-tap}}}}\nlinks: [[a.x, b.x]]\n',
      'routers.a.devices.y is a cable that leads nowhere: the "links" of a lab must name it once, or "peer" a device of the same router',
    );
    expectIssues(
      'routers: {a: {devices: {x: ▲{driver: nic-pair}}}}\n',
      'routers.a.devices.x is a cable that leads nowhere: the "links" of a lab must name it once, or "peer" a device of the same router',
    );
  });

  it('has scripts that run on its routers', () => {
    expectIssues(
      `${routers}links: [[a.eth0, bob.eth0], [a.eth0.10, bob.eth1]]\nscript:\n- {router: a, run: x}\n- {router: ▲bop, run: x}\n`,
      'script[1].router names the unknown router "bop", did you mean "bob"?',
    );
  });

  it('may use an address in several routers', () => {
    expectIssues(
      'routers: {a: {devices: {x: {addresses: [10.0.0.1/24], mac: 2:0:0:0:0:1}}}, b: {devices: {x: {addresses: [10.0.0.1/24], mac: 2:0:0:0:0:1}}}}\n',
    );
    expectIssues(
      'routers: {a: {devices: {x: {addresses: [10.0.0.1/24]}, y: {addresses: [▲10.0.0.1/24]}}}}\n',
      'routers.a.devices.y.addresses[0] is an address of x already: 10.0.0.1',
    );
  });
});
