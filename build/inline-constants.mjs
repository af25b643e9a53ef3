/**
 * inline-constants.mjs — the last step of `npm run build`: in the JavaScript that tsc has written, constants that a module
 * imports become their numbers. To V8 an import is a cell that is loaded and checked at each use; a number is a number.
 * See docs/decisions/inlining.md.
 *
 * Only what is `export const NAME = <numbers and other such constants>` counts, and only names in capitals. Which numbers
 * were written is kept beside the built framework: when one of them has changed, everything is built anew.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');
const PACKAGES = ['framework', 'cli', ...readdirSync(join(ROOT, 'plugins')).map((name) => `plugins/${name}`)];
const FRAMEWORK = join(ROOT, 'framework/dist/index.js');
const CONSTANT = /^[A-Z][A-Z0-9_]*$/;
const RECORD = join(ROOT, 'framework/dist/.inlined.json');

/** @type {Map<string, ts.SourceFile>} */
const sources = new Map();
/** What a module exports, by name: its number, or null while that is being found or is none. @type {Map<string, Map<string, number | null>>} */
const known = new Map();

function parse(file) {
  let source = sources.get(file);
  if (source === undefined) {
    source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
    sources.set(file, source);
  }
  return source;
}

/** The built file that an import names; undefined for those of others. */
function moduleOf(specifier, from) {
  if (specifier === '@packetwalk/framework') return FRAMEWORK;
  return specifier.startsWith('.') ? resolve(dirname(from), specifier) : undefined;
}

/** The number that module `file` exports as `name`, or null. */
function exported(file, name) {
  const names = known.get(file) ?? new Map();
  known.set(file, names);
  if (names.has(name)) return names.get(name);
  names.set(name, null);
  const value = findExported(file, name);
  names.set(name, value);
  return value;
}

function findExported(file, name) {
  if (!existsSync(file)) return null;
  for (const statement of parse(file).statements) {
    if (ts.isVariableStatement(statement)) {
      const value = constantOf(statement, name, file, true);
      if (value !== undefined) return value;
    } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      const clause = statement.exportClause;
      const target = moduleOf(statement.moduleSpecifier.text, file);
      if (target === undefined || (clause !== undefined && !ts.isNamedExports(clause))) continue;
      const element = clause?.elements.find((e) => e.name.text === name);
      if (clause !== undefined && element === undefined) continue;
      const value = exported(target, (element?.propertyName ?? element?.name)?.text ?? name);
      if (value !== null) return value;
    }
  }
  return null;
}

/** The number of `const name` in a statement; null when it is no number, undefined when it is not there. */
function constantOf(statement, name, file, exportedOnly) {
  if ((statement.declarationList.flags & ts.NodeFlags.Const) === 0) return undefined;
  if (exportedOnly && !statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) return undefined;
  const declaration = statement.declarationList.declarations.find((d) => ts.isIdentifier(d.name) && d.name.text === name);
  if (declaration === undefined) return undefined;
  return declaration.initializer === undefined ? null : evaluate(declaration.initializer, file);
}

const BINARY = {
  [ts.SyntaxKind.PlusToken]: (a, b) => a + b,
  [ts.SyntaxKind.MinusToken]: (a, b) => a - b,
  [ts.SyntaxKind.AsteriskToken]: (a, b) => a * b,
  [ts.SyntaxKind.BarToken]: (a, b) => a | b,
  [ts.SyntaxKind.AmpersandToken]: (a, b) => a & b,
  [ts.SyntaxKind.CaretToken]: (a, b) => a ^ b,
  [ts.SyntaxKind.LessThanLessThanToken]: (a, b) => a << b,
  [ts.SyntaxKind.GreaterThanGreaterThanToken]: (a, b) => a >> b,
  [ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken]: (a, b) => a >>> b,
};
const UNARY = {
  [ts.SyntaxKind.MinusToken]: (a) => -a,
  [ts.SyntaxKind.TildeToken]: (a) => ~a,
  [ts.SyntaxKind.PlusToken]: (a) => a,
};

function evaluate(node, file) {
  if (ts.isParenthesizedExpression(node)) return evaluate(node.expression, file);
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isPrefixUnaryExpression(node)) {
    const value = evaluate(node.operand, file);
    return value === null ? null : (UNARY[node.operator]?.(value) ?? null);
  }
  if (ts.isBinaryExpression(node)) {
    const [a, b] = [evaluate(node.left, file), evaluate(node.right, file)];
    return a === null || b === null ? null : (BINARY[node.operatorToken.kind]?.(a, b) ?? null);
  }
  return ts.isIdentifier(node) ? nameIn(file, node.text) : null;
}

/** The number that a name stands for at the top of a module: a constant of its own, or an imported one. */
function nameIn(file, name) {
  for (const statement of parse(file).statements) {
    if (ts.isVariableStatement(statement)) {
      const value = constantOf(statement, name, file, false);
      if (value !== undefined) return value;
    }
  }
  return importsOf(file).get(name)?.() ?? null;
}

/** Names in capitals that a module imports, each with what finds its number. */
function importsOf(file) {
  const found = new Map();
  for (const statement of parse(file).statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const target = moduleOf(statement.moduleSpecifier.text, file);
    const bindings = statement.importClause?.namedBindings;
    if (target === undefined || bindings === undefined || !ts.isNamedImports(bindings)) continue;
    for (const { name, propertyName } of bindings.elements) {
      if (CONSTANT.test(name.text)) found.set(name.text, () => recorded(target, (propertyName ?? name).text));
    }
  }
  return found;
}

/** The number, noted as written. */
function recorded(file, name) {
  const value = exported(file, name);
  if (value !== null) written[`${relative(ROOT, file)} ${name}`] = value;
  return value;
}

/** The name is used for its value: no declaration, key or export of that name. */
function isUse(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent) || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  return !(parent.name === node);
}

/** Writes the numbers of a file's imported constants in their places. */
function inline(file) {
  const imports = importsOf(file);
  if (imports.size === 0) return;
  const source = parse(file);
  const edits = [];
  const declared = new Set();
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) return;
    if (ts.isIdentifier(node) && imports.has(node.text)) {
      if (isUse(node)) edits.push(node);
      else if (ts.isVariableDeclaration(node.parent) || ts.isParameter(node.parent)) declared.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  let text = source.text;
  for (const node of edits.sort((a, b) => b.getStart() - a.getStart())) {
    const value = declared.has(node.text) ? null : imports.get(node.text)();
    if (value === null) continue;
    const number = value < 0 || Object.is(value, -0) ? `(${value})` : String(value);
    text = `${text.slice(0, node.getStart())}${ts.isPropertyAccessExpression(node.parent) ? `(${number})` : number}${text.slice(node.end)}`;
  }
  if (text !== source.text) writeFileSync(file, text);
}

const written = existsSync(RECORD) ? JSON.parse(readFileSync(RECORD, 'utf8')) : {};
const changed = Object.entries(written).some(([key, value]) => exported(join(ROOT, key.split(' ')[0]), key.split(' ')[1]) !== value);
if (changed) {
  rmSync(RECORD);
  const { status } = spawnSync('npx', ['tsc', '-b', '--force', ...PACKAGES], { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) await import(`${import.meta.url}?again`);
  else process.exitCode = 1;
} else {
  for (const folder of PACKAGES) {
    const dist = join(ROOT, folder, 'dist');
    if (!existsSync(dist)) continue;
    for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) if (file.endsWith('.js')) inline(join(dist, file));
  }
  writeFileSync(RECORD, JSON.stringify(written));
}
