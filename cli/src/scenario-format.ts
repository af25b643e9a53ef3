/**
 * scenario-format.ts — scenarios as programs exchange them: `compiled.json` says what happens to a router, `out.jsonl`
 * what it did, one JSON object a line.
 *
 *     {"name", "ports": [{"name", "mac", "mtu"}], "hosts": [{"name", "port", "ip", "mac"}], "setup": [command …],
 *      "events": [{"t", "port", "hex"} | {"t", "cmd", "fails"?} | {"t", "dump", "as"}], "end_ms"}
 *
 *     {"t", "port", "hex"} | {"t", "dump", "text"}
 *
 * `t` is milliseconds of virtual time, never falling; `hex` is a frame from the destination MAC on, without FCS.
 */
import { type ConfigPath, formatPath, parseIpv4, parseMac } from '@packetwalk/framework';
import {
  COMPARE_ALL,
  fromHex,
  type RunRecord,
  type Scenario,
  type ScenarioEvent,
  type ScenarioHost,
  type ScenarioPort,
  toHex,
} from '@packetwalk/framework/testing';
import { jsonFault } from './json-fault.ts';
import { ScenarioError } from './scenario-file.ts';

/** Reads a compiled scenario; `file` is the name that messages use. Throws ScenarioError. */
export function parseCompiled(text: string, file: string): Scenario {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ScenarioError(`${file}:${position(text, jsonFault(text))}: is not JSON`);
  }
  return new CompiledReader(file).scenario(value);
}

/** `line:col` */
function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${(before.at(-1) as string).length + 1}`;
}

type Fields = Readonly<Record<string, unknown>>;

class CompiledReader {
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  scenario(value: unknown): Scenario {
    const root = this.object(value, []);
    const ports = this.list(root, 'ports').map((port, i) => this.port(port, ['ports', i]));
    const names = new Set(ports.map((port) => port.name));
    return {
      name: typeof root.name === 'string' ? root.name : '',
      about: '',
      ports,
      hosts: this.list(root, 'hosts').map((host, i) => this.host(host, ['hosts', i], names)),
      setup: this.list(root, 'setup').map((line, i) => this.text(line, ['setup', i])),
      events: this.events(this.list(root, 'events'), names),
      endMs: this.time(root.end_ms, ['end_ms']),
      compare: COMPARE_ALL,
    };
  }

  private port(value: unknown, path: ConfigPath): ScenarioPort {
    const { name, mac, mtu } = this.object(value, path);
    if (!Number.isInteger(mtu)) this.fail([...path, 'mtu'], 'must be an integer');
    return { name: this.text(name, [...path, 'name']), mac: this.mac(mac, [...path, 'mac']), mtu: mtu as number };
  }

  private host(value: unknown, path: ConfigPath, ports: ReadonlySet<string>): ScenarioHost {
    const { name, port, ip, mac } = this.object(value, path);
    const address = this.text(ip, [...path, 'ip']);
    if (parseIpv4(address) === null) this.fail([...path, 'ip'], 'must be an IPv4 address');
    return {
      name: this.text(name, [...path, 'name']),
      port: this.portName(port, [...path, 'port'], ports),
      ip: address,
      mac: this.mac(mac, [...path, 'mac']),
    };
  }

  private events(values: readonly unknown[], ports: ReadonlySet<string>): ScenarioEvent[] {
    let last = 0;
    return values.map((value, i) => {
      const path: ConfigPath = ['events', i];
      const fields = this.object(value, path);
      const t = this.time(fields.t, [...path, 't']);
      if (t < last) this.fail([...path, 't'], `must not be before the event in front of it (${last})`);
      last = t;
      return this.event(fields, path, t, ports);
    });
  }

  private event({ port, hex, cmd, fails, dump, as }: Fields, path: ConfigPath, t: number, ports: ReadonlySet<string>): ScenarioEvent {
    if (hex !== undefined) {
      const frame = fromHex(this.text(hex, [...path, 'hex']));
      if (frame === null) this.fail([...path, 'hex'], 'must be hexadecimal digits, two a byte');
      return { t, port: this.portName(port, [...path, 'port'], ports), frame: frame as Uint8Array };
    }
    if (cmd !== undefined) return { t, cmd: this.text(cmd, [...path, 'cmd']), ...(fails === true ? { fails } : {}) };
    if (dump !== undefined) return { t, dump: this.text(dump, [...path, 'dump']), as: this.text(as, [...path, 'as']) };
    return this.fail(path, 'must have "hex", "cmd" or "dump"');
  }

  private object(value: unknown, path: ConfigPath): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.fail(path, 'must be an object');
    return value as Fields;
  }

  private list(fields: Fields, key: string): readonly unknown[] {
    const value = fields[key] ?? [];
    if (!Array.isArray(value)) return this.fail([key], 'must be a list');
    return value;
  }

  private text(value: unknown, path: ConfigPath): string {
    if (typeof value !== 'string') return this.fail(path, 'must be a text');
    return value;
  }

  private time(value: unknown, path: ConfigPath): number {
    if (typeof value !== 'number' || value < 0) return this.fail(path, 'must be a time in ms');
    return value;
  }

  private mac(value: unknown, path: ConfigPath): string {
    const text = this.text(value, path);
    if (parseMac(text) === null) this.fail(path, 'must be a MAC address');
    return text;
  }

  private portName(value: unknown, path: ConfigPath, ports: ReadonlySet<string>): string {
    const name = this.text(value, path);
    if (!ports.has(name)) this.fail(path, `names the unknown port "${name}"`);
    return name;
  }

  private fail(path: ConfigPath, message: string): never {
    throw new ScenarioError(`${this.file}: ${path.length === 0 ? 'the scenario' : formatPath(path)} ${message}`);
  }
}

/** A run as `out.jsonl` has it. */
export function formatRun(records: readonly RunRecord[]): string {
  return records
    .map((record) => {
      const { t } = record;
      const line = 'frame' in record ? { t, port: record.port, hex: toHex(record.frame) } : { t, dump: record.dump, text: record.text };
      return `${JSON.stringify(line)}\n`;
    })
    .join('');
}
