/** nic-pair — virtual cables: between two routers of a lab, or two devices of one router (cf. Linux drivers/net/veth.c). */
import { Cables, Drivers, definePlugin, LinkKinds, type Plugin } from '@packetwalk/framework';
import { pairDriver } from './driver.ts';
import { vethKind } from './veth.ts';

const plugin: Plugin = definePlugin({
  name: 'nic-pair',
  requires: [Cables, Drivers, LinkKinds],
  setup(ctx) {
    ctx.driver(pairDriver(ctx.inject(Cables)));
    ctx.linkKind(vethKind());
  },
});
export default plugin;
