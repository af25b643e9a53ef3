import { describe, expect, it } from 'vitest';
import { ScenarioError } from './scenario-file.ts';
import { formatRun, parseCompiled } from './scenario-format.ts';

const compiled = {
  name: 'x',
  ports: [{ name: 'p0', mac: '02:00:00:00:00:10', mtu: 1500 }],
  hosts: [{ name: 'a', port: 'p0', ip: '10.0.0.2', mac: '02:00:00:00:0a:02' }],
  setup: ['ip addr add 10.0.0.1/24 dev p0'],
  events: [
    { t: 0, port: 'p0', hex: '0102' },
    { t: 5.5, cmd: 'ip route', fails: true },
    { t: 5.5, dump: 'ip rule', as: 'rules' },
  ],
  end_ms: 155,
};

describe('parseCompiled', () => {
  it('reads what the format says', () => {
    const scenario = parseCompiled(JSON.stringify(compiled), 'x.json');
    expect(scenario.events).toEqual([
      { t: 0, port: 'p0', frame: Uint8Array.of(1, 2) },
      { t: 5.5, cmd: 'ip route', fails: true },
      { t: 5.5, dump: 'ip rule', as: 'rules' },
    ]);
    expect(scenario.endMs).toBe(155);
  });

  it.each([
    ['{"name": "x",', 'x.json:1:14: is not JSON'],
    ['{\n  "name": oops\n}', 'x.json:2:11: is not JSON'],
    ['', 'x.json:1:1: is not JSON'],
    ['[]', 'x.json: the scenario must be an object'],
    [{ ports: {} }, 'x.json: ports must be a list'],
    [{ ports: [{ name: 'p0', mac: '02', mtu: 1500 }] }, 'x.json: ports[0].mac must be a MAC address'],
    [{ ports: [{ ...compiled.ports[0], mtu: '1500' }] }, 'x.json: ports[0].mtu must be an integer'],
    [{ hosts: [{ ...compiled.hosts[0], port: 'p9' }] }, 'x.json: hosts[0].port names the unknown port "p9"'],
    [{ hosts: [{ ...compiled.hosts[0], ip: '10.0.0' }] }, 'x.json: hosts[0].ip must be an IPv4 address'],
    [{ setup: [1] }, 'x.json: setup[0] must be a text'],
    [{ events: [{ t: 0, port: 'p0', hex: '012' }] }, 'x.json: events[0].hex must be hexadecimal digits, two a byte'],
    [{ events: [{ t: 0, port: 'p9', hex: '01' }] }, 'x.json: events[0].port names the unknown port "p9"'],
    [
      {
        events: [
          { t: 9, cmd: 'x' },
          { t: 8, cmd: 'x' },
        ],
      },
      'x.json: events[1].t must not be before the event in front of it (9)',
    ],
    [{ events: [{ t: 0 }] }, 'x.json: events[0] must have "hex", "cmd" or "dump"'],
    [{ end_ms: -1 }, 'x.json: end_ms must be a time in ms'],
  ])('says what is wrong with %j', (wrong, message) => {
    const text = typeof wrong === 'string' ? wrong : JSON.stringify({ ...compiled, ...wrong });
    expect(() => parseCompiled(text, 'x.json')).toThrow(ScenarioError);
    expect(() => parseCompiled(text, 'x.json')).toThrow(message);
  });
});

it('writes a run as JSON lines', () => {
  const run = [
    { t: 0.5, after: 0, port: 'p0', frame: Uint8Array.of(0x0a, 0xff) },
    { t: 1, after: 1, dump: 'rules', text: 'a\nb\n' },
  ];
  expect(formatRun(run)).toBe('{"t":0.5,"port":"p0","hex":"0aff"}\n{"t":1,"dump":"rules","text":"a\\nb\\n"}\n');
});
