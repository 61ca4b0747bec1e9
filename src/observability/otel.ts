/**
 * Tracing by OpenTelemetry's SDK. Where it sends to, what the service is called and which traces are kept say the
 * standard variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import {
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace'
import type { FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import type { CallOutcome, CheckOutcome, Hostkey, Task } from '../operations/hostkey.ts'
import type { Ended } from '../operations/operation.ts'
import { intercept } from './intercept.ts'
import type { Tracing } from './tracing.ts'
import type { Exchange } from '../upstream/transport.ts'
import { VERSION } from '../config/version.ts'
import { within } from '../operations/within.ts'

type TracingConfig = NonNullable<Config['tracing']>

/** How long the end of the process waits for the receiver. */
const CLOSE_MS = 2_000

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | null
  }
}

export function startTracing(config: TracingConfig): Tracing {
  const Exporter = config.protocol === 'http/json' ? JsonExporter : ProtobufExporter
  const ids = new Ids()
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'hostkey-vm-gateway',
      'service.version': VERSION,
    }).merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(config),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new Exporter(), scheduledDelayMillis: config.delayMs }),
    ],
  })
  const tracer = provider.getTracer('hostkey-vm-gateway', VERSION)
  const propagator = new W3CTraceContextPropagator()
  /** What goes on now is part of this. Ours alone: the API's global one belongs to whoever embeds the gateway. */
  const here = new AsyncLocalStorage<Context>()

  /** A call to HOSTKEY; only as part of something, else every poll of an operation from before would be a trace. */
  async function call<T extends CallOutcome | CheckOutcome | Exchange>(
    action: string,
    make: () => Promise<T>,
  ): Promise<T> {
    const parent = here.getStore()
    if (!parent) return make()
    const attributes = { 'hostkey.action': action }
    const span = tracer.startSpan(`HOSTKEY ${action}`, { kind: SpanKind.CLIENT, attributes }, parent)
    try {
      const outcome = await here.run(trace.setSpan(parent, span), make)
      span.setAttribute('hostkey.outcome', outcome.kind)
      // A refusal is an answer, and what was done is done; the rest is trouble on the way.
      if (['lost', 'unsent', 'unauthorized'].includes(outcome.kind))
        span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.kind })
      return outcome
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  }

  function enter({ span }: FastifyRequest, done: () => void): void {
    const isKept = span && (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0
    if (isKept) here.run(trace.setSpan(ROOT_CONTEXT, span), done)
    else here.exit(done)
  }

  return {
    requests(app) {
      app.decorateRequest('span', null)
      app.addHook('onRequest', (request, _reply, done) => {
        const { method, routeOptions, id, headers } = request
        // Probes and scrapes would be most of what there is.
        if (routeOptions.config.bucket === 'none') return done()
        const route = routeOptions.url
        const span = tracer.startSpan(
          route === undefined ? method : `${method} ${route}`,
          {
            kind: SpanKind.SERVER,
            attributes: {
              'http.request.method': method,
              // Not the query, nor a path that is none of ours: who does it wrong puts a key there.
              ...(route === undefined
                ? {}
                : { 'http.route': route, 'url.path': request.url.split('?', 1)[0]! }),
              'gateway.request.id': id,
            },
          },
          propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
        )
        request.span = span
        request.log = request.log.child({ trace_id: span.spanContext().traceId })
        enter(request, done)
      })
      // What reads the body calls back from outside.
      app.addHook('preValidation', (request, _reply, done) => enter(request, done))
      app.addHook('onResponse', (request, reply, done) => {
        endRequest(request.span, request.caller?.id, reply.statusCode)
        done()
      })
      app.addHook('onRequestAbort', (request, done) => {
        endRequest(request.span, request.caller?.id, 499)
        done()
      })
    },

    hostkey: hostkey =>
      intercept(hostkey, ({ method, args: [task] }, next) => {
        if (method === 'pausedMs') return next()
        return call(
          method === 'call' ? (task as Task).action : method,
          next as () => ReturnType<Hostkey['call']>,
        )
      }),

    login: send => fields => call('login', () => send(fields)),

    operations: {
      begin() {
        const context = here.getStore()
        const parent = context && trace.getSpanContext(context)
        if (!parent) return {}
        return { trace: { id: parent.traceId, span: ids.newSpanId(), parent: parent.spanId } }
      },

      step(operation, make) {
        const context = operation.trace && contextOf(operation.trace.id, operation.trace.span)
        return context ? here.run(context, make) : make()
      },

      apart: make => here.exit(make),

      // Its span is made when it ended, by whoever ended it, with the id that its steps already named as their parent.
      end(operation) {
        if (!operation.trace) return
        const { id, span: spanId, parent } = operation.trace
        ids.next = spanId
        const span = tracer.startSpan(
          `operation ${operation.kind}`,
          { startTime: operation.createdAtMs, attributes: attributesOf(operation) },
          contextOf(id, parent),
        )
        if (operation.status !== 'succeeded')
          span.setStatus({
            code: SpanStatusCode.ERROR,
            ...(operation.failure ? { message: operation.failure.reason } : {}),
          })
        span.end(operation.updatedAtMs)
      },
    },

    close: () =>
      within(
        provider.shutdown().catch(() => {}),
        CLOSE_MS,
      ),
  }
}

/** Random ids, but for a span whose id was given away before it is made. */
class Ids {
  next: string | undefined

  generateTraceId(): string {
    return randomBytes(16).toString('hex')
  }

  generateSpanId(): string {
    const { next } = this
    this.next = undefined
    return next ?? this.newSpanId()
  }

  newSpanId(): string {
    return randomBytes(8).toString('hex')
  }
}

function contextOf(traceId: string, spanId: string): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  })
}

function samplerOf({ sampler, ratio }: TracingConfig): Sampler {
  const name = sampler.replace('parentbased_', '')
  const root =
    name === 'always_off'
      ? new AlwaysOffSampler()
      : name === 'traceidratio'
        ? new TraceIdRatioBasedSampler(ratio)
        : new AlwaysOnSampler()
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

function attributesOf({ id, kind, vmId, status, createdBy }: Ended): Record<string, string | number> {
  return {
    'gateway.operation.id': id,
    'gateway.operation.kind': kind,
    'gateway.operation.status': status,
    'gateway.vm.id': vmId,
    'gateway.caller': createdBy,
  }
}

function endRequest(span: Span | null, caller: string | undefined, status: number): void {
  if (!span) return
  if (caller !== undefined) span.setAttribute('gateway.caller', caller)
  span.setAttribute('http.response.status_code', status)
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
