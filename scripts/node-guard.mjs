// Loaded with --import in front of every script, and first by the package's command: says clearly which Node is missing
// instead of failing on the first .ts file, and keeps what Node makes of the sources, so that only a first start strips and
// compiles them.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const isEnough = version => {
  const [major, minor] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 15)
}
if (!isEnough(process.versions.node)) {
  process.stderr.write(
    `This project runs on Node 24.15 or newer, this is Node ${process.versions.node}. ` +
      'Install Node 24; or, in a clone on Linux x64 and arm64, run `npm ci`, which brings one, and use the npm scripts.\n',
  )
  process.exit(1)
}

// In a clone npm finds the Node that it brought (`node-linux-*`) before the one of the machine, which is trusted already: where
// that one will do, it goes on. The variables are npm's own.
const { npm_node_execpath: machine = '', npm_config_user_agent: agent = '' } = process.env
const isBrought = path => path.includes('/node_modules/')
const version = /\bnode\/v([\d.]+)/.exec(agent)?.[1] ?? '0'
if (isBrought(process.execPath) && machine !== '' && !isBrought(machine) && isEnough(version)) {
  process.execve(machine, [machine, ...process.execArgv, ...process.argv.slice(1)], process.env)
}

// Beside the packages, which are as much ours to trust as this file; where it cannot be written, nothing is kept.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/node-compile', import.meta.url)))
