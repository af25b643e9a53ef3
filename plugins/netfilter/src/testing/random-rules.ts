/** testing/random-rules.ts — rule sets of all kinds, and packets that meet them: few addresses and ports, so that much matches. */
import { ipSendCheck, type Random } from '@packetwalk/framework';

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '10.1.0.1', '192.168.0.1', '255.255.255.255', '0.0.0.1', '128.0.0.1'];
const NETWORKS = ['10.0.0.0/24', '10.0.0.0/8', '10.0.0.0/31', '0.0.0.0/1', '128.0.0.0/1', '10.0.0.0/255.0.255.0', '192.168.0.0/16'];
const DEVICES = ['eth0', 'eth1', 'eth+', 'wan0', 'wan+', 'e+', 'nothere'];
const PORTS = ['22', '80', '53', '0', '65535', '1:100', '50:', ':53', '80:90', '1000:2000'];

export class RandomRules {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)];
  }

  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  private not(percent = 20): string {
    return this.chance(percent) ? '! ' : '';
  }

  /** What a rule asks for. `pure`: nothing that counts or draws lots. */
  conditions(chain: string, pure: boolean): string {
    const words: string[] = [];
    if (this.chance(35)) words.push(`${this.not()}-s ${this.pick(this.chance(50) ? ADDRESSES : NETWORKS)}`);
    if (this.chance(35)) words.push(`${this.not()}-d ${this.pick(this.chance(50) ? ADDRESSES : NETWORKS)}`);
    if (this.chance(15) && chain !== 'OUTPUT') words.push(`${this.not()}-i ${this.pick(DEVICES)}`);
    if (this.chance(15) && chain !== 'INPUT') words.push(`${this.not()}-o ${this.pick(DEVICES)}`);
    if (this.chance(5)) words.push(`${this.not(50)}-f`);
    const early = this.chance(20) && !pure ? this.stateful() : '';
    if (early !== '') words.push(early);
    if (this.chance(60)) words.push(this.protocol());
    if (this.chance(25)) words.push(this.other());
    if (this.chance(15) && !pure) words.push(this.stateful());
    return words.join(' ');
  }

  private protocol(): string {
    switch (this.random.below(6)) {
      case 0:
        return `-p tcp ${this.chance(50) ? `${this.not()}--dport ${this.pick(PORTS)}` : `${this.not()}--sport ${this.pick(PORTS)}`}`;
      case 1:
        return `-p udp ${this.not()}--dport ${this.pick(PORTS)} ${this.chance(30) ? `--sport ${this.pick(PORTS)}` : ''}`;
      case 2:
        return `-p icmp ${this.chance(50) ? `${this.not()}--icmp-type ${this.pick(['8', '0', '3/1', '3', 'any'])}` : ''}`;
      case 3:
        return `-p ${this.pick(['tcp', 'udp'])} -m multiport ${this.not()}--${this.pick(['dports', 'sports', 'ports'])} ${this.pick(['22,80', '1:60,80', '53,53,100:65535', '0'])}`;
      case 4:
        return `-p tcp ${this.pick(['--syn', '--tcp-flags ALL NONE', '! --syn', '--tcp-option 8', '! --tcp-option 2 --dport 22'])}`;
      default:
        return `${this.not()}-p ${this.pick(['tcp', 'udp', 'icmp', '47', '132'])}`;
    }
  }

  private other(): string {
    return this.pick([
      '-m mark --mark 0x1/0x1',
      '-m mark ! --mark 0x2',
      '-m length --length 40:100',
      '-m ttl --ttl-lt 5',
      '-m tos --tos 0x10',
      '-m iprange --src-range 10.0.0.0-10.0.0.9',
      '-m u32 --u32 "0>>22&0x3C@0>>16=22"',
      '-m string --algo bm --string ab',
      '-m comment --comment x',
    ]);
  }

  private stateful(): string {
    return this.pick([
      '-m limit --limit 1/hour --limit-burst 7',
      '-m statistic --mode nth --every 3 --packet 0',
      '-m statistic --mode random --probability 0.5',
      '-m quota --quota 2000',
      '-m recent --name r --set',
      '-m recent --name r --rcheck --hitcount 2',
      '-m hashlimit --hashlimit-above 1/hour --hashlimit-burst 3 --hashlimit-mode srcip,dstport --hashlimit-name h',
    ]);
  }

  private target(chains: readonly string[], table: string): string {
    const kind = this.random.below(100);
    if (kind < 25) return `-j ${this.pick(['ACCEPT', 'DROP', 'RETURN'])}`;
    if (kind < 55 && chains.length > 0) return `${this.chance(25) ? '-g' : '-j'} ${this.pick(chains)}`;
    if (kind < 75) return `-j MARK ${this.pick(['--set-mark 1', '--or-mark 2', '--xor-mark 3', '--and-mark 1'])}`;
    if (kind < 85 && table === 'mangle') return `-j ${this.pick(['TTL --ttl-set 3', 'TOS --set-tos 0x10', 'DSCP --set-dscp 4'])}`;
    if (kind < 92) return '-j REWRITE';
    return '';
  }

  /** A text for iptables-restore: a table with users' chains that only jump forwards. */
  table(name: 'filter' | 'mangle', rules: number, pure = false): string {
    const users = Array.from({ length: this.random.below(6) }, (_, i) => `u${i}`);
    const builtIn = name === 'filter' ? ['INPUT', 'FORWARD', 'OUTPUT'] : ['PREROUTING', 'FORWARD', 'POSTROUTING'];
    let text = `*${name}\n`;
    for (const chain of builtIn) text += `:${chain} ${this.pick(['ACCEPT', 'DROP'])} [0:0]\n`;
    for (const chain of users) text += `:${chain} - [0:0]\n`;
    for (let i = 0; i < rules; i++) {
      const user = users.length > 0 && this.chance(50) ? this.random.below(users.length) : -1;
      const chain = user < 0 ? this.pick(builtIn) : users[user];
      const asked = chain === 'PREROUTING' ? 'INPUT' : chain === 'POSTROUTING' ? 'OUTPUT' : chain;
      text += `-A ${chain} ${this.conditions(asked, pure)} ${this.target(users.slice(user + 1), name)}\n`;
    }
    return `${text}COMMIT\n`;
  }

  /** A packet: its header is right, what is behind it may be anything. */
  packet(): Uint8Array {
    const { random } = this;
    const protocol = this.pick([6, 6, 17, 17, 1, 47, 132, 255]);
    const options = this.chance(5) ? 4 : 0;
    const size = 20 + options + (this.chance(15) ? random.below(24) : 8 + random.below(80));
    const bytes = Uint8Array.from({ length: size }, () => (this.chance(10) ? random.below(256) : 97 + random.below(3)));
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x45 + (options >>> 2));
    view.setUint8(1, this.pick([0, 0x10, 3]));
    view.setUint16(2, size);
    view.setUint16(6, this.chance(10) ? this.pick([0x2000, 1, 2, 0x2001, 185]) : this.pick([0, 0x4000]));
    view.setUint8(8, this.pick([1, 4, 5, 64]));
    view.setUint8(9, protocol);
    view.setInt32(12, address(this.pick(ADDRESSES)));
    view.setInt32(16, address(this.pick(ADDRESSES)));
    const th = 20 + options;
    if (size >= th + 4) {
      view.setUint16(th, this.pick([22, 80, 53, 0, 65535, 1024, 99]));
      view.setUint16(th + 2, this.pick([22, 80, 53, 0, 65535, 1500, 85]));
    }
    if (protocol === 1 && size >= th + 2) view.setUint16(th, this.pick([0x0800, 0, 0x0301, 0x0b00]));
    if (protocol === 6 && size >= th + 14) {
      view.setUint8(th + 12, this.pick([0x50, 0x60, 0x00, 0xf0]));
      view.setUint8(th + 13, this.pick([2, 0x12, 0, 0x3f]));
    }
    ipSendCheck(view, 0);
    return bytes;
  }
}

function address(text: string): number {
  return text.split('.').reduce((n, byte) => (n << 8) | Number(byte), 0);
}
