/**
 * scenario-file.ts — a scenario as people write it: YAML with a router, and steps as lines of text. docs/scenarios.md
 * describes it; `packetwalk test` plays it, and so does the project's own comparison with the Linux kernel.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import {
  CAPTURE_FRAME,
  CaptureReader,
  type ConfigDocument,
  type ConfigIssue,
  type ConfigPath,
  parseConfig,
  type SchemaObject,
  suggestion,
  validate,
} from '@packetwalk/framework';
import {
  type CompareRules,
  FrameCanon,
  frameContext,
  type MultipathRule,
  type PacketNames,
  type RunRecord,
  type Scenario,
  type ScenarioPort,
  type SecurityAssociation,
} from '@packetwalk/framework/testing';
import { readSteps, rewriteSteps, type StepContext } from './scenario-steps.ts';

/** A scenario with what must come of it. */
export interface ScenarioFile {
  readonly scenario: Scenario;
  readonly expect: readonly RunRecord[];
  /** Kernel that `expect` was recorded from; empty when a person wrote it. */
  readonly recorded: string;
  /** What a kernel must have to play it: `vlan`, `ipsec`, `broute`, `tunnel`. */
  readonly needs: readonly string[];
  /** The router's config: a path relative to the file, or the config itself; undefined for a bare router with `ports`. */
  readonly config: string | object | undefined;
  /** All drops by reason; undefined when they do not matter. */
  readonly drops: Readonly<Record<string, number>> | undefined;
  /** Counters by `group.name`, those that matter. */
  readonly counters: Readonly<Record<string, number>>;
  /** The file's values and where they stand. */
  readonly doc: ConfigDocument;
  /** The file's text with these records in place of what was expected before. */
  rewrite(records: readonly RunRecord[]): string;
}

/** The file is no scenario: a line for each thing that is wrong, `file:line:col: message`. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const DEFAULT_GAP_MS = 5;
const DEFAULT_SETTLE_MS = 150;
const DEFAULT_MTU = 1500;

const WORD = { type: 'string', minLength: 1 };
const TIME = { type: 'number', minimum: 0 };
const NUMBERS = { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } };

const SCHEMA: SchemaObject = {
  type: 'object',
  required: ['about', 'steps'],
  additionalProperties: false,
  properties: {
    about: { ...WORD, description: 'What it shows, in one line.' },
    recorded: { ...WORD, description: 'Kernel that the expected frames were recorded from.' },
    needs: { type: 'array', items: { enum: ['vlan', 'ipsec', 'broute', 'tunnel'] }, default: [] },
    config: { type: ['string', 'object'], description: 'Config of the router, or the path of its file; its devices become the ports.' },
    ports: {
      description: 'Ports of a router without a config, by name: MAC address, or a map.',
      type: 'object',
      propertyNames: { format: 'interface-name' },
      additionalProperties: {
        anyOf: [
          { type: 'string', format: 'mac' },
          {
            type: 'object',
            required: ['mac'],
            additionalProperties: false,
            properties: { mac: { type: 'string', format: 'mac' }, mtu: { type: 'integer', minimum: 68, maximum: 65535 } },
          },
        ],
      },
    },
    hosts: {
      description: 'Stations behind the ports: they answer ARP requests for their address, and nothing else.',
      type: 'object',
      default: {},
      additionalProperties: {
        type: 'object',
        required: ['port', 'ip', 'mac'],
        additionalProperties: false,
        properties: { port: WORD, ip: { type: 'string', format: 'ipv4' }, mac: { type: 'string', format: 'mac' } },
      },
    },
    setup: { type: 'string', default: '', description: 'Commands typed before the first step, a line each.' },
    gap_ms: { ...TIME, default: DEFAULT_GAP_MS },
    settle_ms: { ...TIME, default: DEFAULT_SETTLE_MS },
    ignore: { type: 'array', default: [], items: { type: 'string', pattern: '^(order|bpdu-times|pad|strict|natport:\\d+-\\d+)$' } },
    sa: {
      type: 'array',
      default: [],
      items: {
        type: 'object',
        required: ['spi'],
        additionalProperties: false,
        properties: { spi: { type: 'integer' }, crypt: WORD, ckey: WORD, auth: WORD, akey: WORD, mode: { enum: ['tunnel', 'transport'] } },
      },
    },
    multipath: {
      type: 'object',
      required: ['ports', 'share'],
      additionalProperties: false,
      properties: {
        ports: { type: 'array', items: WORD },
        key: { enum: ['l3', 'l4'], default: 'l4' },
        share: { type: 'object', additionalProperties: TIME },
        tolerance: { ...TIME, default: 0.1 },
      },
    },
    steps: { type: 'string' },
    drops: NUMBERS,
    counters: { ...NUMBERS, default: {} },
  },
};

/** The file's values once the schema has passed them. */
interface Values {
  readonly about: string;
  readonly recorded?: string;
  readonly needs: readonly string[];
  readonly config?: string | object;
  readonly ports?: Readonly<Record<string, string | { readonly mac: string; readonly mtu?: number }>>;
  readonly hosts: Readonly<Record<string, { readonly port: string; readonly ip: string; readonly mac: string }>>;
  readonly setup: string;
  readonly gap_ms: number;
  readonly settle_ms: number;
  readonly ignore: readonly string[];
  readonly sa: readonly SecurityAssociation[];
  readonly multipath?: MultipathRule;
  readonly steps: string;
  readonly drops?: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}

