/** conntrack-tool/request-check.ts — which options a command needs, and which it cannot have (cf. conntrack-tools' generic_opt_check). */
import { IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from '@packetwalk/framework';
import { type FlowField, protocolOptions } from './protocol-options.ts';
import type { Action, FlowRequest } from './request.ts';
import { wrongUse } from './tool-error.ts';

/** In the order in which they are looked at. */
const OPTIONS = [
  'src',
  'dst',
  'reply-src',
  'reply-dst',
  'protonum',
  'timeout',
  'status',
  'zero',
  'event-mask',
  'mask-src',
  'mask-dst',
  'mark',
  'id',
  'family',
  'src-nat',
  'dst-nat',
  'output',
  'buffer-size',
  'any-nat',
  'zone',
  'orig-zone',
  'reply-zone',
];

const ENDS = 'src dst reply-src reply-dst protonum';
const FILTER = `${ENDS} mask-src mask-dst mark family src-nat dst-nat output`;
const ZONES = 'zone orig-zone reply-zone';
const MAKE = `${ENDS} timeout status mark family src-nat dst-nat ${ZONES}`;

const ALLOWED: Readonly<Record<Action, string>> = {
  list: `${FILTER} ${ZONES} status zero any-nat`,
  create: MAKE,
  add: MAKE,
  update: `${FILTER} timeout status id`,
  delete: `${FILTER} ${ZONES} timeout status id`,
  get: `${ENDS} family output`,
  flush: 'family',
  event: `${FILTER} ${ZONES} event-mask buffer-size any-nat`,
  count: '',
  stats: '',
  version: '',
  help: 'protonum',
};

const ALLOWED_EXPECT: Readonly<Partial<Record<Action, string>>> = {
  list: 'family output',
  event: 'output',
  flush: '',
  count: '',
  stats: '',
};

const NEEDED: Readonly<Partial<Record<Action, string>>> = {
  create: 'protonum timeout',
  add: 'protonum timeout',
  get: 'protonum',
};

/** They name one connection by its ends. */
const NAMING: ReadonlySet<Action> = new Set(['create', 'add', 'get']);

const words = (text: string | undefined): string[] => (text ?? '').split(' ');

/** Throws for what does not fit together. */
export function checkRequest(request: FlowRequest): void {
  const { action, table, given } = request;
  if (given.has('any-nat') && (given.has('src-nat') || given.has('dst-nat'))) {
    throw wrongUse("cannot specify `--src-nat' or `--dst-nat' with `--any-nat'");
  }
  const allowed = words(table === 'expect' ? ALLOWED_EXPECT[action] : ALLOWED[action]);
  const needed = words(NEEDED[action]);
  for (const option of OPTIONS) {
    if (needed.includes(option) && !given.has(option)) throw wrongUse(`You need to supply the \`--${option}' option for this command`);
    if (!allowed.includes(option) && given.has(option)) throw wrongUse(`Illegal option \`--${option}' with this command`);
  }
  if (NAMING.has(action)) checkEnds(request);
  checkProtocol(request);
}

function checkEnds({ src, dst, replySrc, replyDst }: FlowRequest): void {
  if ((src !== null && dst !== null) || (replySrc !== null && replyDst !== null)) return;
  const replyWasMeant = src === null && dst === null && (replySrc !== null || replyDst !== null);
  throw wrongUse(replyWasMeant ? "you have to specify `--reply-src' and `--reply-dst'" : "you have to specify `--src' and `--dst'");
}

/** Protocols whose connections are named by two numbers of a direction, and what those are called. */
const PAIRS: ReadonlyMap<number, readonly [string, string, string, string]> = new Map(
  [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_GRE].map((protocol) => [
    protocol,
    protocol === IPPROTO_GRE
      ? ['srckey', 'dstkey', 'reply-src-key', 'reply-dst-key']
      : ['sport', 'dport', 'reply-src-port', 'reply-dst-port'],
  ]),
);

function checkProtocol({ action, protocol, fields }: FlowRequest): void {
  if (protocol === null) return;
  const makes = action === 'create' || action === 'add';
  for (const option of protocolOptions(protocol)) {
    const isGiven = fields.has(option.field);
    if (makes && option.needed === true && !isGiven) {
      throw wrongUse(`You need to supply the \`--${option.names[0]}' option for this command`);
    }
    if (!makes && option.makes === true && isGiven) throw wrongUse(`Illegal option \`--${option.names[0]}' with this command`);
  }
  const pair = PAIRS.get(protocol);
  if (pair === undefined || !NAMING.has(action)) return;
  const has = (...names: FlowField[]): boolean => names.every((name) => fields.has(name));
  if (has('sport', 'dport') || has('replySport', 'replyDport')) return;
  const replyWasMeant = !has('sport') && !has('dport') && (has('replySport') || has('replyDport'));
  const [a, b] = replyWasMeant ? pair.slice(2) : pair;
  throw wrongUse(`you have to specify \`--${a}' and \`--${b}'`);
}
