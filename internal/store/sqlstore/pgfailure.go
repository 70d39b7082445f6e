package sqlstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// errStandby: PostgreSQL answers, but cannot be written to.
var errStandby = errors.New("the server is a standby, which may only be read; database.url must lead to the primary (several hosts may be named, and the primary is found)")

var errUnstorable = errors.New("sqlstore: a text holds a zero byte or is no UTF-8")

// translatePostgres is translate for PostgreSQL.
func translatePostgres(doing string, err error) error {
	switch code := sqlState(err); {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	case code == "23505" || errors.Is(err, errUnstorable): // unique_violation
		return store.ErrConflict
	case code == "23503": // foreign_key_violation
		return store.ErrNotFound
	}
	return describePostgres(doing, err)
}

// constraint says whether the contract has an answer for what the server
// refused.
func constraint(err error) bool {
	code := sqlState(err)
	return code == "23505" || code == "23503"
}

// sqlState is PostgreSQL's code of the error, empty for others.
func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// overtaken says whether the transaction lost against another one and nothing
// of it is kept.
func overtaken(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return !errors.Is(err, errUnknown)
	}
	return false
}

// lost says whether the connection broke or was ended before anything could
// have been kept. One that was given up because nobody answered is not tried
// again: the next would wait as long.
func lost(err error) bool {
	if err == nil || errors.Is(err, errUnknown) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	switch code := sqlState(err); code {
	case "57P01", "57P02", "57P03", "25006": // shut down, crashed, starting up; made a standby
		return true
	case "":
		var network net.Error
		return pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "unexpected EOF") || errors.As(err, &network) ||
			strings.Contains(err.Error(), "conn closed")
	default:
		return false
	}
}

// errUnknown marks what may have been kept or not.
var errUnknown = errors.New("it is not known whether the change was kept")

func unknownOutcome(err error) error {
	return fmt.Errorf("sqlstore: commit, so %w: %w", errUnknown, err)
}

// describePostgres is describe for PostgreSQL. pgx shows no password in its
// errors.
func describePostgres(doing string, err error) error {
	if err == nil {
		return nil
	}
	if hint := plainPostgres(err); hint != "" {
		return fmt.Errorf("sqlstore: %s: %s: %w", doing, hint, inOneLine{err})
	}
	return fmt.Errorf("sqlstore: %s: %w", doing, inOneLine{err})
}

// inOneLine is an error whose text is one line: the driver lists its attempts
// one below the other, and the same twice where it tries with and without TLS.
type inOneLine struct{ error }

func (e inOneLine) Error() string {
	lines := strings.Split(e.error.Error(), "\n")
	out := lines[:0]
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return strings.ReplaceAll(strings.Join(out, "; "), ":; ", ": ")
}

func (e inOneLine) Unwrap() error { return e.error }

// plainPostgres says in an operator's words what stands in the way.
func plainPostgres(err error) string {
	switch code := sqlState(err); code {
	case "28000":
		if strings.Contains(err.Error(), "no encryption") {
			return "the server lets nobody in without TLS: set sslmode=verify-full in database.url"
		}
		fallthrough
	case "28P01":
		return "the server refuses the user or the password of database.url (or pg_hba.conf does not let it in from here)"
	case "3D000":
		return "there is no such database; make it with: CREATE DATABASE, or correct database.url"
	case "42501":
		return "the user of database.url lacks a right; see the roles in docs/operating.md"
	case "53300":
		return "the server has no connection left; lower database.max_connections of every Gatehouse, or raise max_connections of the server"
	case "53100":
		return "the server's disk is full"
	case "57014":
		return "it took longer than database.statement_timeout"
	case "55P03":
		return "another transaction held the row for longer than database.statement_timeout"
	case "25006", "0A000":
		return "the server is a standby or may only be read; database.url must lead to the primary"
	case "57P01", "57P02", "57P03":
		return "the server is stopping or starting"
	case "42P01":
		return "a table is missing; run: gatehouse migrate"
	case "22021":
		return "a text cannot be stored in PostgreSQL (it holds a zero byte or is no UTF-8)"
	}
	var connecting *pgconn.ConnectError
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var named x509.HostnameError
	switch {
	case standing(err):
		return "the server cannot be written to"
	case strings.Contains(err.Error(), refusedTLS):
		return "the server speaks no TLS, which sslmode of database.url asks for"
	case errors.As(err, &dns):
		return "the host of database.url is not known"
	case errors.As(err, &connecting) && strings.Contains(err.Error(), "refused"):
		return "nothing listens there: is PostgreSQL running?"
	case errors.As(err, &unknown):
		return "the certificate of the server is by an authority that is not trusted here: name its certificate with sslrootcert in database.url"
	case errors.As(err, &named):
		return "the certificate of the server is for another name than the host of database.url"
	case errors.As(err, &connecting) && strings.Contains(err.Error(), "tls"):
		return "no trusted TLS connection (sslmode and sslrootcert of database.url)"
	case errors.Is(err, context.DeadlineExceeded):
		return "the server does not answer in time"
	case lost(err):
		return "the connection is gone: the server was stopped, or something on the way has closed it"
	}
	return ""
}

