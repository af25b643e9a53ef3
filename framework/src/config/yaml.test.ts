import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { marked } from '../testing/marked.ts';
import { parseConfig } from './yaml.ts';

fc.configureGlobal({ seed: 1 });

/** Reads a text with marks: what is wrong with it must be said at each mark, in order. */
function expectIssues(source: string, ...messages: (string | RegExp)[]): void {
  const { text, marks } = marked(source);
  const doc = parseConfig(text, 'r.yaml');
  const lines = doc.sort(doc.issues).map((issue) => doc.format(issue));
  expect(lines).toEqual(messages.map((m, i) => expect.stringMatching(m instanceof RegExp ? m : exactly(`r.yaml:${marks[i]}: ${m}`))));
  expect(doc.value).toBeUndefined();
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

describe('values', () => {
  it('are those of YAML 1.2: no sexagesimal numbers, no yes and no', () => {
    const text = 'mac: 02:00:00:00:00:01\nup: yes\noctal: 010\nhex: 0x10\nfloat: 1.5\nquoted: "1500"\nempty:\non: true\n';
    const value = { mac: '02:00:00:00:00:01', up: 'yes', octal: 10, hex: 16, float: 1.5, quoted: '1500', empty: null, on: true };
    expect(parseConfig(text, 'r').value).toEqual(value);
  });

  it('may be shared through aliases', () => {
    expect(parseConfig('a: &x {b: [1]}\nc: *x\nd: [*x, &x 5, *x]\n', 'r').value).toEqual({
      a: { b: [1] },
      c: { b: [1] },
      d: [{ b: [1] }, 5, 5],
    });
  });

  it('may have any key: nothing reaches a prototype', () => {
    const value = parseConfig('__proto__: {polluted: 1}\nconstructor: 2\ntoString: 3\n5: five\n', 'r').value as object;
    expect(new Map(Object.entries(value))).toEqual(
      new Map<string, unknown>([
        ['5', 'five'],
        ['__proto__', { polluted: 1 }],
        ['constructor', 2],
        ['toString', 3],
      ]),
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('are what JSON.parse makes of JSON', () => {
    const word = fc.stringMatching(/^[a-z_]{1,8}$/);
    fc.assert(
      fc.property(fc.dictionary(word, fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme-ascii' }), { minKeys: 1 }), (value) => {
        const doc = parseConfig(JSON.stringify(value), 'r');
        expect(doc.issues).toEqual([]);
        expect(JSON.stringify(doc.value)).toBe(JSON.stringify(value));
      }),
    );
  });
});

describe('a text that is no config', () => {
  it('has all its mistakes told at once', () => {
    expectIssues(
      'plugins: ▲@ipv4\nsysctl: ▲b: c\ndevices:\n  lan: ▲"unclosed\nrules: []\n',
      'Plain value cannot start with reserved character @',
      'Nested mappings are not allowed in compact mappings',
      'a quote is not closed',
    );
  });

  it('has each line told once', () => {
    expectIssues('a:\n  - 1\n▲ - 2\n', /^r\.yaml:3:1: /);
  });

  it('tells where an open quote starts, however late the parser notices', () => {
    expectIssues(`a: 1\nb: ▲'it${'\n x'.repeat(20)}\n`, 'a quote is not closed');
    expectIssues('a: ▲"', 'a quote is not closed');
    expectIssues('a: ["x", ▲"y\n', 'a quote is not closed');
  });

  it('may not be indented by tabs', () => {
    expectIssues('a:\n▲\tb: 1\n', 'Tabs are not allowed as indentation');
  });

  it.each(['', '\n\n', '# nothing\n', '---\n', '~\n', 'null', '\uFEFF'])('may not be empty: %j', (text) => {
    const doc = parseConfig(text, 'r.yaml');
    const expected = expect.stringMatching(
      /^r\.yaml:\d+:\d+: the file is empty: a config is a map of keys, such as "plugins:" and "devices:"$/,
    );
    expect(doc.issues.map((i) => doc.format(i))).toEqual([expected]);
  });

  it.each(['▲- a\n- b\n', '▲hello\n', '# c\n\n▲42\n', '▲"a: b"\n', '---\n▲[{a: 1}]\n'])('must be a map: %j', (source) => {
    expectIssues(source, 'a config is a map of keys, such as "plugins:" and "devices:"');
  });

  it('is one document', () => {
    expectIssues('a: 1\n▲---\nb: 2\n---\nc: 3\n', 'a config is one YAML document: "---" starts a second one here');
    expect(parseConfig('---\na: 1\n...\n', 'r').value).toEqual({ a: 1 });
  });

  it('is not YAML 1.1', () => {
    expectIssues('▲%YAML 1.1\n---\na: yes\n', 'a config is YAML 1.2');
  });

  it('has keys once, and they are words', () => {
    expectIssues(
      'devices:\n  lan: {mtu: 1, ▲mtu: 2}\n  wan:\n  ▲lan:\n? ▲[a, b]\n: 1\n▲: 2\n▲devices: 1\n▲"devices": 2\n',
      'devices.lan: duplicate key "mtu", first on line 2',
      'devices: duplicate key "lan", first on line 2',
      'a key is a word: put it in quotes if it contains special characters',
      'a key is a word: put it in quotes if it contains special characters',
      'duplicate key "devices", first on line 1',
      'duplicate key "devices", first on line 1',
    );
  });

  it('has no tags but those of plain values', () => {
    expectIssues(
      'a: !foo ▲1\nb: [!!binary ▲aGk=]\nc: !!js/function ▲"x"\nd: !env ▲{x: 1}\n',
      'a: the tag !foo means nothing in a config',
      'b[0]: the tag tag:yaml.org,2002:binary means nothing in a config',
      'c: the tag tag:yaml.org,2002:js/function means nothing in a config',
      'd: the tag !env means nothing in a config',
    );
    expect(parseConfig('a: !!str 5\nb: !!map {c: !!int "5"}\n', 'r').value).toEqual({ a: '5', b: { c: 5 } });
  });

  it('has no merge keys: "<<" is a key like any other', () => {
    expect(parseConfig('a: &x {b: 1}\nc: {<<: *x}\n', 'r').value).toEqual({ a: { b: 1 }, c: { '<<': { b: 1 } } });
  });
});

describe('a text that is an attack', () => {
  it('of aliases of aliases is refused', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]\n`);
    const doc = parseConfig(`l0: &l0 lol\n${levels.join('')}`, 'r');
    // The fourth level makes 11,110 values of its ten aliases, the nine before it have made some already.
    expect(doc.format(doc.issues[0])).toMatch(/^r:5:\d+: l4\[\d\]: aliases make more than 10000 values of this config$/);
    expect(doc.value).toBeUndefined();
  });

  it('of one big list, repeated, is refused', () => {
    const doc = parseConfig(`a: &a [${Array(1000).fill('x').join(',')}]\nb: [${Array(20).fill('*a').join(', ')}]\n`, 'r');
    expect(doc.issues.map((i) => i.message)).toContain('aliases make more than 10000 values of this config');
  });

  it('of aliases that lead to themselves is refused', () => {
    expectIssues('a: &x [▲*x, ▲*x]\n', 'a[0]: *x is a part of what it stands for', 'a[1]: *x is a part of what it stands for');
    expectIssues('a: ▲*x\nb: &x 1\n', 'a: *x refers to no anchor: nothing above is marked &x');
  });

  it('of aliases that nest what they stand for is refused', () => {
    const nest = (inside: string): string => `${'['.repeat(40)}${inside}${']'.repeat(40)}`;
    const doc = parseConfig(`a: &a ${nest('1')}\nb: &b ${nest('*a')}\nc: ${nest('*b')}\n`, 'r');
    expect(doc.issues.map((i) => i.message)).toEqual(['lists and maps are nested more than 64 deep']);
  });

  it.each([
    ['lists', '['.repeat(300_000)],
    ['closed lists', '['.repeat(50_000) + ']'.repeat(50_000)],
    ['maps', '{a: '.repeat(100_000)],
    ['block lists', '- '.repeat(100_000)],
    ['keys', '? '.repeat(100_000)],
    ['block maps', Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
  ])('of nested %s is refused where it gets too deep', (_, attack) => {
    const doc = parseConfig(`ok: 1\nbad:\n ${attack}`, 'r');
    expect(doc.issues.map((i) => i.message)).toEqual(['lists and maps are nested more than 64 deep']);
    expect(doc.issues[0].at!.line).toBeGreaterThan(2);
  });

  it('may nest as deep as configs do', () => {
    expect(parseConfig(`a: ${'['.repeat(50)}${']'.repeat(50)}\n`, 'r').issues).toEqual([]);
  });

  it('of sheer length is refused', () => {
    expect(parseConfig('#'.repeat(40 * 1024 * 1024), 'r').issues.map((i) => i.code)).toEqual(['too-large']);
  });

  it('of random bytes never throws', () => {
    const fragment = fc.oneof(
      fc.constantFrom(...'[]{},:-?&*!|>\'"%@`#\n\t \\~'.split('')),
      fc.constantFrom('a: ', '- ', '\n  ', '&a ', '*a ', '---\n', '...\n'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), (fragments) => {
        const doc = parseConfig(fragments.join(''), 'r');
        expect(doc.issues.length > 0 || typeof doc.value === 'object').toBe(true);
        for (const issue of doc.issues) expect(doc.format(issue)).toMatch(/^r:\d+:\d+: /);
      }),
      { numRuns: 500 },
    );
  });
});

