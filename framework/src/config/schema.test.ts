import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import type { SchemaObject } from '../plugin.ts';
import { marked } from '../testing/marked.ts';
import { pluginUses } from './plugin-use.ts';
import { composeSchema, type SchemaParts } from './schema.ts';
import { validateConfig } from './validate.ts';
import { parseConfig } from './yaml.ts';

const floor: SchemaObject = {
  type: 'object',
  additionalProperties: false,
  properties: { floor: { type: 'integer', minimum: 1, maximum: 255, default: 2 }, action: { enum: ['drop', 'count'], default: 'drop' } },
};
/** A schema that refers to itself, as a plugin may have. */
const policy: SchemaObject = {
  definitions: {
    selector: {
      type: 'object',
      properties: { src: { type: 'string', format: 'ipv4-prefix' }, not: { $ref: '#/definitions/selector' } },
      additionalProperties: false,
    },
  },
  type: 'array',
  items: { $ref: '#/definitions/selector' },
};
const tap: SchemaObject = { type: 'object', properties: { persist: { type: 'boolean', default: true }, user: { type: 'string' } } };
const pcap: SchemaObject = { type: 'object', required: ['read'], properties: { read: { type: 'string' }, speed: { type: 'number' } } };

const parts: SchemaParts = {
  plugins: new Map([
    ['ipv4', {}],
    ['arp', {}],
    ['./ttl-floor.ts', { schema: floor }],
  ]),
  drivers: new Map([
    ['nic-tap', { schema: tap }],
    ['nic-pcap', { schema: pcap }],
    ['nic-pair', {}],
  ]),
  sections: { routes: { type: 'array', items: { type: 'string' } }, iptables: { type: 'string' }, policy },
};
const schema = composeSchema(parts);

function check(text: string, against: SchemaObject = schema): { issues: string[]; value: unknown } {
  const doc = parseConfig(text, 'r');
  return { issues: validateConfig(doc, against).map((issue) => doc.format(issue)), value: doc.value };
}

/** What is wrong must be said at each mark, in order. */
function expectIssues(source: string, ...messages: string[]): void {
  const { text, marks } = marked(source);
  expect(check(text).issues).toEqual(messages.map((message, i) => `r:${marks[i]}: ${message}`));
}