/** Reads a scenario file. Throws ScenarioError with all that is wrong; a file that cannot be read is its own error. */
export function readScenarioFile(file: string): ScenarioFile {
  return parseScenario(readFileSync(file, 'utf8'), file);
}

/** Reads the text of a scenario; `file` is the name that messages use, and where relative paths start. */
export function parseScenario(text: string, file: string): ScenarioFile {
  const doc = parseConfig(text, file);
  const check = (issues: readonly ConfigIssue[]): void => {
    if (issues.length > 0)
      throw new ScenarioError(
        doc
          .sort(issues)
          .map((issue) => doc.format(issue))
          .join('\n'),
      );
  };
  check(doc.issues);
  check(validate(doc, SCHEMA));
  const values = doc.value as Values;
  const folder = dirname(file);
  const ports = readPorts(values, folder, check);
  check(checkPorts(values, ports));
  const context = stepContext(values, ports, folder);
  const steps = readSteps(values.steps, context);
  check(steps.issues);
  const { recorded = '', needs, config, drops, counters } = values;
  const scenario: Scenario = {
    name: basename(file).replace(/\.ya?ml$/, ''),
    about: values.about,
    ports,
    hosts: Object.entries(values.hosts).map(([name, host]) => ({ name, ...host })),
    setup: commandLines(values.setup),
    events: steps.events,
    endMs: steps.end + values.settle_ms,
    compare: compareRules(values, steps.dumps),
  };
  const rewrite = (records: readonly RunRecord[]): string =>
    replaceBlock(text, doc, rewriteSteps(values.steps, context, steadyRecords(records, scenario)));
  return { scenario, expect: steps.expect, recorded, needs, config, drops, counters, doc, rewrite };
}

/** The records without what changes from run to run and is not compared. */
function steadyRecords(records: readonly RunRecord[], scenario: Scenario): RunRecord[] {
  const context = frameContext(scenario);
  const canons = new Map(scenario.ports.map(({ name }) => [name, new FrameCanon(context)]));
  return records.map((record) => {
    if (!('frame' in record)) return record;
    return { ...record, frame: canons.get(record.port)?.steady(record.frame) ?? record.frame };
  });
}