// Away says whether err of [OpenPostgres] means that the server could not be
// reached, or is starting or stopping, so that waiting may help. Where several
// hosts are named, one of them may become the primary; a standby alone does not,
// and a certificate that is not trusted stays so.
func Away(err error) bool {
	var connecting *pgconn.ConnectError
	if !errors.As(err, &connecting) {
		return stopping(err) || sqlState(err) == "" && errors.Is(err, context.DeadlineExceeded)
	}
	several := len(hosts(connecting.Config)) > 1
	hopeless := func(err error) bool {
		return sqlState(err) != "" && !stopping(err) || untrusted(err) || standing(err) && !several
	}
	tries := attempts(connecting)
	if several {
		return !slices.ContainsFunc(tries, refusedForGood) && slices.ContainsFunc(tries, func(err error) bool { return !hopeless(err) })
	}
	return !slices.ContainsFunc(tries, hopeless)
}

// attempts are what became of each host's each address.
func attempts(err *pgconn.ConnectError) []error {
	if all, is := err.Unwrap().(interface{ Unwrap() []error }); is {
		return all.Unwrap()
	}
	return []error{err.Unwrap()}
}

func stopping(err error) bool {
	code := sqlState(err)
	return code == "57P01" || code == "57P02" || code == "57P03"
}

// refusedForGood: another host would say the same, and is not asked (pgconn).
func refusedForGood(err error) bool {
	code := sqlState(err)
	return code == "28P01" || code == "3D000" || code == "42501"
}

// standing says that the server is a standby, whichever way it was asked.
func standing(err error) bool {
	return errors.Is(err, errStandby) || errors.Is(err, pgconn.ErrReadOnlyConnection) || errors.Is(err, pgconn.ErrStandbyConnection)
}

// untrusted says that there is a server and no TLS with it as the URL wants it.
func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || strings.Contains(err.Error(), refusedTLS)
}

// refusedTLS is how pgconn says it.
const refusedTLS = "refused TLS connection"

// Where names host, port and database of a URL and nothing else of it.
func Where(u auth.Secret) string {
	config, err := pgconn.ParseConfig(u.Reveal())
	if err != nil {
		return "database.url"
	}
	return strings.Join(hosts(config), ",") + "/" + config.Database
}

// CheckURL says what is wrong with a URL, without showing it.
func CheckURL(u auth.Secret) error {
	text := u.Reveal()
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return errors.New("does not begin with postgres://")
	}
	if _, err := pgconn.ParseConfig(text); err != nil {
		return badURL(err)
	}
	return nil
}

// badURL leaves pgx's reasons out: they quote the URL, with the password where
// that is what cannot be read. A file that is missing is named.
func badURL(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return fmt.Errorf("names a file that cannot be read: %w", file)
	}
	return errors.New("cannot be read")
}

func namesExecMode(text string) bool { return strings.Contains(text, "default_query_exec_mode") }
