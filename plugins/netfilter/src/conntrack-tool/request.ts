/** conntrack-tool/request.ts — what a command line of `conntrack` asks for. */
import type { NatEnd } from '../conntrack/nf-conntrack.ts';
import type { FlowField } from './protocol-options.ts';

export type Action = 'list' | 'create' | 'add' | 'update' | 'delete' | 'get' | 'flush' | 'event' | 'count' | 'stats' | 'version' | 'help';
export type Table = 'conntrack' | 'expect' | 'dying' | 'unconfirmed';
export type OutputWord = 'xml' | 'extended' | 'timestamp' | 'id' | 'ktimestamp' | 'labels' | 'userspace' | 'save';
export type EventWord = 'new' | 'update' | 'destroy';

export interface FlowRequest {
  action: Action;
  table: Table;
  /** Names of the options that were given. */
  readonly given: Set<string>;
  readonly output: Set<OutputWord>;
  readonly events: Set<EventWord>;
  /** 4, 6, or null: any. */
  family: 4 | 6 | null;
  protocol: number | null;
  /** Addresses as packets have them that come in. */
  src: number | null;
  dst: number | null;
  replySrc: number | null;
  replyDst: number | null;
  srcMask: number;
  dstMask: number;
  readonly fields: Map<FlowField, number>;
  /** Seconds. */
  timeout: number | null;
  /** Bits that are to be set, and those looked at. */
  status: number;
  statusMask: number;
  mark: number;
  markMask: number;
  id: number;
  /** Of both directions, the original, the reply. */
  zone: number | null;
  origZone: number | null;
  replyZone: number | null;
  /** Null: nothing was said of it. Without address and port it is about all that are translated. */
  srcNat: NatEnd | null;
  dstNat: NatEnd | null;
  anyNat: NatEnd | null;
}

export function emptyRequest(): FlowRequest {
  return {
    action: 'help',
    table: 'conntrack',
    given: new Set(),
    output: new Set(),
    events: new Set(),
    family: null,
    protocol: null,
    src: null,
    dst: null,
    replySrc: null,
    replyDst: null,
    srcMask: -1,
    dstMask: -1,
    fields: new Map(),
    timeout: null,
    status: 0,
    statusMask: 0,
    mark: 0,
    markMask: -1,
    id: 0,
    zone: null,
    origZone: null,
    replyZone: null,
    srcNat: null,
    dstNat: null,
    anyNat: null,
  };
}
