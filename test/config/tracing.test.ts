import { expect, test } from 'vitest'
import { load, problemsOf, REQUIRED } from './load.ts'

test('traces are off unless they go somewhere, and then only over HTTP', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
  for (const env of [
    {},
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' },
    { ...endpoint, OTEL_TRACES_EXPORTER: 'none' },
  ])
    expect([env, load(env).tracing]).toEqual([env, null])
  const byDefault = { protocol: 'http/protobuf', sampler: 'parentbased_always_on', ratio: 1, delayMs: 5_000 }
  expect(load(endpoint).tracing).toEqual(byDefault)
  expect(load({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' }).tracing).toEqual(byDefault)
  expect(
    load({
      ...endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_BSP_SCHEDULE_DELAY: '0',
    }).tracing,
  ).toEqual({ protocol: 'http/json', sampler: 'traceidratio', ratio: 0.25, delayMs: 0 })
  const wrong = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_TRACES_SAMPLER: 'jaeger_remote',
    OTEL_TRACES_SAMPLER_ARG: '2',
    OTEL_BSP_SCHEDULE_DELAY: '-1',
  }
  expect(problemsOf({ ...REQUIRED, ...wrong }).map(line => line.split(' ', 1)[0])).toEqual(
    Object.keys(wrong).filter(name => name !== 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'),
  )
})
