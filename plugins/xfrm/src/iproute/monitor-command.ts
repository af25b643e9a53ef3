/** iproute/monitor-command.ts — `ip xfrm monitor` (cf. iproute2 ip/xfrm_monitor.c). */
import { type CommandIo, invarg, type Words } from '@packetwalk/framework';
import { NO_MARK } from '../xfrm-lifetime.ts';
import type { XfrmEvent } from '../xfrm-monitor.ts';
import type { XfrmNet } from '../xfrm-net.ts';
import { ANY_SELECTOR } from '../xfrm-selector.ts';
import { dirName, policyText, selectorText, stateText, templateText } from './xfrm-print.ts';
import { PROTOCOL_NAMES, protocolName } from './xfrm-words.ts';

const GROUPS: Readonly<Record<string, readonly XfrmEvent['kind'][]>> = {
  acquire: ['acquire'],
  expire: ['expire', 'polexpire'],
  SA: ['newsa', 'updsa', 'delsa', 'flushsa'],
  policy: ['newpolicy', 'updpolicy', 'delpolicy', 'flushpolicy'],
  aevent: [],
  report: [],
};

/** Shows what happens until the person interrupts. */
export function monitorCommand(xfrm: XfrmNet, words: Words, io: CommandIo): Promise<void> {
  const kinds = new Set<string>();
  let nokeys = false;
  while (!words.done) {
    const word = words.next();
    if (word === 'nokeys') nokeys = true;
    else if (word === 'all') for (const group of Object.values(GROUPS)) for (const kind of group) kinds.add(kind);
    else for (const kind of GROUPS[word] ?? invarg('"LISTEN" value is invalid', word)) kinds.add(kind);
  }
  const options = { stats: io.flags.has('stats'), nokeys };
  const stop = xfrm.monitors.listen((event) => {
    if (kinds.size === 0 || kinds.has(event.kind)) io.out(eventText(xfrm, event, options));
  });
  return new Promise((resolve) => {
    const end = (): void => {
      stop();
      resolve();
    };
    if (io.signal.aborted) end();
    else io.signal.addEventListener('abort', end, { once: true });
  });
}

function eventText({ net }: XfrmNet, event: XfrmEvent, options: { stats: boolean; nokeys: boolean }): string {
  switch (event.kind) {
    case 'newsa':
      return stateText(event.state, net, options);
    case 'updsa':
      return `Updated ${stateText(event.state, net, options)}`;
    case 'delsa':
      return `Deleted ${stateText(event.state, net, options)}`;
    case 'flushsa':
      return `Flushed state proto ${event.proto === 0 ? 'any' : (PROTOCOL_NAMES.get(event.proto) ?? event.proto)}\n`;
    case 'newpolicy':
      return policyText(event.policy, net, options);
    case 'updpolicy':
      return `Updated ${policyText(event.policy, net, options)}`;
    case 'delpolicy':
      return `Deleted ${policyText(event.policy, net, options)}`;
    case 'flushpolicy':
      return 'Flushed policy\n';
    case 'polexpire':
      return `Expired ${policyText(event.policy, net, options)}\thard ${event.hard ? 1 : 0}\n`;
    case 'expire':
      return `Expired ${stateText(event.state, net, options)}\thard ${event.hard ? 1 : 0}\n`;
    case 'acquire': {
      const { tmpl, saddr, daddr, flow, policy } = event;
      const sel = { ...ANY_SELECTOR, saddr: flow.saddr, saddrLen: 32, daddr: flow.daddr, daddrLen: 32, proto: flow.proto };
      const mark = policy.mark === NO_MARK ? '' : `\tmark ${policy.mark.value >>> 0}/0x${(policy.mark.mask >>> 0).toString(16)}\n`;
      return (
        `acquire proto ${PROTOCOL_NAMES.get(tmpl.proto) ?? protocolName(tmpl.proto)} ` +
        `sel ${selectorText({ ...sel }, net, false)}` +
        `  policy ${selectorText(policy.sel, net, false)}\tdir ${dirName(policy.dir)} priority ${policy.priority} ptype main \n${mark}` +
        templateText({ ...tmpl, saddr, daddr }, options)
      );
    }
  }
}
