package security_test

import (
	"regexp"
	"strings"
	"testing"
)

const outbound = "docs/security/outbound.md"

// Every place in the code that can connect to somewhere stands in the list, and
// who names the other end: always a setting, never a request.
//
// proves: ASVS 13.1.1, ASVS 13.2.4
func TestOutbound_everyPlaceThatConnectsIsListed(t *testing.T) {
	connects := map[string]*regexp.Regexp{
		"net":                regexp.MustCompile(`^(Dial\w*|Lookup\w+|Resolver|DefaultResolver)$`),
		"net/http":           regexp.MustCompile(`^(Client|Transport|DefaultClient|DefaultTransport|Get|Post|PostForm|Head)$`),
		"crypto/tls":         regexp.MustCompile(`^(Dial\w*|Client)$`),
		"net/http/httputil":  regexp.MustCompile(`.`),
		"net/smtp":           regexp.MustCompile(`.`),
		"net/rpc":            regexp.MustCompile(`.`),
		"golang.org/x/net":   regexp.MustCompile(`.`),
		"syscall":            regexp.MustCompile(`^(Connect|Sendto)$`),
		"golang.org/x/sys/x": regexp.MustCompile(`^(Connect|Sendto)$`),
	}
	var is []string
	for _, s := range sources(t) {
		for path, pattern := range connects {
			for _, name := range s.uses(path) {
				if pattern.MatchString(name) {
					is = append(is, s.name)
				}
			}
		}
	}
	settings, commands := document(t, "docs/configuration.md"), document(t, "docs/cli.md")
	var said []string
	for _, row := range table(t, document(t, outbound)) {
		said = append(said, code(row[4])...)
		named := code(row[3])[0]
		known := settings
		if strings.HasPrefix(named, "--") {
			known = commands
		}
		if plain := named[strings.LastIndexByte(named, '.')+1:]; named != "NOTIFY_SOCKET" && !strings.Contains(known, plain) {
			t.Errorf("%s is named by %q, which is neither a setting nor a flag", row[4], named)
		}
	}
	sameSets(t, "files that connect", said, is)
}

// The libraries that are linked are asked as well: one that sends mail, or asks
// for updates, would need such a package.
//
// proves: ASVS 13.1.1
func TestOutbound_noLibraryBringsAnotherWayOut(t *testing.T) {
	for _, path := range linkedPackages(t) {
		switch path {
		case "net/smtp", "net/rpc", "net/http/httputil", "golang.org/x/oauth2", "google.golang.org/grpc":
			t.Errorf("%s is linked", path)
		}
	}
}
