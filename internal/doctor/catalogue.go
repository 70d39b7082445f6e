package doctor

import "slices"

// stage is a step on the way from the settings to an answer in the browser.
type stage string

const (
	settingsStage stage = "settings"
	filesStage    stage = "files"
	databaseStage stage = "database"
	serverStage   stage = "server"
	tlsStage      stage = "tls"
	originStage   stage = "origin" // does the public origin lead here?
	answerStage   stage = "answer" // what does the way change?
	callerStage   stage = "caller" // is the caller's address known?
	capacityStage stage = "capacity"
)

// kind is one sort of finding.
type kind struct {
	id       string
	stage    stage
	severity Severity
	// cause is why it is so, and what follows.
	cause string
	// explains are IDs and whole stages that a finding of this kind accounts
	// for: what is found there is left out.
	explains []string
}

// Kind is a sort of finding as docs/doctor.md lists it.
type Kind struct {
	ID       string
	Stage    string
	Severity Severity
	Cause    string
	// Explains are IDs and stages whose findings it accounts for.
	Explains []string
}

// Kinds lists every sort of finding in the order of causes.
func Kinds() (list []Kind) {
	for _, k := range catalogue {
		list = append(list, Kind{k.id, string(k.stage), k.severity, k.cause, slices.Clone(k.explains)})
	}
	return list
}

func placeOf(id string) int {
	return slices.IndexFunc(catalogue, func(k kind) bool { return k.id == id })
}

func kindOf(id string) kind { return catalogue[placeOf(id)] }

// beyond are the stages that nothing can be said of when no request gets
// through; unasked what cannot be known without the server's own view.
var (
	beyond  = []string{string(answerStage), string(callerStage)}
	unasked = []string{"other-gatehouse", string(callerStage), "signin-intercepted"}
)