/** The lines of a block of commands, without blank lines and comments. */
function commandLines(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function compareRules(values: Values, dumps: CompareRules['dumps']): CompareRules {
  return { ignore: values.ignore, sa: values.sa, multipath: values.multipath ?? null, dumps };
}

/** Ports as the scenario gives them, or as the devices of its config are. */
function readPorts({ ports, config }: Values, folder: string, check: (issues: readonly ConfigIssue[]) => void): ScenarioPort[] {
  if (ports !== undefined) {
    return Object.entries(ports).map(([name, port]) => {
      const { mac, mtu = DEFAULT_MTU } = typeof port === 'string' ? { mac: port } : port;
      return { name, mac, mtu };
    });
  }
  let router: unknown = config;
  if (typeof config === 'string') {
    try {
      router = parseConfig(readFileSync(resolve(folder, config), 'utf8'), config).value;
    } catch (error) {
      check([{ code: 'config', path: ['config'], message: error instanceof Error ? error.message : String(error) }]);
    }
  }
  const devices = (router as { devices?: Record<string, { mac?: string; mtu?: number } | null> } | undefined)?.devices ?? {};
  // A device that has no MAC address in its config gets one that scenarios can know.
  return Object.entries(devices).map(([name, device], i) => ({
    name,
    mac: device?.mac ?? `02:00:00:00:00:${(i + 1).toString(16).padStart(2, '0')}`,
    mtu: device?.mtu ?? DEFAULT_MTU,
  }));
}

/** What the schema cannot say about ports and hosts. */
function checkPorts({ ports, config, hosts, multipath }: Values, known: readonly ScenarioPort[]): ConfigIssue[] {
  const names = known.map((port) => port.name);
  const issues: ConfigIssue[] = [];
  const unknown = (path: ConfigPath, name: string): void => {
    if (!names.includes(name))
      issues.push({ code: 'unknown-port', path, message: `names the unknown port "${name}"${suggestion(name, names)}` });
  };
  if (ports !== undefined && config !== undefined) {
    issues.push({ code: 'ports', path: ['ports'], message: 'must not stand beside "config", whose devices are the ports' });
  }
  if (names.length === 0) issues.push({ code: 'ports', path: [], message: 'a scenario needs "ports", or a "config" with devices' });
  for (const [name, { port }] of Object.entries(hosts)) {
    unknown(['hosts', name, 'port'], port);
    if (names.includes(name)) issues.push({ code: 'duplicate', path: ['hosts', name], message: 'is the name of a port already' });
  }
  for (const [i, port] of (multipath?.ports ?? []).entries()) unknown(['multipath', 'ports', i], port);
  return issues;
}

function stepContext({ hosts, gap_ms: gap }: Values, ports: readonly ScenarioPort[], folder: string): StepContext {
  const names: PacketNames = { ...Object.fromEntries(ports.map(({ name, mac }) => [name, { mac }])), ...hosts };
  return { names, ports: ports.map((port) => port.name), gap, capture: (file) => readCapture(resolve(folder, file)) };
}

/** The frames of a capture file, whatever their times. */
function readCapture(file: string): Uint8Array[] {
  const reader = new CaptureReader();
  reader.push(readFileSync(file));
  reader.finish();
  const frames: Uint8Array[] = [];
  while (reader.next() === CAPTURE_FRAME) {
    const { head, offset, length } = reader.frame;
    frames.push(head.buf.slice(offset, offset + length));
  }
  return frames;
}

/** The file with other steps: `steps:` is a literal block, replaced line by line. */
function replaceBlock(text: string, doc: ConfigDocument, steps: string): string {
  const lines = text.split('\n');
  const first = doc.locate(['steps'], 0);
  const start = first.line - 1;
  let end = start;
  while (end < lines.length && (lines[end].trim() === '' || lines[end].startsWith(' '))) end++;
  while (end > start && lines[end - 1].trim() === '') end--;
  const indent = ' '.repeat(first.col - 1);
  const block = steps
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line));
  return [...lines.slice(0, start), ...block, ...lines.slice(end)].join('\n');
}
