package doctor

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// skew is how far clocks may be apart before anybody notices: a header has
// whole seconds, and an answer takes its time.
const skew = time.Minute

func (j *judge) server() {
	s, path := j.Server, j.Settings.OpsListen
	switch {
	case !s.Asked:
		return
	case s.Err != nil && j.Database.Served:
		who := ""
		if j.Database.ServedBy != "" {
			who = ", process " + tame(j.Database.ServedBy)
		}
		j.add("ops-unreachable", "ops_listen", "look at the \"listening\" line of its log for ops=…, and give that address in ops_listen; run this command where the server runs; if it hangs, restart it",
			"the lock of the database is held%s, and %s does not answer: %s", who, path, tame(s.Err.Error()))
		return
	case s.Err != nil && s.Taken && len(j.servers()) > 0:
		j.add("ops-unreachable", "ops_listen", "look at the \"listening\" line of its log for ops=…, and give that address in ops_listen; run this command where the server runs; if it hangs, restart it",
			"somebody listens at %s, %s, and %s does not answer: %s", j.Settings.Listen, j.working(), path, tame(s.Err.Error()))
		return
	case s.Err != nil && s.Taken:
		j.add("listen-taken", "listen", "find the other program (ss -ltnp) and end it, or choose another port with listen", "no server holds the database, and somebody listens at %s", j.Settings.Listen)
		return
	case s.Err != nil:
		elsewhere := ""
		if len(j.servers()) > 0 {
			elsewhere = "; elsewhere " + j.working()
		}
		j.add("server-not-running", "ops_listen", "start it: gatehouse serve"+j.flag()+"\nand read what it says; if it runs with other settings, give this command the same file and variables",
			"%s does not answer: %s%s", path, tame(s.Err.Error()), elsewhere)
		return
	case s.Foreign:
		j.add("ops-foreign", "ops_listen", "give ops_listen a port of its own, and restart the server; this shows who has it now: ss -ltnp", "what answers at %s is not Gatehouse", path)
		return
	}
	if s.Old || s.Instance.Version != j.Version {
		running := "an older version"
		if s.Instance.Version != "" {
			running = tame(s.Instance.Version)
		}
		j.add("version-differs", "", "restart the server with this program, or run the doctor of the program that is running", "the server is %s, and this program is %s", running, j.Version)
	}
	if s.Ours() {
		j.digests()
		if f, ok := j.file(BreachedFile); ok && f.Changed.After(s.Instance.Started) {
			j.add("breached-file-changed", "password.breached_file", "restart the server", "%s is of %s, and the server was started at %s",
				f.Path, f.Changed.UTC().Format(time.DateTime), s.Instance.Started.UTC().Format(time.DateTime))
		}
		if d := s.Instance.Now.Sub(j.Now).Abs(); d > skew {
			j.add("clock-skew", "", "let both clocks be set by the network (timedatectl)", "the server's clock and the one here are %s apart", d.Round(time.Second))
		}
	}
	j.readiness()
}

// servers are those that work on a PostgreSQL database, as it says itself.
func (j *judge) servers() []string {
	if p := j.Database.Postgres; p != nil {
		return p.Servers
	}
	return nil
}

// working says how many servers work on the database, and where.
func (j *judge) working() string {
	var names []string
	for _, name := range j.servers() {
		if name = tame(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	count := "1 server works"
	if n := len(j.servers()); n != 1 {
		count = fmt.Sprintf("%d servers work", n)
	}
	return count + " on the database (" + strings.Join(names, ", ") + ")"
}

// How reasons of /readyz begin.
const (
	staleFeed      = "the change feed was last read"
	silentDatabase = "the database does not answer"
)

func (j *judge) readiness() {
	if j.Server.Ready {
		return
	}
	reason := tame(j.Server.Reason)
	setting := "database.path"
	cure := "look at the disk and at the log (\"change feed cannot be read\"); if another program holds the database, end it (fuser -v " + quoted(j.Settings.Database.Path) + "); then restart the server"
	if j.Settings.Database.URL != "" {
		setting = "database.url"
		cure = "look at the database server and at the way to it from the machine of this server, and at the log (\"change feed cannot be read\"); when the database is back, the server is ready by itself"
	}
	switch {
	case setting == "database.url" && j.Database.Err != nil && (strings.HasPrefix(reason, staleFeed) || strings.HasPrefix(reason, silentDatabase)):
		// The doctor cannot reach it either, and has said so.
	case strings.HasPrefix(reason, staleFeed):
		j.add("change-feed-stale", setting, cure, "/readyz says: %s", reason)
	case strings.HasPrefix(reason, silentDatabase):
		j.add("database-not-answering", setting, cure, "/readyz says: %s", reason)
	default:
		j.add("server-not-ready", "", "wait half a minute and run this again; if it stays so, read the log", "/readyz says: %s", reason)
	}
}

// digests compares what the server was started with.
func (j *judge) digests() {
	var differ []string
	same := 0
	for name, digest := range j.Settings.Digests {
		if j.Server.Instance.Settings[name] != digest {
			differ = append(differ, name)
		} else {
			same++
		}
	}
	for name := range j.Server.Instance.Settings {
		if _, here := j.Settings.Digests[name]; !here {
			differ = append(differ, name)
		}
	}
	if len(differ) == 0 {
		return
	}
	slices.Sort(differ)
	const cure = "restart the server so that it reads them: systemctl restart gatehouse, or as it is run here\nif they come from the environment, give this command the same variables"
	if same == 0 { // the key of the digests is another one
		j.add("settings-not-loaded", "secrets", cure+"\nif another Gatehouse is meant to have this address, give this one another ops_listen",
			"the server at %s has other secrets than these, so nothing else could be compared", j.Settings.OpsListen)
		return
	}
	j.add("settings-not-loaded", differ[0], cure, "the running server (started %s) has other values of: %s",
		j.Server.Instance.Started.UTC().Format(time.DateTime), strings.Join(differ, ", "))
}

// listeners judges addresses to listen on. In a container every address is
// usual: what is published is decided outside of it.
func (j *judge) listeners() {
	if reach := reachOf(j.Settings.OpsListen); reach == everywhere || reach == anyAddress && !j.Machine.Container {
		j.add("ops-public", "ops_listen", "ops_listen: 127.0.0.1:"+portOf(j.Settings.OpsListen), "ops_listen is %s, which other machines can reach", j.Settings.OpsListen)
	}
	if j.Settings.CertFile != "" {
		return
	}
	if reach := reachOf(j.Settings.Listen); reach == everywhere || reach == anyAddress && !j.Machine.Container {
		j.add("listen-open", "listen", "listen: 127.0.0.1:"+portOf(j.Settings.Listen)+" when the proxy is on this machine, else the address in the network that only the proxy is on",
			"listen is %s, without TLS", j.Settings.Listen)
	}
}

type reach int

const (
	thisMachine reach = iota
	privateNetwork
	anyAddress // 0.0.0.0
	everywhere // a public address
)

func reachOf(address string) reach {
	host, _, _ := net.SplitHostPort(address)
	if host == "" {
		return anyAddress
	}
	a, err := netip.ParseAddr(host)
	a = a.Unmap()
	switch {
	case err != nil && strings.HasSuffix("."+host, ".localhost"):
		return thisMachine
	case err != nil: // a name: who can reach it is not known
		return privateNetwork
	case a.IsUnspecified():
		return anyAddress
	case a.IsLoopback():
		return thisMachine
	case a.IsPrivate(), a.IsLinkLocalUnicast(), netip.MustParsePrefix("100.64.0.0/10").Contains(a): // RFC 6598
		return privateNetwork
	}
	return everywhere
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
