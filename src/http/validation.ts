/**
 * How requests are validated: by Fastify's Ajv, with every silent repair turned off. Nothing is coerced, filled in or
 * dropped. Path and query arrive as text, so an integer there is read first, from the one form that it may have.
 */

import AjvCompiler from '@fastify/ajv-compiler'
import type { FastifyInstance, FastifySchemaValidationError } from 'fastify'
import { readMoment } from './moment.ts'
import { nearestOf } from './nearest.ts'
import type { FieldError } from './problem.ts'
import { NOT_UTF8 } from './query.ts'

interface ObjectSchema {
  properties?: Record<string, { type?: string }>
}

interface Formats {
  addFormat(name: string, isValid: (text: string) => boolean): void
}

// The package's own types say that the compiler takes a bare schema; it is given what Fastify gives it.
const build = AjvCompiler() as unknown as (
  schemas: unknown,
  options: unknown,
) => (route: RouteSchema) => Validator
type Validator = ((value: unknown) => boolean) & {
  errors?: FastifySchemaValidationError[] | null | undefined
}
interface RouteSchema {
  schema: unknown
  httpPart?: string
}

/** Makes the compiler of validators, for Fastify's `schemaController.compilersFactory.buildValidator`. */
export function buildValidator(externalSchemas: unknown): (route: RouteSchema) => Validator {
  const compile = build(externalSchemas, {
    customOptions: {
      coerceTypes: false,
      removeAdditional: false,
      useDefaults: false,
      // Every invalid field is to be named; the limit of the body bounds the work.
      allErrors: true,
      // The words about a field need what was sent and what is known.
      verbose: true,
      // The tests see that our schemas are schemas: to compile the schema of schemas took 65 ms of every start.
      meta: false,
      validateSchema: false,
    },
    plugins: [],
    // One judge of times, and not two that differ.
    onCreate: (ajv: Formats) => ajv.addFormat('date-time', text => readMoment(text) !== undefined),
  })
  return route => {
    // Headers are in the schemas for the document alone. A preference that makes no sense is to be ignored (RFC 7240,
    // section 2), and `idempotency-key.ts` judges the key.
    if (route.httpPart === 'headers') return () => true
    const validate = compile(route)
    if (route.httpPart !== 'params' && route.httpPart !== 'querystring') return validate
    const integers = Object.entries((route.schema as ObjectSchema).properties ?? {})
      .filter(([, schema]) => schema.type === 'integer')
      .map(([name]) => name)
    if (integers.length === 0) return validate
    const coercing: Validator = value => {
      readIntegers(value as Record<string, unknown>, integers)
      const valid = validate(value)
      coercing.errors = validate.errors
      return valid
    }
    return coercing
  }
}

/** Makes `5` the number 5. The texts `05`, `5.0`, `5e0` and ` 5` stay as they are, and are then refused. */
function readIntegers(values: Record<string, unknown>, names: readonly string[]): void {
  for (const name of names) {
    const value = values[name]
    if (typeof value === 'string' && /^(0|-?[1-9]\d{0,15})$/.test(value)) values[name] = Number(value)
  }
}

const NO_MEMBERS = { type: 'object', properties: {} }

/**
 * Makes every route refuse the members of a query that it does not know. This is to be called before the first route is
 * registered. Routes that are not in the document are left alone: they are the files of Swagger UI, and what answers 405.
 */
export function refuseUnknownQueries(app: FastifyInstance): void {
  app.addHook('onRoute', ({ schema }) => {
    if (!schema || schema.hide) return
    schema.querystring = { ...(schema.querystring ?? NO_MEMBERS), additionalProperties: false }
  })
}

const PLACES: Readonly<Record<string, FieldError['in']>> = {
  body: 'body',
  params: 'path',
  querystring: 'query',
  headers: 'header',
}

interface VerboseError extends FastifySchemaValidationError {
  data?: unknown
  parentSchema?: ObjectSchema
}

/** Turns Ajv's errors into fields with names. Each field has its first message only. `httpPart` is Fastify's word for the place. */
export function fieldErrors(errors: readonly VerboseError[], httpPart: string): FieldError[] {
  const place = PLACES[httpPart] ?? 'body'
  const fields = new Map<string, FieldError>()
  for (const error of errors) {
    const parent = error.instancePath.split('/').slice(1).map(unescapePointer)
    const { missingProperty, additionalProperty } = error.params as {
      missingProperty?: string
      additionalProperty?: string
    }
    const child = missingProperty ?? additionalProperty
    const path = child === undefined ? parent : [...parent, child]
    const field = path.length === 0 ? place : fieldName(path.map(part => part || '""').join('.'))
    if (!fields.has(field)) fields.set(field, { in: place, field, message: messageOf(error, field, place) })
  }
  return [...fields.values()].slice(0, 100)
}

/** Cuts the name of a field, which a caller may have made as long as a body may be, and out of anything. */
export function fieldName(text: string): string {
  return text.slice(0, 300).toWellFormed()
}

/** What callers are told of a text with characters that its field does not take: nobody reads patterns. */
const ALPHABETS: Readonly<Record<string, string>> = {
  name: 'may have letters, digits, `_`, `.`, `-`, and is not `.` or `..`',
  type: 'may have letters, digits, `_`, `.`, `-`',
  cursor: 'is not a cursor of this list',
  backup_id: 'may have no control characters',
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'must be a text',
  integer: 'must be a whole number, in digits alone',
  object: 'must be an object',
}

function messageOf(error: VerboseError, field: string, place: FieldError['in']): string {
  const { keyword, params, message, data } = error
  switch (keyword) {
    case 'required':
      return 'is required'
    case 'additionalProperties':
      return unknownField(field, place, Object.keys(error.parentSchema?.properties ?? {}))
    case 'type':
      // What stands twice in a query is read as a list.
      if (place === 'query' && Array.isArray(data)) return 'was given twice'
      if (data === NOT_UTF8) return 'is not UTF-8 in percent-encoding'
      return TYPES[params.type as string] ?? message ?? 'is not valid'
    case 'enum':
      return `must be one of ${(params.allowedValues as string[]).join(', ')}`
    case 'format':
      return 'must be a time with its zone, such as 2026-11-24T10:15:30Z; in a query, write a `+` as `%2B`'
    case 'pattern':
      return ALPHABETS[field] ?? 'has characters that it may not have'
    case 'minLength':
      return params.limit === 1 ? 'must not be empty' : `must have ${String(params.limit)} characters or more`
    case 'maxLength':
      return `may have ${String(params.limit)} characters`
    case 'minimum':
      return `must be ${String(params.limit)} or more`
    case 'maximum':
      return `must be ${String(params.limit)} or less`
    default:
      return message ?? 'is not valid'
  }
}

function unknownField(field: string, place: FieldError['in'], known: readonly string[]): string {
  if (known.length === 0) return `is not a known field, this route takes none in its ${place}`
  const nearest = nearestOf(field, known)
  return `is not a known field${nearest === undefined ? '' : `, the nearest is \`${nearest}\``}`
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}
