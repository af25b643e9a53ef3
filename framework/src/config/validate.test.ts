import { describe, expect, it } from 'vitest';
import type { SchemaObject } from '../plugin.ts';
import { marked } from '../testing/marked.ts';
import { schemaFault, validate } from './validate.ts';
import { parseConfig } from './yaml.ts';

/** Checks `x:` against a schema; what is wrong must be said at each mark, in order. */
function expectIssues(schema: SchemaObject, source: string, ...messages: string[]): unknown {
  const { text, marks } = marked(source);
  const doc = parseConfig(text, 'r');
  expect(doc.issues).toEqual([]);
  const issues = validate(doc, { type: 'object', properties: { x: schema } });
  expect(issues.map((issue) => doc.format(issue))).toEqual(messages.map((message, i) => `r:${marks[i]}: ${message}`));
  return (doc.value as { x: unknown }).x;
}

describe('messages', () => {
  it.each<[SchemaObject, string, string]>([
    [{ type: 'array' }, 'x: ▲lan', 'x must be a list'],
    [{ type: 'object' }, 'x: ▲[a]', 'x must be a map'],
    [{ type: 'object' }, '▲x:', 'x must be a map, and is empty'],
    [{ type: 'string' }, 'x: ▲010', 'x must be text: put it in quotes'],
    [{ type: 'string' }, 'x: ▲true', 'x must be text: put it in quotes'],
    [{ type: 'string' }, '▲x:\n  - a', 'x must be text'],
    [{ type: 'integer' }, 'x: ▲"1500"', 'x must be a whole number: leave out the quotes'],
    [{ type: 'integer' }, 'x: ▲1.5', 'x must be a whole number'],
    [{ type: 'number' }, 'x: ▲fast', 'x must be a number'],
    [{ type: 'number' }, 'x: ▲.nan', 'x must be a number'],
    [{ type: 'boolean' }, 'x: ▲yes', 'x must be true or false'],
    [{ type: ['integer', 'string'] }, 'x: ▲[1]', 'x must be a whole number or text'],
    [{ type: 'integer', minimum: 68 }, 'x: ▲67', 'x must be >= 68'],
    [{ type: 'integer', maximum: 9 }, 'x: ▲10', 'x must be <= 9'],
    [{ type: 'number', exclusiveMinimum: 0 }, 'x: ▲0', 'x must be > 0'],
    [{ type: 'integer', multipleOf: 8 }, 'x: ▲9', 'x must be multiple of 8'],
    [{ enum: ['stp', 'rstp', 4] }, 'x: ▲rtsp', 'x must be "stp", "rstp" or 4, did you mean "rstp"?'],
    [{ enum: ['stp', 'rstp'] }, 'x: ▲3', 'x must be "stp" or "rstp"'],
    [{ const: 'on' }, 'x: ▲off', 'x must be "on"'],
    [{ type: 'string', minLength: 1 }, 'x: ▲""', 'x must not be empty'],
    [{ type: 'string', minLength: 3 }, 'x: ▲ab', 'x must be at least 3 characters long'],
    [{ type: 'string', maxLength: 1 }, 'x: ▲ab', 'x must be at most 1 characters long'],
    [{ type: 'string', pattern: '^a' }, 'x: ▲b', 'x must match pattern "^a"'],
    [{ type: 'string', format: 'mac' }, 'x: ▲01:00:00', 'x must be a MAC address, such as 02:00:00:00:00:01'],
    [{ type: 'array', minItems: 1 }, 'x: ▲[]', 'x must have at least one entry'],
    [{ type: 'array', maxItems: 2 }, 'x: ▲[1, 2, 3]', 'x must have at most 2 entries'],
    [{ type: 'array', uniqueItems: true }, 'x: ▲[a, b, a]', 'x must not have the same entry twice: entries 0 and 2'],
    [{ type: 'object', minProperties: 2 }, 'x: ▲{a: 1}', 'x must have at least 2 entries'],
    [{ type: 'object', required: ['a'] }, 'x: ▲{b: 1}', 'x must have the key "a"'],
    [{ type: 'object', dependencies: { a: ['b', 'c'] } }, 'x: ▲{a: 1, c: 2}', 'x must have b, c too when it has "a"'],
    [{ type: 'object', properties: { a: false } }, 'x: {a: ▲1}', 'x.a must not be here'],
    [{ not: { type: 'string' } }, 'x: ▲text', 'x must not be here'],
    [
      { type: 'object', propertyNames: { maxLength: 3 } },
      'x:\n  abc: 1\n  ▲abcd: 1',
      'x: the name "abcd" must be at most 3 characters long',
    ],
  ])('%j on %j', (schema, source, message) => {
    expectIssues(schema, source, message);
  });

  it('list no more choices than one reads', () => {
    expectIssues(
      { enum: Array.from({ length: 30 }, (_, i) => i) },
      'x: ▲-1',
      'x must be 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 or another of its kind',
    );
  });
});

