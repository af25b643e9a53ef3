/**
 * editor.mjs CONFIG… — opens configs in the language server that editors use for YAML: none has a problem, and a key that is
 * being typed is completed from the schema named in the first line.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const server = spawn(process.execPath, [
  new URL('node_modules/yaml-language-server/bin/yaml-language-server', import.meta.url).pathname,
  '--stdio',
]);
const waiting = new Map();
const diagnostics = new Map();
let buffer = Buffer.alloc(0);
let id = 0;

server.stdout.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const head = buffer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, head).toString())[1]);
    if (buffer.length < head + 4 + length) return;
    const message = JSON.parse(buffer.subarray(head + 4, head + 4 + length).toString());
    buffer = buffer.subarray(head + 4 + length);
    if (message.method === 'textDocument/publishDiagnostics') diagnostics.get(message.params.uri)?.(message.params.diagnostics);
    else if (message.method !== undefined && message.id !== undefined)
      send({ id: message.id, result: message.method === 'workspace/configuration' ? message.params.items.map(settings) : null });
    else waiting.get(message.id)?.(message.result);
  }
});
server.stderr.pipe(process.stderr);

const settings = ({ section }) => (section === 'yaml' ? { validate: true, completion: true, schemaStore: { enable: false } } : {});

function send(message) {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function request(method, params) {
  id++;
  send({ id, method, params });
  return new Promise((done) => waiting.set(id, done));
}

/** Opens a text as if it were `file`; what is wrong with it. */
function open(file, text, version) {
  const uri = `${pathToFileURL(resolve(file)).href}${version === 1 ? '' : `?${version}`}`;
  const found = new Promise((done) => diagnostics.set(uri, done));
  send({ method: 'textDocument/didOpen', params: { textDocument: { uri, languageId: 'yaml', version, text } } });
  return found.then((problems) => ({ uri, problems }));
}

await request('initialize', { processId: process.pid, rootUri: null, capabilities: { workspace: { configuration: true } } });
send({ method: 'initialized', params: {} });
let failed = 0;
const files = process.argv.slice(2);
for (const file of files) {
  const { problems } = await open(file, readFileSync(file, 'utf8'), 1);
  for (const { range, message } of problems) console.log(`${file}:${range.start.line + 1}: ${message}`);
  failed += problems.length;
}

// A device being written: its keys, and the drivers that there are.
const [first] = files;
const [line] = readFileSync(first, 'utf8').split('\n');
const typed = `${line}\nplugins: [ipv4]\ndevices:\n  lan:\n    driver: nic-tap\n    m\n`;
const { uri, problems } = await open(first, typed, 2);
if (problems.length === 0) failed += console.log('a half-written key was not noticed') ?? 1;
const { items } = await request('textDocument/completion', { textDocument: { uri }, position: { line: 5, character: 5 } });
const labels = items.map(({ label }) => label);
for (const key of ['mac', 'mtu', 'master']) if (!labels.includes(key)) failed += console.log(`${key} is not offered among ${labels}`) ?? 1;
console.log(`${files.length} configs opened, completion offers ${labels.join(' ')}`);
server.kill();
process.exitCode = failed === 0 ? 0 : 1;
