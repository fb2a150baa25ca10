// Arguments of plug-ins: entries of pluginConfig carry their own apiVersion and kind, and nothing unknown.
import * as z from 'zod';

export const CONFIG_API_VERSION = 'kubescheduler.config.k8s.io/v1';

export function argsSchema<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject({
    apiVersion: z.literal(CONFIG_API_VERSION).optional(),
    kind: z.string().optional(),
    ...shape,
  });
}
