/**
 * scenario.ts — a router, what happens to it on one clock, and what it did: the words that scenario files, the runner,
 * the live kernel and the judge share.
 */

/** An Ethernet port of the router under test. */
export interface ScenarioPort {
  /** Interface name inside the router. */
  readonly name: string;
  /** `02:00:00:00:00:10` */
  readonly mac: string;
  /** Bytes; frames longer than this and 18 more are lost on the wire. */
  readonly mtu: number;
}

/** A station behind a port: it answers ARP requests for its address, and nothing else. */
export interface ScenarioHost {
  readonly name: string;
  readonly port: string;
  readonly ip: string;
  readonly mac: string;
}

/** A frame arrives at a port: from the destination MAC on, without FCS. */
export interface FrameEvent {
  /** Milliseconds of scenario time, like all `t`. */
  readonly t: number;
  readonly port: string;
  readonly frame: Uint8Array;
}

/** A command is typed; with `fails` it must be refused. */
export interface CommandEvent {
  readonly t: number;
  readonly cmd: string;
  readonly fails?: boolean;
}

/** A command whose output is kept under a name. */
export interface DumpEvent {
  readonly t: number;
  readonly dump: string;
  readonly as: string;
}

export type ScenarioEvent = FrameEvent | CommandEvent | DumpEvent;

/** A flow-spreading router sends each flow by one of several ports: what must hold of the whole. */
export interface MultipathRule {
  readonly ports: readonly string[];
  /** What makes a flow: the addresses, or protocol and ports too. */
  readonly key: 'l3' | 'l4';
  /** Share of the packets that each port gets, and how far off it may be. */
  readonly share: Readonly<Record<string, number>>;
  readonly tolerance: number;
}

/** Keys with which the comparison opens ESP and AH; algorithm names as scapy has them (`AES-CBC`, `HMAC-SHA1-96`). */
export interface SecurityAssociation {
  readonly spi: number;
  readonly crypt?: string;
  /** Hexadecimal, like `akey`. */
  readonly ckey?: string;
  readonly auth?: string;
  readonly akey?: string;
  readonly mode?: 'tunnel' | 'transport';
}

/** What a comparison of two runs takes for equal, besides what is always free (see judge.ts). */
export interface CompareRules {
  /** `order`, `bpdu-times`, `pad`, `natport:A-B`, `strict`. */
  readonly ignore: readonly string[];
  readonly sa: readonly SecurityAssociation[];
  readonly multipath: MultipathRule | null;
  /** Dumps that are compared, and how: `sorted` takes the lines in any order. */
  readonly dumps: Readonly<Record<string, 'exact' | 'sorted'>>;
}

export interface Scenario {
  readonly name: string;
  /** What it shows, in one line. */
  readonly about: string;
  readonly ports: readonly ScenarioPort[];
  readonly hosts: readonly ScenarioHost[];
  /** Commands typed at time 0, in order. */
  readonly setup: readonly string[];
  /** In order; `t` never falls. */
  readonly events: readonly ScenarioEvent[];
  /** When the run stops, in ms. */
  readonly endMs: number;
  readonly compare: CompareRules;
}

/** When something came of a run. */
interface RecordTime {
  readonly t: number;
  /** Index of the last event before it, -1 when it came of the set-up. */
  readonly after: number;
}

/** A frame that left a port. */
export interface FrameRecord extends RecordTime {
  readonly port: string;
  readonly frame: Uint8Array;
}

/** The output of a dump event. */
export interface DumpRecord extends RecordTime {
  readonly dump: string;
  readonly text: string;
}

/** What a run gave, in the order in which it happened. */
export type RunRecord = FrameRecord | DumpRecord;

export const COMPARE_ALL: CompareRules = { ignore: [], sa: [], multipath: null, dumps: {} };
