// A stopped clock for one piece of work. The packages ask `Date` for the time; while `run` is at
// work every such question gets the same answer, so recorded times are exact.

const Real = Date

/** Runs `work` with the clock stopped at `seconds` (Unix time) and starts the clock again after it. */
export async function atTime(seconds, work) {
  const still = seconds * 1000
  globalThis.Date = new Proxy(Real, {
    construct: (target, given, as) => Reflect.construct(target, given.length > 0 ? given : [still], as === globalThis.Date ? target : as),
    apply: () => new Real(still).toString(),
    get: (target, key) => (key === "now" ? () => still : Reflect.get(target, key)),
  })
  try {
    return await work()
  } finally {
    globalThis.Date = Real
  }
}
