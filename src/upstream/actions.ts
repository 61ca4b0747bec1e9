/**
 * The five actions of vm.php (vendor's page, contract §1). This table is the only place that knows which fields an
 * action takes.
 */

import type { ActionName, ActionParams } from '../operations/hostkey.ts'

export interface Action {
  /** The form fields beside `action` and `token`, in the order in which they are sent. */
  readonly fields: readonly (keyof ActionParams)[]
  /** Whether the vendor's page shows it as GET with a form body (`HOSTKEY_READ_METHOD`). */
  readonly getOnPage: boolean
}

export const ACTIONS: Readonly<Record<ActionName, Action>> = {
  create_snapshot: { fields: ['id', 'name', 'type'], getOnPage: false },
  get_snapshot: { fields: ['id', 'type'], getOnPage: true },
  load_stats: { fields: ['id'], getOnPage: false },
  remove_snapshot: { fields: ['id', 'name', 'type'], getOnPage: false },
  restore_snapshot: { fields: ['id', 'name', 'type', 'backup_id'], getOnPage: false },
}

/** `application/x-www-form-urlencoded` text of one call; fields without a value are left out. */
export function encodeForm(fields: Readonly<Record<string, string | number | undefined>>): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) form.append(name, String(value))
  return form.toString()
}

/** The fields of one action's call. */
export function actionFields(
  action: ActionName,
  params: ActionParams,
  token: string,
): Record<string, string | number | undefined> {
  const fields: Record<string, string | number | undefined> = { action, token }
  for (const field of ACTIONS[action].fields) fields[field] = params[field]
  return fields
}
