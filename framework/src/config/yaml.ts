/**
 * yaml.ts — the text of a config to values (YAML 1.2, core schema). Everything wrong with the text is told at once;
 * what a config has no use for (tags, several documents, keys that are lists) is refused, and so is what only an
 * attacker writes: bombs of aliases, nesting without end.
 */
import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { ConfigIssue, TextPosition } from '../errors.ts';
import { ConfigDocument } from './document.ts';

/** Characters of a config: the whole Internet's table, written as routes, just fits. */
const MAX_LENGTH = 32 * 1024 * 1024;
/**
 * Levels of lists and maps inside each other. The composer recurses: some 800 levels deep its stack is used up, and V8
 * may then abort the process where it compiles a regular expression. The parser does not, so it counts.
 */
const MAX_DEPTH = 64;
/** Values that aliases may add to those written out. */
const MAX_ALIASED = 10_000;

const CORE_TAG = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;

/** Reads the text of a config. What is wrong with it is in the document's `issues`; `file` is the name messages use. */
export function parseConfig(text: string, file: string): ConfigDocument {
  const source = text.replace(/^\uFEFF/, '');
  const lines = new LineCounter();
  const issues: ConfigIssue[] = [];
  const aliases = new Map<Alias, ParsedNode>();
  const root = compose(source, lines, issues);
  const value = issues.length === 0 ? new ValueReader(lines, issues, aliases).root(root) : undefined;
  return new ConfigDocument({ file, text: source, lines, root, aliases, value: issues.length === 0 ? value : undefined, issues });
}

/** Text to the nodes of its one document; null with issues when there is not exactly one. */
function compose(text: string, lines: LineCounter, issues: ConfigIssue[]): ParsedNode | null {
  const refuse = (code: string, offset: number, message: string): null => {
    issues.push({ code, path: [], message, at: lines.linePos(offset) });
    return null;
  };
  lines.addNewLine(0);
  if (text.length > MAX_LENGTH) return refuse('too-large', 0, `the config is longer than ${MAX_LENGTH} characters`);
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
  const tokens = [];
  /** Quotes that may not be closed: where such a text starts, by where it ends. */
  const quotes = new Map<number, number>();
  for (const lexeme of new Lexer().lex(text)) {
    if (/^(["'])(?!.*\1$)/s.test(lexeme)) quotes.set(parser.offset + lexeme.length, parser.offset);
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH) return refuse('too-deep', parser.offset, `lists and maps are nested more than ${MAX_DEPTH} deep`);
  }
  tokens.push(...parser.end());
  const documents = [...composer.compose(tokens, true, text.length)] as Document.Parsed[];
  const [document, second] = documents;
  const seen = new Set<number>();
  for (const error of documents.flatMap((d) => d.errors)) {
    const quote = quotes.get(error.pos[0]);
    const { line } = lines.linePos(quote ?? error.pos[0]);
    // One mistake makes the parser stumble several times on a line: the first says what it is.
    if (!seen.has(line)) refuse('yaml-syntax', quote ?? error.pos[0], quote === undefined ? error.message : 'a quote is not closed');
    seen.add(line);
  }
  if (issues.length > 0) return null;
  if (second !== undefined)
    return refuse('yaml-documents', second.range[0], 'a config is one YAML document: "---" starts a second one here');
  if (document.directives.yaml.version !== '1.2') return refuse('yaml-version', 0, 'a config is YAML 1.2');
  return document.contents;
}

/** Nodes to plain values. */
class ValueReader {
  private readonly lines: LineCounter;
  private readonly issues: ConfigIssue[];
  private readonly aliases: Map<Alias, ParsedNode>;
  private readonly anchors = new Map<string, ParsedNode>();
  /** Anchored nodes that are being read: an alias of one of them would never end. */
  private readonly open = new Set<ParsedNode>();
  private readonly path: (string | number)[] = [];
  private aliasing = 0;
  private aliased = 0;

  constructor(lines: LineCounter, issues: ConfigIssue[], aliases: Map<Alias, ParsedNode>) {
    this.lines = lines;
    this.issues = issues;
    this.aliases = aliases;
  }

  root(node: ParsedNode | null): unknown {
    if (isMap(node)) return this.read(node);
    const what = node === null || (isScalar(node) && node.value === null) ? 'the file is empty: ' : '';
    this.refuse('yaml-root', node, `${what}a config is a map of keys, such as "plugins:" and "devices:"`);
    return undefined;
  }

  private read(node: ParsedNode | null): unknown {
    if (node === null) return null;
    if (this.aliasing > 0 && ++this.aliased > MAX_ALIASED) return undefined;
    if (isAlias(node)) return this.alias(node);
    if (node.tag !== undefined && !CORE_TAG.test(node.tag)) this.refuse('yaml-tag', node, `the tag ${node.tag} means nothing in a config`);
    if (node.anchor !== undefined && this.aliasing === 0) this.anchors.set(node.anchor, node);
    if (isScalar(node)) return node.value;
    this.open.add(node);
    const value = isMap(node) ? this.map(node as YAMLMap<ParsedNode, ParsedNode | null>) : this.list(node as YAMLSeq<ParsedNode>);
    this.open.delete(node);
    return value;
  }

  private alias(alias: Alias.Parsed): unknown {
    const target = this.anchors.get(alias.source);
    if (target === undefined)
      return this.refuse('yaml-alias', alias, `*${alias.source} refers to no anchor: nothing above is marked &${alias.source}`);
    if (this.open.has(target)) return this.refuse('yaml-alias', alias, `*${alias.source} is a part of what it stands for`);
    if (this.path.length > MAX_DEPTH) return this.refuse('too-deep', alias, `lists and maps are nested more than ${MAX_DEPTH} deep`);
    this.aliases.set(alias, target);
    this.aliasing++;
    const value = this.read(target);
    this.aliasing--;
    if (this.aliased > MAX_ALIASED && this.aliasing === 0) {
      this.refuse('yaml-alias', alias, `aliases make more than ${MAX_ALIASED} values of this config`);
    }
    return value;
  }

  private list(list: YAMLSeq<ParsedNode>): unknown[] {
    return list.items.map((item, i) => this.inside(i, item));
  }

  private map(map: YAMLMap<ParsedNode, ParsedNode | null>): object {
    const value = {};
    const seen = new Map<string, ParsedNode>();
    for (const { key, value: node } of map.items) {
      if (!isScalar(key) || key.value === null) {
        this.refuse('yaml-key', key ?? node, 'a key is a word: put it in quotes if it contains special characters');
        continue;
      }
      const name = String(key.value);
      const first = seen.get(name);
      if (first === undefined) seen.set(name, key);
      else this.refuse('duplicate-key', key, `duplicate key "${name}", first on line ${this.at(first).line}`);
      // Not by assignment: `__proto__` is a key like any other.
      Object.defineProperty(value, name, { value: this.inside(name, node), writable: true, enumerable: true, configurable: true });
    }
    return value;
  }

  private inside(part: string | number, node: ParsedNode | null): unknown {
    this.path.push(part);
    const value = this.read(node);
    this.path.pop();
    return value;
  }

  private at(node: ParsedNode | null): TextPosition {
    return node === null ? { line: 1, col: 1 } : this.lines.linePos(node.range[0]);
  }

  private refuse(code: string, node: ParsedNode | null, message: string): undefined {
    this.issues.push({ code, path: [...this.path], message, at: this.at(node) });
  }
}