describe('unknown keys', () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    required: ['driver'],
    properties: {
      driver: { type: 'string' },
      addresses: { type: 'array' },
      mtu: { type: 'integer' },
      trace: { type: 'boolean', default: false },
    },
  };

  it('are told at the key, with what was meant', () => {
    expectIssues(
      schema,
      'x:\n  driver: a\n  ▲adresses:\n    - 1\n  ▲"colour": red\n',
      'x: unknown key "adresses", did you mean "addresses"?',
      'x: unknown key "colour"',
    );
  });

  it('are the same mistake as the missing key that was meant', () => {
    expectIssues(schema, 'x: {▲drivr: a}', 'x: unknown key "drivr", did you mean "driver"?');
    expectIssues(schema, 'x: ▲{▲colour: a}', 'x must have the key "driver"', 'x: unknown key "colour"');
  });

  it('are not taken for keys that are there, but for those with a default', () => {
    expectIssues(schema, 'x: {driver: a, mtu: 5, ▲mut: 6}', 'x: unknown key "mut"');
    expectIssues(schema, 'x: {driver: a, ▲trac: true}', 'x: unknown key "trac", did you mean "trace"?');
  });

  it('may be of any spelling', () => {
    expectIssues(
      schema,
      'x: {driver: a, ▲a/b~c d: 1, ▲__proto__: 2, ▲"": 3}',
      'x: unknown key "a/b~c d"',
      'x: unknown key "__proto__"',
      'x: unknown key ""',
    );
  });
});

describe('alternatives', () => {
  const point = {
    type: 'object',
    required: ['kind', 'at'],
    properties: { kind: { const: 'point' }, at: { type: 'integer' } },
    additionalProperties: false,
  };
  const range = {
    type: 'object',
    required: ['kind', 'from', 'to'],
    properties: { kind: { const: 'range' }, from: { type: 'integer' }, to: { type: 'integer' } },
    additionalProperties: false,
  };
  const shape = { anyOf: [{ type: 'string', minLength: 2 }, point, range, { type: 'array', items: { type: 'integer' } }] };

  it('are listed when none is of the right kind', () => {
    expectIssues(shape, 'x: ▲5', 'x must be text, a map or a list: put it in quotes');
    expectIssues(
      { oneOf: [{ type: 'integer' }, { enum: ['auto', 'never'] }] },
      'x: ▲atuo',
      'x must be a whole number, "auto" or "never", did you mean "auto"?',
    );
  });

  it('give way to the one that was meant', () => {
    expectIssues(shape, 'x: ▲a', 'x must be at least 2 characters long');
    expectIssues(shape, 'x: [1, ▲b]', 'x[1] must be a whole number');
    expectIssues(shape, 'x: {kind: point, at: ▲here}', 'x.at must be a whole number');
    expectIssues(shape, 'x: {kind: range, from: ▲a, to: ▲b}', 'x.from must be a whole number', 'x.to must be a whole number');
    expectIssues(shape, 'x: ▲▲{kind: range}', 'x must have the key "from"', 'x must have the key "to"');
  });

  it('may be inside alternatives, and beside other mistakes', () => {
    const nested = {
      type: 'object',
      properties: { a: { type: 'integer' }, b: { anyOf: [{ type: 'boolean' }, { anyOf: [{ type: 'integer' }, point] }] } },
      anyOf: [{ required: ['b'] }, { required: ['c'] }],
    };
    expectIssues(nested, 'x: {a: ▲b, b: ▲text}', 'x.a must be a whole number', 'x.b must be true or false, a whole number or a map');
    expectIssues(nested, 'x: {a: ▲b, b: {kind: point, at: ▲text}}', 'x.a must be a whole number', 'x.b.at must be a whole number');
    expectIssues(nested, 'x: ▲{a: ▲b}', 'x must have the key "b"', 'x.a must be a whole number');
  });

  it('may fit too well', () => {
    expectIssues({ oneOf: [{ type: 'integer' }, { minimum: 3, type: 'number' }] }, 'x: ▲5', 'x must fit one of its forms, and one only');
  });

  it('are told apart behind references, recursive ones too', () => {
    const tree: SchemaObject = {
      definitions: {
        tree: {
          type: 'object',
          properties: { leaf: { type: 'integer' }, next: { $ref: '#/definitions/tree' } },
          additionalProperties: false,
        },
        name: { type: 'string' },
      },
      type: 'object',
      properties: { x: { type: 'array', items: { anyOf: [{ $ref: '#/definitions/tree' }, { $ref: '#/definitions/name' }] } } },
    };
    const { text, marks } = marked('x:\n  - {leaf: ▲a, ▲y: 1, next: {leaf: ▲b}}\n  - ok\n  - ▲7\n  - {leaf: ▲c}\n');
    const doc = parseConfig(text, 'r');
    expect(validate(doc, tree).map((issue) => doc.format(issue))).toEqual(
      [
        'x[0].leaf must be a whole number',
        'x[0]: unknown key "y"',
        'x[0].next.leaf must be a whole number',
        'x[2] must be a map or text: put it in quotes',
        'x[3].leaf must be a whole number',
      ].map((message, i) => `r:${marks[i]}: ${message}`),
    );
  });
});

