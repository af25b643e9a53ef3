/** settings.ts — what net.netfilter.nf_conntrack_* sets, with the kernel's values. Times are in ms. */

/** TCP's time-outs: one a state (see tcp-state.ts), and two more for connections that hang. */
export const TCP_TIMEOUT_RETRANS = 12;
export const TCP_TIMEOUT_UNACK = 13;
/** UDP's and GRE's: nothing has come back yet, or it has. */
export const TIMEOUT_UNREPLIED = 0;
export const TIMEOUT_REPLIED = 1;

const seconds = (...values: number[]): Int32Array => Int32Array.from(values, (s) => s * 1000);

export class ConntrackSettings {
  /** Connections at most, those that are not confirmed included; 0: no limit. */
  max = 262144;
  /** Only the range of early drop goes by it: the table itself grows as needed. */
  buckets = 262144;
  /** Verify transport checksums of packets that come in. */
  checksum = 1;
  /** Log invalid packets of this protocol, 255: of all, 0: none. */
  logInvalid = 0;
  /** Count packets and bytes of connections made from now on. */
  acct = 0;
  /** Tell events: 0 no, 1 yes, 2 when somebody listens. */
  events = 2;
  /** Keep when connections made from now on began and ended. */
  timestamp = 0;
  expectMax = 4096;
  /** Pick up connections that began before. */
  tcpLoose = 1;
  /** Of segments out of the window only resets are invalid. */
  tcpBeLiberal = 0;
  /** Resets with a sequence number that was acknowledged already are not invalid. */
  tcpIgnoreInvalidRst = 0;
  /** Acknowledgements that repeat each other so often have nobody to read them. */
  tcpMaxRetrans = 3;

  /** NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE, SYN_SENT2, …, retrans, unack */
  readonly tcp: Int32Array = seconds(0, 120, 60, 432000, 120, 60, 30, 120, 10, 120, 0, 0, 300, 300);
  readonly udp: Int32Array = seconds(30, 120);
  readonly gre: Int32Array = seconds(30, 180);
  readonly icmp: Int32Array = seconds(30);
  readonly generic: Int32Array = seconds(600);
  /** By SCTP state: NONE, CLOSED, COOKIE_WAIT, COOKIE_ECHOED, ESTABLISHED, SHUTDOWN_SENT, _RECD, _ACK_SENT, HEARTBEAT_SENT */
  readonly sctp: Int32Array = seconds(10, 10, 3, 3, 210, 3, 3, 3, 30);
}
