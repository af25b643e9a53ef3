/** @packetwalk/xfrm — IPsec: policies, states, ESP, AH and IPComp. */
import { definePlugin, type Plugin } from '@packetwalk/framework';

const plugin: Plugin = definePlugin({
  name: 'xfrm',
  setup() {},
});
export default plugin;
