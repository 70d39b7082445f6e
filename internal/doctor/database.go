package doctor

import (
	"strings"
	"time"
)

// largeLog is a write-ahead log that is not being taken in: it is cut to 64 MiB
// whenever it was.
const largeLog = 256 << 20

// ahead is how much a record may seem to be from the future: other programs'
// clocks, and ours while it is being set.
const ahead = 2 * time.Minute

func (j *judge) database() {
	path := j.Settings.Database.Where()
	if j.Settings.Database.URL != "" {
		j.postgres(path)
	}
	if log, ok := j.file(DatabaseLog); ok && log.Size > largeLog {
		j.add("wal-large", "database.path", "find who has it open (fuser -v "+quoted(path)+") and end what is not the server; then restart the server",
			"%s has %s", log.Path, size(uint64(log.Size)))
	}
	d := j.Database
	switch {
	case d.Missing:
		if j.Server.Ours() && j.Settings.Digests["database.path"] == j.Server.Instance.Settings["database.path"] {
			j.add("database-removed", "database.path", "put the file back, or restore a backup, and restart the server", "a server runs, and %s does not exist", path)
		}
		return
	case d.Err != nil && j.Settings.Database.URL != "":
		j.add("database-unreadable", "database.url", "correct database.url, or start the database server (see \"PostgreSQL\" in docs/operating.md)", "%s", tame(d.Err.Error()))
		return
	case d.Err != nil:
		j.add("database-unreadable", "database.path", "run this as the account of the server, or as root", "%s", tame(d.Err.Error()))
		return
	case len(d.Damage) > 0:
		j.add("database-corrupt", "database.path",
			"stop the server, keep a copy of the three files, and restore a backup (\"Backup and restore\" in docs/operating.md)\nwithout one: sqlite3 "+quoted(path)+" .recover | sqlite3 new.db, and look at the disk (dmesg)",
			"SQLite's check says: %s", tame(strings.Join(d.Damage, "; ")))
		return
	case d.Foreign:
		j.add("database-foreign", "database.path", "name a file of Gatehouse's own in database.path", "%s has tables that are not Gatehouse's", path)
		return
	case d.Version > d.Program:
		j.add("database-newer", "", "run the newer program, or restore a backup that was made before it", "%s has schema version %d, and this program knows only up to %d", path, d.Version, d.Program)
	case d.Version < d.Program && d.Version > 0 && j.Settings.Database.SkipMigrate:
		j.add("database-older", "database.skip_migrate", "gatehouse migrate"+j.flag(), "%s has schema version %d, and this program needs %d", path, d.Version, d.Program)
	}
	if d.Newest.Sub(j.Now) > ahead {
		j.add("clock-behind", "", "compare the clock with another one (date -u, timedatectl) and let it be set by the network", "the newest record is of %s, and here it is %s",
			d.Newest.UTC().Format(time.DateTime), j.Now.UTC().Format(time.DateTime))
	}
}

// postgres judges what only a database server has.
func (j *judge) postgres(where string) {
	p := j.Database.Postgres
	if p == nil || j.Database.Err != nil {
		return
	}
	if len(p.OpenSchemas) > 0 {
		j.add("database-open-schema", "", "as the owner of the database: REVOKE CREATE ON SCHEMA "+p.OpenSchemas[0]+" FROM PUBLIC;",
			"everybody may create in %s of %s", strings.Join(p.OpenSchemas, ", "), where)
	}
	if p.SynchronousStandbys == "" {
		j.add("failover-may-forget", "", "set synchronous_standby_names on the server, where a standby takes its place when it fails; without a standby there is nothing to do",
			"synchronous_standby_names of %s is empty", where)
	}
	if p.Remote && !p.Encrypted {
		j.add("database-unencrypted", "database.url", "sslmode=verify-full in database.url, and sslrootcert with the authority's certificate", "the connection to %s has no TLS", where)
	}
}
