/** @packetwalk/vlan — 802.1Q VLAN devices. */
import { definePlugin, type Plugin } from '@packetwalk/framework';

const plugin: Plugin = definePlugin({
  name: 'vlan',
  setup() {},
});
export default plugin;