describe('positions', () => {
  /** Where `path` is found; must be the one mark. */
  function expectAt(source: string, path: (string | number)[], line?: number): void {
    const { text, marks } = marked(source);
    const doc = parseConfig(text, 'r');
    expect(doc.issues).toEqual([]);
    const { line: l, col } = doc.locate(path, line);
    expect(`${l}:${col}`).toBe(marks[0]);
  }

  it('are those of values', () => {
    expectAt('devices:\n  lan:\n    mtu: ▲60\n', ['devices', 'lan', 'mtu']);
    expectAt('devices: {lan: {mtu: ▲"60"}}\n', ['devices', 'lan', 'mtu']);
    expectAt('devices:\n  lan: ▲{mtu: 60}\n', ['devices', 'lan']);
    expectAt('routes: [a,   ▲b]\n', ['routes', 1]);
    expectAt('routes:\n- a\n-   ▲b\n', ['routes', 1]);
    expectAt('plugins:\n  - ▲use: x\n    as: y\n', ['plugins', 0]);
    expectAt('"a b": {7: ▲x}\n', ['a b', '7']);
  });

  it('are those of keys when the value is empty or a block of its own', () => {
    expectAt('devices:\n  ▲lan:\n    mtu: 60\n', ['devices', 'lan']);
    expectAt('▲routes:\n- a\n', ['routes']);
    expectAt('a: 1\n▲b:\nc: 2\n', ['b']);
    expectAt('a: {▲b: , c: 1}\n', ['a', 'b']);
    expectAt('a: {▲b}\n', ['a', 'b']);
    expectAt('a: ▲~\n', ['a']);
  });

  it('are those of the innermost part that exists', () => {
    expectAt('devices:\n  ▲lan:\n    mtu: 60\n', ['devices', 'lan', 'driver']);
    expectAt('plugins: [▲ipv4]\n', ['plugins', 0, 'options', 'x']);
    expectAt('plugins: ▲[ipv4]\n', ['plugins', 7]);
    expectAt('# nothing of the kind\n▲a: 1\n', ['b']);
  });

  it('are inside what an alias stands for, and at the alias itself', () => {
    expectAt('a: &x {b: ▲1}\nc: *x\n', ['c', 'b']);
    expectAt('a: &x {b: 1}\nc: ▲*x\n', ['c']);
  });

  it('of keys are the keys', () => {
    const { text, marks } = marked('devices:\n  lan: {▲mtu: 60}\n');
    const doc = parseConfig(text, 'r');
    const { line, col } = doc.locateKey(['devices', 'lan', 'mtu']);
    expect(`${line}:${col}`).toBe(marks[0]);
    expect(doc.locateKey(['devices', 'lan', 'up'])).toEqual(doc.locate(['devices', 'lan']));
  });

  it('of lines in a literal block are those of the file', () => {
    expectAt('iptables: |\n  ▲*nat\n  -A X\n  COMMIT\n', ['iptables'], 0);
    expectAt('iptables: |\n  *nat\n  ▲-A X\n  COMMIT\n', ['iptables'], 1);
    expectAt('iptables: |  # rules\n  *nat\n\n    ▲-A X\n  COMMIT\nz: 1\n', ['iptables'], 2);
    expectAt('a:\n  iptables: |2-\n\n      ▲x\n', ['a', 'iptables'], 1);
    expectAt('iptables: |\n  *nat\n  ▲COMMIT\nz: 1\n', ['iptables'], 9);
    expectAt('rules: &r |\n  *nat\n  ▲COMMIT\niptables: *r\n', ['iptables'], 1);
    expectAt('a: |\r\n  x\r\n  ▲y\r\n', ['a'], 1);
    expectAt('iptables: ▲"*nat\\nCOMMIT"\n', ['iptables'], 1);
    expectAt('iptables: ▲>\n  *nat\n  COMMIT\n', ['iptables'], 1);
  });

  it('of lines in a literal block hold for every block', () => {
    const lines = fc.array(fc.stringMatching(/^[a-z*:#-][a-z #:-]{0,9}$|^$/), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lines, fc.nat(3), fc.boolean(), (written, indent, crlf) => {
        const pad = ' '.repeat(indent + 1);
        const body = written.map((line) => (line === '' ? '' : pad + line));
        const text = ['x: 1', `block: |${indent + 1}`, ...body, 'y: 2'].join(crlf ? '\r\n' : '\n');
        const doc = parseConfig(text, 'r');
        expect(doc.issues).toEqual([]);
        const kept = (doc.value as { block: string }).block.split('\n').slice(0, -1);
        const file = text.split(/\r?\n/);
        for (const [i, line] of kept.entries()) {
          const { line: l, col } = doc.locate(['block'], i);
          expect(file[l - 1].slice(col - 1)).toBe(line.trimStart());
        }
      }),
    );
  });

  it.each([
    ['a byte order mark', '\uFEFF▲a: 1\n▲b: 2\n'],
    ['CRLF', '▲a: 1\r\n▲b: 2\r\n'],
    ['both, and comments', '\uFEFF# ä\r\n\r\n▲a: 1\r\n  # c\r\n▲b: 2'],
  ])('count lines and columns as editors do: %s', (_, source) => {
    const { text, marks } = marked(source.replace('\uFEFF', ''));
    const doc = parseConfig(source.startsWith('\uFEFF') ? `\uFEFF${text}` : text, 'r');
    const positions = [doc.locateKey(['a']), doc.locateKey(['b'])].map((p) => `${p.line}:${p.col}`);
    expect(positions).toEqual(marks);
    expect(doc.value).toEqual({ a: 1, b: 2 });
  });

  it('stamp an issue with the file, the place and the path', () => {
    const doc = parseConfig('devices:\n  eth1:\n    mtu: 60\n', 'configs/router.yaml');
    const path = ['devices', 'eth1', 'mtu'];
    expect(doc.position(path)).toBe('configs/router.yaml:3:10');
    expect(doc.format({ code: 'bad-value', path, message: 'must be >= 68' })).toBe(
      'configs/router.yaml:3:10: devices.eth1.mtu must be >= 68',
    );
    expect(doc.format({ code: 'x', path, message: 'too small' })).toBe('configs/router.yaml:3:10: devices.eth1.mtu: too small');
    expect(doc.format({ code: 'x', path: [], message: 'too small' })).toBe('configs/router.yaml:1:1: too small');
    expect(doc.format({ code: 'x', path, message: 'gone', at: { line: 9, col: 8 } })).toBe(
      'configs/router.yaml:9:8: devices.eth1.mtu: gone',
    );
  });
});