// catalogue is every sort of finding, causes before their consequences. It is
// not changed.
var catalogue = []kind{
	{"settings-unreadable", settingsStage, Error, "Without its settings the server does not start; what seems to be missing stands in this file.", nil},
	{"setting-unknown", settingsStage, Error, "The name is not a setting, so what was meant would have no effect; the server refuses to start.", nil},
	{"settings-open", settingsStage, Error, "The file holds secrets, and every account of this machine could take them. The server refuses to start.", nil},
	{"secret-file-refused", settingsStage, Error, "The file of secrets cannot be used: missing, empty, or open to every account of this machine. The server refuses to start.", nil},
	{"public-origin-refused", settingsStage, Error, "Cookies, redirects and callback addresses are made from public_origin, and this value would make them wrong or unsafe. The server refuses to start.", nil},
	{"tls-refused", settingsStage, Error, "Browsers would get no usable TLS. The server refuses to start.", nil},
	{"secret-refused", settingsStage, Error, "Whoever guesses the secret, or has it from a place where it is published or shared, can make sessions of anybody. The server refuses to start.", nil},
	{"database-path-refused", settingsStage, Error, "The database cannot be kept there. The server refuses to start.", nil},
	{"client-address-refused", settingsStage, Error, "Callers could choose, or would all share, the address that limits rest on. The server refuses to start.", nil},
	{"setting-refused", settingsStage, Error, "The value cannot be used. The server refuses to start.", nil},

	{"settings-writable", filesStage, Error, "Any account of this machine can change what the server does at its next start.", nil},
	{"folder-writable", filesStage, Error, "Any account of this machine can put another file in its place, whatever the file's own mode.", nil},
	{"secret-published", filesStage, Error, "The secret stands in published source code or documentation. Anybody can make sessions with it.", nil},
	{"secret-weak", filesStage, Warning, "The secret is long, and yet has little randomness: it repeats itself or is made of few characters. It can be guessed with effort, offline, from one cookie.", nil},
	{"adoption-long", filesStage, Warning, "Until adopt_until, whoever holds the application's secret can be any imported user, and a session that somebody copied from the old server can come back. NextAuth's own sessions live 30 days unless it was told otherwise.", nil},
	{"adoption-over", filesStage, Note, "The migration from NextAuth has ended: sessions that the application sealed itself are refused, as the setting says.", nil},
	{"settings-advice", filesStage, Note, "It is allowed, and should be known.", nil},

	{"database-on-network", databaseStage, Error, "The write-ahead log needs memory shared between processes and locks that hold; over a network file system the database gets damaged.", []string{"database-corrupt", "database-unreadable"}},
	{"disk-full", databaseStage, Error, "Nothing can be written any more: nobody can sign in, and nobody can be signed out.", []string{"database-unreadable", "database-not-answering", "change-feed-stale", "server-not-running", "wal-large", string(originStage), string(answerStage), string(callerStage)}},
	{"database-read-only", databaseStage, Error, "The file system is mounted read-only, often after a fault of the disk. Nothing can be written.", []string{"database-unreadable", "database-not-answering", "change-feed-stale", "server-not-running", string(originStage), string(answerStage), string(callerStage)}},
	{"database-removed", databaseStage, Error, "The file was moved or deleted under the running server, which goes on in a file without a name. What it writes is lost at its end, and commands look at another file.", []string{"database-not-answering", "change-feed-stale"}},
	{"database-corrupt", databaseStage, Error, "The file is damaged: by a disk, by a copy of it made while it was open, or by another program.", []string{"database-unreadable", "database-not-answering", "change-feed-stale", "server-not-ready", "server-not-running", string(originStage), string(answerStage), string(callerStage)}},
	{"database-foreign", databaseStage, Error, "The file has another program's tables. The server refuses to start.", []string{"server-not-running", string(originStage), string(answerStage), string(callerStage)}},
	{"database-newer", databaseStage, Error, "A newer Gatehouse has changed the schema. This program refuses to open it, because going on could destroy what it does not know of.", []string{"server-not-running", string(originStage), string(answerStage), string(callerStage)}},
	{"database-older", databaseStage, Error, "The schema is older than this program needs, and database.skip_migrate keeps the server from bringing it up to date.", []string{"server-not-running", string(originStage), string(answerStage), string(callerStage)}},
	{"database-files-owner", databaseStage, Error, "A command was run as another account and made one of the database's files, which the server now cannot write.", []string{"database-not-answering", "change-feed-stale", "server-not-running", "database-unreadable", string(originStage), string(answerStage), string(callerStage)}},
	{"database-folder-unwritable", databaseStage, Error, "SQLite makes files beside the database, and its owner may not write in the folder. Nothing can be written.", []string{"database-not-answering", "change-feed-stale", "server-not-running", "database-unreadable", string(originStage), string(answerStage), string(callerStage)}},
	{"database-unreadable", databaseStage, Error, "The database could not be looked at, so nothing is known of its state.", nil},
	{"database-open", databaseStage, Error, "Every account of this machine can read password hashes and e-mail addresses, or change them.", nil},
	{"adoption-of-nobody", databaseStage, Error, "A migration from NextAuth is on, and the database has no user with an old ID at this mount: no session of the application's goes on.", nil},
	{"pepper-missing", databaseStage, Error, "The hashes of these passwords were made with a pepper that password.peppers does not have. These people cannot sign in: they are answered 503, and no try of theirs is counted.", nil},
	{"key-unopened", databaseStage, Error, "The secret that a signing key is sealed under is not among the settings, or the row was altered. The server refuses to start: a master key that is lost must not pass for an empty store.", []string{"key-overdue", "server-not-running", string(originStage), string(answerStage), string(callerStage)}},
	{"clock-behind", databaseStage, Error, "The newest record is from the future: the clock of this machine was set back, or was wrong when it was written. Sessions end at the wrong time.", []string{"clock-skew", "certificate-not-yet-valid"}},
	{"database-unencrypted", databaseStage, Warning, "Passwords of the database, hashes and addresses go over the network in the clear, and whoever is on the way can take the server's place.", nil},
	{"database-open-schema", databaseStage, Warning, "Every role of the database server may create functions and operators that Gatehouse's own statements would use, with its rights.", nil},
	{"key-overdue", databaseStage, Warning, "Signing keys are not replaced by the schedule: no server has run since, one of them does not list the next key and so holds everybody back, or the schedule was shortened a moment ago.", nil},
	{"redis-away", databaseStage, Warning, "The servers cannot count requests together: each hands out its part of every limit on requests from its own memory, and starts half empty.", nil},
	{"failover-may-forget", databaseStage, Note, "Commits wait for no standby. If this database server fails and a standby takes its place, the last revocations, sign-outs and sign-ins may be undone.", nil},
	{"wal-large", databaseStage, Warning, "The write-ahead log cannot be taken into the database while somebody reads an old state of it, such as a shell or a backup that was left open.", nil},
	{"pepper-unused", databaseStage, Note, "No stored password needs this pepper any more; backups from before still do.", nil},
	{"disk-nearly-full", databaseStage, Warning, "When the disk is full, nobody can sign in.", nil},

	{"listen-taken", serverStage, Error, "No server runs, and its port is taken by another program, so it cannot start.", []string{"server-not-running", string(originStage), string(answerStage), string(callerStage)}},
	{"server-not-running", serverStage, Error, "Nobody answers at ops_listen, and of an SQLite file nobody holds the lock: no server runs here with these settings.", []string{string(originStage), string(answerStage), string(callerStage)}},
	{"ops-foreign", serverStage, Error, "Another program answers at ops_listen, so Gatehouse cannot be asked, and perhaps could not start.", append([]string{"something-else-answers"}, unasked...)},
	{"ops-unreachable", serverStage, Error, "A server works on the database, and does not answer at ops_listen: it was started with another ops_listen, runs in another container, or hangs.", unasked},
	{"settings-not-loaded", serverStage, Error, "The server was started with other settings than these: the files or variables have changed since, or this command was run without the server's environment.", []string{"cookie-prefix", "dialect-differs", "base-path-rewritten", "forwarded-for-forged", "proxy-not-trusted", "hop-not-trusted", "forwarded-for-missing", "forwarded-for-unreadable", "peer-is-a-proxy", "proxy-bypassed", "other-gatehouse", "headers-removed", "origin-redirects", "database-removed", "signin-intercepted"}},
	{"breached-file-changed", serverStage, Warning, "The server searches the list of breached passwords that it opened at its start. Where that was replaced, it goes on with the old one; where it was written over, it takes no new password.", nil},
	{"version-differs", serverStage, Warning, "The program was replaced, and the server not restarted since, or there are two of them on this machine.", nil},
	{"change-feed-stale", serverStage, Error, "The server can no longer read from the database what was revoked, so it refuses every check with 503 rather than accept a revoked session.", beyond},
	{"database-not-answering", serverStage, Error, "The server cannot read its database.", beyond},
	{"server-not-ready", serverStage, Error, "The server is starting, ending, or cannot do its work; until it is ready it answers 503.", beyond},
	{"ops-public", serverStage, Error, "Health, metrics and the doctor's questions are answered without a sign-in; they are nothing for other machines.", nil},
	{"listen-open", serverStage, Warning, "Whoever reaches this port goes past the proxy: in plain http, with addresses and headers of their own choosing.", nil},
	{"clock-skew", serverStage, Warning, "Clocks disagree. Sessions, certificates and limits end at the wrong time for one side.", nil},

	{"certificate-expired", tlsStage, Error, "The certificate is past its end. Browsers refuse the site.", []string{"certificate-expires-soon", string(answerStage), string(callerStage)}},
	{"certificate-not-yet-valid", tlsStage, Error, "By this machine's clock the certificate begins in the future: the clock is behind, or the certificate was made by a machine whose clock is ahead.", beyond},
	{"certificate-name", tlsStage, Error, "The certificate is for other names than the host of public_origin. Browsers refuse the site.", beyond},
	{"certificate-incomplete", tlsStage, Error, "The server sends its certificate without the one that signed it. Some browsers find it by themselves; others, and most programs, refuse the site.", beyond},
	{"certificate-untrusted", tlsStage, Error, "Nobody that this machine trusts has signed the certificate: it signs itself, or is of a private authority that this machine does not know.", beyond},
	{"certificate-expires-soon", tlsStage, Warning, "The certificate ends within two weeks, so its renewal has most likely failed.", nil},
	{"origin-speaks-http", originStage, Error, "public_origin is https, and what listens there speaks plain http: nobody ends TLS.", beyond},
	{"origin-speaks-https", originStage, Error, "public_origin is http, and what listens there speaks TLS. Browsers use https, so cookies and redirects made for http are wrong.", beyond},
	{"origin-tls-fails", originStage, Error, "The TLS handshake fails before the certificate can be judged: no common version or cipher, no certificate for this name, or a client certificate is asked for.", beyond},
	{"origin-other-port", originStage, Error, "The application runs at another port than public_origin says. Redirects lead to a port where nobody answers, and forms from the real one are refused as foreign.", []string{"application-not-running"}},
	{"application-not-running", originStage, Error, "Nothing listens at public_origin on this machine: the application, or the proxy in front, does not run or has another port.", beyond},
	{"origin-name-unknown", originStage, Warning, "The name cannot be looked up from here. Browsers elsewhere may still know it, if names are different inside this network.", beyond},
	{"origin-unreachable", originStage, Warning, "Nobody answers at public_origin from here. That can be right: many networks do not let a machine reach its own public address. Then nothing is known of what browsers see.", beyond},
	{"origin-redirects", originStage, Error, "Browsers are led to another origin than public_origin. Cookies are set there, and redirects and callback addresses lead back here: sign-in goes in circles or forgets itself, and forms are refused as foreign.", beyond},
	{"path-redirected", originStage, Error, "Something in front (middleware, a language prefix, a final slash, a login wall) redirects the base path before it reaches Gatehouse.", beyond},
	{"path-guarded", originStage, Error, "Something in front demands a password or refuses the request itself, so browsers cannot reach the sign-in.", beyond},
	{"proxy-cannot-reach", originStage, Error, "The proxy or the application answers, and cannot reach Gatehouse: its upstream address is not where Gatehouse listens.", beyond},
	{"nextauth-answers", originStage, Error, "The application's own NextAuth answers at the base path: its route handler is still there and the rewrite to Gatehouse is not. It also seals sessions by itself that Gatehouse knows nothing of.", append([]string{"rewrite-missing", "signin-intercepted"}, beyond...)},
	{"rewrite-missing", originStage, Error, "Next.js answers that it has no such page: the rewrite to Gatehouse is missing, or was not there when the application was built.", beyond},
	{"something-else-answers", originStage, Error, "Another program answers at the base path; requests do not reach Gatehouse.", beyond},
	{"answers-cached", originStage, Error, "Something in front keeps answers of the base path. One visitor gets another one's CSRF token, session answer or cookies.", []string{"cache-control-changed", "cookies-stripped", "other-gatehouse", "request-id-replaced"}},
	{"other-gatehouse", originStage, Error, "A Gatehouse answers at public_origin, and it is not the one at ops_listen: two servers, each with its own view of what is revoked.", beyond},
	{"base-path-rewritten", originStage, Error, "The proxy changes the path on the way: it takes the base path, or a part of it, off.", beyond},
	{"signin-intercepted", originStage, Error, "Requests of scripts arrive, and navigations to the sign-in page do not: a page or middleware of the application takes them.", nil},
	{"http-not-redirected", originStage, Warning, "The site is also served in plain http. Whoever types its name without https sends the first request, and perhaps a password, in the clear.", nil},

	{"cookies-stripped", answerStage, Error, "Something in front takes Set-Cookie out of the answers. Nobody can sign in.", []string{"cookies-lost", "cookie-prefix", "cookies-changed"}},
	{"dialect-differs", answerStage, Error, "The application speaks the other dialect of the protocol: its cookies have another name, so neither side sees the other's sessions.", []string{"cookie-prefix", "cookies-changed"}},
	{"cookie-prefix", answerStage, Error, "The prefix of the cookies' names does not fit the scheme of public_origin: the application looks for other names, or browsers refuse them.", []string{"cookies-changed"}},
	{"cookies-changed", answerStage, Error, "Something in front rewrites the cookies. Those with a guarded prefix are then refused by browsers, others go where they should not.", nil},
	{"cookies-lost", answerStage, Error, "Something in front takes the cookies out of requests, as caches do that are not told otherwise. Nobody stays signed in.", nil},
	{"post-blocked", answerStage, Error, "Something in front lets GET through and not POST. Nobody can sign in.", []string{"body-limited"}},
	{"body-limited", answerStage, Warning, "Something in front refuses bodies that Gatehouse takes (64 KiB).", nil},
	{"header-limited", answerStage, Warning, "Something in front refuses requests with some kilobytes of cookies. Sessions with much in them take several cookies, and then every page fails.", nil},
	{"cache-control-changed", answerStage, Warning, "Something in front replaces Cache-Control: no-store. Browsers and caches may keep what is one visitor's alone.", nil},
	{"headers-removed", answerStage, Warning, "Something in front takes out headers that protect the pages.", nil},
	{"request-id-replaced", answerStage, Note, "The ID that visitors and the application see is not the one in the log.", nil},

	{"proxy-not-trusted", callerStage, Error, "The connection comes from a proxy that client_address.trusted_proxies does not name, so the proxy counts as the caller: all visitors share one address, and failed sign-ins of one lock all of them out.", nil},
	{"forwarded-for-forged", callerStage, Error, "The outermost trusted proxy passes on the header that the caller sent. Anybody can choose the address that limits count and the audit record shows.", nil},
	{"hop-not-trusted", callerStage, Error, "There is one more proxy on the way than client_address.trusted_proxies names, and it counts as the caller of everybody behind it.", nil},
	{"peer-is-a-proxy", callerStage, Error, "client_address.peer_is_client says that browsers connect directly, and a proxy is in front: all visitors share its address, and failed sign-ins of one lock all of them out.", nil},
	{"proxy-bypassed", callerStage, Error, "The settings speak of a proxy in front, and requests to the public origin reach Gatehouse without one.", []string{"client-address-unknown"}},
	{"forwarded-for-missing", callerStage, Warning, "The proxy does not set the header in which the caller's address is looked for, so it is unknown and no limit counts by address.", []string{"client-address-unknown"}},
	{"forwarded-for-unreadable", callerStage, Warning, "What the proxy sets is not an address, so the caller is unknown and no limit counts by address.", []string{"client-address-unknown"}},
	{"forwarded-host-believed", callerStage, Warning, "The application or a proxy builds addresses from X-Forwarded-Host, which any caller can send. Links in its pages and mails can be led elsewhere. Gatehouse itself does not ask that header.", nil},
	{"client-address-unknown", callerStage, Note, "A proxy is in front, and client_address.trusted_proxies names none, so the address of callers is unknown: no limit counts by address; those by account hold.", nil},

	{"hashing-memory", capacityStage, Error, "All hashes at once need more memory than there is. The system will end the server when enough people sign in together.", []string{"hashing-workers"}},
	{"hashing-workers", capacityStage, Warning, "More hashes run at once than there are cores, so each takes longer and more memory is in use, and not one sign-in more is served.", nil},
	{"hashing-slow", capacityStage, Warning, "At the configured cost the queue for hashing is longer than people or proxies wait. Sign-ins will time out under load instead of being refused at once.", nil},
}
