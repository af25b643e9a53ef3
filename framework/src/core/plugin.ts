/** core/plugin.ts — what every router has: the loopback device, and the commands that need no protocol. */
import { devOpen } from '../dev.ts';
import { definePlugin, type Plugin } from '../plugin.ts';
import { LinkKinds, ProcFs } from '../registries.ts';
import { Commands } from '../services/commands.ts';
import { SaveRouter } from '../services/save-router.ts';
import { intSysctl } from '../sysctl.ts';
import { captureCommand } from './capture.ts';
import { catCommand } from './cat.ts';
import { ipCommand } from './ip.ts';
import { ipLinkCommand } from './link.ts';
import { createLoopback } from './loopback.ts';
import { saveCommand } from './save.ts';
import { statsCommand } from './stats.ts';
import { sysctlCommand } from './sysctl-command.ts';
import { traceCommand } from './trace.ts';

export const corePlugin: Plugin = definePlugin({
  name: 'core',
  setup(ctx) {
    const { net } = ctx;
    const { softirq } = net;
    ctx.sysctl(
      intSysctl(
        'net.core.netdev_max_backlog',
        () => softirq.maxBacklog,
        (v) => {
          softirq.maxBacklog = v;
        },
        0,
      ),
    );
    ctx.command(ipCommand(ctx.inject(Commands)));
    ctx.command(ipLinkCommand(net, ctx.inject(LinkKinds)));
    ctx.command(sysctlCommand(net.sysctl));
    ctx.command(statsCommand(net));
    ctx.command(saveCommand(ctx.inject(SaveRouter)));
    ctx.command(traceCommand(net));
    ctx.command(captureCommand(net));
    ctx.command(catCommand(ctx.inject(ProcFs), net.sysctl));
    devOpen(createLoopback(net));
  },
});
