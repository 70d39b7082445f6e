// The rows behind the database strategy, kept in memory and reached through the adapter interface
// that both packages share. It is filled from `inputs.database` and from nothing else.

const dateColumns = { users: ["emailVerified"], sessions: ["expires"], verificationTokens: ["expires"] }
const tables = ["users", "accounts", "sessions", "verificationTokens", "authenticators"]

/** Copies rows as they stand in a sequence (ISO times) into rows as an adapter holds them. */
function load(table, rows = []) {
  return rows.map((row) => {
    const copy = { ...row }
    for (const column of dateColumns[table] ?? []) if (copy[column]) copy[column] = new Date(copy[column])
    return copy
  })
}

/** Opens a database with the rows of `seed`. New users get the ids user-1, user-2 and so on. */
export function openDatabase(seed) {
  const rows = Object.fromEntries(tables.map((table) => [table, load(table, seed[table])]))
  const calls = []
  const first = (table, want) => rows[table].find((row) => Object.entries(want).every(([k, v]) => row[k] === v)) ?? null
  const insert = (table, row) => (rows[table].push(row), row)
  const take = (table, want) => {
    const row = first(table, want)
    if (row) rows[table].splice(rows[table].indexOf(row), 1)
    return row
  }
  const change = (table, want, values) => {
    const row = first(table, want)
    return row && Object.assign(row, values)
  }

  const operations = {
    createUser: (user) => insert("users", { ...user, id: `user-${rows.users.length + 1}` }),
    getUser: (id) => first("users", { id }),
    getUserByEmail: (email) => first("users", { email }),
    getUserByAccount: ({ provider, providerAccountId }) => {
      const account = first("accounts", { provider, providerAccountId })
      return account && first("users", { id: account.userId })
    },
    updateUser: (user) => change("users", { id: user.id }, user),
    linkAccount: (account) => insert("accounts", { ...account }),
    createSession: (session) => insert("sessions", { ...session }),
    getSessionAndUser: (sessionToken) => {
      const session = first("sessions", { sessionToken })
      return session && { session: { ...session }, user: first("users", { id: session.userId }) }
    },
    updateSession: (session) => change("sessions", { sessionToken: session.sessionToken }, session),
    deleteSession: (sessionToken) => take("sessions", { sessionToken }),
    createVerificationToken: (token) => insert("verificationTokens", { ...token }),
    useVerificationToken: ({ identifier, token }) => take("verificationTokens", { identifier, token }),
    getAccount: (providerAccountId, provider) => first("accounts", { provider, providerAccountId }),
    getAuthenticator: (credentialID) => first("authenticators", { credentialID }),
    createAuthenticator: (authenticator) => insert("authenticators", { ...authenticator }),
    listAuthenticatorsByUserId: (userId) => rows.authenticators.filter((row) => row.userId === userId),
    updateAuthenticatorCounter: (credentialID, counter) => change("authenticators", { credentialID }, { counter }),
  }
  const adapter = {}
  for (const [name, work] of Object.entries(operations)) {
    adapter[name] = async (...given) => {
      calls.push(name)
      return work(...given)
    }
  }
  return { adapter, calls, rows: () => JSON.parse(JSON.stringify(rows)) }
}
