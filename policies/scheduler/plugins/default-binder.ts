// DefaultBinder: binds through POST pods/binding (plugins/defaultbinder, v1.36).
import { definePlugin } from '../../../engine/index.ts';

export const defaultBinder = definePlugin({
  name: 'DefaultBinder',
  about: 'Binds pods to their nodes.',
  points: ['bind'],
  create: () => ({
    locality: 'node',
    reads: 0,
    sign: () => '',
    events: [],
    bind(request) {
      request.post();
      return true;
    },
  }),
});
