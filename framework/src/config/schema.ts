/**
 * schema.ts — the JSON Schema of a config (draft-07): the framework's own keys here, everything else from the plugins.
 *
 *      router:  hostname  plugins  devices  sysctl  setup  script  + the plugins' sections
 *      lab:     routers {name: router}  links [[a.eth0, b.eth0]]  script
 *
 * The same schema checks a config and completes it in an editor (`packetwalk schema`).
 */
import type { Driver, Plugin, SchemaObject } from '../plugin.ts';
import { ETH_MAX_MTU, ETH_MIN_MTU } from '../wire/ethernet.ts';
import { Definitions } from './definitions.ts';

/** What a router is made of, as far as it is known; what is left out is not checked. */
export interface SchemaParts {
  /** Plugins by what `plugins:` calls them. Left out: any name, any options. */
  readonly plugins?: ReadonlyMap<string, Pick<Plugin, 'schema'>>;
  /** Drivers by name. Left out or empty: any driver, with any keys of its own. */
  readonly drivers?: ReadonlyMap<string, Pick<Driver, 'schema'>>;
  /** Top-level keys of the plugins. Left out: any key. */
  readonly sections?: Readonly<Record<string, SchemaObject>>;
  /** Routers of a lab that are made of something else, by name. */
  readonly routers?: ReadonlyMap<string, SchemaParts>;
}

/** A step of a script: a command that is run in virtual time. */
export interface ScriptStep {
  /** Which router of the lab; in the config of a single router there is none. */
  readonly router?: string;
  /** The command line, as typed behind `packetwalk`: `ping -c 1 10.0.2.2`. */
  readonly run: string;
  /** Show the walk of the packets that it causes. */
  readonly trace?: boolean;
  /** Printed before the step. */
  readonly note?: string;
}

/** The two ends of a cable, each `router.device`. */
export type Link = readonly [string, string];

const LAB_ROUTERS = 'A lab: routers by name, each what the config of a single router is.';
const LAB_LINKS = 'Virtual cables of a lab, each between two devices of driver nic-pair.';

/** Builds the schema of a config from what is loaded. */
export function composeSchema(parts: SchemaParts = {}): SchemaObject {
  const definitions = new Definitions();
  const routerOf = (own: SchemaParts): SchemaObject => definitions.share('router', routerSchema(own, definitions));
  const router = routerOf(parts);
  const lab = labSchema(router, Object.fromEntries([...(parts.routers ?? [])].map(([name, own]) => [name, routerOf(own)])));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Packetwalk configuration: a router, or a lab of routers',
    definitions: definitions.all,
    type: 'object',
    // Nothing to check here: editors offer the keys of a router first, and should not hide that there are labs.
    properties: { routers: { description: LAB_ROUTERS }, links: { description: LAB_LINKS } },
    ...when({ anyOf: [{ required: ['routers'] }, { required: ['links'] }] }, lab, router),
  };
}

/** JSON Schema's conditional. */
function when(condition: SchemaObject, met: SchemaObject, unmet?: SchemaObject): SchemaObject {
  // biome-ignore lint/suspicious/noThenProperty: the keyword's name
  return { if: condition, then: met, ...(unmet && { else: unmet }) };
}

/** All of these too; an empty `allOf` is not allowed. */
function all(schemas: readonly SchemaObject[]): SchemaObject {
  return schemas.length === 0 ? {} : { allOf: schemas };
}

function routerSchema({ plugins, drivers, sections }: SchemaParts, definitions: Definitions): SchemaObject {
  const own = Object.entries(sections ?? {}).map(([key, schema]) => [key, definitions.part(schema)]);
  return {
    title: 'router',
    type: 'object',
    required: ['plugins'],
    properties: {
      hostname: { description: 'Name of the router; the file’s unless told.', type: 'string', format: 'host-label' },
      plugins: { description: 'What the router is made of.', type: 'array', items: pluginSchema(plugins, definitions) },
      devices: {
        description: 'Network devices by name.',
        type: 'object',
        propertyNames: { format: 'interface-name' },
        additionalProperties: deviceSchema(drivers, definitions),
      },
      sysctl: {
        description: 'Settings by name, as sysctl(8) has them.',
        type: 'object',
        additionalProperties: { type: ['integer', 'string', 'boolean'] },
      },
      setup: {
        description: 'Command lines that are run once all else is made, as typed behind packetwalk: ip addr add 10.0.0.1/32 dev lo.',
        type: 'array',
        items: { type: 'string', minLength: 1 },
      },
      script: scriptSchema(false),
      ...Object.fromEntries(own),
    },
    additionalProperties: sections === undefined,
  };
}