describe('validate', () => {
  it('fills in defaults, in the value itself', () => {
    const schema = {
      type: 'object',
      default: {},
      properties: { floor: { type: 'integer', default: 2 }, deep: { type: 'object', default: {}, properties: { a: { default: 1 } } } },
    };
    expect(expectIssues(schema, 'x: {floor: 5}')).toEqual({ floor: 5, deep: { a: 1 } });
    expect(expectIssues(schema, 'y: 1')).toEqual({ floor: 2, deep: { a: 1 } });
  });

  it('checks a part of a config where it stands', () => {
    const { text, marks } = marked('plugins:\n  - use: a\n    options: {floor: ▲"2"}\n');
    const doc = parseConfig(text, 'r');
    const issues = validate(doc, { type: 'object', properties: { floor: { type: 'integer' } } }, ['plugins', 0, 'options']);
    expect(issues.map((issue) => doc.format(issue))).toEqual([
      `r:${marks[0]}: plugins[0].options.floor must be a whole number: leave out the quotes`,
    ]);
    expect(issues[0].path).toEqual(['plugins', 0, 'options', 'floor']);
  });

  it('tells everything at once, in the order of the text, and each thing once', () => {
    const count = 5000;
    const entries = Array.from({ length: count }, (_, i) => `  k${i}: {mtu: ▲a}`);
    const each = { type: 'object', properties: { mtu: { type: 'integer' } }, allOf: [{ properties: { mtu: { type: 'integer' } } }] };
    const messages = entries.map((_, i) => `x.k${i}.mtu must be a whole number`);
    expectIssues({ type: 'object', additionalProperties: each }, `x:\n${entries.join('\n')}\n`, ...messages);
  });
});

describe('schemaFault', () => {
  it('is an issue of the config that it was to check', () => {
    const doc = parseConfig('a: 1\nx:\n  b: 1\n', 'r');
    const issues = validate(doc, { type: 'int' }, ['x']);
    expect(issues.map((issue) => doc.format(issue))).toEqual([
      expect.stringMatching(/^r:2:1: x: cannot be checked, its schema is wrong: /),
    ]);
  });

  it.each<[string, SchemaObject, RegExp | undefined]>([
    ['a good schema', { type: 'object', properties: { a: { type: 'string', format: 'mac' } } }, undefined],
    ['an unknown keyword', { type: 'object', propertes: {} }, /unknown keyword: "propertes"/],
    ['an unknown type', { type: 'int' }, /schema is invalid: data\/type/],
    ['an unknown format', { type: 'string', format: 'mac-address' }, /unknown format "mac-address"/],
    ['a keyword for another type', { type: 'string', minimum: 3 }, /missing type "number" for keyword "minimum"/],
    ['a reference to nothing', { $ref: '#/definitions/a' }, /can't resolve reference #\/definitions\/a/],
  ])('says what is wrong with %s', (_, schema, message) => {
    const fault = schemaFault(schema);
    if (message === undefined) expect(fault).toBeUndefined();
    else expect(fault).toMatch(message);
  });
});
