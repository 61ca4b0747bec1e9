/**
 * The five actions of vm.php (vendor's page, contract §1). This table is the only place that knows which fields an
 * action takes and whether it changes anything; what may be repeated follows from `mutates`, never from a method.
 */

/** Parameters of any action; each action sends only the fields it names. Strings and integers, sent as text. */
export interface ActionParams {
  id: number
  name?: string
  type?: string
  backup_id?: string
}

export interface Action {
  /** The form fields beside `action` and `token`, in the order in which they are sent. */
  readonly fields: readonly (keyof ActionParams)[]
  /** Whether the action changes the VM: such a call is sent at most once. */
  readonly mutates: boolean
  /** Whether the vendor's page shows it as GET with a form body (`HOSTKEY_READ_METHOD`). */
  readonly getOnPage: boolean
}

export const ACTIONS = {
  create_snapshot: { fields: ['id', 'name', 'type'], mutates: true, getOnPage: false },
  get_snapshot: { fields: ['id', 'type'], mutates: false, getOnPage: true },
  load_stats: { fields: ['id'], mutates: false, getOnPage: false },
  remove_snapshot: { fields: ['id', 'name', 'type'], mutates: true, getOnPage: false },
  restore_snapshot: { fields: ['id', 'name', 'type', 'backup_id'], mutates: true, getOnPage: false },
} as const satisfies Record<string, Action>

export type ActionName = keyof typeof ACTIONS

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
