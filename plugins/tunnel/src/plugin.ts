/** @packetwalk/tunnel — IP tunnels: ipip and gre devices. */
import { definePlugin, type Plugin } from '@packetwalk/framework';

const plugin: Plugin = definePlugin({
  name: 'tunnel',
  setup() {},
});
export default plugin;