function labSchema(router: SchemaObject, others: SchemaObject): SchemaObject {
  return {
    title: 'lab',
    type: 'object',
    required: ['routers'],
    properties: {
      routers: {
        description: LAB_ROUTERS,
        type: 'object',
        minProperties: 1,
        propertyNames: { format: 'host-label' },
        properties: others,
        additionalProperties: router,
      },
      links: {
        description: LAB_LINKS,
        type: 'array',
        items: {
          type: 'array',
          items: { description: 'router.device', type: 'string', format: 'link-end' },
          minItems: 2,
          maxItems: 2,
        },
      },
      script: scriptSchema(true),
    },
    additionalProperties: false,
  };
}

/** An entry of `plugins:`, bare or with options. The checker sees the second form only: bare names become `{use}`. */
function pluginSchema(plugins: SchemaParts['plugins'], definitions: Definitions): SchemaObject {
  const named = { minLength: 1, ...(plugins && { examples: [...plugins.keys()] }) };
  const entry = {
    title: 'plugin',
    type: 'object',
    required: ['use'],
    properties: {
      use: { description: 'A built-in plugin, a package, or a path that starts with a dot.', type: 'string', ...named },
      as: { description: 'Name of this instance; the plugin’s unless told.', type: 'string', format: 'host-label' },
      options: { description: 'What the plugin is told.', type: 'object', default: {} },
    },
    additionalProperties: false,
    ...all(
      [...(plugins ?? [])].map(([use, plugin]) =>
        when({ properties: { use: { const: use } } }, { properties: { options: definitions.part(plugin.schema ?? NO_OPTIONS) } }),
      ),
    ),
  };
  return { type: ['string', 'object'], ...when({ type: 'object' }, entry, named) };
}

const NO_OPTIONS: SchemaObject = { type: 'object', additionalProperties: false };

/** Keys of every device. */
const DEVICE_KEYS: SchemaObject = {
  mac: { description: 'Its Ethernet address; made up unless told.', type: 'string', format: 'mac' },
  mtu: { description: 'Octets of payload in a frame.', type: 'integer', minimum: ETH_MIN_MTU, maximum: ETH_MAX_MTU },
  addresses: {
    description: 'IPv4 addresses, each with the length of its subnet’s prefix.',
    type: 'array',
    items: { type: 'string', format: 'ipv4-interface' },
  },
  up: { description: 'False: the device starts down.', type: 'boolean' },
  set: { description: 'What follows `ip link set dev NAME`: arp off alias "first floor".', type: 'string', minLength: 1 },
  master: { description: 'The bridge or bond that it is a port of.', type: 'string', format: 'interface-name' },
  port: { description: 'What follows `type KIND_slave` in `ip link set`, for a port: hairpin on.', type: 'string', minLength: 1 },
};

function deviceSchema(drivers: SchemaParts['drivers'], definitions: Definitions): SchemaObject {
  const known = drivers !== undefined && drivers.size > 0;
  const driver = { description: 'What the device is made by.', type: 'string', ...(known && { enum: [...drivers.keys()] }) };
  const common = { title: 'device', type: 'object', required: ['driver'], properties: { driver, ...DEVICE_KEYS } };
  if (!known) return common;
  const own = [...drivers].map(([name, d]): [string, SchemaObject] => [name, d.schema ?? {}]);
  const anyKey = Object.fromEntries(own.flatMap(([, schema]) => Object.keys(schema.properties ?? {}).map((key) => [key, true])));
  const isOf = (...wanted: string[]): SchemaObject => ({ properties: { driver: { enum: wanted } }, required: ['driver'] });
  return {
    ...common,
    allOf: own.map(([name, schema]) => when(isOf(name), definitions.part(driverSchema(schema)))),
    // A device of no known driver: its keys must be somebody's at least.
    ...when(isOf(...drivers.keys()), {}, { properties: { driver: true, ...DEVICE_KEYS, ...anyKey }, additionalProperties: false }),
  };
}

/** A driver's schema with the common keys let through, so that it may close its own. */
function driverSchema(schema: SchemaObject): SchemaObject {
  const passed = Object.fromEntries(['driver', ...Object.keys(DEVICE_KEYS)].map((key) => [key, true]));
  return {
    type: 'object',
    additionalProperties: false,
    ...schema,
    properties: { ...passed, ...(schema.properties as object | undefined) },
  };
}

function scriptSchema(inLab: boolean): SchemaObject {
  return {
    description: 'Commands that `packetwalk run` executes in virtual time, then ends.',
    type: 'array',
    items: {
      title: 'step',
      type: 'object',
      required: inLab ? ['router', 'run'] : ['run'],
      properties: {
        ...(inLab && { router: { description: 'Where the command is run.', type: 'string' } }),
        run: { description: 'A command line: ping -c 1 10.0.2.2', type: 'string', minLength: 1 },
        trace: { description: 'Show the walk of the packets that it causes.', type: 'boolean', default: false },
        note: { description: 'Printed before the step.', type: 'string' },
      },
      additionalProperties: false,
    },
  };
}
