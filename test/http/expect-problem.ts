import { expect } from 'vitest'
import { PROBLEMS, type ProblemCode } from '../../src/http/problem.ts'
import type { Answer } from '../helper.ts'

/** Each problem has all members, and they agree with each other and with the answer around them. */
export function expectProblem(answer: Answer, code: ProblemCode, basePath = ''): void {
  const { status, title } = PROBLEMS[code]
  expect(answer.body).toEqual({
    ...answer.body,
    type: `${basePath}/problems/${code}`,
    title,
    status,
    detail: expect.stringMatching(/\w.*\.$/),
    instance: answer.headers.get('x-request-id'),
    code,
  })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
}