describe('the schema of a router', () => {
  it('takes a whole config, and completes it', () => {
    const { issues, value } = check(`
hostname: r1
plugins:
  - ipv4
  - arp
  - {use: ./ttl-floor.ts, as: second, options: {floor: 9}}
  - ./ttl-floor.ts
devices:
  lan: {driver: nic-tap, mac: "02:00:00:00:00:01", mtu: 1500, addresses: [192.168.0.1/24], up: false}
  wan:
    driver: nic-pcap
    read: in.pcap
sysctl: {net.ipv4.ip_forward: 1, net/ipv4/conf/eth0.10/rp_filter: "2", net.ipv4.tcp_rmem: 4096 131072 6291456}
routes: [default via 192.168.0.2]
iptables: |
  *nat
  COMMIT
policy: [{src: 10.0.0.0/8, not: {src: 10.1.0.0/16}}]
script: [{run: ip route}]
`);
    expect(issues).toEqual([]);
    expect(value).toMatchObject({
      plugins: [
        { use: 'ipv4', options: {} },
        { use: 'arp', options: {} },
        { use: './ttl-floor.ts', as: 'second', options: { floor: 9, action: 'drop' } },
        { use: './ttl-floor.ts', options: { floor: 2, action: 'drop' } },
      ],
      devices: { lan: { driver: 'nic-tap', persist: true, up: false }, wan: { driver: 'nic-pcap', read: 'in.pcap' } },
      script: [{ run: 'ip route', trace: false }],
    });
  });

  it('tells all that is wrong, each thing where it stands', () => {
    expectIssues(
      `▲hostnme: r1
plugins:
  - ipv4
  - use: ./ttl-floor.ts
    options: {▲flor: 3, action: ▲dorp}
  - {use: arp, options: {▲x: 1}}
  - ▲""
  - ▲{as: x}
  - ▲[ipv4]
devices:
  lan: {driver: nic-tap, mac: ▲02:00, mtu: ▲67, ▲adresses: [], ▲read: x}
  wan:
    driver: ▲nic-pacp
    ▲sped: 5
    user: root
  ▲dmz:
    driver: nic-pcap
    mtu: ▲65536
  ▲a.name.of.16.chr:
    driver: nic-tap
    addresses: [▲10.0.0.1, ▲10, ▲10.0.1.0/24]
  ▲none:
sysctl: {net.ipv4.ip_forward: ▲[1], x: ▲1.5}
iptables: ▲[a]
▲rutes: []
policy: [{not: {not: {src: ▲10.0.0.1/8, ▲dst: x}}}]
script: [▲ping, {run: x, ▲router: a}, ▲{note: x}, {run: ▲""}]
`,
      'unknown key "hostnme", did you mean "hostname"?',
      'plugins[1].options: unknown key "flor", did you mean "floor"?',
      'plugins[1].options.action must be "drop" or "count", did you mean "drop"?',
      'plugins[2].options: unknown key "x"',
      'plugins[3] must not be empty',
      'plugins[4] must have the key "use"',
      'plugins[5] must be text or a map',
      'devices.lan.mac must be a MAC address, such as 02:00:00:00:00:01',
      'devices.lan.mtu must be >= 68',
      'devices.lan: unknown key "adresses", did you mean "addresses"?',
      'devices.lan: unknown key "read"',
      'devices.wan.driver must be "nic-tap", "nic-pcap" or "nic-pair", did you mean "nic-pcap"?',
      'devices.wan: unknown key "sped", did you mean "speed"?',
      'devices.dmz must have the key "read"',
      'devices.dmz.mtu must be <= 65535',
      'devices: the name "a.name.of.16.chr" must be at most 15 characters long',
      'devices["a.name.of.16.chr"].addresses[0] must be an IPv4 address with its prefix length, such as 192.168.0.1/24',
      'devices["a.name.of.16.chr"].addresses[1] must be text: put it in quotes',
      'devices["a.name.of.16.chr"].addresses[2] must be a host\'s address, and 10.0.1.0/24 is the network itself',
      'devices.none must be a map, and is empty',
      'sysctl["net.ipv4.ip_forward"] must be a whole number, text or true or false',
      'sysctl.x must be a whole number, text or true or false: put it in quotes',
      'iptables must be text',
      'unknown key "rutes", did you mean "routes"?',
      'policy[0].not.not.src has bits set behind the prefix: the network is 10.0.0.0/8',
      'policy[0].not.not: unknown key "dst"',
      'script[0] must be a map',
      'script[1]: unknown key "router"',
      'script[2] must have the key "run"',
      'script[3].run must not be empty',
    );
  });

  it('tells what options a bare name lacks', () => {
    const needs = { type: 'object', required: ['key'], properties: { key: { type: 'string' } } };
    const { issues } = check('plugins:\n  - a\n  - ipv4\n', composeSchema({ plugins: new Map([['a', { schema: needs }]]) }));
    expect(issues).toEqual(['r:2:5: plugins[0].options must have the key "key"']);
  });

  it('may know that there is nothing: drivers are left to whoever makes the devices then', () => {
    const none = composeSchema({ plugins: new Map(), drivers: new Map(), sections: {} });
    expect(check('plugins: [a]\ndevices: {a: {driver: x, y: 1}}\nz: 1\n', none).issues).toEqual(['r:3:1: unknown key "z"']);
  });

  it('checks nothing of what is not known yet', () => {
    const text = 'plugins: [{use: x, options: {any: 1}}]\ndevices: {a: {driver: any, key: 1, mtu: 60}}\nsection: 1\n';
    expect(check(text, composeSchema()).issues).toEqual(['r:2:41: devices.a.mtu must be >= 68']);
  });

  it('needs plugins', () => {
    expect(check('devices: {}\n').issues).toEqual(['r:1:1: must have the key "plugins"']);
    expect(check('{}').issues).toEqual(['r:1:1: must have the key "plugins"']);
  });

  it('is not looked at while the text is wrong', () => {
    expect(check('a: [\ndevices: 5\n').issues).toEqual([expect.stringMatching(/^r:2:1: Flow sequence/)]);
  });
});

