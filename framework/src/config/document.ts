/** document.ts — a config in memory: its values, and where each stands in the text. */
import { type Alias, isAlias, isMap, isScalar, isSeq, type LineCounter, type ParsedNode, Scalar, type YAMLMap } from 'yaml';
import { type ConfigIssue, type ConfigPath, formatPath, type TextPosition } from '../errors.ts';

/** What `parseConfig` found, as the document keeps it. */
export interface ParsedText {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  readonly root: ParsedNode | null;
  readonly aliases: ReadonlyMap<Alias, ParsedNode>;
  readonly value: unknown;
  readonly issues: readonly ConfigIssue[];
}

/** A node with the key it stands behind; list entries and the root have none. */
interface Place {
  readonly key: ParsedNode | null;
  readonly node: ParsedNode | null;
}

/** Messages that go on from the path as a sentence; others stand behind a colon. */
const PREDICATE = /^(must|is|has|names) /;

export class ConfigDocument {
  /** The file as messages name it. */
  readonly file: string;
  /** The config as plain values; validation completes it with defaults. Undefined when the text could not be read. */
  readonly value: unknown;
  /** What is wrong with the text itself. With any of these, nothing else is worth checking. */
  readonly issues: readonly ConfigIssue[];
  private readonly parsed: ParsedText;
  /** What stands behind the keys of the maps that were looked into. */
  private readonly places = new Map<YAMLMap, Map<string, Place>>();

  constructor(parsed: ParsedText) {
    this.file = parsed.file;
    this.value = parsed.value;
    this.issues = parsed.issues;
    this.parsed = parsed;
  }

  /**
   * Where the value at `path` stands; the key, when the value is empty or starts on a line of its own; the innermost
   * part that exists, when `path` leads further than the text.
   * @param line a line inside a literal block (`iptables: |`), counted from 0
   */
  locate(path: ConfigPath, line?: number): TextPosition {
    const { key, node } = this.find(path).place;
    const target = this.resolve(node);
    if (line !== undefined && isScalar(target) && target.type === Scalar.BLOCK_LITERAL) return this.blockLine(target, line);
    const behindKey = key !== null && (node === null || node.range[0] === node.range[1] || startsOwnLine(node));
    return this.at(behindKey ? key : node);
  }

  /** Where the last key of `path` stands; as `locate` when it is an index or is not there. */
  locateKey(path: ConfigPath): TextPosition {
    const { place, complete } = this.find(path);
    return complete && place.key !== null ? this.at(place.key) : this.locate(path);
  }

  /** `router.yaml:12:7`; see {@link locate} */
  position(path: ConfigPath, line?: number): string {
    return this.stamp(this.locate(path, line));
  }

  /** `router.yaml:12:7: devices.eth1.mtu must be >= 68` */
  format(issue: ConfigIssue): string {
    const where = this.stamp(issue.at ?? this.locate(issue.path, issue.line));
    if (issue.path.length === 0) return `${where}: ${issue.message}`;
    return `${where}: ${formatPath(issue.path)}${PREDICATE.test(issue.message) ? '' : ':'} ${issue.message}`;
  }

  /** Issues in the order of the text, each once. */
  sort(issues: readonly ConfigIssue[]): ConfigIssue[] {
    const placed = new Map<string, { at: TextPosition; issue: ConfigIssue }>();
    for (const issue of issues) {
      const at = issue.at ?? this.locate(issue.path, issue.line);
      placed.set(`${at.line}:${at.col} ${formatPath(issue.path)} ${issue.message}`, { at, issue });
    }
    return [...placed.values()].sort((a, b) => a.at.line - b.at.line || a.at.col - b.at.col).map((p) => p.issue);
  }

  private stamp({ line, col }: TextPosition): string {
    return `${this.file}:${line}:${col}`;
  }

  private at(node: ParsedNode | null): TextPosition {
    return node === null ? { line: 1, col: 1 } : this.parsed.lines.linePos(node.range[0]);
  }

  /** What an alias stands for; any other node is itself. */
  private resolve(node: ParsedNode | null): ParsedNode | null {
    return isAlias(node) ? (this.parsed.aliases.get(node) ?? node) : node;
  }

  /** Follows `path` as far as it goes. */
  private find(path: ConfigPath): { place: Place; complete: boolean } {
    let place: Place = { key: null, node: this.parsed.root };
    for (const part of path) {
      const next = this.child(place.node, part);
      if (next === undefined) return { place, complete: false };
      place = next;
    }
    return { place, complete: true };
  }

  private child(node: ParsedNode | null, part: string | number): Place | undefined {
    const target = this.resolve(node);
    if (isSeq<ParsedNode>(target)) {
      const item = target.items[Number(part)];
      return item === undefined ? undefined : { key: null, node: item };
    }
    if (!isMap<ParsedNode, ParsedNode | null>(target)) return undefined;
    return this.placesIn(target).get(String(part));
  }

  private placesIn(map: YAMLMap<ParsedNode, ParsedNode | null>): Map<string, Place> {
    let places = this.places.get(map);
    if (places === undefined) {
      places = new Map(map.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', { key, node: value }]));
      this.places.set(map, places);
    }
    return places;
  }

  /** Line `line` of a literal block: its text starts on the line below the `|`. */
  private blockLine(node: ParsedNode, line: number): TextPosition {
    const { text, lines } = this.parsed;
    const last = lines.linePos(Math.max(node.range[0], node.range[1] - 1)).line;
    const number = Math.min(lines.linePos(node.range[0]).line + 1 + line, last);
    const indent = /^ */.exec(text.slice(lines.lineStarts[number - 1]))![0].length;
    return { line: number, col: indent + 1 };
  }
}

/** A block list or map starts with its first entry, which is not where a reader looks for the whole. */
function startsOwnLine(node: ParsedNode): boolean {
  return (isMap(node) || isSeq(node)) && node.flow !== true;
}
