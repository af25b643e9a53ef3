/** The lecture's walks as labs of configs/: what their scripts print, in virtual time. And its small experiments, with its own numbers. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { packetwalk } from './program.ts';

const CONFIGS = fileURLToPath(new URL('../configs', import.meta.url));

/** What a lab prints, by command and how often it was typed before: `h31 route -n`, `h31 route -n #2`. */
async function lab(name: string): Promise<Map<string, string>> {
  const { status, stdout, stderr } = await packetwalk(['run', name], { cwd: CONFIGS });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const answers = new Map<string, string>();
  for (const [, router, line, text] of stdout.matchAll(/^(\w+) \$ (.*)\n((?:(?!\w+ \$ )(?!\n\w[^\n]*:\n).*\n)*)/gm)) {
    let key = `${router} ${line}`;
    for (let n = 2; answers.has(key); n++) key = `${router} ${line} #${n}`;
    answers.set(key, text);
  }
  return answers;
}

describe('redirect.yaml: the hosts .31, .121 and .10', () => {
  let said: Map<string, string>;
  beforeAll(async () => {
    said = await lab('redirect.yaml');
  });
  const DETOUR = '192.168.0.10    192.168.0.121   255.255.255.255 UGH   0      0        0 eth0';

  it('shows the route that is not the best, before and after', () => {
    expect(said.get('h31 route -n')).toContain(DETOUR);
    expect(said.get('h31 route -n #2')).toContain(DETOUR);
  });

  it('tells of the better next hop', () => {
    expect(said.get('h31 ping -c 3 192.168.0.10')).toContain('From 192.168.0.121: icmp_seq=2 Redirect Host(New nexthop: 192.168.0.10)');
    expect(said.get('h31 ping -c 3 192.168.0.10')).toContain('3 packets transmitted, 3 received');
  });

  it('has an entry with RTCF_DOREDIRECT in the cache of the gateway', () => {
    expect(said.get('h121 route -Cn')).toMatch(/^192\.168\.0\.31 +192\.168\.0\.10 +192\.168\.0\.10 +ri +0 +0 +\d+ eth0$/m);
  });

  it('has the new gateway in the cache of the host', () => {
    expect(said.get('h31 route -Cn')).toMatch(/^192\.168\.0\.31 +192\.168\.0\.10 +192\.168\.0\.10 +0 +0 +\d+ eth0$/m);
  });

  it('keeps the old one where accept_redirects is 0', () => {
    expect(said.get('h31 route -Cn #2')).toMatch(/^192\.168\.0\.31 +192\.168\.0\.10 +192\.168\.0\.121 +0 +0 +\d+ eth0$/m);
    expect(said.get('h31 route -Cn #2')).not.toMatch(/^192\.168\.0\.31 +192\.168\.0\.10 +192\.168\.0\.10 /m);
  });
});

describe('policy-routing.yaml: ip rule add tos 0x04 table 252', () => {
  it('routes packets with TOS 0x04 by the table of their own', async () => {
    const said = await lab('policy-routing.yaml');
    expect(said.get('r ip rule show')).toContain('32765:\tfrom all tos 0x04 lookup my_rt_table\n');
    expect(said.get('r ip route show table my_rt_table')).toContain('default via 192.168.0.1 dev eth1');
    expect(said.get('r ip route get 203.0.113.1 from 10.0.0.2 iif eth0')).toContain('via 192.168.1.1 dev eth2');
    expect(said.get('r ip route get 203.0.113.1 from 10.0.0.2 iif eth0 tos 0x04')).toContain('via 192.168.0.1 dev eth1 table my_rt_table');
    expect(said.get('r ip route get 203.0.113.1 from 10.0.0.2 iif eth0 tos 0x04 #2')).toContain('via 192.168.1.1 dev eth2');
    expect(said.get('lan traceroute -n -q 1 -m 2 -t 4 203.0.113.1')).toMatch(/^ 1 {2}10\.0\.0\.1 .*\n 2 {2}203\.0\.113\.1 /m);
  });
});

describe('default-gateway.yaml: several entries with netmask 0', () => {
  it('takes the lowest metric, and of those the gateway that is alive', async () => {
    const said = await lab('default-gateway.yaml');
    expect(said.get('host ping -c 4 203.0.113.1')).toContain('From 192.168.0.254 icmp_seq=1 Destination Host Unreachable');
    expect(said.get('host ping -c 4 203.0.113.1')).toContain('3 received');
    expect(said.get('host ip route get 203.0.113.1')).toContain('via 192.168.0.1 dev eth0');
    expect(said.get('host ip route get 203.0.113.1 #2')).toContain('via 192.168.0.3 dev eth0');
    expect(said.get('host ping -c 1 203.0.113.1')).toContain('1 received');
  });
});

describe('path-mtu.yaml: the small experiments', () => {
  let said: Map<string, string>;
  beforeAll(async () => {
    said = await lab('path-mtu.yaml');
  });

  it('finds the path MTU with tracepath', () => {
    expect(said.get('a tracepath -n 10.1.0.2')).toBe(
      [
        ' 1?: [LOCALHOST]                      pmtu 1500',
        ' 1:  10.0.0.1                                              0.000ms ',
        ' 1:  10.0.0.1                                              0.000ms ',
        ' 2:  10.0.0.1                                              0.000ms pmtu 1400',
        ' 2:  10.1.0.2                                              0.000ms reached',
        '     Resume: pmtu 1400 hops 2 back 2 ',
        '',
      ].join('\n'),
    );
    expect(said.get('a ip route get 10.1.0.2')).toMatch(/cache expires \d+sec mtu 1400/);
  });

  it('shows the routers with traceroute', () => {
    expect(said.get('a traceroute -n 10.1.0.2')).toContain(
      'traceroute to 10.1.0.2 (10.1.0.2), 30 hops max, 60 byte packets\n' +
        ' 1  10.0.0.1  0.000 ms  0.000 ms  0.000 ms\n 2  10.1.0.2  0.000 ms  0.000 ms  0.000 ms\n',
    );
  });

  it('answers no echo with icmp_echo_ignore_all', () => {
    expect(said.get('a ping -c 1 10.1.0.2')).toContain('1 received');
    expect(said.get('a ping -c 1 -W 1 10.1.0.2')).toContain('0 received');
  });

  it('asks by ARP and hears who has an address', () => {
    expect(said.get('a arping -c 2 10.0.0.1')).toContain(
      'ARPING 10.0.0.1 from 10.0.0.2 eth0\n' +
        'Unicast reply from 10.0.0.1 [02:00:0A:00:00:01]  0.000ms\n'.repeat(2) +
        'Sent 2 probes (1 broadcast(s))\nReceived 2 response(s)\n',
    );
    expect(said.get('a arping -c 1 -w 1 -I eth0 10.0.0.9')).toContain('Received 0 response(s)');
  });

  it('sets NOARP with ip link, and with ifconfig', () => {
    expect(said.get('a ip link show eth0')).toContain('<BROADCAST,MULTICAST,NOARP,UP,LOWER_UP>');
    expect(said.get('a ifconfig eth0')).toMatch(/flags=\d+<UP,BROADCAST,RUNNING,NOARP,MULTICAST>/);
    expect(said.get('a ip link show eth0 #2')).not.toContain('NOARP');
  });
});
