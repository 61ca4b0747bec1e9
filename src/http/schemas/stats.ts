import { Type } from 'typebox'
import { Time, VmId } from './common.ts'

export const Stats = Type.Object(
  {
    vm_id: VmId,
    observed_at: Time,
    stats: Type.Unsafe<unknown>({
      description: "HOSTKEY's own object, untouched; members named like secrets are left out.",
    }),
  },
  {
    $id: 'Stats',
    description: 'The load of a VM.',
    examples: [
      {
        vm_id: 1000,
        observed_at: '2026-11-24T10:16:00.000Z',
        stats: { cpu: 0.12, mem: { used_mb: 812, total_mb: 2048 } },
      },
    ],
  },
)