describe('the schema of a lab', () => {
  it('takes routers, links and a script', () => {
    const { issues, value } = check(`
routers:
  a: {plugins: [ipv4], devices: {eth0: {driver: nic-pair, addresses: [10.0.0.1/24]}}}
  b: {plugins: [./ttl-floor.ts], devices: {eth0: {driver: nic-pair, addresses: [10.0.0.2/24]}}, routes: [default via 10.0.0.1]}
links: [[a.eth0, b.eth0]]
script:
  - {router: a, run: ping -c 1 10.0.0.2, trace: true, note: "Through a cable:"}
`);
    expect(issues).toEqual([]);
    expect(value).toMatchObject({ routers: { b: { plugins: [{ use: './ttl-floor.ts', options: { floor: 2 } }] } } });
  });

  it('tells what is wrong in each router, and in the lab', () => {
    expectIssues(
      `routers:
  a: {plugins: [ipv4], devices: {eth0: {driver: nic-pair, mtu: ▲60}}, ▲rotues: []}
  b: ▲{devices: {eth0: {driver: nic-pair, mac: 2:0:0:0:0:1}, eth1: {driver: nic-tap, mac: ▲2:0:0:0:0:1}}}
  ▲c.d: {plugins: []}
links:
  - [a.eth0, ▲b]
  - ▲[▲a.eth0]
  - [▲a.eth0, ▲b.eth1]
▲devices: {}
script: [▲{run: x}]
`,
      'routers.a.devices.eth0.mtu must be >= 68',
      'routers.a: unknown key "rotues", did you mean "routes"?',
      'routers.b must have the key "plugins"',
      'routers.b.devices.eth1.mac is the MAC address of eth0 already',
      'routers: the name "c.d" must be letters, digits and hyphens, 63 at most',
      'links[0][1] must be router.device, such as a.eth0',
      'links[1] must have at least 2 entries',
      'links[1][0] is an end of links[0] already: a device has one cable',
      'links[2][0] is an end of links[0] already: a device has one cable',
      'links[2][1] must be a device of driver nic-pair, and its driver is nic-tap',
      'unknown key "devices"',
      'script[0] must have the key "router"',
    );
  });

  it('is recognised when "routers" is misspelt', () => {
    expectIssues('▲ruoters: {}\nlinks: []\n', 'unknown key "ruoters", did you mean "routers"?');
  });

  it('may have routers that are made of something else', () => {
    const lab = composeSchema({ ...parts, routers: new Map([['b', { ...parts, sections: { fib: { type: 'object' } } }]]) });
    const { issues } = check('routers:\n  a: {plugins: [], fib: {}}\n  b: {plugins: [], fib: {}, routes: []}\n', lab);
    expect(issues).toEqual(['r:2:20: routers.a: unknown key "fib"', 'r:3:29: routers.b: unknown key "routes"']);
  });
});

describe('pluginUses', () => {
  it('reads what a router lists, bare or not, and leaves the rest to the schema', () => {
    const { value } = parseConfig(
      'plugins: [a, {use: ./b.ts, as: c, options: {x: 1}}, 5, {as: d}, "", {use: e, options: 5}, {use: f, options: }]\n',
      'r',
    );
    expect(pluginUses(value)).toEqual([
      { use: 'a', options: {}, path: ['plugins', 0] },
      { use: './b.ts', as: 'c', options: { x: 1 }, path: ['plugins', 1] },
      { use: 'f', options: {}, path: ['plugins', 6] },
    ]);
    for (const odd of [undefined, null, 5, [], {}, { plugins: 5 }]) expect(pluginUses(odd)).toEqual([]);
  });

  it('gives the options that validation completes', () => {
    const doc = parseConfig('plugins: [./ttl-floor.ts]\n', 'r');
    const [use] = pluginUses(doc.value);
    validateConfig(doc, schema);
    expect(use.options).toEqual({ floor: 2, action: 'drop' });
  });
});

describe('the schema as a document', () => {
  it('is plain JSON, valid draft-07, and needs nothing of ours to be understood', () => {
    const copy = JSON.parse(JSON.stringify(schema));
    const plain = new Ajv({ strict: false, validateFormats: false });
    expect(plain.validateSchema(copy)).toBe(true);
    const judge = plain.compile(copy);
    expect(judge({ plugins: ['ipv4'], devices: { lan: { driver: 'nic-tap', user: 'x' } }, policy: [{ not: {} }] })).toBe(true);
    expect(judge({ plugins: ['ipv4'], devices: { lan: { driver: 'nic-pair', user: 'x' } } })).toBe(false);
    expect(judge({ plugins: ['ipv4'], policy: [{ nt: {} }] })).toBe(false);
  });

  it('is the same for the same parts', () => {
    expect(JSON.stringify(composeSchema(parts))).toBe(JSON.stringify(schema));
  });

  it('writes alike routers of a lab once', () => {
    const lab = composeSchema({
      routers: new Map([
        ['a', parts],
        ['b', { ...parts }],
        ['c', { ...parts, sections: {} }],
      ]),
    });
    expect(Object.keys(lab.definitions as object).filter((name) => name.startsWith('router'))).toHaveLength(3);
  });
});
